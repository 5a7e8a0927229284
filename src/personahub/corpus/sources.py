"""From what the user names (files, folders, globs) to a list of files that can be read."""

import glob
from collections.abc import Sequence
from pathlib import Path

from personahub.errors import UserError

__all__ = ["COMPRESSIONS", "FORMATS", "SourceFiles", "find_files", "format_of"]

FORMATS = {".txt": "text", ".md": "markdown", ".jsonl": "jsonl"}
"""File name endings and the formats they stand for."""

COMPRESSIONS = {".gz", ".zst"}
"""Endings that may follow a format's."""


class SourceFiles(list[Path]):
    """Files in the order of the sources, each source's own sorted; no file twice.

    Attributes:
        unsupported: files in the folders whose format is none of ours.
    """

    unsupported: list[Path]


def format_of(file: Path) -> str | None:
    """The format that a file's name stands for, or None."""
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return FORMATS.get(suffixes[-1]) if suffixes else None


def find_files(sources: Sequence[str]) -> SourceFiles:
    """The files that the sources name; folders are walked, hidden files in them left out.

    Raises:
        UserError: a source names nothing, or only files that cannot be read.
    """
    found = SourceFiles()
    found.unsupported = []
    seen = set()
    for source in sources:
        files, unsupported = _expand(source)
        for kind, place in ((files, found), (unsupported, found.unsupported)):
            for file in kind:
                if (identity := file.resolve()) not in seen:
                    seen.add(identity)
                    place.append(file)
    return found


def _expand(source: str) -> tuple[list[Path], list[Path]]:
    path = Path(source)
    endings = ", ".join(FORMATS) + ", each also with " + " or ".join(sorted(COMPRESSIONS))
    if path.is_dir():
        inside = sorted(
            file
            for file in path.rglob("*")
            if file.is_file() and not any(p.startswith(".") for p in file.relative_to(path).parts)
        )
        files = [file for file in inside if format_of(file)]
        if not files:
            holds = f"none of its {len(inside)} files" if inside else "it is empty, so nothing"
            raise UserError(f"{source}: {holds} can be read; supported are {endings}")
        return files, [file for file in inside if not format_of(file)]
    if path.exists():
        named = [path]
    else:
        named = sorted(p for name in glob.glob(source, recursive=True) if (p := Path(name)).is_file())
        if not named:
            raise UserError(f"{source}: no such file, folder or pattern")
    for file in named:
        if not format_of(file):
            raise UserError(f"{file}: unknown format; supported are {endings}")
    return named, []

"""From what the user names (files, folders, patterns, addresses) to the files that can be read."""

import glob
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from personahub.corpus.card import CARD, MAX_CARD_BYTES, licence_in_card
from personahub.corpus.compression import COMPRESSIONS, Piece, read_pieces
from personahub.corpus.remote import find_remote, open_remote, read_card, without_secrets
from personahub.errors import UserError

__all__ = ["FORMATS", "Source", "Sources", "find_sources"]

FORMATS = {
    ".txt": "text",
    ".md": "text",
    ".markdown": "text",
    ".html": "html",
    ".htm": "html",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".warc": "warc",
    ".wet": "warc",
    ".arc": "arc",
}
"""File name endings and the formats they stand for."""
_STARTS = {b"WARC/": "warc", b"filedesc:": "arc", b"PAR1": "parquet"}
"""First bytes that tell a format where the name does not."""
_SIGNALS = ".signals.json"


class Source(NamedTuple):
    """One file."""

    path: str
    """As the user named it, or as found in what the user named; a path or an address."""
    format: str
    size: int
    """Bytes."""
    licence: str = ""
    """Of its texts, as the data set card beside it tells."""

    @property
    def name(self) -> str:
        """What its documents give as their source: no password, no key, no half of a character."""
        if "://" in self.path:
            return without_secrets(self.path)
        return Path(self.path).as_posix().encode(errors="replace").decode()

    @property
    def is_compressed(self) -> bool:
        """Whether its name says so."""
        return self.path.partition("?")[0].lower().endswith(COMPRESSIONS)

    def open(self) -> BinaryIO:
        """Open it.

        Raises:
            OSError: it cannot be opened.
        """
        return open_remote(self.path) if "://" in self.path else Path(self.path).open("rb")


class Sources(list[Source]):
    """Files in the order in which they were named, those of a folder sorted; no file twice.

    Attributes:
        unsupported: names of files in the folders whose format is none of ours.
    """

    unsupported: list[str]


def find_sources(named: Sequence[str], formats: Mapping[str, str] = FORMATS) -> Sources:
    """The files that the user's names stand for; folders are walked, hidden files in them left out.

    Args:
        named: files, folders, glob patterns or addresses.
        formats: file name endings that are read, and the formats they stand for.

    Raises:
        UserError: a name stands for nothing, or only for files that cannot be read.
    """
    found = Sources()
    found.unsupported = []
    seen = set()
    for name in named:
        files, unsupported = _remote(name, formats) if "://" in name else _local(name, formats)
        for source in files:
            identity = source.path if "://" in source.path else str(Path(source.path).resolve())
            if identity not in seen:
                seen.add(identity)
                found.append(source)
        found.unsupported += [path for path in unsupported if path not in found.unsupported]
    return found


def _format_of(path: str, formats: Mapping[str, str], start: Callable[[], bytes] | None = None) -> str | None:
    """The format of a file, by its name, or else by its first bytes."""
    name = path.lower()
    for ending in COMPRESSIONS:
        name = name.removesuffix(ending)
    # Signals are read along with the texts that they are of.
    if name.endswith((_SIGNALS, ".wat")):
        return None
    known = next((kind for ending, kind in formats.items() if name.endswith(ending)), None)
    if known or start is None:
        return known
    content = start()
    told = next((kind for first, kind in _STARTS.items() if content.startswith(first)), None)
    return told if told in formats.values() else None


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            first = next(read_pieces(file, compressed=False), None)
            return first.content[:16] if isinstance(first, Piece) else b""
    except OSError:
        return b""


def _supported(formats: Mapping[str, str]) -> str:
    return (
        f"supported are {', '.join(formats)}, each also with"
        f" {', '.join(COMPRESSIONS[:-1])} or {COMPRESSIONS[-1]}"
    )


def _local(name: str, formats: Mapping[str, str]) -> tuple[list[Source], list[str]]:
    path = Path(name)
    if path.is_dir():
        inside = sorted(
            file
            for file in path.rglob("*")
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
        )
        kinds = {file: _format_of(str(file), formats, partial(_start, file)) for file in inside}
        card = path / CARD
        licence = licence_in_card(card.read_bytes()[:MAX_CARD_BYTES]) if card.is_file() else ""
        files = [
            Source(str(file), kind, file.stat().st_size, licence) for file, kind in kinds.items() if kind
        ]
        if not files:
            holds = f"none of its {len(inside)} files" if inside else "it is empty, so nothing"
            raise UserError(f"{name}: {holds} can be read; {_supported(formats)}")
        return files, [
            Source(str(file), "", 0).name
            for file, kind in kinds.items()
            if not kind and _SIGNALS not in file.name
        ]
    if path.exists():
        paths = [path]
    else:
        paths = sorted(p for found in glob.glob(name, recursive=True) if (p := Path(found)).is_file())
        if not paths:
            raise UserError(f"{name}: no such file, folder or pattern")
    files = []
    for file in paths:
        kind = _format_of(str(file), formats, partial(_start, file))
        if not kind:
            raise UserError(f"{file}: unknown format; {_supported(formats)}")
        files.append(Source(str(file), kind, file.stat().st_size))
    return files, []


def _remote(name: str, formats: Mapping[str, str]) -> tuple[list[Source], list[str]]:
    found = find_remote(name)
    kinds = {path: _format_of(path.partition("?")[0], formats) for path in found}
    licence = licence_in_card(read_card(name))
    files = [Source(path, kind, found[path], licence) for path, kind in kinds.items() if kind]
    if not files:
        raise UserError(
            f"{without_secrets(name)}: {'nothing there' if not found else 'unknown format'};"
            f" {_supported(formats)}"
        )
    return files, [without_secrets(path) for path, kind in kinds.items() if not kind]

"""The manifest of what is given away: what it was made from and how, and the hashes of all its files.

A manifest ``manifest.json`` in a folder is of all files below that folder; one named ``FILE.manifest.json``
is of that file beside it. Each flipped byte shows, in a file by its hash, in the manifest by its signature.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from personahub.errors import UserError

__all__ = ["MANIFEST", "faults_of", "manifest_beside", "read_manifest", "write_manifest"]

MANIFEST = "manifest.json"
"""The name of a folder's manifest."""
_FORMAT = 1
_PIECE = 2**20


def manifest_beside(file: Path) -> Path:
    """Where the manifest of one file lies."""
    return file.with_name(f"{file.name}.{MANIFEST}")


def write_manifest(path: Path, statement: Mapping[str, Any]) -> None:
    """Write a manifest, whole or not at all, once all the files that it is of are there.

    Args:
        path: where: in a folder as :data:`MANIFEST`, or beside a file as :func:`manifest_beside` says.
        statement: what is said of the data, beside the hashes: JSON.

    Raises:
        OSError: a file cannot be read, or the manifest not written.
    """
    files = [
        {"path": name, "bytes": file.stat().st_size, "sha256": _digest(file)}
        for name, file in _files_of(path)
    ]
    content = {"format": _FORMAT, "synthetic": True, **statement, "files": files}
    draft = path.with_name(f".{path.name}.part")
    with draft.open("w", encoding="utf-8") as out:
        json.dump(content, out, ensure_ascii=False, indent=1)
        out.write("\n")
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)


def read_manifest(path: Path) -> dict[str, Any]:
    """A manifest.

    Raises:
        UserError: there is none, or it is no manifest of this format.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        files = content["files"]
        whole = content["format"] == _FORMAT and all(
            isinstance(each["path"], str) and isinstance(each["sha256"], str) for each in files
        )
    except FileNotFoundError:
        raise UserError(f"{path}: there is no manifest") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path}: is no manifest of a data set ({error})") from error
    if not whole:
        raise UserError(f"{path}: is a manifest of another format than {_FORMAT}, the one known here")
    return dict(content)


def faults_of(path: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the files, one line each; nothing where each byte is as the manifest says."""
    there = dict(_files_of(path))
    for each in manifest["files"]:
        name = each["path"]
        # A manifest may be anybody's, and must not have files read that are not the data set's.
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            yield f"{name}: lies outside of the data set"
        elif (file := there.pop(name, None)) is None:
            yield f"{name}: is not there"
        elif (size := file.stat().st_size) != each.get("bytes"):
            yield f"{name}: has {size:,} bytes, and had {each.get('bytes')}"
        elif _digest(file) != each["sha256"]:
            yield f"{name}: was changed since (its SHA-256 is another)"
    for name in there:
        yield f"{name}: is not in the manifest"


def _files_of(path: Path) -> Iterable[tuple[str, Path]]:
    """The files that a manifest is of, by their names in it, in their order."""
    if path.name != MANIFEST:
        file = path.with_name(path.name.removesuffix(f".{MANIFEST}"))
        return [(file.name, file)] if file.is_file() else []
    own = {path, path.with_name(f"{path.name}.sig")}
    found = (file for file in path.parent.rglob("*") if file.is_file() and file not in own)
    return sorted((file.relative_to(path.parent).as_posix(), file) for file in found)


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while piece := content.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()

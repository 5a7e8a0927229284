"""Files elsewhere, by their address: http(s), S3 and other object stores, data sets of the Hugging Face hub.

All of it is fsspec's work; this module says what is missing and goes on after a dropped connection.
"""

import io
import re
import time
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from personahub.corpus.card import CARD, MAX_CARD_BYTES
from personahub.errors import UserError

__all__ = ["find_remote", "open_remote", "read_card", "without_secrets"]

_BLOCK_BYTES = 2**22
_WAITS = (0.3, 1.0)
"""Seconds before each further try."""
_SECRETS = re.compile(r"(?<=://)[^\s/@]*@|\?\S*")
"""Passwords and keys in an address."""
_EXTRA = "install what it takes: pip install 'personahub[remote]'"
_LEFT_OUT = (".gitattributes", CARD)


def find_remote(address: str) -> dict[str, int]:
    """The files that an address stands for, with their bytes: itself, those in it, or those it matches.

    ``hf://OWNER/NAME`` stands for a data set, ``hf://datasets/OWNER/NAME/…`` for a part of it.

    Raises:
        UserError: what it takes is not installed, or the address cannot be reached.
    """
    address = _whole(address)
    files, path = _files(address)
    scheme = address.partition("://")[0]
    try:
        if scheme in {"http", "https"}:
            return {address: int(files.info(path).get("size") or 0)}
        if any(char in path for char in "*?["):
            found = files.glob(path, detail=True)
        elif files.isdir(path):
            found = files.find(path, detail=True)
        else:
            found = {path: files.info(path)}
    except Exception as error:
        raise UserError(f"{without_secrets(address)}: cannot be reached ({_first_line(error)})") from error
    return {
        files.unstrip_protocol(name): int(info.get("size") or 0)
        for name, info in sorted(found.items())
        if info.get("type") != "directory" and not name.endswith(_LEFT_OUT)
    }


def read_card(address: str) -> bytes:
    """The beginning of the data set card of a folder, or of the data set that the address is a part of.

    Empty where there is none.
    """
    address = _whole(address)
    scheme = address.partition("://")[0]
    if scheme in {"http", "https"}:
        return b""
    files, path = _files(address)
    if scheme == "hf":
        path = "/".join(path.split("/")[:3])
    try:
        with files.open(f"{path.rstrip('/')}/{CARD}", "rb") as card:
            content: bytes = card.read(MAX_CARD_BYTES)
            return content
    except Exception:
        return b""


def open_remote(address: str) -> BinaryIO:
    """Open a file for reading.

    Raises:
        OSError: it cannot be opened; reading it may raise no other error either.
        UserError: what it takes is not installed.
    """
    return cast(BinaryIO, _RemoteFile(*_files(address)))


class _RemoteFile(io.RawIOBase):
    """A file that is opened again, and gone on with, where its server breaks off."""

    def __init__(self, files: Any, path: str) -> None:
        self._files = files
        self._path = path
        self._place = 0
        self._streams = False
        """Whether its server gives it only from its start, as the simplest ones do."""
        self._file: Any = None
        self._try(lambda file: None)

    def read(self, size: int = -1) -> bytes:
        content: bytes = self._try(lambda file: file.read(size))
        self._place += len(content)
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = self._try(lambda file: file.seek(offset, whence))
        return self._place

    def tell(self) -> int:
        return self._place

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        if self._file:
            self._file.close()
        super().close()

    def _try(self, act: Callable[[Any], Any]) -> Any:
        waits = iter(_WAITS)
        while True:
            try:
                self._file = self._file or self._opened()
                return act(self._file)
            except Exception as error:
                self._file = None
                # What fsspec says where a server answers a range with the whole.
                if isinstance(error, ValueError) and self._place and not self._streams:
                    self._streams = True
                elif isinstance(error, FileNotFoundError) or (wait := next(waits, None)) is None:
                    raise OSError(_first_line(error)) from error
                else:
                    time.sleep(wait)

    def _opened(self) -> Any:
        if not self._streams:
            file = self._files.open(self._path, "rb", block_size=_BLOCK_BYTES, cache_type="readahead")
            file.seek(self._place)
            return file
        file = self._files.open(self._path, "rb", block_size=0)
        missing = self._place
        while missing and (passed := file.read(min(missing, _BLOCK_BYTES))):
            missing -= len(passed)
        return file


def _whole(address: str) -> str:
    """The address with what may be left out of a data set's."""
    if address.startswith("hf://") and not address.startswith(("hf://datasets/", "hf://buckets/")):
        return "hf://datasets/" + address.removeprefix("hf://")
    return address


def _files(address: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise UserError(f"{without_secrets(address)}: {_EXTRA}") from error
    try:
        files, path = url_to_fs(address)
    except ImportError as error:
        raise UserError(f"{without_secrets(address)}: {_EXTRA} ({_first_line(error)})") from error
    except ValueError as error:
        raise UserError(f"{without_secrets(address)}: no address of a file ({_first_line(error)})") from error
    return files, path


def without_secrets(address: str) -> str:
    """The address without a password or a query, which may be a key."""
    return _SECRETS.sub("", address)


def _first_line(error: Exception) -> str:
    return without_secrets(str(error).partition("\n")[0] or type(error).__name__)[:200]

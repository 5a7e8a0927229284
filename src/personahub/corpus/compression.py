"""Compressed files as streams of their content, which tell damage and truncation.

``zstandard``'s own stream reader ends a file that was cut short as if it were whole, so frames are joined
here.
"""

import gzip
import io
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import zstandard

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["DAMAGE", "open_decompressed"]

DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)
"""What reading a compressed file raises where it is cut short or broken; all before it has been given."""

_CHUNK = 2**16
_MAX_WINDOW = 2**31
"""The most that ``zstd --long`` writes; memory is taken as the window fills."""


def open_decompressed(file: Path) -> gzip.GzipFile | io.BufferedReader:
    """The file's content: of all its gzip members or Zstandard frames, or as it is.

    Raises:
        OSError: the file cannot be opened.
    """
    if file.suffix.lower() == ".gz":
        return gzip.open(file, "rb")
    if file.suffix.lower() == ".zst":
        return io.BufferedReader(_ZstdFrames(file.open("rb")), _CHUNK)
    return file.open("rb")


class _ZstdFrames(io.RawIOBase):
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._input = self._output = b""
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        while self._given == len(self._output):
            if not (chunk := self._input or self._file.read(_CHUNK)):
                if self._frame is not None:
                    raise EOFError("Compressed file ended before the end of a frame was reached")
                return 0
            frame = self._frame or self._decompressor.decompressobj()
            self._output, self._given = frame.decompress(chunk), 0
            self._input = frame.unused_data
            self._frame = None if frame.eof else frame
        view = memoryview(buffer).cast("B")
        piece = self._output[self._given : self._given + len(view)]
        view[: len(piece)] = piece
        self._given += len(piece)
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()

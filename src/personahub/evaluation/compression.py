"""How well a set of texts compresses: what repeats, be it words or whole sentences, takes less room."""

import zlib
from collections.abc import Iterable
from typing import Any, Literal

__all__ = ["CompressionRatio", "Compressor", "compression_ratio"]

Compressor = Literal["gzip", "zstd"]
"""gzip at level 9 is the measure as published (Shaib et al. 2024, Standardizing the Measurement of Text
Diversity); it sees repetition within 32 kB only, so the order of the texts counts. zstd at level 9 with a
window of 128 MB sees it anywhere in such a stretch."""


class CompressionRatio:
    """How many times smaller a compressor makes texts that come bit by bit, joined by spaces.

    Args:
        by: the compressor.
        size: how many bytes will come in all, where that is known: it takes less memory for few.
    """

    def __init__(self, by: Compressor, size: int | None = None) -> None:
        """Nothing is compressed yet."""
        self._compressor: Any
        if by == "gzip":
            self._compressor = zlib.compressobj(9, wbits=31)
        else:
            import zstandard

            parameters = zstandard.ZstdCompressionParameters.from_level(
                9, source_size=size or 0, window_log=27 if size is None else 0, enable_ldm=size is None
            )
            self._compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        self._before = self._after = 0

    def add(self, texts: Iterable[str]) -> None:
        """Compress more texts."""
        joined = " ".join(texts)
        piece = (" " + joined if self._before else joined).encode(errors="replace")
        self._before += len(piece)
        self._after += len(self._compressor.compress(piece))

    def ratio(self) -> float:
        """Bytes before by bytes after; ends the compression."""
        return self._before / (self._after + len(self._compressor.flush()))


def compression_ratio(texts: Iterable[str], by: Compressor = "gzip") -> float:
    """The ratio of a few texts, joined by spaces."""
    taken = list(texts)
    ratio = CompressionRatio(by, sum(len(text.encode(errors="replace")) + 1 for text in taken))
    ratio.add(taken)
    return ratio.ratio()

"""The words that diversity is counted in, of any script, and texts cut to a number of them.

A word is a run of letters, marks and digits, an apostrophe inside belongs to it, and case does not count.
Scripts that part no words are counted in characters: Han and Kana one by one; Thai, Lao, Khmer and Burmese a
letter with its marks. Other tokens than those of surface deduplication, which cuts Thai into overlapping
runs: n-grams need tokens that follow one another, and a cut text needs to know where each ends.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["cut_to_words", "find_words", "gram_hashes"]

_ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z0-9]+)*")
_MIXED = np.uint64(0x9E3779B97F4A7C15)


def find_words(text: str) -> list[str]:
    """The words of a text in their order, case folded; characters where the script parts no words."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return [word.casefold() for word in _word().findall(text)]


def cut_to_words(text: str, count: int) -> str:
    """The text up to the end of its word of this number; all of a text that has no more."""
    pattern = _ASCII_WORD if text.isascii() else _word()
    last = next(islice(pattern.finditer(text), count - 1, None), None)
    return text if last is None else text[: last.end()]


def gram_hashes(
    texts: Iterable[Sequence[str]], n: int
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """The word n-grams of texts, each as a hash of 64 bits that is the same in every process.

    Args:
        texts: the words of each.
        n: words of an n-gram.

    Returns:
        The hashes, one text's after another's, and the place of each one's text; two equal shapes.
    """
    lengths: list[int] = []
    hashes: list[int] = []
    for words in texts:
        lengths.append(len(words))
        hashes += map(_hash, words)
    text = np.repeat(np.arange(len(lengths)), lengths)
    words_ = np.array(hashes, dtype=np.uint64)
    count = max(len(words_) - n + 1, 0)
    grams = np.zeros(count, np.uint64)
    for place in range(n):
        grams = (grams ^ words_[place : place + count]) * _MIXED
        grams ^= grams >> np.uint64(29)
    whole = text[:count] == text[n - 1 :]
    return grams[whole], text[:count][whole]


@lru_cache(2**17)
def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(errors="replace"), digest_size=8).digest())


@lru_cache(1)
def _word() -> Any:
    import regex

    single = r"[\p{Han}\p{Hiragana}\p{Katakana}ー]"
    sounds = r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
    letters = rf"[[\p{{L}}\p{{M}}\p{{N}}]--{single}--{sounds}]"
    return regex.compile(
        rf"{single}|[{sounds}&&[\p{{L}}\p{{N}}]]\p{{M}}*|{letters}+(?:['’]{letters}+)*", regex.V1
    )

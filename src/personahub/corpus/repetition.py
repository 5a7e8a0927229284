"""Texts that say the same thing again and again: Gopher's rules of repetition (Rae et al. 2021, table A1).

The published limits are for pages of at least 50 words. In one sentence two words said twice are already a
fifth of it, so runs of words count where the text has 50 words, and a pair where it comes four times.
Where words are not parted by spaces, a word stands for two characters, as segmenters find it to be for
Chinese. Lines and paragraphs without a letter or digit (rules, fences, table frames) are not counted.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

__all__ = ["count_words", "find_repetition", "is_unspaced"]

_LINES = 0.30
_LINE_CHARACTERS = 0.20
_TOP_RUNS = {2: 0.20, 3: 0.18, 4: 0.16}
_REPEATED_RUNS = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
"""The largest share of the characters, by the words of a run."""

_MIN_WORDS = 50
_MIN_TIMES = 4
_SIGN = 0.10
"""Share of pairs of words that came before. Ordinary texts of 160 words have 2-5 %, and every run above
its limit makes more than this, unless its words are twice as long as the others."""

_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LETTER = re.compile(r"[^\W\d_]")


def is_unspaced(text: str, words: int) -> bool:
    """Whether most of the text is in scripts that put no spaces between words: Chinese, Thai, Khmer, …"""
    return not text.isascii() and len(text) > 10 * words and 3 * len(_UNSPACED.findall(text)) > len(text)


def count_words(text: str, words: int) -> int:
    """The number of words, where ``words`` are parted by spaces; two characters a word in other scripts."""
    return len(text) // 2 if is_unspaced(text, words) else words


def find_repetition(text: str, words: Sequence[str]) -> str | None:
    """What comes again and again in a text; None if nothing does.

    Args:
        text: without tags, not empty.
        words: its words, as ``str.split`` gives them.
    """
    return (
        _repeated_parts(text, "\n", "lines")
        or _repeated_parts(text, "\n\n", "paragraphs")
        or _runs(text, words)
    )


def _repeated_parts(text: str, end: str, name: str) -> str | None:
    parts = text.split(end)
    if len(parts) < 3 or len(set(parts)) == len(parts):
        return None
    parts = [part for raw in parts if _LETTER.search(part := raw.strip())]
    counts = Counter(parts)
    repeats = sum(times - 2 for times in counts.values() if times > 2)
    characters = sum(len(part) * (times - 2) for part, times in counts.items() if times > 2)
    if repeats > _LINES * len(parts) or characters > _LINE_CHARACTERS * len(text):
        part, times = counts.most_common(1)[0]
        return f"{times} times {part[:60]!r}, one of {len(parts)} {name}"
    return None


def _runs(text: str, words: Sequence[str]) -> str | None:
    scale = 1
    if is_unspaced(text, len(words)):
        scale = 2 if 2 * len(_HAN.findall(text)) > len(text) else 4
        words = "".join(words)
    if len(words) < _MIN_WORDS * scale:
        return None
    if len(set(pairwise(words) if scale == 1 else _windows(words, scale + 1))) > (1 - _SIGN) * (
        len(words) - 1
    ):
        return None
    folded = [word.casefold() for word in words]
    total = sum(map(len, folded))
    for size, limit in _TOP_RUNS.items():
        run, times = Counter(_windows(folded, size * scale)).most_common(1)[0]
        if times >= _MIN_TIMES and times * sum(map(len, run)) > 2 * limit * total:
            return f"{times} times {' '.join(run)!r}"
    for size, limit in _REPEATED_RUNS.items():
        share = _repeated_characters(folded, size * scale) / total
        if share > 2 * limit:
            return f"{share:.0%} in runs of {size} words that came before"
        if share <= 2 * _REPEATED_RUNS[10]:
            break
    return None


def _windows(words: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(size)), strict=False)


def _repeated_characters(words: Sequence[str], size: int) -> int:
    """Characters in runs that came before, those where runs overlap counted once."""
    seen: set[tuple[str, ...]] = set()
    characters = covered = 0
    for start, run in enumerate(_windows(words, size)):
        if run in seen:
            first = max(covered, start)
            characters += sum(map(len, words[first : start + size]))
            covered = start + size
        seen.add(run)
    return characters

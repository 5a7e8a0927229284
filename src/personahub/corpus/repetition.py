"""Texts that say the same thing again and again: Gopher's rules of repetition (Rae et al. 2021, table A1).

Gopher's limits are for whole pages. Of a part of 160 words, one sentence said twice is already the tenth that
they allow: a pull quote, a question under its own headline, a list with one wording. On good texts they
fired four times as often as with these changes (0.64 % against 0.16 %), nearly always wrongly:

- lines and paragraphs count from their third time on, and only where they hold a letter: the cells of a
  table, fences and rules are no repetition;
- runs of words may fill twice the published share, and count in texts of 50 words, Gopher's shortest page;
- where words are not parted by spaces, a word stands for two Chinese characters, as segmenters find, or
  for four of another script (Thai, Khmer, Japanese syllables).
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

__all__ = ["count_words", "find_repetition"]

_LINES = 0.30
_LINE_CHARACTERS = 0.20
# The largest share of the characters by the words of a run: of the commonest run, of all runs that repeat.
_TOP_RUN = {2: 0.40, 3: 0.36, 4: 0.32}
_REPEATED_RUNS = {5: 0.30, 6: 0.28, 7: 0.26, 8: 0.24, 9: 0.22, 10: 0.20}

_MIN_WORDS = 50
_MIN_TIMES = 4
# Share of neighbouring words that were neighbours before: 2-5 % in ordinary texts of 160 words, and more than
# this where a run is above its limit, unless its words are much longer than the others.
_SIGN = 0.15

_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LETTER = re.compile(r"[^\W\d_]")


def _is_unspaced(text: str, words: int) -> bool:
    """Whether most of the text is in scripts without spaces between words, as Chinese, Thai and Khmer."""
    return not text.isascii() and len(text) > 10 * words and 3 * len(_UNSPACED.findall(text)) > len(text)


def count_words(text: str, words: int) -> int:
    """The number of words, where ``words`` are parted by spaces; two characters a word in other scripts."""
    return len(text) // 2 if _is_unspaced(text, words) else words


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
    if _is_unspaced(text, len(words)):
        scale = 2 if 2 * len(_HAN.findall(text)) > len(text) else 4
        words = "".join(words)
    if len(words) < _MIN_WORDS * scale:
        return None
    neighbours = set(pairwise(words) if scale == 1 else _windows(words, scale + 1))
    if len(neighbours) > (1 - _SIGN) * len(words):
        return None
    folded = [word.casefold() for word in words]
    total = sum(map(len, folded))
    for size, limit in _TOP_RUN.items():
        run, times = Counter(_windows(folded, size * scale)).most_common(1)[0]
        if times >= _MIN_TIMES and times * sum(map(len, run)) > limit * total:
            return f"{times} times {' '.join(run)!r}"
    for size, limit in _REPEATED_RUNS.items():
        share = _repeated_characters(folded, size * scale) / total
        if share > limit:
            return f"{share:.0%} in runs of {size} words that came before"
        # Longer runs that repeat are among these.
        if share <= _REPEATED_RUNS[10]:
            return None
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

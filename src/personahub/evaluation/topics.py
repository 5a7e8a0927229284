"""Names for clusters of texts: the words that their texts have and others have not."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

__all__ = ["name_clusters", "name_words"]

_WORDS = 3
_LEAST = 2
"""Texts of a cluster that must have a word for its name."""
_LEAST_SHARE = 0.08
"""Of the cluster's texts: a rarer word is no name for all of them."""
_MORE = 1.5
"""Times as often as elsewhere: else "who" may name a small cluster."""
_SHORTEST = 3
_UNSPACED = "\u0e00"
"""From Thai on, scripts whose words may be shorter."""


@cache
def _pattern() -> Any:
    import regex

    return regex.compile(
        r"[\p{Han}\p{Hiragana}\p{Katakana}ー]+|[\p{L}\p{M}]+(?:['’-][\p{L}\p{M}]+)*", regex.V1
    )


def name_words(text: str) -> set[str]:
    """The words of a text that may be part of a name, lower case.

    Chinese and Japanese come as all pairs of neighbouring characters, most of which are words where they come
    again and again; words of other scripts under three letters are left out.
    """
    found: set[str] = set()
    for word in _pattern().findall(text.casefold()):
        if re.match("[\u3040-\u30ff\u3400-\u9fff]", word):
            found.update(word[at : at + 2] for at in range(len(word) - 1))
        elif len(word) >= _SHORTEST or word[0] >= _UNSPACED:
            found.add(word)
    return found


def name_clusters(
    texts: Iterable[tuple[str, str]], labels: Sequence[int], clusters: int
) -> list[tuple[str, ...]]:
    """Up to three words for each cluster, the most telling first.

    A word's weight is k log(k / e): k of the cluster's texts have it, and e would if they were as all texts
    of their languages are. It is the word's part of the divergence of the cluster from all texts (Kullback
    and Leibler 1951), so that a word must be both frequent in the cluster and rare elsewhere in its language.

    Args:
        texts: all texts, each with its language.
        labels: the cluster of each.
        clusters: how many there are.

    Returns:
        The words of each cluster; none for one whose texts share none.
    """
    everywhere: defaultdict[str, Counter[str]] = defaultdict(Counter)
    inside: list[Counter[str]] = [Counter() for _ in range(clusters)]
    sizes: list[Counter[str]] = [Counter() for _ in range(clusters)]
    for (text, language), label in zip(texts, labels, strict=True):
        words = name_words(text)
        everywhere[language].update(words)
        inside[label].update(words)
        sizes[label][language] += 1
    totals: Counter[str] = sum(sizes, Counter())

    def weight(word: str, count: int, size: Counter[str]) -> float:
        expected = sum(n * everywhere[language][word] / totals[language] for language, n in size.items())
        return count * math.log(count / expected) if count >= _MORE * expected else 0.0

    names = []
    for counts, size in zip(inside, sizes, strict=True):
        least = max(_LEAST, _LEAST_SHARE * size.total())
        telling = {word: weight(word, n, size) for word, n in counts.items() if n >= least}
        ordered = sorted(
            (word for word in telling if telling[word] > 0), key=lambda word: (-telling[word], word)
        )
        names.append(tuple(_apart(ordered)))
    return names


def _apart(words: Iterable[str]) -> list[str]:
    """The first words that are no forms of each other: of "nurse" and "nurses" one, of 软件 and 件工 too."""
    chosen: list[str] = []
    for word in words:
        if not any(_alike(word, other) for other in chosen):
            chosen.append(word)
        if len(chosen) == _WORDS:
            break
    return chosen


def _alike(word: str, other: str) -> bool:
    if len(word) == len(other) == 2:
        return word[0] == other[1] or word[1] == other[0]
    stem = min(len(word), len(other)) - 1
    return stem >= _SHORTEST and word[:stem] == other[:stem] and abs(len(word) - len(other)) <= 3

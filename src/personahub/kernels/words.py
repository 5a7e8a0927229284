"""The normalised words of a text: what surface similarity compares.

A text is brought to one form (Unicode NFKC, then case folding), and its words are runs of letters, marks and
digits; an apostrophe within letters belongs to its word. Scripts that part no words are cut so that a small
change of the text stays a small change of the set: Han and Kana into single characters, each of which is
close to a word; Thai, Lao, Khmer and Burmese, whose letters are sounds, into all runs of three characters.

Where a length in words matters, such a piece weighs as much of a word as it stands for. Measured on one text
in its translations (the Universal Declaration of Human Rights, 1,753 words in English, 1,611 in Russian):
Chinese takes 1.5 characters for a word, Japanese 2.2 of both kinds, Thai, Lao, Khmer and Burmese 5 to 7 runs.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

__all__ = [
    "LETTER",
    "RUN",
    "SINGLE",
    "SOUND",
    "WORD",
    "find_words",
    "fold",
    "join_words",
    "weigh_word",
]

WORD = 10
"""What a word of letters or digits weighs."""
_WEIGHTS = {"han": 7, "kana": 3, "sounds": 2}

_KANA = r"[\p{Hiragana}\p{Katakana}ー]"
SINGLE = rf"[\p{{Han}}{_KANA}]"
"""A character that stands for itself; a pattern of the package regex, version 1, as are the next two."""
SOUND = r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
"""A character that is cut into runs with those beside it."""
LETTER = rf"[[\p{{L}}\p{{M}}\p{{N}}]--{SINGLE}--{SOUND}]"
"""A character of a word."""
RUN = 3
"""Characters of a run."""

_ASCII_WORD = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")
# Latin, Cyrillic, the common Han characters and their punctuation: `re` cuts these as `regex` does, in a
# half of the time. No combining mark and no other script may be among them.
_PLAIN = re.compile(
    "[\0-\u02af\u0400-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u205e\u3000-\u3003\u3008-\u301b一-\u9fff]*"
)
_PLAIN_WORD = re.compile(r"[一-\u9fff]|[^\W_一-\u9fff]+(?:'[^\W_一-\u9fff]+)*")


def find_words(text: str) -> list[str]:
    """The normalised words in their order, repeated ones too; empty where the text has none."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    folded = fold(text)
    if _PLAIN.fullmatch(folded):
        return _PLAIN_WORD.findall(folded)
    found: list[str] = []
    for word, run in _word().findall(folded):
        if word:
            found.append(word)
        else:
            found += [run[start : start + RUN] for start in range(max(len(run) - RUN, 0) + 1)]
    return found


def fold(text: str) -> str:
    """The text in its one form: NFKC and case folding, with one kind of apostrophe."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).replace("’", "'")


@lru_cache(2**16)
def weigh_word(word: str) -> int:
    """How much of a word it is, in tenths: a Han character 7, a Kana 3, a run of Thai and its like 2."""
    kind = None if word.isascii() else _unspaced().fullmatch(word)
    return _WEIGHTS[kind.lastgroup] if kind else WORD


def join_words(words: Iterable[str]) -> str:
    """Words in their order as a text to read, with spaces where their script has them."""
    joined, last = "", ""
    for word in words:
        if WORD not in (weigh_word(word), weigh_word(last)):
            # Runs of one stretch overlap in all but a character.
            joined += word[-1] if len(last) == RUN and last[1:] == word[:-1] else word
        else:
            joined += f" {word}" if last else word
        last = word
    return joined


@lru_cache(1)
def _unspaced() -> Any:
    """A piece of a script that parts no words; the group's name is that of its kind."""
    import regex

    return regex.compile(rf"(?P<han>\p{{Han}})|(?P<kana>{_KANA})|(?P<sounds>{SOUND}+)", regex.V1)


@lru_cache(1)
def _word() -> Any:
    """One of two groups: a word, or a run of a script that parts none."""
    import regex

    return regex.compile(rf"({SINGLE}|{LETTER}+(?:'{LETTER}+)*)|({SOUND}+)", regex.V1)

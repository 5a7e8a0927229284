"""The normalised words of a text: what surface similarity compares.

A text is brought to one form (Unicode NFKC, then case folding), and its words are runs of letters, marks and
digits; an apostrophe within letters belongs to its word. Scripts that part no words are cut so that a small
change of the text stays a small change of the set: Han and Kana into single characters, each of which is
close to a word; Thai, Lao, Khmer and Burmese, whose letters are sounds, into all runs of three characters.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Any

__all__ = ["find_words"]

_ASCII_WORD = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")
# Latin, Cyrillic, the common Han characters and their punctuation: `re` cuts these as `regex` does, in a
# half of the time. No combining mark and no other script may be among them.
_PLAIN = re.compile(
    "[\0-\u02af\u0400-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u205e\u3000-\u3003\u3008-\u301b一-\u9fff]*"
)
_PLAIN_WORD = re.compile(r"[一-\u9fff]|[^\W_一-\u9fff]+(?:'[^\W_一-\u9fff]+)*")
_RUN = 3


def find_words(text: str) -> list[str]:
    """The normalised words in their order, repeated ones too; empty where the text has none."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).replace("’", "'")
    if _PLAIN.fullmatch(folded):
        return _PLAIN_WORD.findall(folded)
    found: list[str] = []
    for word, run in _word().findall(folded):
        if word:
            found.append(word)
        else:
            found += [run[start : start + _RUN] for start in range(max(len(run) - _RUN, 0) + 1)]
    return found


@lru_cache(1)
def _word() -> Any:
    """One of two groups: a word, or a run of a script that parts none."""
    import regex

    single = r"[\p{Han}\p{Hiragana}\p{Katakana}ー]"
    sounds = r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
    letters = rf"[[\p{{L}}\p{{M}}\p{{N}}]--{single}--{sounds}]"
    return regex.compile(rf"({single}|{letters}+(?:'{letters}+)*)|({sounds}+)", regex.V1)

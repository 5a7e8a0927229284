"""What pages say around their content: menus, consent notices, login forms, footers, error pages.

C4 (Raffel et al. 2020, section 2.2) drops every line with "javascript", "terms of use", "privacy policy",
"uses cookies" and the like. Articles about privacy hold such words too, so here one telling phrase only
opens the case, and a text falls when half of its characters are in sentences that speak of such things.

A menu is told by FineWeb's signs of a list (Penedo et al. 2024, section 3.6): at least 67 % of the lines
under 30 characters, at most 12 % with the end of a sentence. Ingredients, poems and glossaries look just
so; what makes a menu is three different entries that are found in menus.

Phrases are in English, Russian, Chinese, German, French and Spanish. English is looked for everywhere,
since pages in any language have English leftovers.
"""

import re
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

__all__ = ["find_boilerplate"]


class _Phrases(NamedTuple):
    stems: tuple[str, ...]
    entries: frozenset[str]
    telling: re.Pattern[str]
    fitting: re.Pattern[str]


@cache
def _tables() -> dict[str, dict[str, Any]]:
    import yaml

    file = resources.files("personahub.corpus") / "boilerplate.yaml"
    tables: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return tables


@cache
def _phrases(language: str | None) -> _Phrases:
    """Of English and the language; of all for None."""
    chosen = [table for name, table in _tables().items() if name in {"en", language} or language is None]

    def listed(name: str) -> list[str]:
        return [phrase.strip() for table in chosen for phrase in table[name].split(",")]

    # Between Chinese characters no word begins.
    starts = [re.escape(word) if word[0] >= "⺀" else rf"\b{re.escape(word)}" for word in listed("fitting")]
    return _Phrases(
        stems=tuple(dict.fromkeys(listed("stems"))),
        entries=frozenset(listed("entries")),
        telling=re.compile("|".join(phrase for table in chosen for phrase in table["telling"])),
        fitting=re.compile("|".join(starts)),
    )


_SEPARATORS = re.compile(r"(?<=\s)[/·•](?=\s)|[|»›]")
_SEPARATOR_SIGNS = "|»›·•/"
_MARKS = " \t*-+#>[]():•·«»|"
_SENTENCES = re.compile(r"\n+|(?<=[.!?])\s+|(?<=[。！？])\s*")
_SENTENCE_END = re.compile(r"[.!?。！？…।۔؟;:,][\"'”’»)\]*_]*$")
_SHORT_LINE = 30


def find_boilerplate(folded: str, language: str) -> str | None:
    """What gives the text away as menu, notice, form, footer or error page; None if nothing does.

    Args:
        folded: the text without tags, case folded, not empty.
        language: ISO 639-1.
    """
    # A language without phrases may be a wrong guess: a menu's words tell little of it.
    phrases = _phrases(language if language in _tables() else None)
    return _notice(folded, phrases) or _menu(folded, phrases)


def _notice(folded: str, phrases: _Phrases) -> str | None:
    if not any(stem in folded for stem in phrases.stems):
        return None
    sentences = [sentence for sentence in _SENTENCES.split(folded) if sentence]
    telling = next((match[0] for match in map(phrases.telling.search, sentences) if match), None)
    if telling is None:
        return None
    about = sum(
        len(sentence)
        for sentence in sentences
        if phrases.telling.search(sentence)
        or phrases.fitting.search(sentence)
        or sentence.strip(_MARKS) in phrases.entries
    )
    length = sum(map(len, sentences))
    return f"{about / length:.0%} like {telling!r}" if about >= length / 2 else None


def _menu(folded: str, phrases: _Phrases) -> str | None:
    if any(sign in folded for sign in _SEPARATOR_SIGNS):
        folded = _SEPARATORS.sub("\n", folded)
    # With twice the length on average, two thirds of the lines can hardly be short ones.
    if len(folded) > 2 * _SHORT_LINE * (folded.count("\n") + 1):
        return None
    items = [item for line in folded.split("\n") if (item := line.strip(_MARKS))]
    entries = phrases.entries.intersection(items)
    if len(entries) < 3:
        return None
    short = sum(len(item) < _SHORT_LINE for item in items)
    ended = sum(_SENTENCE_END.search(item) is not None for item in items)
    if short < 0.67 * len(items) or ended > 0.12 * len(items):
        return None
    return f"a menu: {', '.join(sorted(entries)[:5])}"

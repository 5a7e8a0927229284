"""Occupations as lists write them, the built-in list of them, and the group that an O*NET or SOC code tells.

Statistical lists write "Tailors, Dressmakers, and Custom Sewers" and "Software Developers, Applications";
personas say "a tailor" and "a software developer". So each title is looked for in several forms.
"""

import re
from functools import cache
from importlib import resources
from typing import NamedTuple

__all__ = ["Entry", "built_in_occupations", "no_occupations", "soc_group", "title_forms"]

_EXCEPT = re.compile(r"[,;:]?\s+(?:except|including)\b.*", re.IGNORECASE)
_PARTS = re.compile(r"\s*[,;]\s*(?:and\s+|or\s+)?|\s+(?:and|or)\s+")
_REST = re.compile(r"\ball other\b|\bother\b", re.IGNORECASE)
_SIBILANT = re.compile(r"(ss|ch|sh|x)es$")
_PLURAL = re.compile(r"(?:[a-z]{2,}s|men)$")
_SOC_CODE = re.compile(r"(\d\d)-\d{4}(?:\.\d\d)?")

_SOC_GROUPS = {
    "11": "management",
    "13": "business and finance",
    "15": "computing and mathematics",
    "17": "architecture and engineering",
    "19": "science",
    "21": "community and social service",
    "23": "law",
    "25": "education and libraries",
    "27": "arts, media and sport",
    "29": "health care, trained",
    "31": "health care, support",
    "33": "protection",
    "35": "food",
    "37": "cleaning and grounds",
    "39": "personal care",
    "41": "sales",
    "43": "office",
    "45": "farming, fishing, forestry",
    "47": "building and mining",
    "49": "installing and repairing",
    "51": "production",
    "53": "transport",
    "55": "military",
}
"""What the first two digits of a code of the US Standard Occupational Classification mean, in short."""


class Entry(NamedTuple):
    """One occupation or topic of a list."""

    title: str
    group: str
    """Empty where the list has no groups."""


@cache
def _lists() -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    import yaml

    file = resources.files("personahub.evaluation") / "occupations.yaml"
    lists = yaml.safe_load(file.read_text(encoding="utf-8"))
    entries = [Entry(title, group) for group, titles in lists["groups"].items() for title in titles]
    return tuple(entries), tuple(lists["none"])


def built_in_occupations() -> tuple[Entry, ...]:
    """Some 200 occupations in 29 groups, for hubs that no list was given for."""
    return _lists()[0]


def no_occupations() -> tuple[str, ...]:
    """Who is no occupation: "mother", "customer", "student", …."""
    return _lists()[1]


def soc_group(code: str) -> str:
    """The major group of a code such as "29-1141.00"; empty for what is no such code."""
    found = _SOC_CODE.fullmatch(code.strip())
    return _SOC_GROUPS.get(found[1], "") if found else ""


def title_forms(title: str) -> list[str]:
    """The title as it stands, and as a persona would say it where it is an English plural or a list of them.

    Of a list the first part is a form of its own; the others are only where all parts are single words, since
    "Workers" of "Prepress Technicians and Workers" is anybody.
    """
    forms = [title]
    whole = _EXCEPT.sub("", title)
    if not _REST.search(whole):
        parts = [part for part in _PARTS.split(whole) if part]
        chosen = parts if all(part.isalpha() for part in parts) else parts[:1]
        forms += [_singular(part) for part in chosen if _PLURAL.search(part)]
        if len(parts) == 1 and len(forms) > 1:
            del forms[0]
    return list(dict.fromkeys(forms))


def _singular(words: str) -> str:
    """Lower case too, but for abbreviations."""
    low = " ".join(word if word.isupper() else word.lower() for word in words.split())
    if low.endswith("men"):
        return low[:-2] + "an"
    if low.endswith("ies"):
        return low[:-3] + "y"
    if _SIBILANT.search(low):
        return low[:-2]
    return low[:-1] if not low.endswith("ss") else low

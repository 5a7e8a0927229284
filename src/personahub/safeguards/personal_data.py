"""Personal data in web text: where it stands, and the text without it.

Phone numbers are told by ``phonenumbers`` (Google's libphonenumber) and the check digits of ids by
``python-stdnum``; both are only asked where a cheap scan for digits hits. Names are told by what stands
beside them (a role, a form of address, a contact), never by a list of names: a persona keeps its subject
("Shakespeare"), and loses the private person ("head teacher [NAME]"). Roles and forms of address are kept,
since they tell what kind of person it is.
"""

import re
from collections import Counter
from collections.abc import Iterator

from personahub.safeguards.addresses import find_addresses
from personahub.safeguards.names import find_names
from personahub.safeguards.numbers import find_numbers
from personahub.safeguards.online import find_emails, find_handles, find_ips, find_profile_urls
from personahub.safeguards.span import Span

__all__ = ["KINDS", "Span", "count_placeholders", "find_personal_data", "redact"]

# Where two finds overlap, the kind named first is kept.
KINDS = ("profile_url", "email", "id", "ip", "phone", "address", "handle", "name")
"""Every kind of personal data that is told."""

_RANK = {kind: rank for rank, kind in enumerate(KINDS)}
_PLACEHOLDER = re.compile(rf"\[(?:{'|'.join(kind.upper().replace('_', ' ') for kind in KINDS)})\]")


def find_personal_data(text: str, language: str) -> list[Span]:
    """Every find, sorted by its start, none overlapping another.

    Args:
        text: any text; the placeholders of `redact` in it are left alone.
        language: ISO 639-1 code, or "und"; decides how phone numbers without a country code are read.
            Names and addresses follow the script of the words, since web pages mix languages.
    """
    kept: list[Span] = []
    for span in sorted(_found(text, language)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
        elif _RANK[span.kind] < _RANK[kept[-1].kind]:
            kept[-1] = span
    return kept


def redact(text: str, language: str) -> tuple[str, dict[str, int]]:
    """The text with a placeholder such as ``[EMAIL]`` for each find, and the count of finds by kind.

    Redacting twice changes nothing more: what comes to light only when its neighbour is gone
    (``a@b.org@c.org``) is redacted too.

    Args:
        text: any text.
        language: ISO 639-1 code, or "und".
    """
    counts: Counter[str] = Counter()
    # No find touches a placeholder, so each turn leaves less text that could still be found.
    while spans := find_personal_data(text, language):
        counts.update(span.kind for span in spans)
        pieces: list[str] = []
        place = 0
        for start, end, kind in spans:
            pieces += text[place:start], f"[{kind.upper().replace('_', ' ')}]"
            place = end
        text = "".join([*pieces, text[place:]])
    return text, dict(counts)


def count_placeholders(text: str) -> dict[str, int]:
    """How many placeholders of each kind a text has, such as a part of one that was redacted."""
    found = Counter(match[0][1:-1].lower().replace(" ", "_") for match in _PLACEHOLDER.finditer(text))
    return dict(found)


def _found(text: str, language: str) -> Iterator[Span]:
    placeholders = [(match.start(), match.end()) for match in _PLACEHOLDER.finditer(text)]
    place = 0
    # A find that touches a placeholder is dropped; between placeholders finders see their whole surroundings.
    spans = sorted(
        [
            *find_profile_urls(text),
            *find_emails(text),
            *find_handles(text),
            *find_ips(text),
            *find_numbers(text, language),
            *find_addresses(text, language),
            *find_names(text),
        ]
    )
    for span in spans:
        while place < len(placeholders) and placeholders[place][1] <= span.start:
            place += 1
        if place == len(placeholders) or placeholders[place][0] >= span.end:
            yield span

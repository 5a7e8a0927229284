"""Rules on people around a persona: whether they are somebody else, and described for themselves."""

import re
from dataclasses import replace

from personahub.personas.quality.case import DENSE, Case, head_of
from personahub.personas.quality.content import content_words, copied_run

__all__ = ["defined_by_parent", "same_person"]

_BY_PARENT = re.compile(
    r"\b(?:this|the (?:first|other|given|same)) (?:person|persona)\b"
    r"|\b(?:эт(?:от|ого|ому|им|ом)|перв(?:ый|ого|ому|ым)) человек\w*"
    r"|(?:这|那|该)(?:位|名|个)|此人|前一个?人|另一个?人",
    re.IGNORECASE,
)


def defined_by_parent(case: Case) -> str | None:
    """Speaks of the persona it goes out from, whom nobody knows who meets this one alone."""
    match = _BY_PARENT.search(case.description)
    if match is None and case.language == "en":
        # "The chef" is known only to who has met the chef.
        head, _ = head_of(replace(case, description=case.source))
        known = rf"\b(?:this|that|the) (?:[\w-]+ )?{re.escape(head)}\b"
        match = re.search(known, case.description, re.IGNORECASE) if head else None
    return f"speaks of the persona that it was asked from: {match[0]}" if match else None


_RUN = 6
"""Words in a row; shorter runs come by chance, a longer one is the parent's own situation."""


def same_person(case: Case) -> str | None:
    """Describes the parent once more: with most of its content words, or with a part of it as it stands."""
    own, parent = (content_words(text, case.language) for text in (case.description, case.source))
    shared = own & parent
    if len(shared) > max(2, 0.6 * min(len(own), len(parent))):
        return "shares most words with the persona that it was asked from: " + ", ".join(sorted(shared))
    run = copied_run(case, _RUN * (2 if case.language in DENSE else 1))
    return f"repeats the persona that it was asked from: {run}" if run else None

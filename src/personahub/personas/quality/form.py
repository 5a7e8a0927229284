"""Rules on how a description is written: language, length, person, end."""

import re
import unicodedata

from personahub.languages import script_share
from personahub.personas.quality.case import DENSE, WORD, Case, head_of, words
from personahub.personas.template import Granularity

__all__ = [
    "cut_off",
    "first_person",
    "list_or_heading",
    "placeholder",
    "several_people",
    "too_short",
    "wrong_language",
]

_MIN_WORDS: dict[Granularity, int] = {"fine": 7, "coarse": 1}


def too_short(case: Case) -> str | None:
    """Fewer than seven words, where a fine description is asked for."""
    count: float = len(WORD.findall(case.description))
    if case.language in DENSE:
        count = sum(unicodedata.category(char) == "Lo" for char in case.description) / 2
    least = _MIN_WORDS[case.granularity]
    return f"{count:g} words, at least {least} are wanted" if count < least else None


def wrong_language(case: Case) -> str | None:
    """By script: the languages that share one cannot be told apart in so few words."""
    share = script_share(case.description, case.language)
    return f"only {share:.0%} of its letters fit" if share is not None and share < 0.7 else None


# The brackets are those of templates, and of what stands in place of personal data.
_PLACEHOLDER = re.compile(
    r"\[[^\]]{0,40}\]|<[^>\s][^>]{0,40}>|\{[^}]{0,40}\}|【[^】]{0,40}】|_{3,}|\bX{2,}\b|\b(?:TBD|N/A)\b|某某"
)


def placeholder(case: Case) -> str | None:
    """What a template or a redaction left open."""
    match = _PLACEHOLDER.search(case.description)
    return f"a placeholder: {match[0]}" if match else None


_LIST = re.compile(r"^\s*(?:[-*•#]|\(?\d{1,2}[.)、])\s*\S|:$|：$|^[\w ]{1,30}[:：]\s")


def list_or_heading(case: Case) -> str | None:
    """A bullet, a number, a label or a heading, and no sentence."""
    if match := _LIST.search(case.description):
        return f"begins or ends as lists and headings do: {match[0]}"
    found = WORD.findall(case.description)
    capitals = sum(word[0].isupper() for word in found[1:])
    if case.language not in DENSE and len(found) > 4 and capitals > 0.6 * (len(found) - 1):
        return "most of its words begin with a capital"
    return None


_FIRST_PERSON = re.compile(
    # A bare I may be a number: World War I.
    r"\bI(?:['’](?:m|ve|d|ll)| (?:am|was|have|do|can|will|would|want|need|like|love|think|know|live|work))\b"
    r"|\b(?:[Mm]y|[Mm]e|[Ww]e|[Oo]ur|us)\b"
    r"|\b(?:[Яя]|[Мм]о[йяеёи]|[Мм]еня|[Мм]не|[Мм]ы|[Нн]аш[аеи]?|[Нн]ас)\b"
    r"|(?<!自)我"
)


def first_person(case: Case) -> str | None:
    """Speaks as the person and not of the person."""
    match = _FIRST_PERSON.search(case.description)
    return f"speaks in the first person: {match[0]}" if match else None


_NEVER_LAST = words("a an the and or but if because whose и или но если чтобы который которая")
_SELDOM_LAST = words(
    "of to in with for that who which is are was were on at by from as their his her its into "
    "в на с для что которое о об по из за к у не"
)
"""They end a sentence now and then ("all they ask for."), but none that has no full stop."""
_END = re.compile(r"[\s.…。]*$")


def cut_off(case: Case) -> str | None:
    """Ends within a sentence: on a word that needs another, on a comma, in an open bracket or quotation."""
    text = _END.sub("", case.description)
    found = WORD.findall(text)
    if text.endswith((",", "，", "、", ";", "；", "-", "–", "—")):
        return f"ends on {text[-1]}"
    if found and text.endswith(found[-1]):
        whole = text != case.description.rstrip()
        if found[-1].lower() in (_NEVER_LAST if whole else _NEVER_LAST | _SELDOM_LAST):
            return f"ends on {found[-1]!r}"
    if case.language == "zh" and text.endswith(("的", "和", "与", "或", "并", "及")):
        return f"ends on {text[-1]}"
    for opening, closing in ("()", "（）", "«»", "“”", "「」", "《》"):
        if text.count(opening) > text.count(closing):
            return f"{opening} is not closed"
    # A name such as Al Qa'ida that ends on its apostrophe; parents' and s' are whole.
    if re.search(r"[^\Ws]['’]$", text) and len(re.findall(r"['’]", text)) == 1:
        return "ends on an apostrophe"
    return None


_SEVERAL = {
    "en": words(
        "group team couple pair crowd community committee crew family class people parents women men "
        "children students teachers residents employees customers users readers players members"
    ),
    "ru": words(
        "группа команда семья пара супруги родители люди студенты жители сотрудники читатели дети "
        "женщины мужчины коллектив сообщество"
    ),
}
# Up to the first "who", with no preposition before it: friends for whom one cooks are another matter.
_PLURAL_VERB = re.compile(
    r"^(?:(?!\b(?:who|for|of|with|to|in|from|about|at|by|on)\b)[^,]){0,80}"
    r"\bwho (?:are|were|have|do|want|need|like|love|live|work|enjoy|prefer)\b"
)
_SEVERAL_ZH = re.compile(r"^(?:一[群对组支]|一家人|[几两三多][位名个])")


def several_people(case: Case) -> str | None:
    """A group or a couple, where one kind of person is asked for."""
    if case.language == "zh":
        match = _SEVERAL_ZH.search(case.description)
        return f"several people: {match[0]}" if match else None
    head, _ = head_of(case)
    if head in _SEVERAL.get(case.language, set()):
        return f"several people: {head}"
    match = _PLURAL_VERB.search(case.description) if case.language == "en" else None
    return f"several people: {match[0]}" if match else None

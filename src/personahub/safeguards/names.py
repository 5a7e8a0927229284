"""Names of persons, told by what stands beside them: a role, a form of address, a contact.

A name without any of these is left alone, since it is mostly a public one and the subject of the text.
Only the name is marked; the role stays, since it tells what kind of person it is.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from personahub.safeguards.name_cues import (
    AFTER_COLON,
    BYLINE_AFTER,
    BYLINE_BEFORE,
    CONTACT_AFTER,
    CUE_BEFORE,
    CUE_ENDS,
    LABEL,
    LINE,
    SIGN_OFF,
    TITLED_CAPITALS,
)
from personahub.safeguards.name_words import (
    NOT_AFTER_TITLE,
    NOT_NAMES,
    ROLE_RU,
    ROLES,
    ROLES_AND_SURNAMES,
    TITLES,
)
from personahub.safeguards.name_words import words as _words
from personahub.safeguards.names_han import find_han_names
from personahub.safeguards.span import Span

__all__ = ["find_names"]

_UPPER = "A-ZÀ-ÖØ-ÞŁŃŐŘŚŠŞŤŰŹŻŽČĎĞİА-ЯЁІЇЄҐ"
_LOWER = "a-zß-öø-ÿā-žа-яёіїєґ"
_WORD = (
    rf"(?:[{_UPPER}](?:['’][{_UPPER}])?[{_LOWER}]+(?:[{_UPPER}][{_LOWER}]+)?"
    rf"(?:[-'’][{_UPPER}{_LOWER}][{_LOWER}]+)*|[{_UPPER}](?![{_UPPER}{_LOWER}]))\.?"
)
_PARTICLE = r"(?:(?:de|da|di|del|der|den|van|von|la|le|bin|al|el|ter|dos|du) ){0,2}"
_RUN = re.compile(rf"{_WORD}(?:(?: |(?<=\.)){_PARTICLE}{_WORD}){{0,5}}")
_PIECE = re.compile(_WORD)

_ROLE_AFTER = re.compile(
    r"(?:, | ?[—–|] | -{1,2} | ?\(| ?\n(?=[^\n.]{3,50}(?:\n|\Z)))((?:[\w'’-]+[ )]?){1,5})"
)
_ROLE_BEFORE_RU = re.compile(
    r"([а-яё-]+)((?: (?:[а-яё-]+|№ ?\d+|[«\"][^»\"\n]{1,40}[»\"])){0,4}),? ?\Z", re.IGNORECASE
)
_PATRONYMIC = re.compile(r"\w{2,}(?:ович|евич|ьич|овн|евн|ичн|иничн)(?:а|у|ем|ом|е|ы|ой)?")
# What begins a sentence before a name; "Contact" and "By" are cues at the same time.
_LEADING = _words(
    "by said says contact author call ask attn when while if and but then so as for with from to in at "
    "on the our my your thanks "
    "regards sincerely best written posted today yesterday here meet hi hello name i this автор "
    "обращаться обращайтесь когда и а но в на с у от для "
    "спрашивает отвечает пишет reply message "
    "наш наша мой моя сегодня вчера это звоните пишите контакт"
)
_BEFORE_ONE = TITLES | {"is", "name's", "name’s", "зовут"}
_SURNAME_RU = re.compile(
    r"\w+(?:ов|ев|ёв|ин|ын|ск|цк|ко|ук|юк|ян|дзе|швили|ых|их|ец|ак|як|ик|ер|ман|ий|ой|ь)(?:ий|ого|ому|им"
    r"|ом|ем|ым|ая|ой|ую|а|у|е)?"
)
_DETERMINERS = _words("a an the our my his her their your its")


_GIVES_OWN = re.compile(r"(?:[Mm]y name is|[Mm]y name['’]s|[Мм]еня зовут) \Z")


_LAST_WORD = re.compile(r"[\w’'/.]+(?=[:,\s—–-]{0,8}\Z)")
_PARTS = re.compile(r",? ")
# "our treasurer is Jane Doe", "Coach - Jane Doe": what joins a role to a name.
_JOINED = re.compile(r"(?:,|[ ]?[—–:-]|[ ](?:is|was)|[ ]?\n)?[ ]?\Z")


class _Word(NamedTuple):
    text: str
    start: int
    end: int

    @property
    def low(self) -> str:
        return self.text.rstrip(".").lower()


def find_names(text: str) -> Iterator[Span]:
    """Names beside a role ("head teacher John Smith"), a form of address, or a contact."""
    place = 0
    while run := _RUN.search(text, place):
        start, place = run.span()
        # Most capitals stand alone; whether one may be a name is asked before anything dear.
        if not (" " in run[0] or "." in run[0] or _called_by_one_word(text, start)):
            continue
        words = _split(run)
        place = words[-1].end
        if start and (text[start - 1].isalnum() or text[start - 1] in "@_#"):
            continue
        if len(words) == 1 and not _called_by_one_word(text, start):
            continue
        if named := _person(text, words):
            yield Span(*named, "name")
    yield from _labelled(text)
    if not text.isascii():
        yield from find_han_names(text)


def _labelled(text: str) -> Iterator[Span]:
    """Names after the label of a form or at the end of a letter, also those in capitals."""
    for match in AFTER_COLON.finditer(text):
        label = LABEL.search(text, max(0, match.start() - 40), match.start())
        if label and _is_name(match[1], one=label[1] is not None):
            yield Span(*match.span(1), "name")
    for match in TITLED_CAPITALS.finditer(text):
        if _is_name(match[1], one=True) and match[1].lower() not in NOT_AFTER_TITLE:
            yield Span(*match.span(1), "name")
    for match in LINE.finditer("\n" + text):
        start, end = match.start(1) - 1, match.end(1) - 1
        signed = SIGN_OFF.search(text, max(0, start - 40), start)
        below = match[2].lower().split()[:5] if match[2] else []
        if (signed and _is_name(match[1], one=True)) or (
            any(_is_role(word.strip(",()")) for word in below) and _is_name(match[1], one=False)
        ):
            yield Span(start, end, "name")


def _is_name(written: str, *, one: bool) -> bool:
    words = _PARTS.split(written)
    return (
        len(written) > 2
        and (one or len(words) > 1)
        and not any(_is_no_name(word.rstrip(".")) for word in words)
    )


def _is_no_name(word: str) -> bool:
    return word.lower() in NOT_NAMES or _is_role(word.lower())


def _called_by_one_word(text: str, start: int) -> bool:
    """Whether a form of address or "my name is" stands before one word at `start`."""
    before = text[max(0, start - 14) : start].rsplit(None, 1)
    return bool(before) and before[-1].strip("(«\"'“*_>").rstrip(".").lower() in _BEFORE_ONE


def _split(run: re.Match[str]) -> list[_Word]:
    """The run's words with their places, up to the end of its sentence."""
    words = []
    for piece in _PIECE.finditer(run[0]):
        bare = piece[0].rstrip(".")
        ends = piece[0] != bare and len(bare) > 1 and bare.lower() not in TITLES
        word = bare if ends else piece[0]
        start = run.start() + piece.start()
        words.append(_Word(word, start, start + len(word)))
        if ends:
            break
    return words


def _person(text: str, words: list[_Word]) -> tuple[int, int] | None:
    """Where the name of a person stands among these words, if there is one."""
    first, titled, called = _behind_roles(words)
    if first == len(words):
        return None
    if not (titled or called):
        start = words[first].start
        titled, called = _introduced(text[max(0, start - 90) : start])
    name = _name_of(words[first:])
    if not name:
        return None
    start, end = name[0].start, name[-1].end
    if len(name) == 1:
        known = (titled and name[0].low not in NOT_AFTER_TITLE) or _given(text, start, end)
        return (start, end) if known and len(name[0].text) > 2 else None
    certain = titled or called or _russian_full(name, followed=len(words) > first + len(name))
    return (start, end) if certain or _cued(text, start, end) or _role_follows(text, end) else None


def _behind_roles(words: list[_Word]) -> tuple[int, bool, bool]:
    """Where the name may begin, and whether a form of address, or a role, is among the words before it.

    "Head Teacher John Smith", "Contact Jane Doe": the name begins behind the last such word.
    """
    first, titled, called = 0, False, False
    for place, word in enumerate(words):
        if word.low in TITLES:
            first, titled = place + 1, True
        elif _is_role(word.low) and not (word is words[-1] and place and word.low in ROLES_AND_SURNAMES):
            first, called = place + 1, True
    while first < len(words) and words[first].low in _LEADING and not words[first].text.endswith("."):
        first += 1
    return first, titled, called


def _name_of(words: list[_Word]) -> list[_Word]:
    """The words of the name that `words` begin with; none if it turns out to be no person's."""
    for place, word in enumerate(words):
        if word.low in NOT_NAMES and not word.text.endswith("."):
            # "Jane Doe On Monday" is cut; "General Motors Company" is no person.
            return words[:place] if len(word.low) <= 3 or word.low.endswith("day") else []
    return words if len(words) <= 4 else []


def _introduced(before: str) -> tuple[bool, bool]:
    """Whether what stands before a name is a form of address, and whether it is a role."""
    head = before[:-6] + _JOINED.sub("", before[-6:])
    last = re.split(r"[\s(«\"“/]", head[-24:])[-1].lower()
    bare = last.rstrip(".,:")
    if last != last.rstrip(",;") or (last.endswith(".") and bare not in TITLES):
        return False, False
    if bare in TITLES:
        return "," not in before[len(head) :], False
    if bare in ROLES:
        return False, True
    # «Директор школы № 5 Анна Сергеева»: in Russian what the role is in stands between.
    if "а" <= bare[:1] <= "ё" or bare.isdigit() or head.endswith("»"):
        match = _ROLE_BEFORE_RU.search(before)
        return False, match is not None and any(map(_is_role, re.findall(r"[а-яё-]+", match[0].lower())))
    return False, False


def _cued(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - 60) : start]
    last = _LAST_WORD.search(before)
    if last and last[0].lower() in CUE_ENDS and CUE_BEFORE.search(before):
        return True
    if CONTACT_AFTER.match(text, end):
        return True
    return BYLINE_BEFORE.search(before) is not None and BYLINE_AFTER.match(text, end) is not None


def _role_follows(text: str, end: int) -> bool:
    """Whether a role stands behind: "Jane Doe, our head teacher", "Jane Doe (manager)"."""
    match = _ROLE_AFTER.match(text, end)
    words: Sequence[str] = match[1].lower().split() if match else []
    if words and words[0] in _DETERMINERS:
        words = words[1:]
    return any(_is_role(word.strip("()'’-")) for word in words[:4])


@lru_cache(1 << 14)
def _is_role(word: str) -> bool:
    return word in ROLES or ROLE_RU.fullmatch(word) is not None


def _given(text: str, start: int, end: int) -> bool:
    """A single name that someone gives as theirs, "my name is Anna", or is written to by, "Dear Anna,"."""
    before = text[max(0, start - 24) : start]
    return bool(_GIVES_OWN.search(before)) or (before.endswith("Dear ") and text[end : end + 1] in {",", ":"})


def _russian_full(name: list[_Word], *, followed: bool) -> bool:
    """Surname, first name and patronymic as in papers; or the latter two, as one is addressed."""
    place = next((i for i, word in enumerate(name) if _PATRONYMIC.fullmatch(word.text)), 0)
    if place == 2:
        return _SURNAME_RU.fullmatch(name[0].text) is not None
    return place == 1 and len(name) == 2 and not followed

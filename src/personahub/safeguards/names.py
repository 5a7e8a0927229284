"""Names of persons, told by what stands beside them: a role, a form of address, a contact.

A name without any of these is left alone, since it is mostly a public one and the subject of the text.
Only the name is marked; the role stays, since it tells what kind of person it is.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

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

_CUE_BEFORE = re.compile(
    r"(?:\b(?i:written|posted|reviewed|edited|photographed|submitted|prepared|compiled|taught|signed|led"
    r"|hosted|reported|photos?|story|text|interview"
    r"|words|pictures|article|guest post|translated|approved|treated|assisted|represented|drawn up"
    r"|completed) by|(?i:\bmy (?:full )?name is)"
    r"|(?i:\bname(?:'s|:| is))"
    r"|\b(?:I am|I['’]m|[Tt]his is)|(?i:\bcontact(?: person)?|\bask for|\bspeak (?:to|with)|\bcall"
    r"|\battn|\battention|\bauthor|\breach|\bsigned|\bnamed|\bcalled)"
    r"|(?:[Rr]egards|[Ss]incerely|[Bb]est|[Tt]hanks|[Cc]heers|[Yy]ours|[Tt]hank you|[Bb]est wishes"
    r"|с уважением|С уважением|Искренне Ваша?),?(?: *\n+| +—? ?)"
    r"|(?i:меня зовут|мо[её] имя|зовут|по имени|автор|контактное лицо|контакт|обращаться к|обращайтесь к"
    r"|спросить|фио|ф\. ?и\. ?о\.|подпись|имя))"
    r"[:\s]{0,3}\Z"
)
# "By Jane Doe" alone on its line, or before a date; not "By Grand Central Terminal we met".
_BYLINE_BEFORE = re.compile(r"(?:\A|\n)[ \t*_#>-]{0,6}(?:[Bb]y|BY|[Тт]екст|[Фф]ото)[:\s]{1,3}\Z")
_BYLINE_AFTER = re.compile(r"\s*(?:\n|\Z|[|,•·—–]|on \w)")
_ROLE_AFTER = re.compile(r"(?:, | ?[—–|] | -{1,2} | ?\()((?:[\w'’-]+[ )]?){1,5})")
_CONTACT_AFTER = re.compile(
    r"[ ,:;(<\[|—–-]{1,4}(?:(?:at|on|tel|phone|тел|email|e-mail|mail|mobile)[.: ]{1,3}){0,2}"
    r"(?:mailto:)?(?:[+(]?\d[\d ()-]{6}|[\w.+-]{1,40}@\w|P\.? ?O\.? Box)"
    # An age: "Jane Doe, 34, said".
    r"|, \d{2},"
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
    "наш наша мой моя сегодня вчера это звоните пишите контакт"
)
_BEFORE_ONE = TITLES | {"is", "name's", "name’s", "зовут"}
_SURNAME_RU = re.compile(
    r"\w+(?:ов|ев|ёв|ин|ын|ск|цк|ко|ук|юк|ян|дзе|швили|ых|их|ец|ак|як|ик|ер|ман|ий|ой|ь)(?:ий|ого|ому|им"
    r"|ом|ем|ым|ая|ой|ую|а|у|е)?"
)
_DETERMINERS = _words("a an the our my his her their your its")


_GIVES_OWN = re.compile(r"(?:[Mm]y name is|[Mm]y name['’]s|[Мм]еня зовут) \Z")


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
    if not text.isascii():
        yield from find_han_names(text)


def _called_by_one_word(text: str, start: int) -> bool:
    """Whether a form of address or "my name is" stands before one word at `start`."""
    before = text[max(0, start - 14) : start].split()
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
    head = before.rstrip(" ,")
    last = re.split(r"[\s(«\"“/]", head[-24:])[-1].lower()
    bare = last.rstrip(".,:")
    if len(before) - len(head) > 2 or (last.endswith(".") and bare not in TITLES):
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
    if _CUE_BEFORE.search(before) or _CONTACT_AFTER.match(text, end):
        return True
    return _BYLINE_BEFORE.search(before) is not None and _BYLINE_AFTER.match(text, end) is not None


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

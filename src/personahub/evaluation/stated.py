"""Gender and age of a persona as far as its words state them; never guessed from a name or an occupation.

Looked at is who the persona is (its head, and what is set beside it between commas), not whom it deals with:
"a doctor who treats women" states nothing. English and Chinese pronouns count, where nobody else was named
before them whom they could mean. In languages whose nouns have a grammatical gender, pronouns agree with the
noun and state nothing of the person.
"""

import re
from functools import cache
from typing import NamedTuple

from personahub.evaluation.heads import find_who, first_clause
from personahub.evaluation.stated_words import AGE_WORDS, BANDS, MAN, NOT_BEFORE, NOT_SO, WOMAN

__all__ = ["GENDERS", "Stated", "find_stated"]

GENDERS = ("woman", "man")
"""The genders that are found; words for others are rare, and no list of them was measured."""
_STARTS = (18, 40, 65)
_OLDEST = 120
_ANYWHERE = {"en": ("female", "male"), "tr": ("kadın", "erkek"), "ko": ("여성|여자", "남성|남자")}
"""Adjectives of a woman and a man, which need not be the last word of who it is."""
_PREFIXED = frozenset({"th"})
_FIRST_WORD = frozenset({"ar"})
_LAST = frozenset({"ja", "ko", "zh"})
_NOMINATIVE = frozenset({"ru", "pl"})
_BESIDE = {
    "en": r"(?:an?|the|now an?|himself|herself)\s",
    "ru": r"(?!котор|чь|чей|где|что|как)",
    "de": r"(?:eine?|selbst)\s",
    "es": r"(?!que|cuy)",
    "fr": r"(?:une?\s)?(?!qui|dont)",
    "it": r"(?!che|il cui|la cui)",
    "nl": r"(?:een\s)?(?!die|wiens)",
    "pl": r"(?!któr|czyj)",
    "pt": r"(?!que|cuj)",
}
"""How what is set beside the head begins, in a clause of its own."""
_CLAUSES = re.compile(r"\s*[,;，；]\s*")
_PRONOUNS = {
    "en": (re.compile(r"\b(?:she|hers?|herself)\b", re.I), re.compile(r"\b(?:he|his|him|himself)\b", re.I)),
    "zh": (re.compile(r"她(?!们)"), re.compile(r"(?<![其])他(?![们人])")),
}
_NAMED = re.compile(
    r"(?<=\s)(?:(?:Dr|Mr|Mrs|Ms)\.? [A-Z]|[A-Z]\w+['’]s\b)"
    r"|\b(?:who|that|which|for|with|of)\b.*\b(?:an?|the) (?:[\w-]+ ){1,3}and (?:her|his)\b"
)
"""Somebody else whom an English pronoun may mean: "Dr Lee", "Lee's", "for a patient and her family"."""
_RELATIVE = {
    "en": re.compile(r"\b(?:who|whose|whom|which|that)\b", re.I),
    "de": re.compile(r",\s*(?:der|die|das|deren|dessen)\b", re.I),
    "ru": re.compile(r",\s*(?:котор|чей|чья|чьё|чьи)", re.I),
}
_ENGLISH_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ENGLISH_UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TENS = "|".join(_ENGLISH_TENS)
_UNITS = "|".join(_ENGLISH_UNITS)
_ENGLISH_DECADES = "|".join(ten[:-1] + "ies" for ten in _ENGLISH_TENS)
_YEARS = {
    "en": (
        rf"(?P<n>\d{{1,3}}|(?:{_TENS})(?:-(?:{_UNITS}))?)[- ]years?[- ]old\b(?!s)",
        r"\baged?(?: of)? (?P<n>\d{1,3})\b",
        r"^\w+(?: \w+)? of (?P<n>\d{1,3})\b(?! \w+s\b)",
        rf"\bin (?:his|her|their) (?:early |mid[- ]?|late )?(?:(?P<n>\d)0s|(?P<d>{_ENGLISH_DECADES}))\b",
        r"(?:^|, )(?P<n>\d{2,3})(?=$|,)",
    ),
    "ru": (
        r"(?P<n>\d{1,3})-?\s?летн(?:ий|яя)\b",
        r"(?<!за )(?<!более )(?<!свыше )(?P<n>\d{2,3}) (?:год|года|лет)\b"
        r"(?! (?:стаж|опыт|назад|подряд|работ|служб))",
    ),
    "zh": (r"^(?:今年|年龄|年约|约)?(?P<n>\d{1,3}|[一二三四五六七八九十]{1,4})[多几来]?岁",),
    "de": (r"(?P<n>\d{1,3})-?jährige[rsn]?\b", r"(?P<n>\d{1,3}) jahre alt", r"\bvon (?P<n>\d{2}) jahren"),
    "es": (r"\bde (?P<n>\d{1,3}) años(?! de (?:experiencia|servicio|carrera))",),
    "fr": (r"\b(?:de|âgée? de) (?P<n>\d{1,3}) ans(?! d['’e] ?(?:expérience|carrière|service|métier))",),
    "it": (r"\bdi (?P<n>\d{1,3}) anni(?! di (?:esperienza|servizio|carriera))", r"\b(?P<n>\d{2,3})enne"),
    "nl": (r"\b(?P<n>\d{1,3})-?jarige\b", r"\bvan (?P<n>\d{1,3}) jaar(?! ervaring)"),
    "pl": (r"\b(?P<n>\d{1,3})-?letni[a]?\b", r"\bw wieku (?P<n>\d{1,3}) lat"),
    "pt": (r"\bde (?P<n>\d{1,3}) anos(?! de (?:experiência|serviço|carreira))",),
    "tr": (r"(?P<n>\d{1,3}) yaşında",),
    "ar": (r"(?:عمره|عمرها|يبلغ|تبلغ)\D{0,12}(?P<n>\d{1,3})",),
    "ja": (r"^(?P<n>\d{1,3})[歳才]の", r"^(?P<n>\d)0代の"),
    "ko": (r"^(?P<n>\d{1,3})[세살]", r"^(?P<n>\d)0대"),
    "th": (r"(?:อายุ|วัย)\s?(?P<n>\d{1,3})(?:\s?ปี|\s|$)",),
}
_DECADE_PATTERNS = ("0s", "0代", "0대")
_SAID = re.compile(
    r"\b(?:who|she|he|and)(?: is| was|['’]s| has)? (?:just |recently |now )?(?:turned |is )?(?P<n>\d{1,3})"
    r"(?: years old\b|(?=[.,]|$| and\b))",
    re.I,
)
"""English: "who is 58 years old", "she is 58."."""
_ZH_COUNTED = re.compile(r"^(?:这是|是)?(?:一[位名个]|某[位个])?")
_ZH_NOUNS = re.compile("(?:孩|童|年|女|婴儿|孩子|小伙子?|老人|老奶奶|老爷爷|老太太|老大爷|老先生|老汉)$")
_ZH_GOODS = re.compile("[男女](?:[装鞋篮足排权团校科士性人孩生子儿友]|子)")


class Stated(NamedTuple):
    """What a persona's words state.

    Attributes:
        gender: one of :data:`GENDERS`; None where none is stated, or several are.
        age: one of :data:`~personahub.evaluation.stated_words.BANDS`; None where none is stated.
    """

    gender: str | None
    age: str | None


def find_stated(text: str, language: str) -> Stated:
    """What the persona's words state of its gender and age.

    Args:
        text: the persona's description.
        language: ISO 639-1 code; in languages other than the 15 of the built-in embeddings nothing is found.
    """
    if language not in WOMAN:
        return Stated(None, None)
    parts = _who(text, language)
    return Stated(_gender(text, parts, language), _age(text, parts, language))


def _who(text: str, language: str) -> list[str]:
    """The head, and clauses that are set beside it; lower case."""
    parts = [find_who(text, language).casefold()]
    beside = _BESIDE.get(language)
    if beside:
        pattern = re.compile(beside, re.I)
        relative = _RELATIVE.get(language)
        before = relative.split(text, maxsplit=1)[0] if relative else text
        parts += [each.casefold() for each in _CLAUSES.split(before)[1:3] if pattern.match(each)]
    return parts


@cache
def _nouns(language: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    if language in _LAST:
        shape = r"(?:{0})(?:さん)?$"
    elif language in _PREFIXED:
        shape = r"^(?:{0})"
    elif language in _FIRST_WORD:
        shape = r"^(?:ال)?(?:{0})(?!\w)"
    else:
        shape = r"(?<![\w’'-])(?:{0})(?![\w’'-])"
    woman, man = (re.compile(shape.format(words[language])) for words in (WOMAN, MAN))
    return woman, man


@cache
def _adjectives(language: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    woman, man = (re.compile(rf"(?<!\w)(?:{words})(?!\w)") for words in _ANYWHERE[language])
    return woman, man


@cache
def _cut(language: str) -> re.Pattern[str]:
    return re.compile(rf"\s(?:{NOT_BEFORE.get(language, 'a^')})(?!\w)|['’]s\b")


def _is(part: str, language: str) -> set[str]:
    """The genders that one of the parts states."""
    if language in NOT_SO and re.search(NOT_SO[language], part):
        return set()
    found = set()
    core = _cut(language).split(part, maxsplit=1)[0]
    possessive = part[len(core) :].startswith(("'s", "’s"))
    for gender, noun in zip(GENDERS, _nouns(language), strict=True):
        matches = list(noun.finditer(core))
        if language in _LAST | _PREFIXED | _FIRST_WORD:
            states = bool(matches)
        elif language in _NOMINATIVE:
            states = any(len(core[: match.start()].split()) < 4 for match in matches)
        else:
            states = any(match.end() == len(core.rstrip()) for match in matches) and not possessive
        if states:
            found.add(gender)
    if language in _ANYWHERE and not found:
        found |= {
            gender for gender, word in zip(GENDERS, _adjectives(language), strict=True) if word.search(core)
        }
    return found


def _gender(text: str, parts: list[str], language: str) -> str | None:
    found = set().union(*(_is(part, language) for part in parts))
    if language == "zh" and not found:
        found = _chinese_gender(text)
    if language == "en" and len(found) == 1 and _partner(parts[0], found):
        return None
    if not found and language in _PRONOUNS:
        found = _pronoun(text, language)
    return found.pop() if len(found) == 1 else None


def _partner(head: str, found: set[str]) -> bool:
    """Whether the head goes on with somebody of the other gender: "a husband and a wife"."""
    other = _nouns("en")[0 if "man" in found else 1]
    return bool(re.search(r"\band (?:an? |the |his |her )?\w*$", head) and other.search(head))


def _pronoun(text: str, language: str) -> set[str]:
    """The gender of the pronouns, where all agree and nobody else of a gender is named before them."""
    women, men = _PRONOUNS[language]
    found = {
        gender: match
        for gender, match in zip(GENDERS, (women.search(text), men.search(text)), strict=True)
        if match
    }
    if len(found) != 1:
        return set()
    gender, match = next(iter(found.items()))
    before = text[: match.start()].casefold()
    if language == "en":
        others = bool(_NAMED.search(text[: match.end()])) or any(
            noun.search(before) for noun in _nouns(language)
        )
    else:
        others = any(re.search(words[language], before) for words in (WOMAN, MAN))
    return set() if others else {gender}


def _chinese_gender(text: str) -> set[str]:
    """Of "女工程师", and of "一位母亲在医院…", whose head is no end of a clause."""
    start = _ZH_COUNTED.sub("", text.strip())
    for head in (
        find_who(text, "zh"),
        re.sub("^(?:[0-9一二三四五六七八九十]+多?岁的?|年轻的?|中年|老年)", "", start),
    ):
        if head[:1] in "女男" and head and not _ZH_GOODS.match(head):
            return {GENDERS[head[0] == "男"]}
    return {
        gender
        for gender, words in zip(GENDERS, (WOMAN["zh"], MAN["zh"]), strict=True)
        if re.match(rf"(?:{words})(?=[在正每和与为、，。]|$)", start)
    }


def _age(text: str, parts: list[str], language: str) -> str | None:
    """The first age that is stated: in numbers, else in words."""
    years = _years(text, language)
    if years is not None:
        return BANDS[sum(years >= start for start in _STARTS)]
    if language == "zh":
        return _chinese_age(text)
    for band, word in _age_words(language):
        if any(_states_age(word, part, language) for part in parts):
            return band
    return None


@cache
def _age_words(language: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    words = AGE_WORDS.get(language, {})
    left, right = ("", "") if language in _LAST | _PREFIXED else (r"(?<![\w-])", r"(?![\w’'-])")
    return tuple((band, re.compile(f"{left}(?:{listed}){right}")) for band, listed in words.items())


def _states_age(word: re.Pattern[str], part: str, language: str) -> bool:
    core = re.split(r"\s(?:of|for|to|at|with|from)\s", part, maxsplit=1)[0] if language == "en" else part
    match = word.search(core)
    if match is None:
        return False
    if language != "en":
        return True
    # A noun must be the last word: a child psychologist is no child.
    return match[0] not in {"child", "kid", "teen", "boy", "girl", "baby"} or match.end() == len(core)


def _years(text: str, language: str) -> int | None:
    for clause in _age_clauses(text, language):
        for pattern in _YEARS.get(language, ()):
            if found := re.search(pattern, clause, re.I):
                return _number(found, decade=any(sign in pattern for sign in _DECADE_PATTERNS))
    said = _SAID.search(text) if language == "en" else None
    return _number(said) if said else None


def _age_clauses(text: str, language: str) -> list[str]:
    """Where an age is the persona's own."""
    relative = _RELATIVE.get(language)
    before = relative.split(text, maxsplit=1)[0].strip(" ,.") if relative else text
    if language == "en":
        # "a nurse for 6-year-old children", but "a girl of 12".
        before = re.split(
            r"\s(?:for|to|with|teaching|helping|caring|raising)\s|\sof (?!\d+\b(?!-))", before, maxsplit=1
        )[0]
        return [before.removeprefix("A ").removeprefix("An ")]
    if language == "ru":
        return [re.split(r"\s(?:с|для|у|над)\s|\sдет[а-я]+\s", before, maxsplit=1)[0]]
    if language == "zh":
        return [_ZH_COUNTED.sub("", clause.strip()) for clause in _CLAUSES.split(text)]
    return [first_clause(text)] if language not in {"ar", "fr", "es", "it", "pt", "pl"} else [before]


def _number(found: re.Match[str], *, decade: bool = False) -> int | None:
    groups = found.groupdict()
    if groups.get("d"):
        return 10 * (_ENGLISH_TENS.index(groups["d"].lower()[:-3] + "y") + 2) + 5
    said = (groups["n"] or "").lower()
    if said.isdigit():
        years = int(said) * 10 + 5 if decade and groups["n"] else int(said)
    elif said[:1].isascii():
        ten, _, unit = said.partition("-")
        years = 10 * (_ENGLISH_TENS.index(ten) + 2) + (_ENGLISH_UNITS.index(unit) + 1 if unit else 0)
    else:
        years = _chinese_number(said)
    return years if 0 < years <= _OLDEST else None


def _chinese_number(said: str) -> int:
    digits = "零一二三四五六七八九"
    tens, ten, units = said.rpartition("十")
    value = digits.index(units[-1]) if units else 0
    return value + (10 * (digits.index(tens[-1]) if tens else 1) if ten else 0)


def _chinese_age(text: str) -> str | None:
    """An adjective right after "一位", or the noun that the head ends with."""
    start, head = _ZH_COUNTED.sub("", text.strip()), find_who(text, "zh")
    for band, word in AGE_WORDS["zh"].items():
        at_start = re.match(f"(?:{word})", start)
        if at_start and not _ZH_NOUNS.search(at_start[0]):
            return band
        if re.match(r"(?:老年|青年|中年|少年)(?!大学|医学|护理|宫|病|人)", start) and at_start:
            return band
        if re.search(f"(?:{word})(?:人|男性|女性|男人|女人)?$", head):
            return band
    return None

"""The words of a persona that say who it is: "beekeeper" of "A beekeeper who counts her hives in spring".

An embedding of a whole persona is mostly of what the person does and thinks: beside the name of the right
occupation it has about the same cosine as beside wrong ones. The head alone has a far higher one.
Where a language's rule finds no head, the whole text is it.
"""

import re
from collections.abc import Callable

__all__ = ["find_head", "find_who", "first_clause"]

_LONGEST = 80
"""Characters; what is longer is no head but a whole sentence."""
_CLAUSE_END = re.compile(r"[,;:.!?，。；：！？،؛—–(（]|\s-\s")
_ENDS = {
    "en": r"who|whose|whom|which|that|with|without|from|living|aged|looking|working|responsible|interested"
    r"|concerned|seeking|trying|struggling|specializing|specialising|and (?:is|has|wants|works)",
    "de": r"mit|aus|welcher|welche|der seit|die seit",
    "es": r"que|quien|cuyo|cuya|con|desde",
    "fr": r"qui|que|dont|avec|depuis",
    "it": r"che|il cui|la cui|con",
    "nl": r"die|dat|wiens|met|uit",
    "pl": r"z|ze",
    "pt": r"que|quem|cujo|cuja|com|desde",
    "ru": r"из|с|со|у",
    "ar": r"الذي|التي|يعمل|تعمل",
}
"""Words before which the head ends; a comma or a full stop ends it too."""
_CUT = {code: re.compile(rf"\s(?:{words})\s", re.IGNORECASE) for code, words in _ENDS.items()}
_ARTICLE = re.compile(r"(?:an?|the|eine?|une?|un[ao]?|uma?|een)\s+(?=\S)", re.IGNORECASE)
_AGED = re.compile(
    r"^(?:[\w-]+[- ]years?[- ]old|elderly|young|middle-aged|retired|\d{1,3}-?летн(?:ий|яя)|пожил(?:ой|ая)"
    r"|молод(?:ой|ая)|\d{1,3}-?jährige[rn]?|junge[rn]?|ältere[rn]?)\s+(?=\S)"
    r"|^(?:[\d一二三四五六七八九十]{1,4}[多几]?岁的?|年轻的?|中年|年迈的?|退休)(?=.)",
    re.IGNORECASE,
)
"""How old somebody is tells nothing of what they do: an elderly herdsman is no carer of old people."""
_THAI_CUT = re.compile(r"(?<=.)(?:ที่|ซึ่ง|ผู้ซึ่ง|\s)")
_COUNTED = re.compile(r"^(?:这是|是)?(?:一[位名个群只]|某[位个])")
_CHINESE_VERB = re.compile("[在从是有]|喜欢|热爱|希望|正在|负责|参与|熟悉|想要|关注")
_SHORT = 14
"""Characters of a Chinese head."""
_KANJI_END = re.compile(r"[々\u3400-\u9fff\u30a0-\u30ffー・]{2,}$")
_KOREAN_CUT = re.compile(r"\S*(?:는|은|을|를|의|한|된|던|인|에서|으로)\s+")
_TURKISH_CUT = re.compile(r"\S*(?:[ae]n|[dt][ıiuü]ğ[ıiuü]|\bbir)\s+", re.IGNORECASE)


def first_clause(text: str) -> str:
    """The text up to its first comma, full stop, bracket or dash."""
    return _CLAUSE_END.split(text, maxsplit=1)[0].strip()


def find_who(text: str, language: str) -> str:
    """The words of a persona's description that say who it is.

    Args:
        text: the description.
        language: ISO 639-1 code; of a language without a rule the first clause is taken.
    """
    rule = _RULES.get(language)
    who = rule(text) if rule else _cut_before(text, language)
    return who if 0 < len(who) <= _LONGEST else text


def find_head(text: str, language: str) -> str:
    """The same, without how old it is said to be at its beginning."""
    return _AGED.sub("", find_who(text, language))


def _cut_before(text: str, language: str) -> str:
    """Languages in which who comes first and what about them after."""
    clause = first_clause(text)
    cut = _CUT.get(language)
    head = cut.split(clause, maxsplit=1)[0].strip() if cut else clause
    return _ARTICLE.sub("", head, count=1) if _ARTICLE.match(head) else head


def _chinese(text: str) -> str:
    """What stands after the last 的 of a clause, since all before it tells of it; or the first clause itself.

    "一位在公司工作，喜欢开源的工程师": the first clause only tells what the person does, so the next counts.
    """
    clauses = [clause for clause in re.split("[，。；！？,;.!?]", text) if clause.strip()] or [""]
    first = clauses[0].strip()
    if "的" not in first and (len(first) <= _SHORT and not _CHINESE_VERB.search(first)):
        return _COUNTED.sub("", first)
    for clause in clauses:
        after = clause.strip().rpartition("的")[2]
        if "的" in clause and 0 < len(after) <= _SHORT:
            return _COUNTED.sub("", after)
    return _COUNTED.sub("", first)


def _japanese(text: str) -> str:
    """The last run of characters that are no Hiragana, which bend the words before it."""
    found = _KANJI_END.search(re.split(r"[。．.！]", text.strip(), maxsplit=1)[0])
    return found[0] if found else ""


def _korean(text: str) -> str:
    return _KOREAN_CUT.split(text.strip(" ."))[-1]


def _turkish(text: str) -> str:
    return _TURKISH_CUT.split(text.strip(" ."))[-1]


def _thai(text: str) -> str:
    return _THAI_CUT.split(text.strip(), maxsplit=1)[0]


_RULES: dict[str, Callable[[str], str]] = {
    "zh": _chinese,
    "ja": _japanese,
    "ko": _korean,
    "tr": _turkish,
    "th": _thai,
}

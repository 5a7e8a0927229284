"""Names in Chinese: behind a role or a word such as "contact:", or before a form of address.

Chinese writes no spaces, so a name is told by three things: a surname (some 300 characters), what stands
before or behind it, and, where no mark ends the name, characters that given names are made of.
"""

import re
from collections.abc import Iterator

from personahub.safeguards.han_words import (
    DOUBLE_SURNAMES,
    EVERYDAY_SURNAMES,
    FUNCTION_CHARACTERS,
    GIVEN_CHARACTERS,
    LABELS,
    NOT_NAMES,
    PLACES,
    ROLES,
    SURNAMES,
    TITLES,
)
from personahub.safeguards.span import Span

__all__ = ["find_han_names"]

_HAN = "一-鿿"
_ANY_SURNAME = "".join(sorted(SURNAMES | EVERYDAY_SURNAMES))
_FIRST = "".join(sorted({*_ANY_SURNAME, *(name[0] for name in DOUBLE_SURNAMES.split("|"))}))
_CHARACTER = re.compile(rf"[{_HAN}]")
_DOUBLE = re.compile(DOUBLE_SURNAMES)
# What follows a name where no mark does.
_FOLLOWS = re.compile(
    rf"[^{_HAN}]|\Z|说|讲|报道|表示|介绍|告诉|称|在|是|的|和|与|及|或|诉|认为|指出|今年|答|来信"
    rf"|来自|主持|带|把|将|为|给|一起|负责|致|发言|作|签|获|收|{TITLES}"
)
_LABELLED = re.compile(rf"(?:{LABELS})(?:[（(][^（）()\n]{{1,8}}[）)])?[ 　]?[:：][ 　]{{0,2}}(?=[{_FIRST}])")
_CALLED = re.compile(rf"(?:我叫|名叫|叫做|我是|户名|收款人|收件人|{ROLES}|、)[ 　]?(?=[{_FIRST}])")
_TITLE = re.compile(TITLES)
# What ends a list of names: 出席：张三、李四.
_BEFORE_LIST = re.compile(rf"(?:{LABELS}|{ROLES})[:：]?[ 　]?(?:[{_HAN}]{{2,4}}、){{1,12}}\Z")
_PLACE_BEFORE = re.compile(rf"(?:{PLACES}|{ROLES}|{TITLES})\Z")
_FREE_BEFORE = frozenset("的是和与向对给请让找问被由在了跟说叫有到从但而把为位名是谢系询访聘托及或、们")
# A name alone, then who it is or how to reach it: 王小明，主任医师 or 王小明（经理） or 王小明：本院受理.
_EXPLAINED = re.compile(
    rf"(?:(?<=[。：:；;\n、，（(])|\A)[ 　]{{0,2}}([{_ANY_SURNAME}][{_HAN}]{{1,3}})"
    rf"(?:[，（( 　]{{1,2}}(?:[{_HAN}]{{2,8}}(?:公司|医院|大学|学院|中学|小学|科|部|局|系|所"
    rf"|处))?(?:{ROLES})(?![{_HAN}])"
    r"|[:：]本院|[，,（( 　]{1,2}(?:联系)?(?:电话|手机|邮箱|微信|传真|QQ|Tel"
    r"|tel)?[:：]?\s?(?:[+]?\d[\d-]{6}|[\w.]{2,30}@))"
)
_FAMILIAR = re.compile(
    rf"(?<![{_HAN}])[老小][{''.join(sorted(SURNAMES))}](?=[^{_HAN}]|\Z|说|在|是|的|和|跟|把|给|也"
    rf"|就|都|来|去|他|她)"
    rf"|(?<=[找是和与跟向请让问给叫由])[老小][{''.join(sorted(SURNAMES))}](?=[^{_HAN}]|\Z|说|的|和|跟)"
)


def find_han_names(text: str) -> Iterator[Span]:
    """Chinese names behind a label (联系人：张伟), a role (律师张伟), or before a title (王老师)."""
    if not _CHARACTER.search(text):
        return
    for match in _LABELLED.finditer(text):
        if length := _length(text, match.end(), labelled=True):
            yield Span(match.end(), match.end() + length, "name")
    for match in _CALLED.finditer(text):
        if match[0][0] == "、" and not _BEFORE_LIST.search(text[max(0, match.end() - 60) : match.end()]):
            continue
        if length := _length(text, match.end(), labelled=False):
            yield Span(match.end(), match.end() + length, "name")
    for match in _EXPLAINED.finditer(text):
        if _length(text, match.start(1), labelled=False) == len(match[1]):
            yield Span(*match.span(1), "name")
    for match in _FAMILIAR.finditer(text):
        if match[0] not in {"老许", "小曾", "小钱", "小叶", "小孙", "小林", "小杨"}:
            yield Span(*match.span(), "name")
    for match in _TITLE.finditer(text):
        if length := _length_before(text, match.start()):
            yield Span(match.start() - length, match.start(), "name")


def _length(text: str, start: int, *, labelled: bool) -> int:
    """Of how many characters the name is that begins at `start`; 0 if there is none."""
    surname = 2 if _DOUBLE.match(text, start) else 1
    if surname == 1 and text[start : start + 2] in NOT_NAMES:
        return 0
    for given in (1, 2):
        end = start + surname + given
        rest = text[start + surname : end]
        if len(rest) == given and _may_be_given(rest) and _FOLLOWS.match(text, end):
            certain = labelled or surname == 2 or text[start] not in EVERYDAY_SURNAMES
            return surname + given if certain or GIVEN_CHARACTERS.issuperset(rest) else 0
    # 医生伍彦博连夜手术: no mark, but both characters are those of names.
    rest = text[start + surname : start + surname + 2]
    return surname + 2 if len(rest) == 2 and GIVEN_CHARACTERS.issuperset(rest) else 0


def _may_be_given(rest: str) -> bool:
    return all("一" <= char <= "鿿" for char in rest) and (
        rest[0] not in FUNCTION_CHARACTERS or rest[0] in GIVEN_CHARACTERS
    )


def _length_before(text: str, end: int) -> int:
    """Of how many characters the name is that stands before the title at `end`; 0 if there is none."""
    for length in (4, 3, 2):
        start = end - length
        surname = 2 if start >= 0 and _DOUBLE.match(text, start) else 1
        if start < 0 or not 0 <= length - surname <= 2 or (text[start] not in _ANY_SURNAME and surname == 1):
            continue
        rest = text[start + surname : end]
        if not all(
            char in GIVEN_CHARACTERS or ("一" <= char <= "鿿" and char not in FUNCTION_CHARACTERS)
            for char in rest
        ):
            continue
        if surname == 1 and (
            {text[start : start + 2], text[max(0, start - 1) : start + 1]} & NOT_NAMES
            or (text[start] in EVERYDAY_SURNAMES and not GIVEN_CHARACTERS.issuperset(rest))
        ):
            continue
        if _begins(text, start):
            return length
    start = end - 1
    if start < 0 or text[start] not in _ANY_SURNAME:
        return 0
    if text[max(0, start - 1) : end] in NOT_NAMES or text[start : end + 1] in NOT_NAMES:
        return 0
    return int(text[start] not in EVERYDAY_SURNAMES or _begins(text, start))


def _begins(text: str, start: int) -> bool:
    """Whether a word can begin here: 语文老师 and 分钟老师 hold no name, 数学段老师 does."""
    before = text[start - 1 : start]
    if not "一" <= before <= "鿿" or before in _FREE_BEFORE:
        return True
    return _PLACE_BEFORE.search(text[max(0, start - 4) : start]) is not None

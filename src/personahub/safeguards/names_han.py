"""Names in Chinese: after a word such as "contact:", or before a form of address."""

import re
from collections.abc import Iterator

from personahub.safeguards.name_words import NOT_NAMES_HAN, SURNAMES_HAN, TITLE_HAN
from personahub.safeguards.span import Span

__all__ = ["find_han_names"]

_HAN = "一-鿿"
_CHARACTER = re.compile(rf"[{_HAN}]")
_SURNAME = rf"(?:欧阳|司马|上官|诸葛|[{SURNAMES_HAN}])"
_NAMED = re.compile(
    r"(?:(?:联系人|负责人|姓名|作者|通讯员|编辑|责编|主讲人|讲师|收件人|寄件人|经办人|申请人|家长|摄影|署名"
    r"|法定代表人|法人|签名|客户经理|班主任|校长|主任|院长|经理|教师|记者|店主|患者)[:： ]{1,2}"
    r"|我叫|名叫|叫做|我是|校长|主任|院长|经理|教师|记者|店主|患者)"
    rf"({_SURNAME}[{_HAN}]{{1,2}}?)"
    rf"(?=[^{_HAN}]|\Z|说|报道|表示|介绍|告诉|在|是|的|和|与|认为|指出|今年|先生|女士|老师|经理|医生|带|把)"
)
_TITLED = re.compile(rf"({_SURNAME}[{_HAN}]{{0,2}}?)(?:{TITLE_HAN}|总(?=[，。、：！？\s]))")
_FREE_BEFORE = frozenset("的是和与向对给请让找问被由在了跟说叫有到从但而把为位名是谢系询访聘托")
_EVERYDAY = frozenset(SURNAMES_HAN[SURNAMES_HAN.index("何") :])


def find_han_names(text: str) -> Iterator[Span]:
    """Chinese names after a cue (联系人：张伟), or before a form of address (王老师), without it."""
    if not _CHARACTER.search(text):
        return
    for match in _NAMED.finditer(text):
        if match[1][:2] not in NOT_NAMES_HAN:
            yield Span(*match.span(1), "name")
    for match in _TITLED.finditer(text):
        start, name = match.start(), match[1]
        before = text[start - 1 : start]
        if before + name[0] in NOT_NAMES_HAN or match[0][:2] in NOT_NAMES_HAN:
            continue
        # An everyday word, or a whole name, must stand where a word begins: 语文老师, 分钟老师.
        begins = not "一" <= before <= "鿿" or before in _FREE_BEFORE
        if begins or (len(name) == 1 and name not in _EVERYDAY):
            yield Span(start, start + len(name), "name")

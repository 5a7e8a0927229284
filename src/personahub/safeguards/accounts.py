"""Accounts told by what stands before them: "Telegram: jane_doe", "加微信 jane_doe", "Username: jane"."""

import re
from collections.abc import Iterator

from personahub.safeguards.span import Span

__all__ = ["each", "find_accounts"]

_NETWORKS = (
    "telegram", "whatsapp", "wechat", "skype", "instagram", "twitter", "discord", "snapchat",
    "viber", "icq",
    "mastodon", "телеграм", "телега", "скайп", "инстаграм", "вайбер", "инста",
    "微信", "微博", "qq", "抖音", "小红书", "快手", "知乎", "b站", "钉钉", "wx",
)  # fmt: skip
_LOGINS = (
    "username", "login", "nickname",
    "логин", "ник", "никнейм", "имя пользователя", "用户名", "账号", "帐号", "昵称",
)  # fmt: skip
_CUES = (*_NETWORKS, *_LOGINS)
_CUES_ASCII = tuple(cue for cue in _CUES if cue.isascii())
# A network may stand beside an account with nothing between; a login needs its colon.
_ACCOUNT = re.compile(
    r"м?(?:[ -]?(?:id|username|handle|name|account|号码?|帐号|账号|同号))?"
    r"(?:\s?[:：]\s?(?!https?:|www\.)|\s?[是为叫]\s?|(?= [a-z\d_.-]{0,29}[\d_]|(?<![\x00-\x7f])))"
    r"[ @]{0,2}((?:live:)?[a-z\d][a-z\d_.-]{2,29}(?<=[a-z\d_]))(?![@\w:\"])",
    re.IGNORECASE | re.ASCII,
)
_LOGIN = re.compile(
    r"\s?[:：]\s?([A-Za-z\d_][A-Za-z\d_.-]{2,29}(?<=[A-Za-z\d_]))(?=\s*(?:[^\w\s:@/]|\n|\Z))", re.ASCII
)
_MOBILE = re.compile(r"1[3-9]\d{9}")
_LONG_NUMBER = re.compile(r"\d{7,}")


def each(text: str, piece: str) -> Iterator[int]:
    """Every place of a piece in a text."""
    place = text.find(piece)
    while place >= 0:
        yield place
        place = text.find(piece, place + len(piece))


def find_accounts(text: str) -> Iterator[Span]:
    """What stands after the name of a network, or after "Username:"."""
    low = text.lower()
    if len(low) != len(text):
        low = text
    for cue in _CUES_ASCII if text.isascii() else _CUES:
        for start in each(low, cue) if cue in low else ():
            before, end = text[start - 1 : start], start + len(cue)
            if (before.isalnum() and before < "一") or before in {"/", "-", "_", "=", '"'}:
                continue
            match = (_LOGIN if cue in _LOGINS else _ACCOUNT).match(text, end)
            if not match:
                continue
            # "WhatsApp: 12025550143" is a phone number; that of QQ is its account.
            number = _LONG_NUMBER.match(match[1]) and cue not in {"qq", "icq", "微信", "wx"}
            # "Twitter: Jane Doe" gives a name.
            name = match[1].istitle() and match[1].isalpha()
            if not (number or name or _MOBILE.fullmatch(match[1])):
                yield Span(*match.span(1), "handle")

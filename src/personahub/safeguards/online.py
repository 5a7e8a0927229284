"""What points to a person on the net: e-mail and IP addresses, handles, links to profiles."""

import ipaddress
import re
from collections.abc import Iterator

from personahub.safeguards.accounts import each, find_accounts
from personahub.safeguards.name_words import words
from personahub.safeguards.span import Span

__all__ = ["find_emails", "find_handles", "find_ips", "find_profile_urls"]

# Each find starts from a rare character ("@", ".com/") and looks to both sides, no farther than standards
# allow; this is fast on ordinary text and linear on any.
_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}\Z")
_DOMAIN = re.compile(
    r"(?:[^\W_](?:[\w-]{0,62}[^\W_])?\.){1,8}(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,24})(?![\w-])"
)
# Names of files: icon@2x.png.
_FILE_ENDS = words("png jpg jpeg gif svg webp css js ts json html htm php py md txt zip")
_AT_WORD = re.compile(r"[(\[（{【<]\s?(?:at|@|собака|艾特)\s?[)\]）}】>]", re.IGNORECASE)
_AT_SPOKEN = re.compile(r"(?<=\w) (?:собака|at) (?=[\w-]{2,40}(?: точка | dot )\w)", re.IGNORECASE)
_SPELLED_AT = re.compile(r"([A-Za-z0-9][\w.+-]{0,63})\s?\Z")
_SPELLED_DOMAIN = re.compile(
    r"\s?[A-Za-z0-9-]{1,63}(?:\s?(?:\.|[(\[（{【<]\s?(?:dot|точка|点)\s?[)\]）}】>]| dot(?= )| точка(?= ))"
    r"\s?[A-Za-z0-9-]{1,63}){1,4}",
    re.IGNORECASE,
)


_HASHED = re.compile(r"[A-Za-z0-9][\w.-]{0,63}#(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}", re.ASCII)
_HASH_MEANS_AT = re.compile(r"#[^\w\n]{0,2}(?:换|改|替换|->|→|=|to|with|на|вместо|is)[^\n]{0,8}@")


def find_emails(text: str) -> Iterator[Span]:
    """E-mail addresses, also those spelled "name [at] example [dot] com"."""
    for at in each(text, "@"):
        if not (text[at - 1 : at].isalnum() or text[at - 1 : at] in {"_", "-", ".", "+"}):
            continue
        local = _LOCAL.search(text[max(0, at - 64) : at])
        domain = _DOMAIN.match(text, at + 1)
        if not local or not domain or domain[0].rpartition(".")[2].lower() in _FILE_ENDS:
            continue
        # Chinese runs on without spaces: 邮箱jane@example.org请; git@host:path names a repository.
        start = at - len(re.split(r"[一-鿿/=]|^[^\w]+", local[0])[-1])
        federated = text[start - 1 : start] == "@" and not text[start - 2 : start - 1].isalnum()
        if (
            start < at
            and not federated
            and not (text[start:at] == "git" and text[domain.end() : domain.end() + 1] in {":", "/"})
        ):
            yield Span(start, _latin_end(text, at + 1, domain.end()), "email")
    yield from _spelled_emails(text)
    # 把#换成@ and such: the sign that stands for "@" is told beside the address.
    for match in _HASHED.finditer(text) if "#" in text and "@" in text else ():
        if _HASH_MEANS_AT.search(text, match.end(), match.end() + 30):
            yield Span(*match.span(), "email")


def _spelled_emails(text: str) -> Iterator[Span]:
    found = [*_AT_WORD.finditer(text)]
    if " dot " in text or " точка " in text:
        found += _AT_SPOKEN.finditer(text)
    for at in found:
        local = _SPELLED_AT.search(text[max(0, at.start() - 66) : at.start()])
        domain = _SPELLED_DOMAIN.match(text, at.end())
        if local and domain:
            start = at.start() - len(local[0])
            yield Span(start, domain.end(), "email")


def _latin_end(text: str, start: int, end: int) -> int:
    """Where a domain in Latin letters ends, before Chinese that follows without a space."""
    han = re.search(r"[一-鿿]", text[start:end])
    return start + han.start() if han and han.start() else end


_HANDLE = re.compile(r"@([\w一-鿿](?:[\w.-]{0,29}\w)?)(?![\w@/]|\.\w)")
# Of code and markup, and the calls to everyone.
_NOT_HANDLES = words(
    "param params return returns throws see since author deprecated override media import font-face "
    "keyframes "
    "charset supports property staticmethod classmethod dataclass test before after everyone here all "
    "channel "
    "include extends mixin layer page namespace interface autowired component abstractmethod "
    "cached_property "
    "pytest.fixture fixture functools.wraps wraps"
)
_DECORATOR = re.compile(
    r"@[\w.]+(?:\([^\n]*\))?[ \t]*(?:\n\s*(?:@|def |class |async |public |private |static )|\Z)"
)
_FEDERATED = re.compile(r"@[\w.-]{2,30}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}(?![\w@-])", re.ASCII)
_HAN_HANDLE_ENDS = re.compile(r"[和与或及]|私信|关注|联系|留言")


def find_handles(text: str) -> Iterator[Span]:
    """Names on social networks: @name, or a name after "Telegram:", "微信号：" and such."""
    for at in each(text, "@"):
        before = text[at - 1 : at]
        if before and (before in ".`/@=<+\\" or (before.isalnum() and before.isascii()) or before == "_"):
            continue
        match = _FEDERATED.match(text, at) or _HANDLE.match(text, at)
        if not match:
            continue
        name = match[0][1:]
        if name.lower() in _NOT_HANDLES or name.isdigit() or len(name) < 2:
            continue
        line_start = text.rfind("\n", max(0, at - 80), at) + 1
        if not text[line_start:at].strip() and _DECORATOR.match(text, at) and "\n" in text[at : at + 200]:
            continue
        # Chinese runs on: @纸上时间和B站.
        runs_on = None if name[0].isascii() else _HAN_HANDLE_ENDS.search(name, 2)
        yield Span(at, at + 1 + runs_on.start() if runs_on else match.end(), "handle")
    yield from find_accounts(text)


_URL_HOST = re.compile(r"\.(?:com|me|ru|cn|net|org|io|social|bsky\.app|tv)/(?=[@\w+])")
_HOST_LEFT = re.compile(r"(?:https?://)?(?:[\w-]{1,40}\.){0,3}[\w-]{1,40}\Z", re.ASCII)
_PATH = re.compile(r"[\w@.~%+/?=&#-]{0,200}[\w/~=-]", re.ASCII)
_SEGMENT = r"[\w.%-]{2,60}"
# By site: what its path must look like to be a person's page.
_FREE = {
    "facebook.com": rf"(?:profile\.php\?id=\d+|people/[^/]+/\d+|{_SEGMENT}/?(?:\?|#|$))",
    "fb.com": rf"{_SEGMENT}/?(?:\?|#|$)",
    "twitter.com": r"@?\w{2,20}(?:/status/|/?(?:\?|#|$))",
    "x.com": r"@?\w{2,20}(?:/status/|/?(?:\?|#|$))",
    "instagram.com": rf"{_SEGMENT}/?(?:\?|#|$)",
    "linkedin.com": r"(?:in|pub)/[^/]{2,}",
    "vk.com": rf"{_SEGMENT}/?(?:\?|#|$)",
    "ok.ru": r"(?:profile/\d+|(?!group|video|music)[\w.]{3,}/?$)",
    "t.me": r"(?:s/)?\w{4,}/?(?:\?|$)",
    "telegram.me": r"\w{4,}/?(?:\?|$)",
    "wa.me": r"\d{7,15}",
    "weibo.com": r"(?:u/\d+|[\w-]{3,}/?(?:\?|$))",
    "weibo.cn": r"(?:u/\d+|[\w-]{3,}/?(?:\?|$))",
    "zhihu.com": r"people/[\w-]+",
    "douban.com": r"people/[\w-]+",
    "bilibili.com": r"\d{3,}/?(?:\?|$)",
    "xiaohongshu.com": r"user/profile/\w+",
    "douyin.com": r"user/[\w-]+",
    "github.com": r"[A-Za-z\d](?:[\w-]{0,38})/?(?:\?tab=.*)?$|sponsors/[\w-]+/?$",
    "gitlab.com": r"[\w.-]{2,}/?$",
    "youtube.com": r"@[\w.-]+|user/[\w-]+",
    "tiktok.com": r"@[\w.-]+",
    "medium.com": r"@[\w.-]+",
    "threads.net": r"@[\w.]+",
    "habr.com": r"(?:\w\w/)?users/[\w-]+",
    "stackoverflow.com": r"users/\d+",
    "reddit.com": r"u(?:ser)?/[\w-]+",
    "researchgate.net": r"profile/[\w-]+",
    "orcid.org": r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]",
    "pinterest.com": r"\w{3,}/?$",
    "livejournal.com": r"profile",
    "bsky.app": r"profile/[\w.-]+",
    "twitch.tv": r"\w{3,}/?$",
}
_PROFILES = {host: re.compile(path, re.ASCII) for host, path in _FREE.items()}
_FIRST_SEGMENT = re.compile(r"@?([\w.-]*)", re.ASCII)
# Pages that belong to the sites themselves, or to groups.
_RESERVED = words(
    "about explore features login signup join search settings help home hashtag intent share developer "
    "sharer sharer.php dialog "
    "pages groups events watch marketplace topics trending orgs apps privacy terms tos legal policies "
    "pricing "
    "security contact blog news feed p reel stories tv pin video videos i wall im docs joinchat "
    "addstickers sponsors "
    "enterprise collections customer-stories readme site business ads jobs careers developers login.php "
    "directory"
)
_GROUPS_VK = re.compile(r"(?:club|public|event|wall-?|album-?|photo-?|video-?|topic-?|app|market-?)\d")


_MAILTO = re.compile(r"[\w.%+-]{1,64}@[\w.-]{1,200}\w", re.ASCII)


def find_profile_urls(text: str) -> Iterator[Span]:
    """Links to a person's own page, and mailto: links; not to posts, groups or the sites' own pages."""
    done = 0
    for match in _URL_HOST.finditer(text):
        if match.start() < done:
            continue
        left = _HOST_LEFT.search(text[max(0, match.start() - 80) : match.start()])
        path = _PATH.match(text, match.end())
        if not left or not path:
            continue
        host = (left[0].rpartition("//")[2] + match[0][:-1]).lower()
        site = host if host == "bsky.app" else ".".join(host.split(".")[-2:])
        wanted = _PROFILES.get(site)
        done = path.end()
        if wanted is None:
            # Mastodon, at any host: https://mastodon.example/@name.
            if not re.fullmatch(r"@\w{2,30}(?:@[\w.-]+)?/?", path[0]):
                continue
        elif not wanted.match(path[0]) or _belongs_to_site(host, path[0]):
            continue
        yield Span(match.start() - len(left[0]), path.end(), "profile_url")
    for start in each(text, "mailto:"):
        address = _MAILTO.match(text, start + 7)
        if address:
            yield Span(start, address.end(), "profile_url")


def _belongs_to_site(host: str, path: str) -> bool:
    match = _FIRST_SEGMENT.match(path)
    first = match[1].lower() if match else ""
    if host.startswith(
        ("docs.", "gist.", "developers.", "help.", "support.", "pages.", "blog.", "about.", "api.")
    ):
        return True
    if first in _RESERVED and not path.startswith("sponsors/"):
        return True
    return host.endswith("vk.com") and bool(_GROUPS_VK.match(path))


_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?![A-Za-z0-9_-]|\.[A-Za-z0-9_])")
_VERSION_BEFORE = re.compile(
    r"(?:\bv|version|release|build|firmware|driver|patch|section|chapter|§|верси[яиюей]+|сборк[аи]"
    r"|раздел[аеу]?"
    r"|прошивк[аиуейо]+|драйвер\w{0,2}|окпд ?2?|оквэд|код\w{0,2}|驱动|系统"
    r"|пункт[аеу]?|п\.|版本|固件|第)\s?[:：]?\s?\Z",
    re.IGNORECASE,
)
_IPV6_LEFT = re.compile(r"[0-9A-Fa-f:]{0,34}\Z")
_IPV6_RIGHT = re.compile(r"[0-9A-Fa-f:]{0,39}(?:\.\d{1,3}){0,3}")
_IPV6_MIDDLE = re.compile(r":[0-9A-Fa-f]{0,4}:")


def find_ips(text: str) -> Iterator[Span]:
    """IP addresses of machines, versions 4 and 6; not netmasks, loopback, or version numbers."""
    for match in _IPV4.finditer(text):
        before = text[max(0, match.start() - 14) : match.start()]
        if (before[-1:].isalnum() and before[-1:].isascii()) or before.endswith((".", "-", "_")):
            continue
        if _VERSION_BEFORE.search(before) or not _names_machine(match[0]):
            continue
        yield Span(*match.span(), "ip")
    done = 0
    for middle in _IPV6_MIDDLE.finditer(text):
        if middle.start() < done:
            continue
        left = _IPV6_LEFT.search(text[max(0, middle.start() - 34) : middle.start()])
        right = _IPV6_RIGHT.match(text, middle.end())
        start = middle.start() - len(left[0] if left else "")
        end = right.end() if right else middle.end()
        done = end
        found = text[start:end].rstrip(":") if not text[start:end].endswith("::") else text[start:end]
        glued = (text[start - 1 : start] + text[end : end + 1]).replace("_", "a")
        if not any(char.isalnum() and char.isascii() for char in glued) and _names_machine(found):
            yield Span(start, start + len(found), "ip")


_NETWORK_IPV6 = re.compile(r"(?:fe80|f[cd][0-9a-f]{2}|2[0-9a-f]{3})::\w", re.IGNORECASE)


def _names_machine(found: str) -> bool:
    try:
        address = ipaddress.ip_address(found)
    except ValueError:
        return False
    if address.version == 6 and sum(bool(group) for group in found.split(":")) < 3:
        return _NETWORK_IPV6.match(found) is not None  # not the "a::b" of a programming language
    return not (
        address.is_loopback or address.is_unspecified or address.is_multicast or found.startswith("255.")
    )

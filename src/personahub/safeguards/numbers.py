"""Telephone numbers and the numbers of papers: only where digits cluster, which is rare in prose."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import NamedTuple

from personahub.safeguards.span import Span

__all__ = ["find_numbers"]

# Six digits or more, with at most two separators between; longer runs come as several clusters.
_CLUSTER = re.compile(r"\d(?:[ \u00a0().\-–‑/（）]{0,2}\d){5,29}+")
_OPENING = frozenset("+＋(（")
_GLUE = frozenset("_/=%\\")
_GROUP = re.compile(r"\d+")


class _Cluster(NamedTuple):
    start: int
    end: int
    digits: str
    before: str
    after: str


def _clusters(text: str) -> Iterator[_Cluster]:
    for match in _CLUSTER.finditer(text):
        start, end = match.span()
        start -= text[start - 1 : start] in _OPENING
        groups = _GROUP.findall(match[0])
        # "1-1-1-1": no number of a person is written in single digits.
        if max(map(len, groups)) < 2:
            continue
        # Amid more digits it is a piece of data, as is one in a longer word.
        if (text[start - 1 : start] + text[end : end + 1]).isdigit() and text[end : end + 1].isdigit():
            continue
        # Amid a link or a file's name; most of the clusters on web pages are.
        if text[start - 1 : start] in _GLUE:
            continue
        yield _Cluster(start, end, "".join(groups), text[max(0, start - 40) : start], text[end : end + 24])


class _Paper(NamedTuple):
    """How a kind of number looks, who checks it, and the words it must stand after, if any."""

    shape: re.Pattern[str]
    check: str | None
    after: re.Pattern[str] | None


def _paper(shape: str, check: str | None = None, after: str | None = None) -> _Paper:
    edges = rf"(?<![A-Za-z0-9_./-])(?:{shape})(?![A-Za-z0-9_]|[./-]\d)"
    return _Paper(
        re.compile(edges),
        check,
        re.compile(rf"(?i:{after})[^\w\n]{{0,3}}(?:\w{{0,12}}[^\w\n]{{1,3}}){{0,2}}\Z") if after else None,
    )


_PAPERS = (
    _paper(r"\d{3}-\d{2}-\d{4}", "us.ssn"),
    _paper(r"\d{3}[- ]?\d{2}[- ]?\d{4}", None, r"\bSSN|social security(?: number)?"),
    _paper(r"9\d{2}-[5-9]\d-\d{4}", "us.itin"),
    _paper(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]"),
    _paper(r"\d{3} ?\d{3} ?\d{4}", "gb.nhs", r"\bNHS(?: number)?"),
    _paper(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?", "iban"),
    _paper(r"\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|3[47]\d{2}([ -]?)\d{6}\2\d{5}", "luhn"),
    _paper(r"\d{3}-\d{3}-\d{3}[ -]\d{2}|(?<=\D)\d{11}|^\d{11}", "snils"),
    _paper(r"\d{12}", "ru.inn"),
    _paper(r"\d{10}", "ru.inn", r"ИНН"),
    _paper(
        r"\d{2} ?\d{2}(?:,? ?(?:№|N|номер))? ?\d{6}",
        None,
        r"паспорт\w*(?:[ :,]+\w+){0,3}?(?:[ :,]+сери[яи])?|сери[яи]",
    ),
    _paper(r"[1-9]\d{16}[\dXx]", "cn.ric"),
    _paper(
        r"[A-Z]{0,2}\d{6,9}",
        None,
        r"passport(?: (?:no|number|num))?\.?|护照(?:号码?)?|паспорт|загранпаспорт\w*",
    ),
    _paper(
        r"[A-Z]{0,2}\d{6,13}",
        None,
        r"driver'?s?'? licen[cs]e(?: (?:no|number))?\.?|водительско\w+ удостоверени\w+|驾驶证号?",
    ),
    _paper(r"\d{8}-?[A-Z]", "es.dni"),
    _paper(r"[XYZ]-?\d{7}-?[A-Z]", "es.nie"),
    _paper(r"[12] ?\d{2} ?\d{2} ?\d{2} ?\d{3} ?\d{3} ?\d{2}", "fr.nir"),
    _paper(r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "de.idnr", r"steuer-?id\w*|identifikationsnummer|idnr\.?"),
    _paper(r"\d{11}", "pl.pesel", r"PESEL"),
    _paper(r"\d{3}\.\d{3}\.\d{3}-\d{2}", "br.cpf"),
    _paper(r"\d{4} \d{4} \d{4}", "in_.aadhaar"),
    _paper(r"\d{6}[-+]\d{4}", "se.personnummer"),
)


def find_numbers(text: str, language: str) -> Iterator[Span]:
    """Telephone numbers, and numbers of papers, tax and bank accounts (their check digits right, if any).

    Args:
        text: any text.
        language: ISO 639-1 code; tells the countries whose telephone numbers are read without a code.
    """
    clusters = list(_clusters(text))
    yield from _find_ids(text, clusters)
    yield from _find_phones(text, clusters, language)


def _find_ids(text: str, clusters: list[_Cluster]) -> Iterator[Span]:
    done = 0
    for cluster in clusters:
        if cluster.end <= done:
            continue
        # IBANs and passports begin with letters and hold groups of them.
        left, right = max(done, cluster.start - 14), cluster.end + 20
        window = text[left:right]
        for paper in _PAPERS:
            for match in paper.shape.finditer(window):
                start, end = left + match.start(), left + match.end()
                if start < done or end <= cluster.start or start >= cluster.end:
                    continue
                if paper.after and not paper.after.search(text[max(0, start - 48) : start]):
                    continue
                if paper.check is None or _checker(paper.check)(match[0]):
                    yield Span(start, end, "id")
                    done = end


@cache
def _checker(name: str) -> Callable[[str], bool]:
    if name == "snils":
        return _is_snils
    check: Callable[[str], bool] = import_module(f"stdnum.{name}").is_valid
    if name == "luhn":
        return lambda number: _is_card(re.sub(r"\D", "", number)) and check(re.sub(r"\D", "", number))
    return check


def _is_card(digits: str) -> bool:
    """Whether the first digits are those of a payment network, so that 14 of 15 other numbers are out."""
    return (
        bool(re.match(r"4|5[1-5]|2[2-7]\d\d|3[47]|35|6011|65|62|220[0-4]", digits)) and len(set(digits)) > 1
    )


def _is_snils(number: str) -> bool:
    """The pension number of Russia: nine digits weighed 9 to 1, modulo 101."""
    digits = [int(char) for char in number if char.isdigit()]
    total = sum(weight * digit for weight, digit in zip(range(9, 0, -1), digits, strict=False)) % 101
    return any(digits) and total % 100 == digits[9] * 10 + digits[10]


_REGIONS = {
    "en": ("US", "GB"), "ru": ("RU",), "zh": ("CN", "TW", "HK"), "de": ("DE", "AT", "CH"), "fr": ("FR",),
    "es": ("ES", "MX"),
    "it": ("IT",), "pt": ("BR", "PT"), "nl": ("NL",), "pl": ("PL",), "uk": ("UA",), "ja": ("JP",),
    "ko": ("KR",), "tr": ("TR",), "be": ("BY",), "kk": ("KZ",), "sv": ("SE",), "cs": ("CZ",), "hi": ("IN",),
}  # fmt: skip
_CALLED = re.compile(
    r"(?:\b(?:tele?phone|phones?|tel|call(?:ing)?|fax|mobile|cell|text|sms|whatsapp|viber|dial|hotline"
    r"|ring"
    r"|(?:phone|mobile|cell) (?:number|no))\b|\bтел\w*|звон\w+|\bмоб\w*|\bфакс\w*|\bном[её]р\w* телефона"
    r"|\bсот\w*|ватсап\w*"
    r"|电话|手机|致电|热线|传真|联系方式|拨打|座机|短信|微信同号)(?:号码?)?"
    r"[ .:：\-–)）*_是为]{0,4}(?:\w{1,9}[ .:：]{1,2}){0,2}[（(]?\Z",
    re.IGNORECASE,
)
_NO_PHONE_BEFORE = re.compile(
    r"(?:[$€£¥₽№#] ?|[=_/&?%\\~]|(?<=\w)[-.,:])\Z|(?:\b(?:isbn(?:-1[03])?|issn|doi|pmid|arxiv|order"
    r"|invoice|ticket|article|part|serial|model|sku|item|id|no|rfc"
    r"|заказ\w*|сч[её]т\w*|артикул\w*|огрн\w*|инн|кпп|бик|р/с|гост|фз|бин|окпо)"
    r"|订单号?|货号|型号|编号|统一书号|书号|备案号?|人民币)[ .:：#№]{0,3}\Z",
    re.IGNORECASE,
)
_QUANTITY_AFTER = re.compile(
    r"[ \u00a0]?(?:[%$€£¥₽°]|(?:руб|тыс|млн|млрд|чел|евро|долл|километр|км|кг|штук|rub|usd|eur|dollars"
    r"|euros|people|users|million"
    r"|billion|percent|bytes|kg|km|copies|votes|times|residents|inhabitants)\w*\b)"
    r"|[万亿元人年个次美公千]|[./]\d"
    r"|[\w=/]"
)
_DATE = re.compile(
    r"(?:19|20)\d\d([-./])\d{1,2}\1\d{1,2}|\d{1,2}([-./])\d{1,2}\2(?:19|20)\d\d|(?:1[89]"
    r"|20)\d\d ?[-–/] ?(?:1[89]|20)\d\d"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:[ \u00a0.]\d{3})+\Z")
_EXTENSION = re.compile(r",? ?\(?(?:ext|x|extension|доб|вн|转|分机)\.?:? ?\d{1,6}\)?", re.IGNORECASE)
_AND = re.compile(r"\s?(?:[,，/;、]|or|and|и|или|和|或)\s?")
_MOBILE_CN = re.compile(r"1[3-9]\d{9}\Z")


def _find_phones(text: str, clusters: list[_Cluster], language: str) -> Iterator[Span]:
    """Valid telephone numbers, and any that follow a word such as "call", or another number."""
    last = -10
    for cluster in clusters:
        if not 7 <= len(cluster.digits) <= 30:
            continue
        international = text[cluster.start] in "+＋"
        called = _CALLED.search(cluster.before) is not None or (
            cluster.start - last < 8 and _AND.fullmatch(text[last : cluster.start]) is not None
        )
        if not (international or called) and _is_other(cluster):
            continue
        found = list(_valid_phones(text, cluster, language, called=called))
        whole = len(cluster.digits) <= 15 and not _DATE.match(text, cluster.start)
        if whole and not found and (called or _looks_like_phone(text, cluster)):
            found = [(cluster.start, cluster.end)]
        for start, end in found:
            # "1-844-USA-GOV1 (1-844-872-4681)": the bracket is not the number's.
            opened = text[start] in "(（" and not set(")）") & set(text[start:end])
            extension = _EXTENSION.match(text, end)
            last = end
            yield Span(start + opened, extension.end() if extension else end, "phone")


def _is_other(cluster: _Cluster) -> bool:
    """Whether the words around say that it is an order, a price, a law, a quantity."""
    return bool(_NO_PHONE_BEFORE.search(cluster.before) or _QUANTITY_AFTER.match(cluster.after))


def _looks_like_phone(text: str, cluster: _Cluster) -> bool:
    """+7 555 …, (555) 123-4567, 01632 960983: no such areas are in use, but nothing else is written so."""
    if text[cluster.start] in "+＋":
        return len(cluster.digits) >= 8
    return bool(
        re.fullmatch(
            r"(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}-)\d{3}-\d{4}"
            r"|\(?0\d{2,4}\)?[ -]\d{3,4}[ -]?\d{3,4}|\(0\d{2,4}\d{6}|0\d{4} \d{6}",
            text[cluster.start : cluster.end],
        )
    )


def _valid_phones(text: str, cluster: _Cluster, language: str, *, called: bool) -> Iterator[tuple[int, int]]:
    from phonenumbers import Leniency, PhoneNumberMatcher

    written = text[cluster.start : cluster.end]
    groups = _GROUP.findall(written)
    bare = len(groups) == 1 and written[0] not in "+＋"
    if (
        bare
        and not called
        and not _MOBILE_CN.match(written)
        and not re.fullmatch(r"[78]9\d{9}|0[127]\d{9}", written)
    ):
        return
    if not called and (_THOUSANDS.match(written) or _DATE.match(written)):
        return
    best: list[tuple[int, int]] = []
    for region in _REGIONS.get(language, ("US", "RU", "CN")):
        matcher = PhoneNumberMatcher(written, region, leniency=Leniency.VALID, max_tries=4)
        spans = [(cluster.start + match.start, cluster.start + match.end) for match in matcher]
        best = max(best, spans, key=lambda found: sum(end - start for start, end in found))
        if best and best[0] == (cluster.start, cluster.end):
            break
    yield from best

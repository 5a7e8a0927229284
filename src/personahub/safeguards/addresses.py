"""Postal addresses: a street with the number of a house, and what stands around it."""

import re
from collections.abc import Iterator

from personahub.safeguards.span import Span

__all__ = ["find_addresses"]

_CAPITAL = r"[A-Z][\w'’.-]{0,20}"
_STREET_ENDS = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Parkway|Pkwy|Highway|Hwy|Crescent|Mews|Terrace"
    # "The 5 Star Way to", "3 Google Drive tips": everyday words must end the phrase.
    r"|(?:Drive|Dr|Court|Ct|Place|Pl|Way|Square|Sq|Circle|Cir|Close|Gardens|Grove|Row|Alley|Plaza|Trail"
    r"|Hill|Rise|View|Landing|Walk|Green|Heights|Wharf|Quay|Loop|Run|Pike|Ridge|Bend|Crossing|Path"
    r"|Vale|Dale)"
    r"(?=[,.;\n)]|\Z| (?:Apt|Suite|Unit|Flat|#)))"
)
_UNIT = r"(?:Apartment|Apt|Suite|Ste|Unit|Flat|Floor|Room|Rm|Building|Bldg|#)\.? ?#?[\w-]{1,6}"
_STATE = (
    r"(?:D\.C|A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]"
    r"|T[NX]|UT|V[AT]|W[AIVY]"
    r"|NSW|VIC|QLD|ON|QC|BC|AB"
    r"|Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia"
    r"|Hawaii|Idaho"
    r"|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota"
    r"|Mississippi|Missouri|Montana|Nebraska|Nevada|New (?:Hampshire|Jersey|Mexico|York)|(?:North"
    r"|South) (?:Carolina"
    r"|Dakota)|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|Tennessee|Texas|Utah|Vermont"
    r"|(?:West )?Virginia"
    r"|Washington|Wisconsin|Wyoming)"
)
# Of Great Britain, Ireland, Canada.
_POSTCODE_GB = (
    r"(?:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[AC-FHKNPRTV-Y]\d[\dW] ?[A-Z\d]{4}|[A-Z]\d[A-Z] ?\d[A-Z]\d)"
)
_TOWN = rf"{_CAPITAL}(?: {_CAPITAL}){{0,2}}"
_TOWN_PART = (
    rf"(?:(?:,?\s{{1,2}}"
    rf"|;)(?:{_TOWN}[,;]?\s?(?:Co\. {_CAPITAL},?\s)?(?:{_STATE}\.?(?:[,;]?\s?\d{{5}}(?:-\d{{4}})?)?"
    rf"|{_POSTCODE_GB}"
    rf"|\d{{5}}\b)|{_POSTCODE_GB})(?!\w)|,\s{_TOWN}(?=[.;\n]|\Z))"
)
_ENGLISH = re.compile(
    rf"\d{{1,5}}[A-Za-z]?(?:[-–]\d{{1,4}})? (?:[NSEW]\.?[EW]?\.? )?(?:(?:{_CAPITAL}|\d{{1,3}}(?:st|nd|rd"
    rf"|th)) ){{1,3}}?{_STREET_ENDS}\b\.?"
    rf"(?:,? [NS]\.?[EW]\.?(?!\w))?(?:,? {_UNIT})?{_TOWN_PART}?(?:, {_TOWN} {_POSTCODE_GB})?"
)
_FLAT_BEFORE = re.compile(r"(?:(?:Flat|Apartment|Apt\.?|Suite|Unit) [\w-]{1,5}|P\.? ?O\.? Box \d{1,6}), \Z")
_BOX = re.compile(rf"P\.? ?O\.? Box \d{{1,6}}\b(?!, \d){_TOWN_PART}?")
_OTHER_LATIN = re.compile(
    r"(?:[A-ZÄÖÜ][a-zäöüß-]{2,30}(?:straße|strasse|str\.|gasse|allee|platz|weg)|(?:Calle|Avenida|Via"
    r"|Viale|Piazza|Rua) (?:[a-z]{1,3} ){0,2}[A-Z]\w+(?: [A-Z]\w+)?)"
    r",? (?:n\.?º ?)?\d{1,4} ?[a-z]?\b(?:, \d{4,5} [A-ZÄÖÜ][\w-]+)?"
    r"|\d{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|place|allée|chemin"
    r"|quai) [\w'’ -]{2,40}, \d{5} [A-Z][\w-]+"
)

_HOUSE_RU = (
    r"(?:,?\s(?:д(?:ом)?\.?|вл(?:адение)?\.?)\s?\d{1,4}|,\s?\d{1,4}|\s\d{1,3}(?=[,.;)\n]"
    r"|\Z))(?:\s?[а-яА-Я]\b(?!\.)|/\d{1,3})?"
)
_PART_RU = (
    r"(?:,?\s?(?:к(?:орп(?:ус)?)?|стр(?:оение)?|лит(?:ера)?|кв(?:артира)?|оф(?:ис)?|под(?:ъезд)?"
    r"|эт(?:аж)?|пом|комн?)\.?\s?\d{0,4}\s?[А-Я]?\b)*"
)
_STREET_RU = re.compile(
    r"(?:\b(?:ул|пр|пер|ш|пл|наб|б-р|бул|мкр|просп|пр-т|пр-д)\.|\b(?:улиц[аеыу]|проспект[еау]?"
    r"|переул[око]\w*|шоссе|площад[ьи]|набережн\w+|бульвар[еау]?|пр-т|пр-кт|пр-д|б-р|проезд[еау]?))"
    r"\s?(?:\d{1,3}(?:-(?:я|й|го|ая|ый|ой|летия))?\s(?:лет\s)?)?(?:[А-ЯЁ][\w.-]{0,25}\s?){1,4}?"
    + _HOUSE_RU
    + _PART_RU
    + r"|\b[А-ЯЁ][а-яё-]+(?:ая|ой|ый|ий|ом|ую)\s(?:улиц[аеыу]|ул\.|проспект[еау]?|пр-т|переул[око]\w*"
    r"|пер\.|набережн\w+|наб\.|шоссе|бульвар[еау]?|площад[ьи])" + _HOUSE_RU + _PART_RU
)
_BEFORE_RU = re.compile(
    r"(?:\b\d{6},\s)?(?:(?:[А-ЯЁ][а-яё]+(?:ая|ий)\s(?:обл(?:асть|\.)|край|р-н|район)|Россия|РФ),\s){0,3}"
    r"(?:(?:г(?:ород)?\.?|пос(?:\.|[её]лок)|с\.|дер\.|село"
    r"|деревня)\s?[А-ЯЁ][\w-]+(?:\s[А-ЯЁ][а-яё-]+)?,\s|[А-ЯЁ][\w-]+,\s)?\Z"
)
_STREET_CUE_RU = re.compile(
    r"ул\.|улиц|пр-|пр\.|проспект|пер\.|переул|шоссе|ш\.|площад|пл\.|наб|бульв|б-р|мкр|проезд|бул\."
)

_HOUSE_ZH = re.compile(
    r"(?:路|街|道|巷|弄|胡同|村|里|镇|园|区)(?:[东西南北中][段路]?|[一二三四五六七八九十]段)?(?:\d{1,4}弄"
    r"|\d{1,3}巷)?[ ]?\d{1,5}(?:-\d{1,4})?号(?!线|楼道|令|文|选手|公路)"
    r"(?:院)?(?:[一-鿿]{1,8}(?:楼|厦|馆|中心)(?=\d))?(?:[一-鿿A-Z]{0,10}(?:\d{1,3}|[A-Z])(?:号楼|栋"
    r"|幢|座|单元|楼|层))?(?:\d{1,3}(?:号楼|栋|幢|座|单元|楼"
    r"|层))*(?:\d{1,4}[室号房])?(?:，?\s?邮编[:：]?\s?\d{6})?"
)
_LEFT_ZH = re.compile(
    r"(?:[一-鿿]{2,8}?(?:省|自治区"
    r"|特别行政区))?(?:[一-鿿]{2,6}?[市州])?(?:[一-鿿]{1,6}?[区县旗市])?(?:[一-鿿]{1,8}?(?:镇|乡"
    r"|街道))?[一-鿿]{1,7}\Z"
)
_STOP_ZH = re.compile(
    r".*(?:住在|位于|地址[是为]?|寄往|(?<![省市区县镇])(?:在|到|于|至|来|住|去|往|从|是|和|的|了|为"
    r"|址|请))(?!\Z)"
)


def find_addresses(text: str, language: str) -> Iterator[Span]:
    """Streets with house numbers, with flat, town and postcode where they stand beside it; post boxes.

    Args:
        text: any text.
        language: ISO 639-1 code; in English, Russian and Chinese other Latin ways to write are not tried.
    """
    for match in _ENGLISH.finditer(text):
        before = text[max(0, match.start() - 20) : match.start()]
        if before[-1:] in {".", ",", "-", "$", "#"} or before[-1:].isalnum():
            continue
        flat = _FLAT_BEFORE.search(before)
        yield Span(match.start() - (len(flat[0]) if flat else 0), match.end(), "address")
    for match in _BOX.finditer(text) if "Box " in text else ():
        yield Span(*match.span(), "address")
    if language not in {"en", "ru", "zh"}:
        for match in _OTHER_LATIN.finditer(text):
            yield Span(*match.span(), "address")
    if text.isascii():
        return
    if _STREET_CUE_RU.search(text):
        yield from _russian(text)
    if "号" in text:
        yield from _chinese(text)


def _russian(text: str) -> Iterator[Span]:
    for match in _STREET_RU.finditer(text):
        before = _BEFORE_RU.search(text[max(0, match.start() - 90) : match.start()])
        yield Span(match.start() - (len(before[0]) if before else 0), match.end(), "address")


def _chinese(text: str) -> Iterator[Span]:
    for match in _HOUSE_ZH.finditer(text):
        left = re.search(r"[一-鿿]{1,28}\Z", text[max(0, match.start() - 28) : match.start()])
        if not left:
            continue
        named = _STOP_ZH.sub("", left[0])
        if named:
            yield Span(match.start() - len(named), match.end(), "address")

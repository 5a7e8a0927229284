"""Which texts are worth asking a language model about: a few rules, each with a name.

The rules come from three published filters for web pages: Gopher (Rae et al. 2021, arXiv 2112.11446,
appendix A1.1), C4 (Raffel et al. 2020, arXiv 1910.10683, section 2.2) and FineWeb (Penedo et al. 2024,
arXiv 2406.17557, section 3.6). They choose what a model should imitate; here a text need only tell who
would read or write it, and it may be one sentence, a list of ingredients or a part of a page. So a rule
fires only where little but the fault is there, and these published rules are left out:

- at least 50 words (Gopher), 3 sentences a page or 5 words a line (C4): a sentence of 40 bytes can make a
  good persona;
- two of eight English stop words, a mean word length of 3 to 10 (Gopher): wrong outside English;
- lines that begin with a bullet or end with an ellipsis (Gopher), lines without a full stop (C4, FineWeb):
  lists of ingredients and poems are such; lines under 30 characters (FineWeb) only help to tell menus.

Most texts are good, so each rule looks for a cheap sign of its fault before it counts anything.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from personahub.corpus.boilerplate import find_boilerplate
from personahub.corpus.repetition import count_words, find_repetition

__all__ = ["MIN_BYTES", "Fault", "find_fault"]

MIN_BYTES = 32
"""The shortest text that is asked about, in bytes of UTF-8: six English words, eleven Chinese characters."""


class Fault(NamedTuple):
    """Why a text is not worth asking about.

    Attributes:
        reason: the rule's name: ``too_short``, ``lorem_ipsum``, ``boilerplate``, ``symbol_soup`` or
            ``repeated_lines``.
        detail: what the rule saw.
    """

    reason: str
    detail: str


def find_fault(text: str, language: str) -> Fault | None:
    """The first rule that fires on a text; None for a text worth asking about.

    Tags, shortcodes, entities and the addresses of links are looked through: they are no fault of what a
    text says.

    Args:
        text: a document's text, with plain line ends.
        language: ISO 639-1, or "und"; it chooses the phrases of ``boilerplate``.
    """
    plain = (_MARKUP.sub(" ", text) if any(sign in text for sign in _MARKUP_SIGNS) else text).strip()
    case = _Case(plain, plain.casefold(), plain.split(), language)
    for reason, rule in _RULES:
        if detail := rule(case):
            return Fault(reason, detail)
    return None


class _Case(NamedTuple):
    """A text without markup, and what several rules need of it."""

    text: str
    folded: str
    words: list[str]
    language: str


# Shortcodes, comments, tags, entities, and where links lead. Bounds keep what is never closed from being
# searched to the text's end time and again.
_MARKUP = re.compile(
    r"\{\{.{0,2000}?\}\}|<!--.{0,2000}?-->|</?[A-Za-z][^<>]*>|&#?\w{1,20};"
    r"|(?<=\])\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)",
    re.DOTALL,
)
_MARKUP_SIGNS = ("](", "<", "{{", "&")


def _too_short(case: _Case) -> str | None:
    # A character makes at least one byte, so most texts need not be encoded.
    if len(case.text) < MIN_BYTES and (size := len(case.text.encode())) < MIN_BYTES:
        return f"{size} bytes of text, under {MIN_BYTES}"
    return None


_FILLER = re.compile(
    r"\b(?:lorem|ipsum|dolore?|sit|amet|consectetu?er|consectetur|adipisi?cing|elit|sed|do|diam|nonummy|eiusmod"
    r"|tempor|incididunt|ut|labore|et|magna|aliqua|aliquip|enim|ad|minim|veniam|quis|nostrud|exercitation"
    r"|ullamco|laboris|nisi|ex|ea|commodo|consequat|duis|aute|irure|in|reprehenderit|voluptate|velit|esse"
    r"|cillum|eu|fugiat|nulla|pariatur|excepteur|sint|occaecat|cupidatat|non|proident|sunt|culpa|qui|officia"
    r"|deserunt|mollit|anim|id|est|laborum)\b"
)
_FILLER_SIGNS = (
    "lorem ipsum",
    "dolor sit amet",
    "consectetur",
    "eiusmod",
    "ullamco laboris",
    "deserunt mollit",
)


def _lorem_ipsum(case: _Case) -> str | None:
    """C4 drops each page with the phrase; a text about page design may show a line of it.

    The filler's words include English "in", "do" and "sit", hence 30 %: of real filler it is over 90 %.
    """
    if not any(sign in case.folded for sign in _FILLER_SIGNS):
        return None
    share = len(_FILLER.findall(case.folded)) / len(case.words)
    return f"{share:.0%} of the words are filler" if share >= 0.3 else None


_LETTER = re.compile(r"[^\W\d_]")
_SPACED_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ \n"
_BLOB = re.compile(r"[A-Za-z0-9+/=_]{60,}")
_SYMBOLS = re.compile(r"(?<=[^\n#])#+|\.\.\.+|…+")
_CODE_LINE = re.compile(
    r"[{};]\s*$|^\s*(?:[\"'}\]{<@$]|//|/\*|#include\b|(?:import|return|const|var|let|def) )"
)
_CODE_MARKS = b'();=<>":'
# UTF-8 read as Latin-1 or Windows-1252 (é as Ã©, ’ as â€™, п as Ð¿), as Windows-1251 (п as Рї), as GBK,
# and what was lost for good.
_MOJIBAKE = re.compile(
    r"[ÂÃ][\x80-\xbfŒœŠšŸŽžƒˆ˜–—‘-„†‡•…‰‹›€™]|â€[\x80-\xbf“”œ™˜¦¢]?|[ÐÑ][\x80-\xbf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘-”•–—˜™š›œžŸ€]"
    # One such pair may be Ukrainian (Рівне) or end a quotation (СССР»).
    r"|(?:[РС][\xa0-\xbf‚ѓ„…†‡€‰Љ‹ЊЌЋЏђЃЂ‘-”•–—™љ›њќћџЎўЈҐЁЄЇІіґё№єјЅѕї]){2,}|锟斤拷?|烫烫|屯屯|\ufffd+"
)
_MOJIBAKE_SIGNS = ("Ã", "Â", "â€", "Ð", "Ñ", "Р", "С", "锟", "烫烫", "屯屯", "\ufffd")


def _symbol_soup(case: _Case) -> str | None:
    text, words = case.text, case.words
    return (
        _broken(text, words)
        or _wordless(text, words)
        or _blobs(text, words)
        or _symbols(text, words)
        or _code(text)
    )


def _broken(text: str, words: Sequence[str]) -> str | None:
    """More than one mark of a wrong encoding in 20 words.

    A German text with all its umlauts broken has about one in ten; an English one, with only its quotation
    marks broken, has one in 30 and can be read.
    """
    if text.isascii() or not any(sign in text for sign in _MOJIBAKE_SIGNS):
        return None
    found = _MOJIBAKE.findall(text)
    if len(found) < 3 or len(found) <= count_words(text, len(words)) / 20:
        return None
    return f"{len(found)} marks of a wrong encoding, like {found[0]!r}"


def _wordless(text: str, words: Sequence[str]) -> str | None:
    """Gopher wants letters in 80 % of the words; for "- 2 1/2 cups flour" it is half."""
    # Each word without a letter has a mark, and characters beyond ASCII may be letters or not.
    if len(text.encode().translate(None, _SPACED_LETTERS)) < len(words) / 2:
        return None
    without = sum(not word.isalpha() and _LETTER.search(word) is None for word in words)
    if without <= len(words) / 2:
        return None
    # Chinese may put its emoji and quotation marks between spaces and its words not.
    if len(_LETTER.findall(text)) > sum(map(len, words)) / 2:
        return None
    return f"{without} of {len(words)} words have no letter"


def _blobs(text: str, words: Sequence[str]) -> str | None:
    """Base64 and the like: runs that no word and hardly an address is as long as."""
    if len(text) < 8 * len(words) and max(map(len, words)) < 60:
        return None
    size = sum(map(len, _BLOB.findall(text)))
    return f"{size / len(text):.0%} is encoded data" if size > 0.3 * len(text) else None


def _symbols(text: str, words: Sequence[str]) -> str | None:
    """Gopher: more than one hash mark or ellipsis in ten words.

    Marks of headings are not counted; and at least five, what the ratio makes of Gopher's shortest page of
    50 words, for a short message may trail off twice.
    """
    if "#" not in text and "..." not in text and "…" not in text:
        return None
    found = len(_SYMBOLS.findall(text))
    if found < 5 or found <= 0.1 * count_words(text, len(words)):
        return None
    return f"{found} hash marks and ellipses in {len(words)} words"


def _code(text: str) -> str | None:
    """C4 drops each page with a curly bracket; a text may show some code, so half of it must be code."""
    if "{" not in text and "}" not in text:
        return None
    lines = [line for line in text.split("\n") if line.strip()]
    code = sum(len(line) for line in lines if _CODE_LINE.search(line))
    if code < sum(map(len, lines)) / 2:
        return None
    # Prose may end its lines with a semicolon, begin them with a quotation mark, or put {words} in brackets.
    raw = text.encode()
    marks = len(raw) - len(raw.translate(None, _CODE_MARKS))
    return f"{code / len(text):.0%} in lines of code" if marks > 0.04 * len(raw) else None


def _boilerplate(case: _Case) -> str | None:
    return find_boilerplate(case.folded, case.language)


def _repeated_lines(case: _Case) -> str | None:
    return find_repetition(case.text, case.words)


_RULES: Sequence[tuple[str, Callable[[_Case], str | None]]] = (
    ("too_short", _too_short),
    ("lorem_ipsum", _lorem_ipsum),
    ("boilerplate", _boilerplate),
    ("symbol_soup", _symbol_soup),
    ("repeated_lines", _repeated_lines),
)

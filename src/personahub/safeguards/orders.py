"""Passages of a source text that try to steer the model that reads it, and chat markup made harmless.

Source text is data. Such passages are counted, never obeyed, and are no reason to reject a document: an
article about them quotes them, and is marked as well. The rules would rather miss an order than mark a recipe
or a manual: where a phrase is also ordinary prose they ask for the start of a sentence, for "all", or for a
word that only a model is called by.

A rule runs only around its anchors, words that it cannot do without, so that ordinary text costs little more
than a few dozen substring searches.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from personahub.safeguards.order_rules import (
    ANY_SCRIPT,
    CONTROL_BRACKET,
    GAP,
    GAP_HAN,
    LATIN,
    Group,
)
from personahub.safeguards.order_rules_ru_zh import CYRILLIC, HAN

__all__ = ["Order", "find_orders", "neutralise_markup"]


class Order(NamedTuple):
    """A passage that steers a model: its place in the text, in characters, and the rule that found it.

    The rule is one of ``ignore_instructions``, ``new_role``, ``chat_markup``, ``asks_ai_readers``,
    ``reveal_prompt`` and ``only_output``.
    """

    start: int
    end: int
    rule: str


def find_orders(text: str) -> list[Order]:
    """The passages of the text that give orders to a model, by their start; those of one rule do not overlap.

    English, Russian and Chinese; the plainest forms in German, French and Spanish too. Case, line breaks
    inside a phrase, invisible characters, full-width and mathematical letters and combining marks are seen
    through; letters that only look alike are not.
    """
    folded = _fold(text)
    orders = []
    for anchors, patterns in _rules_for(folded.text):
        for low, high in _spans(anchors, folded.text):
            for rule, pattern in patterns:
                for match in pattern.finditer(folded.text, low, high):
                    start, end = match.span("order")
                    orders.append(Order(folded.origin(start), folded.origin(end - 1) + 1, rule))
    return _apart(orders)


def neutralise_markup(text: str) -> str:
    """The text with a space inside each control token of a chat template, after its first bracket.

    ``<|im_start|>`` becomes ``< |im_start|>``: a reader loses nothing, and no tokenizer takes it for one of
    its own. Doing it again changes nothing.
    """
    if "<" not in text and "[" not in text:
        return text
    return _control_bracket().sub(r"\g<0> ", text)


# How far from an anchor a match may reach, in characters.
_BEFORE, _AFTER = 100, 200


class _Anchor(NamedTuple):
    literal: str  # what the pattern begins with: looking for it alone is twice as fast
    pattern: re.Pattern[str]


class _Rules(NamedTuple):
    anchors: list[_Anchor]
    patterns: list[tuple[str, re.Pattern[str]]]


def _spans(anchors: list[_Anchor], text: str) -> list[tuple[int, int]]:
    """The stretches of text near any anchor, in order, apart from each other."""
    places = [
        match.span() for literal, pattern in anchors if literal in text for match in pattern.finditer(text)
    ]
    spans: list[tuple[int, int]] = []
    for start, end in sorted(places):
        low, high = max(0, start - _BEFORE), min(len(text), end + _AFTER)
        if spans and low <= spans[-1][1]:
            low = spans.pop()[0]
        spans.append((low, high))
    return spans


def _rules_for(text: str) -> Iterator[_Rules]:
    yield from _compiled("any")
    for script, letter in _LETTERS.items():
        if letter.search(text):
            yield from _compiled(script)


_LETTERS = {"latin": re.compile("[a-z]"), "cyrillic": re.compile("[а-я]"), "han": re.compile("[一-鿿]")}
_BETWEEN_HAN = re.compile(r"(\[[^]]*]|\(\?<[!=][^)]*\))|(?<=[一-鿿])(?=[一-鿿])")


@cache
def _compiled(script: str) -> list[_Rules]:
    groups = {"any": ANY_SCRIPT, "latin": LATIN, "cyrillic": CYRILLIC, "han": HAN}[script]
    return [_compile(group, han=script == "han") for group in groups]


def _compile(group: Group, *, han: bool) -> _Rules:
    def expression(source: str) -> str:
        if not han:
            return source.replace(" ", GAP)
        # Chinese has no gaps of its own, so that lines are broken anywhere, also inside a word.
        return _BETWEEN_HAN.sub(lambda match: match[1] or GAP_HAN, source.replace(" ", GAP_HAN))

    anchors = []
    for anchor in group.anchors.split():
        literal = re.match(r"\\?([^\W\d]|\W)" if han else r"\\?(\w+(?![?{])|\W)", anchor)
        anchors.append(_Anchor(literal[1] if literal else "", re.compile(expression(anchor))))
    patterns = []
    for rule, source in group.rules:
        whole = source if "(?P<order>" in source else f"(?P<order>{source})"
        patterns.append((rule, re.compile(expression(whole), re.MULTILINE)))
    return _Rules(anchors, patterns)


@cache
def _control_bracket() -> re.Pattern[str]:
    return re.compile(CONTROL_BRACKET, re.IGNORECASE)


def _apart(orders: list[Order]) -> list[Order]:
    """The orders by their start, without those that overlap an earlier one of their rule."""
    apart: list[Order] = []
    ends: dict[str, int] = {}
    for order in sorted(orders):
        if order.start >= ends.get(order.rule, 0):
            apart.append(order)
            ends[order.rule] = order.end
    return apart


class _Folded(NamedTuple):
    """Text in one plain form, and where its characters come from."""

    text: str
    starts: list[int]  # in the plain text, where a new distance to the original begins
    shifts: list[int]  # what to add from there on
    length: int

    def origin(self, place: int) -> int:
        """The place in the original of a character of the plain text."""
        return min(place + self.shifts[bisect_right(self.starts, place) - 1], self.length - 1)


_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff"
)
_TAGS = "\U000e0000-\U000e007f"  # an invisible copy of ASCII, which models read
_MARKS = "\u0300-\u036f"
# Full-width, circled and mathematical letters, ligatures: each one character of NFKC or a few.
_STYLED = (
    "\uff03\uff10-\uff19\uff1c\uff1e\uff21-\uff3a\uff3b\uff3d\uff41-\uff5a\uff5c\ufb00-\ufb06\u24b6-\u24e9"
    "\u210a-\u2113\u2115\u2119-\u211d\u2124\u2128-\u2134\U0001d400-\U0001d7ff"
)
_ODD_CHARACTER = re.compile(f"[İ{_INVISIBLE}{_TAGS}{_MARKS}{_STYLED}]")
_ODD = re.compile(rf"[{_INVISIBLE}]+|[{_TAGS}]+|[{_STYLED}]+|\w?[{_MARKS}]+|İ+")
_LEFT_OUT = re.compile(f"[{_INVISIBLE}{_MARKS}]+")


def _fold(text: str) -> _Folded:
    """The text in small letters, with styled characters made plain and invisible ones left out."""
    starts, shifts = [0], [0]
    if text.isascii() or not _ODD_CHARACTER.search(text):
        return _Folded(text.lower(), starts, shifts, len(text))
    parts: list[str] = []
    size = last = 0
    for match in _ODD.finditer(text):
        plain = _plain(match[0])
        parts += [text[last : match.start()].lower(), plain]
        size += match.start() - last + len(plain)
        last = match.end()
        if last - size != shifts[-1]:
            starts.append(size)
            shifts.append(last - size)
    return _Folded("".join([*parts, text[last:].lower()]), starts, shifts, len(text))


def _plain(odd: str) -> str:
    if "\U000e0000" <= odd[0] <= "\U000e007f":
        return "".join(chr(ord(char) - 0xE0000) for char in odd if ord(char) >= 0xE0020).lower()
    return _LEFT_OUT.sub("", unicodedata.normalize("NFKC", odd).lower())

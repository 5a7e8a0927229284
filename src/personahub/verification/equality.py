"""Whether two answers to one problem are the same: by their words, their numbers, then by math-verify.

math-verify alone is not asked, since of free text it takes the last number it finds: "2 hours 30 minutes" and
"1 hour 30 minutes" are both 30 to it. So numbers are read here, with what stands around them, and it gets
what is a formula. What nobody can tell is left to a model.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from personahub.verification.formulas import FormulaJudge
from personahub.verification.units import unit_of

__all__ = ["Numbers", "groups_of", "numbers_of", "same_answer"]

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9.])[-+\u2212]?"
    r"(?:(?:[1-9]\d{0,2}(?:[ ,\u00a0\u202f'\u2019]\d{3})+(?!\d)|\d+)(?:[.,]\d+)?|\.\d+)"
    r"(?:e[-+]?\d{1,3}(?![\w.])|\s?/\s?\d+)?"
)
_MIXED = re.compile(r"(?<![\w.,/])(\d+) (\d+) ?/ ?(\d+)(?![\w.,/])")
"""Such as 2 1/2."""
_GROUPS = re.compile(r"(?<=\d)[ ,\u00a0\u202f'\u2019](?=\d{3}(?!\d))")
_WORD = re.compile(r"\w+")
_FORMULA = re.compile(
    r"[\\^√π]|\b(?:sqrt|pi|log|ln|sin|cos|tan|exp)\b|\b[a-z]\s*=|\b[a-z]\(|\d\s*[*×·]\s*\d|\dx10|\d x 10|\d!"
    # One letter behind a number is mostly a unit.
    r"|\d[abknpqrxyz]\b"
)
_UNIT = re.compile(
    r"(?:\s*(?<=[\d\s)}π])(?!(?:pi|sqrt|log|ln|sin|cos|tan|exp)\b)(?:[^\W\d_]{2,}|(?<=\s)[ghlms])"
    r"(?:/[^\W\d_]+)?(?:\^?\{?[23]\}?|[²³])?\.?)+$"
)
"""Words behind a formula, which math-verify would take for factors."""
_POWER = re.compile(
    r"(?<=[^\W\d_]{2})(?<!pi)(?<!sin)(?<!cos)(?<!tan)\^\{?([23])\}?|(?<=\d [ms])\^\{?([23])\}?"
)
"""Of a unit: cm^2, cm²."""
_ARTICLES = frozenset({"the", "a", "an", "is", "about", "approximately", "около", "примерно", "это"})
_EXACT = 99
"""Digits of a number that is not rounded."""
_ROUNDED = Decimal("0.005")
"""Share by which two numbers may differ where one has more digits: one solver rounds, another does not."""


class Numbers(NamedTuple):
    """The numbers of an answer, in their order, and the words around them."""

    values: tuple[Decimal, ...]
    digits: tuple[int, ...]
    """Digits behind the point of each, as it was written."""
    words: tuple[str, ...]


def same_answer(first: str, second: str, formulas: FormulaJudge) -> bool | None:
    """Whether two answers are one; None where no rule can tell.

    Args:
        first: an answer: a number with or without its unit, several, a formula, a name, a word.
        second: the other.
        formulas: compares formulas.
    """
    one, other = _plain(first), _plain(second)
    if one == other:
        return True
    if _FORMULA.search(one) or _FORMULA.search(other):
        return formulas.same(_UNIT.sub("", first), _UNIT.sub("", second))
    numbers, others = numbers_of(one), numbers_of(other)
    if not numbers.values or len(numbers.values) != len(others.values):
        return None
    return _same_numbers(numbers, others, (one, other))


def _same_numbers(numbers: Numbers, others: Numbers, said: tuple[str, str]) -> bool | None:
    """Whether answers with equally many numbers are one."""
    alike = all(
        _alike(a, b, at_a, at_b)
        for a, b, at_a, at_b in zip(numbers.values, others.values, numbers.digits, others.digits, strict=True)
    )
    single = len(numbers.values) == 1
    if not alike and single and ("%" in said[0]) != ("%" in said[1]):
        percent, share = (numbers, others) if "%" in said[0] else (others, numbers)
        # 30 % is 0.3, too.
        alike = _alike(percent.values[0] / 100, share.values[0], percent.digits[0] + 2, share.digits[0])
    if numbers.words == others.words or not numbers.words or not others.words:
        return alike
    unit, other_unit = unit_of(numbers.words), unit_of(others.words)
    if single and unit and other_unit:
        if unit.kind != other_unit.kind or unit.size == other_unit.size:
            return alike and unit == other_unit
        return _alike(numbers.values[0] * unit.size, others.values[0] * other_unit.size, 0, 1)
    # Other words may be the same unit in another language, or things that are counted; and of several numbers
    # they may say which is whose.
    return True if alike and single else None


def numbers_of(answer: str) -> Numbers:
    """The numbers of an answer with its words, percentages as they stand."""
    answer = _MIXED.sub(lambda found: f"{int(found[1]) * int(found[3]) + int(found[2])}/{found[3]}", answer)
    values, digits = [], []
    for match in _NUMBER.finditer(answer):
        text = _GROUPS.sub("", match[0]).replace(",", ".").replace("\u2212", "-").replace(" ", "")
        over, _, under = text.partition("/")
        if under and Decimal(under) == 0:
            continue
        values.append(Decimal(over) / Decimal(under) if under else Decimal(over))
        # A fraction is exact, and so is what a program prints with a power of ten.
        digits.append(_EXACT if under or "e" in text else len(over.partition(".")[2]))
    words = tuple(word for word in _WORD.findall(_NUMBER.sub(" ", answer)) if word not in _ARTICLES)
    return Numbers(tuple(values), tuple(digits), words)


def _plain(answer: str) -> str:
    # NFKC would make 21/2 of 2½, and 25 of 2⁵.
    text = re.sub(r"(?<=\d)(?=[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])", " ", answer)
    text = re.sub(r"(?<=[\d)])(?=[⁰¹²³⁴-⁹])", "^", text)
    text = unicodedata.normalize("NFKC", text).casefold().replace("\u2044", "/").strip().rstrip(".。")
    text = re.sub(r"\bper ?cent\b|\bпроцент\w*|百分之", "%", text)
    text = re.sub(r"\s+", " ", re.sub(r"\$|€|£|¥|元|\bруб\b\.?|₽", " ", text)).strip()
    return _POWER.sub(r"\1\2", text)


def _alike(one: Decimal, other: Decimal, digits: int, other_digits: int) -> bool:
    if one == other:
        return True
    if digits == other_digits:
        return False
    difference, fewer = abs(one - other), min(digits, other_digits)
    # 0.33 is a third; but of 0.3 and 0.26, or of 3 and 2.6, nobody knows.
    is_rounded = (
        fewer >= 1
        and min(abs(one), abs(other)).scaleb(fewer) >= 10
        and difference <= Decimal(5).scaleb(-fewer - 1)
    )
    return is_rounded or difference <= _ROUNDED * max(abs(one), abs(other))


def groups_of(answers: Sequence[str], same: Mapping[tuple[int, int], bool | None]) -> list[list[int]]:
    """The answers that agree, the largest group first, of equal ones the first.

    Args:
        answers: what is grouped.
        same: for pairs of places (the smaller first) whether they are the same.
    """
    groups: list[list[int]] = []
    for place in range(len(answers)):
        # An answer is of a group where it is the same as its first.
        for group in groups:
            if same.get((group[0], place)):
                group.append(place)
                break
        else:
            groups.append([place])
    return sorted(groups, key=lambda group: (-len(group), group[0]))

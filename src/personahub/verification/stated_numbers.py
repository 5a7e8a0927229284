"""The numbers that a problem states, and what solutions do with them; no model is asked."""

import ast
import re
from decimal import Decimal, InvalidOperation

from personahub.verification.equality import numbers_of

__all__ = ["is_stated", "made_up_number", "unused_number"]

_KNOWN = frozenset(
    map(Decimal, (*range(21), 24, 28, 30, 31, 52, 60, 90, 180, 360, 365, 366, 3600, 86400, "0.5", "3.14"))
)
"""Numbers that a program may have of its own: small ones, which problems write in words; time, angles."""
_HUNDRED = Decimal(100)
_NUMBER_WITH_UNIT = re.compile(r"(?P<number>\d[\d.,]*)(?P<behind>\D{0,16})")
_STEM = 4
"""Letters by which a unit is the same in the singular and the plural, and in Russian in any case."""


def is_stated(answer: str, problem: str) -> bool:
    """Whether an answer that is one number stands in the problem, with the same unit.

    "6 days" is not told by "he works 6 hours a day". An answer without a unit counts where it has three
    digits or more: small numbers meet by chance.
    """
    found = numbers_of(answer)
    if len(found.values) != 1:
        return False
    units = {word[:_STEM] for word in found.words}
    for match in _NUMBER_WITH_UNIT.finditer(problem.casefold()):
        if numbers_of(match["number"]).values == found.values:
            behind = match["behind"].strip()
            # Chinese puts no space between a unit and what follows it.
            if any(behind.startswith(unit) for unit in units):
                return True
            if not units and abs(found.values[0]) >= _HUNDRED:
                return True
    return False


def unused_number(program: str, problem: str) -> str:
    """The first number of a problem that a program which solves it does without; empty: none.

    Where the facts contradict each other, a solver passes over one of them. Of a program that writes out no
    number at all nothing is said.
    """
    if not (used := _constants(program)):
        return ""
    explained = {form for number in used for form in (number, *_as_percent(number))}
    for number in numbers_of(problem).values:
        if number not in explained and number not in (0, 1, _HUNDRED):
            return f"{number}"
    return ""


def made_up_number(program: str, problem: str) -> str:
    """The first number in a program that neither the problem states nor everybody knows; empty: none.

    A program that is to solve a problem in which something is missing mostly gives it a value. Percentages
    may stand as shares, also added to 1 or taken from it; powers of ten are everybody's.

    Args:
        program: Python; code that cannot be parsed has none.
        problem: the text.
    """
    stated = set(numbers_of(problem).values)
    return next((f"{number}" for number in _constants(program) if not _is_explained(number, stated)), "")


def _constants(program: str) -> list[Decimal]:
    """The numbers that a program writes out, in its order; none of what is no Python."""
    try:
        nodes = ast.walk(ast.parse(program))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    values = (node.value for node in nodes if isinstance(node, ast.Constant))
    # True and False are numbers to Python.
    numbers = (
        _decimal(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)
    )
    return [number for number in numbers if number is not None]


def _decimal(value: float) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _is_explained(number: Decimal, stated: set[Decimal]) -> bool:
    digits = number.normalize().as_tuple().digits
    if number in _KNOWN or number in stated or digits == (1,):
        return True
    return any(each in stated for each in _as_percent(number))


def _as_percent(number: Decimal) -> tuple[Decimal, ...]:
    """The percentages that a number of a program can stand for: 0.15, 1.15 and 0.85 for 15."""
    return tuple(each * _HUNDRED for each in (number, number - 1, 1 - number))

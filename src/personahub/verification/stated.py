"""The numbers that a problem states, and what solutions do with them; no model is asked."""

import ast
from decimal import Decimal, InvalidOperation

from personahub.verification.equality import numbers_of

__all__ = ["is_stated", "made_up_number"]

_KNOWN = frozenset(
    map(Decimal, (*range(21), 24, 28, 30, 31, 52, 60, 90, 180, 360, 365, 366, 3600, 86400, "0.5", "3.14"))
)
"""Numbers that a program may have of its own: small ones, which problems write in words; time, angles."""
_HUNDRED = Decimal(100)


def is_stated(answer: str, problem: str) -> bool:
    """Whether an answer that is one number stands as a number in the problem.

    Of ten problems into which the answer was written ten are found so, of the forty sound ones beside them
    none (``benchmarks/labels/planted_errors.jsonl``); but a right answer can be a given number by chance.
    """
    found = numbers_of(answer).values
    return len(found) == 1 and found[0] in set(numbers_of(problem).values)


def made_up_number(program: str, problem: str) -> str:
    """The first number in a program that neither the problem states nor everybody knows; empty: none.

    A program that is to solve a problem in which something is missing mostly gives it a value. Percentages
    may stand as shares, also added to 1 or taken from it; powers of ten are everybody's.

    Args:
        program: Python; code that cannot be parsed has none.
        problem: the text.
    """
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    stated = set(numbers_of(problem).values)
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Constant) else None
        # True and False are numbers to Python.
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = _decimal(value)
            if number is not None and not _is_explained(number, stated):
                return str(value)
    return ""


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
    return any(each * _HUNDRED in stated for each in (number, number - 1, 1 - number))

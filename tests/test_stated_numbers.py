"""Numbers that a problem states: what a program may use, and what an answer may not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personahub.verification.stated import is_stated, made_up_number

PROBLEM = "A weaver sells 14 rugs at 1,250 euros with a discount of 15% in 3 weeks. How much is that in all?"


@pytest.mark.parametrize(
    ("program", "made_up"),
    [
        ("print(14 * 1250 * (1 - 0.15))", ""),
        ("print(14 * 1250 * 0.85)", ""),
        ("print(14 * 1250 * 85 / 100)", "85"),
        ("print(14 * 1250 * 3 * 7 * 24 * 60)", ""),
        ("hours = 37\nprint(hours * 14)", "37"),
        ("print(1e6 * 0.001 * 14 if True else 0)", ""),
        ("print('37')", ""),
        ("print(37", ""),
        ("print(14j)", ""),
    ],
)
def test_a_number_that_nobody_stated_is_found(program: str, made_up: str) -> None:
    assert made_up_number(program, PROBLEM) == made_up


@given(numbers=st.lists(st.integers(0, 10**6), min_size=1, max_size=5))
def test_stated_numbers_are_never_made_up(numbers: list[int]) -> None:
    told = " and ".join(map(str, numbers))
    assert made_up_number(f"print({'+'.join(map(str, numbers))})", f"It has {told} nets.") == ""


@pytest.mark.parametrize(
    ("answer", "stated"),
    [
        ("1250 euros", True),
        ("1 250", True),
        ("15%", True),
        ("17,500", False),
        ("14; 15", False),
        ("rugs", False),
        ("", False),
    ],
)
def test_an_answer_that_is_one_number_is_looked_for_in_the_problem(answer: str, stated: bool) -> None:
    assert is_stated(answer, PROBLEM) == stated

"""Numbers that a problem states: what a program may use, and what an answer may not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personahub.verification.stated_numbers import is_stated, made_up_number, unused_number

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
        ("1250 rugs", False),
        ("14 rugs", True),
        ("14", False),
        ("3 weeks", True),
        ("3 days", False),
        ("17,500", False),
        ("14; 15", False),
        ("rugs", False),
        ("", False),
    ],
)
def test_an_answer_that_is_one_number_is_looked_for_with_its_unit(answer: str, stated: bool) -> None:
    assert is_stated(answer, PROBLEM) == stated


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("300 公里", "火车行驶 300 公里后到达。一共多少公里？"),
        ("12 ящиков", "Он сложил 12 ящика. Сколько ящиков?"),
    ],
)
def test_units_of_other_languages_are_known_by_their_beginning(answer: str, problem: str) -> None:
    assert is_stated(answer, problem)


@pytest.mark.parametrize(
    ("program", "unused"),
    [
        ("print(14 * 1250 * (1 - 0.15) * 3)", ""),
        ("print(14 * 1250 * 0.85 / 3)", ""),
        ("print(14 * 1250 * 0.85)", "3"),
        ("print(1250 * 15 / 100 * 3)", "14"),
        ("print(", ""),
        ("print(len('abc'))", ""),
    ],
)
def test_a_number_that_a_program_does_without_is_found(program: str, unused: str) -> None:
    assert unused_number(program, PROBLEM) == unused


@given(numbers=st.lists(st.integers(2, 10**6), min_size=1, max_size=5))
def test_a_program_with_all_numbers_leaves_none(numbers: list[int]) -> None:
    told = " and ".join(map(str, numbers))
    assert unused_number(f"print({'+'.join(map(str, numbers))})", f"It has {told} nets.") == ""

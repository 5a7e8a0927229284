"""Answers that are the same, however they are written, and answers that are not."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personahub.verification import formulas as formulas_module
from personahub.verification.equality import groups_of, numbers_of, same_answer
from personahub.verification.formulas import FormulaJudge


@pytest.fixture(scope="module")
def judge() -> Iterator[FormulaJudge]:
    with FormulaJudge() as opened:
        yield opened


class NoFormulas(FormulaJudge):
    """Tells where a formula is seen in what is none."""

    def __init__(self) -> None:
        pass

    def same(self, first: str, second: str) -> bool | None:
        raise AssertionError(f"{first!r} and {second!r} are no formulas")


PLAIN = NoFormulas()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("42", "42.0"),
        ("1,000,000", "1 000 000"),
        ("12'500", "12500"),
        ("3.5", "3,5"),
        (".5", "0.5"),
        ("-7", "\u22127"),
        ("３０", "30"),
        ("42.", " 42 "),
        ("1/2", "0.5"),
        ("½", "1/2"),
        ("2½", "2.5"),
        ("2 1/2 cups", "2.5 cups"),
        ("1e-05", "0.00001"),
        ("$12.50", "12.50 dollars"),
        ("12 元", "12"),
        ("5 руб.", "5 рублей"),
        ("30%", "0.3"),
        ("30 percent", "30 %"),
        ("30 процентов", "0,3"),
        ("about 12 metres", "12 metres"),
        ("25 cm^2", "25 cm²"),
        ("12km", "12 km"),
        ("12 metres", "12"),
        ("12 метров", "12 metres"),
        ("12 boxes", "12 crates"),
        ("1 hour", "60 minutes"),
        ("1,5 часа", "90 minutes"),
        ("2.5 kg", "2500 грамм"),
        ("3 dollars", "300 cents"),
        ("2 天", "48 小时"),
        ("80 km/h", "80 kilometres an hour"),
    ],
)
def test_the_same_answer_is_known_in_other_writing(first: str, second: str) -> None:
    assert same_answer(first, second, PLAIN) is True


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("42", "43"),
        ("42", "-42"),
        ("42 kg", "420 kg"),
        ("3; 4", "3; 5"),
        ("2 hours 30 minutes", "1 hour 30 minutes"),
        ("30%", "0.4"),
        ("1/3", "1/4"),
        ("1234", "123"),
        ("2.5", "2.6"),
        ("12 metres", "12 minutes"),
        ("12 metres", "12 cm"),
        ("3 hours", "3 дня"),
        ("5 dollars", "5 cents"),
        ("1 hour", "61 minutes"),
        ("5 千克", "5 克"),
    ],
)
def test_another_number_is_another_answer(first: str, second: str) -> None:
    assert same_answer(first, second, PLAIN) is not True


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("the miller's daughter", "Greta"),
        ("the miller", "miller"),
        ("2 hours 30 minutes", "150 minutes"),
        ("3 apples and 4 pears", "3 pears and 4 apples"),
        ("да", "yes"),
        ("三十", "30"),
    ],
)
def test_what_no_rule_can_tell_is_left_open(first: str, second: str) -> None:
    assert same_answer(first, second, PLAIN) is None


def test_several_numbers_are_compared_in_their_order() -> None:
    assert same_answer("12; 30", "12, 30", PLAIN) is True
    assert same_answer("12; 30", "30; 12", PLAIN) is False
    assert same_answer("x: 12; y: 30", "12; 30", PLAIN) is True


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("66.67", "66.6666666667", True),
        ("66.7", "66.6666666667", True),
        ("0.33", "1/3", True),
        ("67", "66.6667", True),
        ("66.67", "66.77", False),
        ("66", "67", False),
        ("3", "2.6", False),
        ("0.3", "0.26", False),
        ("33.3%", "1/3", True),
    ],
)
def test_only_one_of_two_may_be_rounded(first: str, second: str, same: bool) -> None:
    assert same_answer(first, second, PLAIN) is same


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("\\frac{1}{2}", "0.5", True),
        ("2√3", "\\sqrt{12}", True),
        ("3π", "3 pi", True),
        ("25π cm²", "25π", True),
        ("2x + 4", "2(x+2)", True),
        ("x = 5", "5", True),
        ("2^10", "1024", True),
        ("2⁵", "32", True),
        ("2⁵", "25", False),
        ("5!", "120", True),
        ("5!", "5", False),
        ("1.5 × 10^3", "1500", True),
        ("√8", "2.828427", True),
        ("√8", "2.9", False),
        ("\\frac{2}{3}", "0.67", True),
        ("x^2 + 1", "x^2 - 1", False),
        ("ln(2)", "0.693147", True),
    ],
)
def test_formulas_are_compared_by_their_value(
    judge: FormulaJudge, first: str, second: str, same: bool
) -> None:
    assert same_answer(first, second, judge) is same
    assert same_answer(second, first, judge) is same


def test_a_formula_that_never_ends_is_given_up_and_the_next_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(formulas_module, "_SECONDS", 1.0)
    with FormulaJudge() as judge:
        assert judge.same("9^{9^{9^9}}", "3") is None
        monkeypatch.undo()
        assert judge.same("√4", "2") is True


def test_what_is_no_formula_is_no_answer(judge: FormulaJudge) -> None:
    assert judge.same("\\frac{", "}}{{") is not True
    assert judge.same("√4", "2") is True


def test_a_closed_judge_starts_again(judge: FormulaJudge) -> None:
    judge.close()
    assert judge.same("√9", "3") is True


NUMBERS = st.decimals(-(10**9), 10**9, places=3, allow_nan=False)


@given(st.text(max_size=40))
def test_an_answer_is_the_same_as_itself(answer: str) -> None:
    assert same_answer(answer, answer, PLAIN) is True


ANSWERS = st.from_regex(r"[-0-9.,/ %;cdкm元]{1,16}", fullmatch=True)


@given(ANSWERS, ANSWERS)
def test_it_does_not_matter_which_answer_comes_first(first: str, second: str) -> None:
    assert same_answer(first, second, PLAIN) is same_answer(second, first, PLAIN)


def grouped(number: Decimal, mark: str) -> str:
    return f"{number:,}".replace(",", mark)


# Of three digits behind it a comma may part thousands.
@given(st.decimals(-(10**9), 10**9, places=2))
def test_a_number_is_the_same_however_its_thousands_are_parted(number: Decimal) -> None:
    plain = str(number)
    for mark in (" ", "\u00a0", "\u202f", "'", ","):
        assert same_answer(plain, grouped(number, mark), PLAIN) is True
    assert same_answer(plain, plain.replace(".", ","), PLAIN) is True
    assert same_answer(plain, f"{number} kg", PLAIN) is True
    assert same_answer(plain, f"{number.normalize():f}", PLAIN) is True


@given(NUMBERS, NUMBERS)
def test_numbers_far_apart_are_never_the_same(one: Decimal, other: Decimal) -> None:
    if abs(one - other) > Decimal("0.01") * max(abs(one), abs(other)) + 1:
        assert same_answer(str(one), str(other), PLAIN) is False


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**4))
def test_a_fraction_is_its_value(over: int, under: int) -> None:
    (value,) = numbers_of(f"{over}/{under}").values
    assert value == Decimal(over) / Decimal(under)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_the_numbers_of_any_text_can_be_read(text: str) -> None:
    assert len(numbers_of(text).values) == len(numbers_of(text).digits)


def test_the_largest_group_of_answers_comes_first() -> None:
    answers = ["1", "2", "2.0", "3", "2"]
    same = {
        (one, other): same_answer(answers[one], answers[other], PLAIN)
        for one in range(5)
        for other in range(one + 1, 5)
    }
    assert groups_of(answers, same) == [[1, 2, 4], [0], [3]]


def test_of_groups_of_one_size_the_first_comes_first() -> None:
    assert groups_of(["a", "b", "a", "b"], {(0, 2): True, (1, 3): True}) == [[0, 2], [1, 3]]


def test_answers_that_nobody_could_compare_are_apart() -> None:
    assert groups_of(["a", "b"], {(0, 1): None}) == [[0], [1]]

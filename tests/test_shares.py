"""The rows of a mixture: exact to the record, the same for the same seed."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from personahub.errors import UserError
from personahub.release.shares import Side, choose_arms, choose_rows, parse_ratio

SHARES = st.fractions(0, 1, max_denominator=100)


def side(count: int, strata: list[int] | None = None, weights: list[int] | None = None) -> Side:
    return Side(
        np.array(weights if weights is not None else [1] * count, np.int64),
        np.array(strata if strata is not None else [0] * count, np.int64),
    )


@given(st.integers(1, 60), st.integers(1, 60), SHARES, st.integers(0, 9))
def test_by_records_the_ratio_is_exact_and_the_scarcer_side_is_used_up(
    real: int, synthetic: int, share: Fraction, seed: int
) -> None:
    chosen = choose_rows(side(real), side(synthetic), share, None, seed)
    whole = len(chosen.real) + len(chosen.synthetic)
    assert abs(len(chosen.real) - whole * share) <= Fraction(1, 2)
    assert (0 < share < 1) <= (len(chosen.real) == real or len(chosen.synthetic) == synthetic)


@given(st.integers(1, 60), st.integers(1, 60), SHARES, st.integers(1, 120))
def test_a_size_is_met_to_the_record_or_told_to_be_too_large(
    real: int, synthetic: int, share: Fraction, total: int
) -> None:
    ours = int((2 * total * share + 1) // 2)
    try:
        chosen = choose_rows(side(real), side(synthetic), share, total, 1)
    except UserError:
        assert ours > real or total - ours > synthetic
    else:
        assert (len(chosen.real), len(chosen.synthetic)) == (ours, total - ours)


@given(st.data())
def test_each_stratum_has_the_ratio(data: st.DataObject) -> None:
    strata = [data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=60)) for _ in range(2)]
    share = data.draw(SHARES)
    real, synthetic = (side(len(own), own) for own in strata)
    chosen = choose_rows(real, synthetic, share, None, 1)
    for stratum in range(4):
        ours = int((real.strata[chosen.real] == stratum).sum())
        theirs = int((synthetic.strata[chosen.synthetic] == stratum).sum())
        assert abs(ours - (ours + theirs) * share) <= Fraction(1, 2)


@given(st.lists(st.integers(1, 50), min_size=1), st.lists(st.integers(1, 50), min_size=1), SHARES)
def test_by_tokens_each_side_is_within_a_row_of_its_share(
    real: list[int], synthetic: list[int], share: Fraction
) -> None:
    sides = side(len(real), weights=real), side(len(synthetic), weights=synthetic)
    chosen = choose_rows(*sides, share, None, 3)
    most = max([*real, *synthetic])
    ours, theirs = (int(own.weights[rows].sum()) for own, rows in zip(sides, chosen, strict=True))
    whole = ours + theirs
    assert abs(ours - whole * share) <= most


def test_the_same_seed_takes_the_same_rows_and_another_others() -> None:
    sides = side(1000), side(1000)
    first, again, other = (choose_rows(*sides, Fraction(1, 2), 100, seed) for seed in (1, 1, 2))
    assert first.real.tolist() == again.real.tolist()
    assert first.real.tolist() != other.real.tolist()


def test_a_smaller_mixture_is_part_of_a_larger_one() -> None:
    sides = side(1000), side(1000)
    small, large = (choose_rows(*sides, Fraction(1, 2), total, 1) for total in (100, 300))
    assert set(small.real) < set(large.real)


def test_arms_have_equal_sizes_and_the_asked_shares() -> None:
    shares = [Fraction(share, 100) for share in (100, 75, 50, 25, 0)]
    arms = choose_arms(side(90), side(200), shares, None, 1)
    assert [(len(arm.real), len(arm.synthetic)) for arm in arms] == [
        (90, 0),
        (68, 22),
        (45, 45),
        (23, 67),
        (0, 90),
    ]


def test_a_ratio_that_cannot_be_met_tells_what_is_missing() -> None:
    with pytest.raises(UserError, match="lacks 20 synthetic"):
        choose_rows(side(100), side(30), Fraction(1, 2), 100, 1)


def test_a_side_that_has_nothing_is_told() -> None:
    with pytest.raises(UserError, match="nothing synthetic to mix"):
        choose_rows(side(100), side(0), Fraction(1, 2), None, 1)


@pytest.mark.parametrize(
    ("text", "share"), [("50:50", "1/2"), ("2:1", "2/3"), ("0:1", "0"), ("1.5:0.5", "3/4")]
)
def test_a_ratio_is_two_numbers(text: str, share: str) -> None:
    assert parse_ratio(text) == Fraction(share)


@pytest.mark.parametrize("text", ["50", "0:0", "-1:2", "a:b", "1:2:3", ""])
def test_what_is_no_ratio_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is no ratio"):
        parse_ratio(text)

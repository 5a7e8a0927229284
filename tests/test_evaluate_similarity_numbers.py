"""Pairs drawn at cosines, judged by going through all of them; and the study's numbers."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personahub.evaluation import pairs as pairs_module
from personahub.evaluation.pairs import WITHIN, PairSearch, draw_pairs
from personahub.evaluation.similarity import Spread, mean_of, rank_correlation, spearman

LEVELS = (0.4, 0.8)


def rows(count: int, seed: int = 0, dimensions: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimensions))


def all_cosines(vectors: np.ndarray, groups: np.ndarray) -> dict[tuple[int, int], float]:
    """Every pair of one group with its cosine, one at a time."""
    return {
        (one, other): float(
            vectors[one] @ vectors[other] / np.linalg.norm(vectors[one]) / np.linalg.norm(vectors[other])
        )
        for one, other in combinations(range(len(vectors)), 2)
        if groups[one] == groups[other]
    }


def drawn(search: PairSearch, place: int) -> set[tuple[int, int]]:
    return {(min(pair), max(pair)) for pair in search.levels[place].pairs.tolist()}


# Pairs


@settings(deadline=None, max_examples=60)
@given(
    count=st.integers(2, 40),
    kinds=st.integers(1, 3),
    block=st.integers(1, 50),
    seed=st.integers(0, 10**6),
)
def test_all_pairs_at_a_level_are_found_and_no_others(count: int, kinds: int, block: int, seed: int) -> None:
    vectors = rows(count, seed)
    groups = np.random.default_rng(seed).integers(kinds, size=count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs_module, "_ROWS", block)
        search = draw_pairs(vectors, groups, LEVELS, 1000, seed)
    cosines = all_cosines(vectors, groups)
    assert search.pairs == len(cosines)
    if cosines:
        assert search.least == pytest.approx(min(cosines.values()), abs=1e-5)
        assert search.most == pytest.approx(max(cosines.values()), abs=1e-5)
    for place, level in enumerate(LEVELS):
        found = drawn(search, place)
        surely = {pair for pair, cosine in cosines.items() if abs(cosine - level) <= WITHIN - 1e-6}
        maybe = {pair for pair, cosine in cosines.items() if abs(cosine - level) <= WITHIN + 1e-6}
        assert surely <= found <= maybe
        assert len(found) == len(search.levels[place].pairs) == search.levels[place].there


@settings(deadline=None, max_examples=40)
@given(wanted=st.integers(1, 30), seed=st.integers(0, 10**6))
def test_pairs_share_a_row_only_where_no_others_are_left(wanted: int, seed: int) -> None:
    vectors = rows(30, seed)
    (level,) = draw_pairs(vectors, np.zeros(30), [0.5], wanted, seed).levels
    assert len(level.pairs) == min(wanted, level.there)
    used: set[int] = set()
    shared = False
    for pair in level.pairs.tolist():
        shared = shared or not used.isdisjoint(pair)
        assert shared == (not used.isdisjoint(pair))
        used |= set(pair)


def test_every_pair_at_a_level_is_drawn_as_often_as_any_other() -> None:
    vectors = rows(30, 3)
    groups = np.zeros(30)
    there = [pair for pair, cosine in all_cosines(vectors, groups).items() if abs(cosine - 0.5) <= WITHIN]
    assert len(there) >= 3
    draws = [drawn(draw_pairs(vectors, groups, [0.5], 1, seed), 0).pop() for seed in range(200 * len(there))]
    counts = [draws.count(pair) for pair in there]
    assert sum(counts) == len(draws)
    # Five standard deviations of a fair draw.
    assert all(abs(count - 200) < 5 * 200**0.5 for count in counts)


def test_of_many_pairs_at_a_level_a_bounded_number_is_held_and_all_are_counted() -> None:
    (level,) = draw_pairs(np.ones((200, 4)), np.zeros(200), [1.0], 20, 0).levels
    assert level.there == 200 * 199 // 2
    assert len({row for pair in level.pairs.tolist() for row in pair}) == 40


def test_the_same_seed_draws_the_same_pairs_and_another_one_others() -> None:
    vectors = rows(60)

    def pairs(seed: int) -> list[list[int]]:
        return draw_pairs(vectors, np.zeros(60), [0.5], 5, seed).levels[0].pairs.tolist()

    assert pairs(1) == pairs(1) != pairs(2)


def test_a_larger_draw_begins_with_a_smaller_one() -> None:
    vectors = rows(60)
    few, many = (draw_pairs(vectors, np.zeros(60), [0.5], wanted, 0).levels[0] for wanted in (3, 9))
    assert many.pairs[:3].tolist() == few.pairs.tolist()


def test_rows_without_a_partner_make_no_pair() -> None:
    search = draw_pairs(rows(3), np.array([0, 1, 2]), LEVELS, 5, 0)
    assert (search.pairs, [len(level.pairs) for level in search.levels]) == (0, [0, 0])


# Numbers


def test_spearman_is_that_of_a_published_example() -> None:
    # Ten people's IQ and hours of television, as many textbooks print it: -29/165.
    iq = np.array([106.0, 100, 86, 101, 99, 103, 97, 113, 112, 110])
    hours = np.array([7.0, 27, 2, 50, 28, 29, 20, 12, 6, 17])
    assert spearman(iq, hours) == pytest.approx(-29 / 165)


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=30).filter(
        lambda pairs: len({a for a, _ in pairs}) > 1 and len({b for _, b in pairs}) > 1
    )
)
def test_equal_values_share_their_mean_rank(pairs: list[tuple[int, int]]) -> None:
    def ranks(values: list[int]) -> list[float]:
        return [sum(other < value for other in values) + (values.count(value) + 1) / 2 for value in values]

    left, right = map(list, zip(*pairs, strict=True))
    by_definition = np.corrcoef(ranks(left), ranks(right))[0, 1]
    assert spearman(np.array(left, float), np.array(right, float)) == pytest.approx(by_definition)


def test_nothing_correlates_with_what_is_the_same_throughout_or_has_two_pairs() -> None:
    assert spearman(np.array([1.0, 2, 3]), np.ones(3)) is None
    assert spearman(np.array([1.0, 2]), np.array([1.0, 2])) is None
    assert rank_correlation([([0.4, 0.5, 0.6], [1, 1, 1])], 0).value is None
    assert rank_correlation([], 0).pairs == 0


def test_an_interval_is_as_wide_as_the_normal_one_where_there_are_many_pairs() -> None:
    values = np.random.default_rng(0).normal(0.6, 0.1, 400)
    found = mean_of([values], 0)
    assert found.value == pytest.approx(values.mean())
    width = 2 * 1.96 * values.std() / 400**0.5
    assert found.high - found.low == pytest.approx(width, rel=0.1)
    assert found.low < found.value < found.high


def test_each_level_is_drawn_anew_by_itself() -> None:
    found = mean_of([[0.4] * 10, [0.9] * 10], 0)
    assert (found.low, found.value, found.high) == pytest.approx((0.65, 0.65, 0.65))


def test_fewer_than_ten_pairs_have_no_interval_and_none_no_number() -> None:
    few = mean_of([[0.4, 0.5]], 0)
    assert (few.value, few.low, few.high, few.pairs) == (pytest.approx(0.45), None, None, 2)
    assert mean_of([[], []], 0).value is None
    assert Spread.of([], [], 0).to_json()["median"] is None


def test_the_ends_of_the_papers_band_are_in_it() -> None:
    spread = Spread.of([0.9] * 4, [0.5999, 0.6, 0.75, 0.7501], 0)
    assert spread.in_band == 0.5
    assert spread.quantiles == pytest.approx((0.5999, 0.599975, 0.675, 0.750025, 0.7501))

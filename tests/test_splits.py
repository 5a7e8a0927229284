"""Splits do not leak, whatever rows have in common."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personahub import UserError
from personahub.release.splits import LEFT_OUT, Groups, parse_shares, split

SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
rows_with_keys = st.lists(st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), max_size=3), max_size=40)


def grouped(rows: list[list[str]], cut: int = 0) -> np.ndarray:
    groups = Groups()
    groups.add(rows[:cut])
    groups.add(rows[cut:])
    return groups.close()


def components(rows: list[list[str]]) -> list[int]:
    """The lowest row that each can be reached from, by trying all."""
    lowest = list(range(len(rows)))
    changed = True
    while changed:
        changed = False
        for a, one in enumerate(rows):
            for b, other in enumerate(rows):
                if set(one) & set(other) and lowest[a] != lowest[b]:
                    lowest[a] = lowest[b] = min(lowest[a], lowest[b])
                    changed = True
    return lowest


@settings(deadline=None)
@given(rows_with_keys, st.integers(0, 40))
def test_groups_are_those_of_trying_all_pairs(rows: list[list[str]], cut: int) -> None:
    assert grouped(rows, cut).tolist() == components(rows)


@settings(deadline=None)
@given(rows_with_keys, st.integers(0, 9))
def test_nothing_is_in_two_splits_and_every_row_in_one(rows: list[list[str]], seed: int) -> None:
    dealt = split(grouped(rows), SHARES, seed)
    where: dict[str, set[int]] = {}
    for row, number in zip(rows, dealt.numbers.tolist(), strict=True):
        for key in row:
            where.setdefault(key, set()).add(number)
    assert all(len(numbers) == 1 for numbers in where.values())
    assert sum(dealt.counts.values()) == len(rows)
    assert dealt.left_out == 0


@settings(deadline=None)
@given(rows_with_keys, st.integers(0, 9))
def test_no_split_has_more_than_its_share_or_less_where_a_group_would_fit(
    rows: list[list[str]], seed: int
) -> None:
    groups = grouped(rows)
    dealt = split(groups, SHARES, seed)
    sizes = Counter(groups[dealt.numbers == 0].tolist()).values()
    for name in ("validation", "test"):
        room = int(SHARES[name] * len(rows) + 0.5) - dealt.counts[name]
        assert room >= 0
        assert not sizes or room < min(sizes)


@settings(deadline=None)
@given(rows_with_keys, st.data())
def test_rows_that_may_not_be_tested_are_in_no_test_and_train_has_nothing_of_their_groups(
    rows: list[list[str]], data: st.DataObject
) -> None:
    fit = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), bool)
    groups = grouped(rows)
    dealt = split(groups, SHARES, 1, fit=fit)
    held = dealt.numbers > 0
    assert fit[held].all()
    assert not set(groups[held].tolist()) & set(groups[dealt.numbers == 0].tolist())
    assert set(groups[dealt.numbers == LEFT_OUT].tolist()) <= set(groups[held].tolist())


def test_the_same_seed_splits_alike_and_another_one_otherwise() -> None:
    groups = np.arange(1000)
    first, again, other = (split(groups, SHARES, seed).numbers.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert split(groups, SHARES, 1).counts == {"train": 600, "validation": 200, "test": 200}


@pytest.mark.parametrize("text", ["", "train", "train=1,test=1", "a=0.5,b=0.5", "train=1,test=0", "train=x"])
def test_shares_that_are_none_are_one_line(text: str) -> None:
    with pytest.raises(UserError, match="--split"):
        parse_shares(text)

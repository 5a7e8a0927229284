"""The exact join at scale: streams, little memory, crowds, and pairs on the very threshold."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from personahub.dedup.compare import split_equal
from personahub.dedup.exact import join_exactly
from personahub.dedup.partitions import Partitions
from personahub.dedup.passes import Alike
from personahub.errors import UserError
from personahub.kernels.hashing import hash_word
from personahub.kernels.texts import HeldTexts

THRESHOLDS = [Fraction(each) for each in ("0.75", "0.8", "0.85", "0.9", "0.95", "0.99")]


class MadeTexts:
    """Texts that are made when they are read, and noted as read again."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.again: list[int] = []

    def __len__(self) -> int:
        return len(self.texts)

    def read(self) -> Iterator[pa.Array]:
        for start in range(0, len(self.texts), 7):
            yield pa.array(self.texts[start : start + 7], pa.large_string())

    def take(self, rows: NDArray[np.int64]) -> pa.Array:
        self.again += rows.tolist()
        return pa.array([self.texts[row] for row in rows], pa.large_string())


def join(texts: list[str], threshold: Fraction, memory: int = 2**20, folder: Path | None = None) -> Alike:
    return join_exactly(HeldTexts(texts), threshold, limit=10**6, memory=memory, folder=folder)


def linked(found: Alike) -> dict[tuple[int, int], Fraction]:
    assert found.links is not None
    rows = zip(*(column.tolist() for column in found.links), strict=True)
    return {(a, b): Fraction(overlap, union) for a, b, overlap, union in rows}


def every_link(texts: list[str], threshold: Fraction) -> dict[tuple[int, int], Fraction]:
    sets = [set(text.split()) for text in texts]
    firsts: dict[frozenset[str], int] = {}
    for row, words in enumerate(sets):
        firsts.setdefault(frozenset(words), row)
    links = {}
    for (x, a), (y, b) in combinations(firsts.items(), 2):
        if x and y and Fraction(len(x & y), len(x | y)) >= threshold:
            links[a, b] = Fraction(len(x & y), len(x | y))
    return links


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=str)
@pytest.mark.parametrize("salt", range(3))
def test_pairs_of_all_sizes_are_found_down_to_the_last_word(threshold: Fraction, salt: int) -> None:
    texts, expected = [], set()
    for larger in [*range(1, 48), 60, 75, 110]:
        for smaller in range(int(larger * threshold), larger + 1):
            least = -(-threshold * (larger + smaller) // (1 + threshold))
            for shared in (least, least - 1):
                if not 0 < shared <= smaller:
                    continue
                own = f"{salt}x{len(texts)}"
                common = [f"c{n}x{own}" for n in range(shared)]
                texts.append(" ".join([*common, *(f"a{n}x{own}" for n in range(smaller - shared))]))
                texts.append(" ".join([*common, *(f"b{n}x{own}" for n in range(larger - shared))]))
                if shared == least and not shared == smaller == larger:
                    expected.add((len(texts) - 2, len(texts) - 1))
    found = join(texts, threshold)
    assert set(linked(found)) == expected


HIGH = ["0.9", "0.97", "0.975", "0.98", "0.99", "0.995", "0.9965", "0.997", "0.999"]


@pytest.mark.parametrize("threshold", HIGH)
def test_long_texts_are_found_at_the_highest_thresholds(threshold: str) -> None:
    # Sizes around those that are told up to 255, and around the first that are dealt out into parts.
    exact = Fraction(threshold)
    texts, expected = [], set()
    for size in (66, 120, 198, 200, 230, 254, 255, 256, 300, 400, 1001, 2100):
        for copy in range(6):
            words = [f"w{n}x{size}x{copy}" for n in range(size)]
            other = [*words[1:], f"new{size}x{copy}"] if copy % 2 else words[1:]
            texts += [" ".join(words), " ".join(other)]
            if Fraction(size - 1, size + copy % 2) >= exact:
                expected.add((len(texts) - 2, len(texts) - 1))
    assert set(linked(join(texts, exact))) == expected


def test_pairs_that_are_met_in_several_crowds_count_once() -> None:
    common = " ".join(f"w{n}" for n in range(599))
    texts = [f"{common} u{n}" for n in range(40)]
    found = join_exactly(HeldTexts(texts), Fraction(9, 10), limit=780, memory=2**20)
    assert len(linked(found)) == 780
    assert join_exactly(HeldTexts(texts), Fraction(9, 10), limit=779, memory=2**20).links is None


@pytest.mark.parametrize("told", [5, 30])
def test_texts_that_change_while_they_are_read_are_told(told: int) -> None:
    class Changing(MadeTexts):
        def __len__(self) -> int:
            return told

        def take(self, rows: NDArray[np.int64]) -> pa.Array:
            return pa.array(["a nurse"] * len(rows), pa.large_string())

    texts = Changing([f"a nurse {n}" for n in range(20)])
    with pytest.raises(UserError, match=f"changed while they were compared: {told} were told of, and 20 are"):
        join_exactly(texts, Fraction(1), limit=10, memory=2**20)


few_words = st.lists(st.sampled_from([f"w{n}" for n in range(9)]), max_size=9)
more_words = st.builds(
    lambda size, without, more: [f"w{n}" for n in range(size) if n not in without] + [f"x{n}" for n in more],
    st.integers(15, 45),
    st.sets(st.integers(0, 44), max_size=5),
    st.sets(st.integers(0, 6), max_size=3),
)
some_texts = st.lists(st.one_of(few_words, more_words).map(" ".join), max_size=30)


@settings(max_examples=200, deadline=None)
@given(some_texts, st.sampled_from(THRESHOLDS), st.sampled_from([1, 2**20]))
def test_the_links_are_those_of_comparing_all_with_all(
    texts: list[str], threshold: Fraction, memory: int
) -> None:
    assert linked(join(texts, threshold, memory)) == every_link(texts, threshold)


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=str)
def test_a_crowd_of_texts_that_share_most_words_loses_no_pair(threshold: Fraction) -> None:
    # Each leaves out some words of the same 24, so that thousands of pairs have a sum of a part in common.
    draw = np.random.default_rng(11)
    texts = [
        " ".join(f"w{n}" for n in range(24) if n not in left_out)
        for left_out in (set(draw.choice(24, draw.integers(4), replace=False).tolist()) for _ in range(400))
    ]
    assert linked(join(texts, threshold)) == every_link(texts, threshold)


def nearly_alike(count: int) -> list[str]:
    """Each second text has a word more than the one before."""
    common = "one two three four five six seven eight nine"
    return [f"{common} n{n // 2} {'more' * (n % 2)}" for n in range(count)]


def test_what_memory_does_not_hold_goes_through_files_that_are_taken_away(tmp_path: Path) -> None:
    texts = [
        f"one two three four five six seven eight nine n{n // 2} {'more' * (n % 2)}" for n in range(3000)
    ]
    small = join(texts, Fraction(9, 10), memory=1, folder=tmp_path)
    assert linked(small) == linked(join(texts, Fraction(9, 10)))
    assert len(linked(small)) == 1500
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_hold_files_is_told(tmp_path: Path) -> None:
    texts = nearly_alike(100)
    with pytest.raises(UserError, match=r"cannot be written .*free some space there, or allow more memory"):
        join(texts, Fraction(9, 10), memory=1, folder=tmp_path / "missing")


class ManyTexts(MadeTexts):
    """So many that nobody reads them."""

    def __len__(self) -> int:
        return 10**12

    def take(self, rows: NDArray[np.int64]) -> pa.Array:
        return pa.array(["a nurse"] * len(rows), pa.large_string())


@pytest.mark.parametrize(
    ("free", "message"),
    [
        (
            "MemAvailable: 8000000 kB",
            r"^Comparing 1,000,000,000,000 texts takes 20000\.0 GB of memory, and 8\.2 GB are free: compare",
        ),
        (
            "MemAvailable: 80000000000000 kB",
            r"1,000,000,000,000 texts in 0\.0 GB of memory takes 8000\.0 GB of disk, and .* free some space",
        ),
    ],
)
def test_too_little_memory_or_disk_is_told_before_a_text_is_read(
    free: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path: free if path.name == "meminfo" else read(path))
    with pytest.raises(UserError, match=message):
        join_exactly(ManyTexts([]), Fraction(9, 10), limit=10, memory=2**20)


def test_texts_are_read_as_a_stream_and_only_candidates_again() -> None:
    texts = MadeTexts([f"nurse {n} who {n * n} bakes {n + 5} rye a b c d" for n in range(500)])
    texts.texts[300] = texts.texts[7] + " and"
    texts.texts[301] = texts.texts[8]
    found = join_exactly(texts, Fraction(9, 10), limit=10, memory=2**20)
    assert linked(found) == {(7, 300): Fraction(11, 12)}
    assert (found.equal.tolist(), found.firsts.tolist()) == ([301], [8])
    assert {7, 8, 300, 301} <= set(texts.again)
    # A sample of all is read to guess how many keys there will be.
    assert len(texts.again) < len(texts) + 50


def test_texts_of_one_sum_and_other_words_are_no_duplicates() -> None:
    # As if the hashes of all words summed up to one number.
    texts = HeldTexts(["a b", "c d", "b a", "c d", "e", "x y", "y x"])
    sums = np.array([1, 1, 1, 1, 1, 2, 2], np.uint64)
    parts = list(split_equal(texts, sums, np.array([4, 2, 0, 3, 1, 6, 5]), 2))
    rows, firsts = (np.concatenate(column).tolist() for column in zip(*parts, strict=True))
    assert sorted(zip(rows, firsts, strict=True)) == [(2, 0), (3, 1), (6, 5)]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=200), st.sampled_from([1, 500, 2**20]))
def test_partitions_give_back_what_was_added_sorted_by_key(keys: list[int], memory: int) -> None:
    pairs = np.array([(key, place) for place, key in enumerate(keys)], np.uint64).reshape(-1, 2)
    with Partitions(memory) as partitions:
        for start in range(0, len(pairs), 30):
            partitions.add(pairs[start : start + 30])
        back = [(int(k), int(v)) for some in partitions.read() for k, v in zip(*some, strict=True)]
    assert [key for key, _ in back] == sorted(keys)
    assert sorted(place for _, place in back) == list(range(len(keys)))


def test_hashes_of_words_decide_and_not_their_order() -> None:
    assert hash_word("ab") != hash_word("ba")
    assert linked(join(["b a c d", "d c b a e"], Fraction(4, 5))) == {(0, 1): Fraction(4, 5)}

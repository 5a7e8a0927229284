"""All pairs of vectors at or above a cosine: exact, the same in any blocks, and in parts or at once."""

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personahub.dedup import cosines, semantic
from personahub.dedup.cosines import Cosines, least_similarity
from personahub.dedup.semantic import semantic_edges
from personahub.errors import UserError
from personahub.kernels.products import HostProducts

THRESHOLDS = st.sampled_from([0.05, 0.5, 0.7, 0.7071, 0.8, 0.9, 0.9487, 1.0]) | st.decimals(
    "0.0001", 1, places=5, allow_nan=False
).map(float)
VECTORS = st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=1, max_size=12).map(
    lambda rows: np.array(rows, dtype=np.float16)
)

untimed = settings(deadline=None)  # Other work may hold the cores.

Edges = dict[tuple[int, int], float]


@pytest.fixture(scope="module", autouse=True)
def _small_blocks() -> Iterator[None]:
    """A dozen rows fill several blocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HostProducts, "rows", (5, 5))
        patch.setattr(cosines, "_ROWS", 5)
        patch.setattr(semantic, "_BATCH", 4)
        yield


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """In four decimals."""
    x, y = [float(number) for number in a], [float(number) for number in b]
    lengths = math.sqrt(math.fsum(i * i for i in x) * math.fsum(i * i for i in y))
    return (
        round(math.fsum(i * j for i, j in zip(x, y, strict=True)) / lengths * 10_000) / 10_000
        if lengths
        else 0
    )


def brute_force(vectors: np.ndarray, threshold: float) -> Edges:
    found = {(a, b): cosine(vectors[a], vectors[b]) for b in range(len(vectors)) for a in range(b)}
    return {pair: similarity for pair, similarity in found.items() if similarity >= threshold}


def edges(vectors: np.ndarray, threshold: float, since: int = 0) -> Edges:
    found: Edges = {}
    for batch in semantic_edges(vectors, threshold, since=since):
        assert batch.schema.types == [pa.int64(), pa.int64(), pa.float32()]
        for a, b, similarity in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            assert (a, b) not in found
            found[a, b] = round(similarity, 4)
    return found


def unit_vectors(count: int, dimensions: int, seed: int) -> np.ndarray:
    """Clusters of vectors of which many pairs lie between 0.6 and 1."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((4, dimensions))
    rows = centres[random.integers(0, 4, count)] + 0.6 * random.standard_normal((count, dimensions))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


@untimed
@given(VECTORS, THRESHOLDS)
def test_finds_what_brute_force_finds(vectors: np.ndarray, threshold: float) -> None:
    assert edges(vectors, threshold) == brute_force(vectors, threshold)


@untimed
@given(VECTORS, THRESHOLDS, st.data())
def test_in_parts_equals_all_at_once(vectors: np.ndarray, threshold: float, data: st.DataObject) -> None:
    since = data.draw(st.integers(0, len(vectors)))
    earlier, later = edges(vectors[:since], threshold), edges(vectors, threshold, since)
    assert all(b >= since for _, b in later)
    assert earlier | later == edges(vectors, threshold)


@untimed
@given(VECTORS, THRESHOLDS, THRESHOLDS)
def test_a_lower_run_holds_every_higher_run(vectors: np.ndarray, one: float, other: float) -> None:
    low, high = sorted([one, other])
    kept = {
        pair: value
        for pair, value in edges(vectors, low).items()
        if round(value * 1e4) >= least_similarity(high)
    }
    assert kept == edges(vectors, high)


@pytest.mark.parametrize("dimensions", [1, 64, 512])
def test_similarities_do_not_depend_on_the_blocks(dimensions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = unit_vectors(120, dimensions, seed=3)
    small = edges(vectors, 0.7)
    monkeypatch.setattr(HostProducts, "rows", (2048, 2048))
    assert small == edges(vectors, 0.7) == brute_force(vectors, 0.7)
    assert 100 < len(small) <= 120 * 119 / 2


def test_a_cosine_is_compared_in_four_decimals() -> None:
    one = np.array([1, 0], dtype=np.float16)
    others = [np.array([x, y], dtype=np.float16) for x in range(1, 200) for y in range(1, 100)]
    exact = [float(x) / math.hypot(float(x), float(y)) for x, y in others]
    just_under = [other for other, value in zip(others, exact, strict=True) if 0.89995 < value < 0.9]
    too_low = [other for other, value in zip(others, exact, strict=True) if 0.8997 < value < 0.89995]
    assert just_under
    assert too_low
    assert all(edges(np.stack([one, other]), 0.9) == {(0, 1): 0.9} for other in just_under)
    assert not any(edges(np.stack([one, other]), 0.9) for other in too_low)


@untimed
@given(THRESHOLDS)
def test_the_least_similarity_is_the_first_that_reaches_the_decimal(threshold: float) -> None:
    least, wanted = least_similarity(threshold), Fraction(str(threshold))
    assert Fraction(least - 1, 10_000) < wanted <= Fraction(least, 10_000)


def test_identical_vectors_are_all_pairs_of_one() -> None:
    vectors = np.repeat(unit_vectors(1, 512, seed=1), 17, axis=0)
    assert edges(vectors, 1.0) == {(a, b): 1.0 for b in range(17) for a in range(b)}


@pytest.mark.parametrize("odd", [0.0, float("nan"), float("inf")])
def test_a_vector_of_zeros_or_of_no_numbers_is_like_nothing(odd: float) -> None:
    vectors = np.ones((9, 4), dtype=np.float16)
    vectors[[0, 6]] = odd
    assert {row for pair in edges(vectors, 0.0001) for row in pair} == {1, 2, 3, 4, 5, 7, 8}
    assert Cosines(vectors).nearest(np.array([8]), np.arange(7), 9000).place.tolist() == [1]


def test_vectors_of_other_lengths_are_compared_by_their_angle() -> None:
    vectors = np.array([[0.01, 0.01], [3, 3], [0, 2]], dtype=np.float16)
    assert edges(vectors, 0.7) == {(0, 1): 1.0, (0, 2): 0.7071, (1, 2): 0.7071}


def test_vectors_are_read_from_a_memory_map(tmp_path: Path) -> None:
    vectors = unit_vectors(30, 64, seed=5)
    np.save(tmp_path / "vectors.npy", vectors)
    assert edges(np.load(tmp_path / "vectors.npy", mmap_mode="r"), 0.7) == edges(vectors, 0.7)


@pytest.mark.parametrize("since", [0, 7, 20])
def test_progress_ends_with_all_dot_products(since: int) -> None:
    told: list[tuple[int, int]] = []
    for _ in semantic_edges(
        unit_vectors(23, 8, seed=2), 0.9, since=since, progress=lambda done, whole: told.append((done, whole))
    ):
        pass
    whole = 23 * 22 // 2 - since * (since - 1) // 2
    assert told == sorted(told)
    assert told[-1] == (whole, whole)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_vectors_have_no_pairs(count: int) -> None:
    assert edges(np.ones((count, 4), dtype=np.float16), 0.7) == {}


@untimed
@given(VECTORS, VECTORS, THRESHOLDS, st.data())
def test_the_nearest_is_the_first_of_the_most_similar_with_the_same_label(
    ours: np.ndarray, theirs: np.ndarray, threshold: float, data: st.DataObject
) -> None:
    labels = np.array(data.draw(st.lists(st.integers(0, 1), min_size=24, max_size=24)))
    vectors, count = np.concatenate([ours, theirs]), len(ours)
    rows, others = np.arange(count), np.arange(count, len(vectors))
    found = Cosines(vectors).nearest(
        rows, others, least_similarity(threshold), labels=(labels[rows], labels[others])
    )
    for row in rows:
        near = [
            (-similarity, place)
            for place, other in enumerate(others)
            if labels[row] == labels[other]
            and (similarity := cosine(vectors[row], vectors[other])) >= threshold
        ]
        best = min(near, default=(0, -1))
        assert (-found.similarity[row] / 10_000, found.place[row]) == best


@pytest.mark.parametrize("threshold", [0, -0.5, 1.0001, float("nan"), float("inf")])
def test_what_is_no_similarity_is_refused(threshold: float) -> None:
    with pytest.raises(UserError, match="is no similarity"):
        semantic_edges(np.ones((2, 4), np.float16), threshold)


@pytest.mark.parametrize("vectors", [np.ones((2, 4), np.float32), np.ones(4, np.float16)])
def test_what_are_no_vectors_in_half_precision_is_refused(vectors: np.ndarray) -> None:
    with pytest.raises(UserError, match="give one row of float16 for each"):
        semantic_edges(vectors)


def test_a_row_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match="since=3 is no row of 2 vectors"):
        semantic_edges(np.ones((2, 4), np.float16), since=3)

"""Near pairs of many vectors, found within clusters: what is given is exact, what is missing is told."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personahub.dedup import clusters, semantic
from personahub.dedup.semantic import SemanticEdges, semantic_edges
from personahub.kernels.products import HostProducts
from test_semantic import brute_force

Edges = dict[tuple[int, int], float]


@pytest.fixture(scope="module", autouse=True)
def _few_are_many() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HostProducts, "all_pairs", 0)
        patch.setattr(semantic, "_WORTH", 0)
        patch.setattr(clusters, "_ROWS", 64)
        patch.setattr(clusters, "_VISITORS", 16)
        patch.setattr(clusters, "_AT_HOME", 8)
        yield


def read(found: SemanticEdges) -> Edges:
    """The edges, of which none may come twice."""
    edges: Edges = {}
    for batch in found:
        for a, b, similarity in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            assert a < b
            assert (a, b) not in edges
            edges[a, b] = round(similarity, 4)
    return edges


def vectors_of(count: int, seed: int, spread: float = 0.7, dimensions: int = 32) -> np.ndarray:
    """Around a twentieth as many centres, so that most have some others near."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((max(count // 20, 1), dimensions))
    rows = centres[random.integers(0, len(centres), count)]
    rows = rows + spread * random.standard_normal((count, dimensions))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


def all_pairs(vectors: np.ndarray, threshold: float) -> Edges:
    return read(semantic_edges(vectors, threshold, recall=1))


@pytest.mark.parametrize(("threshold", "spread"), [(0.6, 0.7), (0.7, 0.6), (0.9, 0.3)])
def test_nearly_all_pairs_are_found_and_the_share_is_told(threshold: float, spread: float) -> None:
    vectors = vectors_of(2000, seed=1, spread=spread)
    found = semantic_edges(vectors, threshold)
    edges, every = read(found), all_pairs(vectors, threshold)
    assert edges.items() <= every.items()
    share = len(edges) / len(every)
    assert share >= 0.98
    assert found.search.recall == pytest.approx(share, abs=0.015)
    assert found.search.pairs > 100
    assert 1 <= found.search.visits < found.search.clusters


def test_a_lower_asked_share_visits_fewer_clusters() -> None:
    vectors = vectors_of(2000, seed=2, spread=0.9)
    low, high = (semantic_edges(vectors, 0.5, recall=recall) for recall in (0.7, 0.99))
    assert low.search.visits < high.search.visits
    assert 0.6 < len(read(low)) / len(all_pairs(vectors, 0.5)) < 0.95


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 60), st.integers(0, 5), st.sampled_from([0.05, 0.5, 0.7, 0.9, 1.0]), st.data())
def test_every_pair_that_is_found_is_one_and_is_new(
    count: int, seed: int, threshold: float, data: st.DataObject
) -> None:
    vectors = vectors_of(count, seed, dimensions=4)
    since = data.draw(st.integers(0, count))
    edges = read(semantic_edges(vectors, threshold, since=since))
    assert edges.items() <= brute_force(vectors, threshold).items()
    assert all(b >= since for _, b in edges)


def test_new_vectors_find_the_pairs_that_all_at_once_find() -> None:
    vectors, since = vectors_of(1500, seed=3), 1200
    new = {pair for pair in all_pairs(vectors, 0.7) if pair[1] >= since}
    found = read(semantic_edges(vectors, 0.7, since=since))
    assert found.keys() <= new
    assert len(found) >= 0.97 * len(new) > 100


def test_vectors_alike_are_all_pairs() -> None:
    vectors = np.repeat(vectors_of(1, seed=4), 70, axis=0)
    assert len(read(semantic_edges(vectors, 1.0))) == 70 * 69 // 2


@pytest.mark.parametrize("odd", [0.0, float("nan"), float("inf")])
def test_a_vector_of_zeros_or_of_no_numbers_is_like_nothing(odd: float) -> None:
    vectors = np.repeat(vectors_of(1, seed=5), 40, axis=0)
    vectors[[0, 17]] = odd
    rows = {row for pair in read(semantic_edges(vectors, 0.7)) for row in pair}
    assert rows == set(range(40)) - {0, 17}


def test_where_no_two_are_near_no_share_is_told() -> None:
    vectors = np.eye(64, dtype=np.float16)
    found = semantic_edges(vectors, 0.7)
    assert read(found) == {}
    assert found.search.recall is None


def test_progress_ends_with_all_products() -> None:
    told: list[tuple[int, int]] = []
    read(semantic_edges(vectors_of(300, 6), 0.7, progress=lambda done, whole: told.append((done, whole))))
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] > 0

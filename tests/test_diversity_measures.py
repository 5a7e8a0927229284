"""The measures of diversity: against published values, brute force and other implementations."""

import gzip
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sacrebleu.metrics import BLEU

from personahub.evaluation import (
    DistinctGrams,
    SelfBleu,
    compression_ratio,
    cosine_distribution,
    half_samples,
    interval,
    lexical,
    mean_cosine,
    measure_clusters,
    measure_vectors,
    near_duplicates,
    pair_cosines,
    vendi_score,
)
from personahub.evaluation import vectors as vectors_module
from personahub.evaluation.clusters import evenness, find_clusters
from personahub.evaluation.compression import CompressionRatio
from personahub.evaluation.intervals import wilson
from personahub.evaluation.lexical import distinct_halves
from personahub.evaluation.measures import measure_words
from personahub.evaluation.stored import StoredTexts, StoredVectors
from personahub.evaluation.vectors import mean_cosine_halves, vendi_halves
from personahub.evaluation.words import cut_to_words, find_words

TEXTS = st.text(alphabet="ab ж语言ก'，.", max_size=20)
ROWS = arrays(np.float64, st.tuples(st.integers(2, 12), st.just(5)), elements=st.floats(0.1, 1))


def naive_vendi(rows: np.ndarray) -> float:
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(unit @ unit.T / len(unit))
    return float(np.exp(-sum(value * np.log(value) for value in values if value > 1e-15)))


def random_vectors(count: int, *, dimensions: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)


# The Vendi score


def test_the_vendi_score_is_the_published_one_of_the_example_of_its_authors() -> None:
    kernel = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert vendi_score(np.linalg.cholesky(kernel)) == pytest.approx(2.1573, abs=5e-5)


@pytest.mark.parametrize("count", [3, 700])
def test_texts_that_are_all_alike_count_as_one(count: int) -> None:
    assert vendi_score(np.ones((count, 512), np.float16)) == pytest.approx(1, abs=1e-3)


def test_texts_that_share_nothing_count_each_however_often_they_are_repeated() -> None:
    assert vendi_score(np.tile(np.eye(7), (30, 1))) == pytest.approx(7, abs=1e-4)


@given(ROWS)
@settings(deadline=None)
def test_the_vendi_score_by_dimensions_is_that_by_texts(rows: np.ndarray) -> None:
    assert vendi_score(rows) == pytest.approx(naive_vendi(rows), rel=1e-4)


# Cosines


@given(ROWS)
@settings(deadline=None)
def test_the_mean_cosine_is_that_of_all_pairs_gone_through(rows: np.ndarray) -> None:
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    pairs = [float(a @ b) for a, b in combinations(unit, 2)]
    assert mean_cosine(rows) == pytest.approx(np.mean(pairs), abs=1e-5)


def test_cosines_of_pairs_are_those_of_rows_at_the_same_place() -> None:
    left, right = random_vectors(5000), random_vectors(5000, seed=1)
    expected = [
        float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) for a, b in zip(left, right, strict=True)
    ]
    np.testing.assert_allclose(pair_cosines(left, right), expected, atol=1e-6)


def test_the_distribution_is_of_every_pair_once() -> None:
    rows = random_vectors(3000)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = (unit @ unit.T)[np.triu_indices(len(unit), 1)]
    found = cosine_distribution(rows)
    assert (found.pairs, found.exact) == (len(cosines), True)
    assert list(found.quantiles.values()) == pytest.approx(
        np.quantile(cosines, list(found.quantiles)), abs=1e-3
    )
    assert sum(found.shares) == pytest.approx(1)


def test_pairs_drawn_of_many_texts_are_spread_as_all_pairs_are(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = random_vectors(1500)
    exact = cosine_distribution(rows)
    monkeypatch.setattr(vectors_module, "_ALL_PAIRS_OF", 1000)
    monkeypatch.setattr(vectors_module, "_DRAWN_PAIRS", 200_000)
    drawn = cosine_distribution(rows, seed=3)
    assert (drawn.pairs, drawn.exact) == (200_000, False)
    assert list(drawn.quantiles.values()) == pytest.approx(list(exact.quantiles.values()), abs=0.01)
    assert cosine_distribution(rows, seed=3) == drawn


def test_no_text_is_a_near_duplicate_of_itself() -> None:
    assert near_duplicates(np.eye(5)).found == 0


def test_near_duplicates_are_those_that_going_through_all_pairs_finds() -> None:
    rows = random_vectors(2500, dimensions=4)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -1)
    found = near_duplicates(rows, 0.999)
    assert found.looked_up == 2500
    assert found.found == int((cosines >= 0.99895).any(axis=1).sum())


def test_near_duplicates_of_many_texts_are_looked_up_for_some_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vectors_module, "_PRODUCTS", 10**5)
    monkeypatch.setattr(vectors_module, "_LOOKED_UP", 400)
    half = random_vectors(1000, dimensions=32)
    found = near_duplicates(np.concatenate([half, half[:500]]), seed=1)
    assert found.looked_up == 400
    assert found.found / 400 == pytest.approx(2 / 3, abs=0.1)


# Words


def test_words_are_counted_in_any_script() -> None:
    assert find_words("The cat's 3 toys, ROUND!") == ["the", "cat's", "3", "toys", "round"]
    assert find_words("Кошка — это кошка") == ["кошка", "это", "кошка"]
    assert find_words("他修理12盏灯。") == ["他", "修", "理", "12", "盏", "灯"]
    assert find_words("น้ำใจ") == ["น้", "ำ", "ใ", "จ"]


@given(TEXTS, st.integers(1, 9))
def test_a_text_is_cut_after_its_words_and_not_within_one(text: str, count: int) -> None:
    assert find_words(cut_to_words(text, count)) == find_words(text)[:count]


@given(st.lists(TEXTS, max_size=8), st.integers(1, 3))
def test_distinct_n_is_that_of_sets_of_n_grams(texts: list[str], n: int) -> None:
    words = [find_words(text) for text in texts]
    grams = [tuple(some[at : at + n]) for some in words for at in range(len(some) - n + 1)]
    counted = DistinctGrams(n)
    for some in words:
        counted.add([some])
    assert (counted.total, counted.distinct) == (len(grams), len(set(grams)))
    halves = [np.arange(len(words))]
    assert list(distinct_halves(words, n, halves)) == ([len(set(grams)) / len(grams)] if grams else [])


def test_too_many_n_grams_to_hold_are_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexical, "_KEPT", 4096)
    counted = DistinctGrams(1)
    for start in range(0, 60_000, 1000):
        counted.add([[f"w{number}", "the"] for number in range(start, start + 1000)])
    assert counted.estimated
    assert counted.distinct == pytest.approx(60_001, rel=0.05)


def plain_self_bleu(texts: Sequence[Sequence[str]]) -> float:
    """Each text against all the others, by sacrebleu alone."""
    bleu = BLEU(tokenize="none", effective_order=True)
    joined = [" ".join(words) for words in texts]
    return float(
        np.mean(
            [
                bleu.sentence_score(text, joined[:place] + joined[place + 1 :]).score / 100
                for place, text in enumerate(joined)
            ]
        )
    )


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=8), min_size=2, max_size=7))
@settings(deadline=None)
def test_self_bleu_is_that_of_sacrebleu_asked_text_by_text(texts: list[list[str]]) -> None:
    assert SelfBleu(texts).score() == pytest.approx(plain_self_bleu(texts))
    some = np.arange(0, len(texts), 2)
    if len(some) > 1:
        assert SelfBleu(texts).score(some) == pytest.approx(plain_self_bleu(texts[::2]))


def test_self_bleu_is_one_of_equal_texts_and_nought_of_texts_without_a_common_word() -> None:
    assert SelfBleu([list("abcde")] * 4).score() == pytest.approx(1)
    assert SelfBleu([[f"{text}.{word}" for word in range(9)] for text in range(4)]).score() == 0


# Compression


@given(st.lists(TEXTS, min_size=1, max_size=30))
def test_compression_is_the_published_ratio_by_gzip(texts: list[str]) -> None:
    joined = " ".join(texts).encode()
    if joined:
        ratio = CompressionRatio("gzip")
        ratio.add(texts)
        assert ratio.ratio() == pytest.approx(len(joined) / len(gzip.compress(joined)))


def test_only_zstd_sees_that_a_long_set_comes_again() -> None:
    draws = np.random.default_rng(0)
    texts = [" ".join(f"{word:x}" for word in draws.integers(10**6, size=20)) for _ in range(1000)]
    assert compression_ratio(texts * 2) == pytest.approx(compression_ratio(texts), rel=0.01)
    assert compression_ratio(texts * 2, "zstd") > 1.9 * compression_ratio(texts, "zstd")


# Clusters


def test_a_set_within_a_corner_of_another_reaches_fewer_clusters() -> None:
    wide = random_vectors(600)
    narrow = random_vectors(600, seed=1) + 8 * np.eye(16)[0]
    all_over, corner = measure_clusters([wide, narrow])
    for name in ("cluster_coverage", "cluster_evenness"):
        assert corner[name].value < all_over[name].value


def test_equal_sets_reach_the_same_clusters_and_a_small_one_is_left_out_with_its_reason() -> None:
    wide = random_vectors(300)
    one, other, small = measure_clusters([wide, wide, wide[:5]])
    assert one == other
    assert small["cluster_coverage"].value is None
    assert "there are 5" in small["cluster_coverage"].reason


def test_a_set_given_once_more_does_not_draw_the_clusters_to_itself() -> None:
    one, other = clumped(0, 400), random_vectors(400, seed=5)
    fresh = [each["cluster_coverage"].value for each in measure_clusters([one, other])]
    again = [each["cluster_coverage"].value for each in measure_clusters([one, other, one, one])]
    assert again[:2] == pytest.approx(fresh, abs=0.1)


def test_clusters_are_never_more_than_there_are_different_vectors() -> None:
    assert len(find_clusters([np.tile(np.eye(3), (100, 1))])) == 3


def test_evenness_is_one_where_each_cluster_has_as_many_and_a_kth_where_one_has_all() -> None:
    assert evenness(np.array([0, 1, 2, 3]), 4) == pytest.approx(1)
    assert evenness(np.zeros(9, np.int64), 4) == pytest.approx(0.25)


# Intervals


def test_the_interval_of_a_mean_is_that_of_the_textbook() -> None:
    sample = np.random.default_rng(0).normal(size=900)
    low, high = interval(
        sample.mean(), (sample[half].mean() for half in half_samples(900, 0)), pool=900, of=900
    ) or (0, 0)
    assert high - low == pytest.approx(2 * 1.96 * sample.std() / 30, rel=0.2)


def zipf_texts(seed: int, count: int) -> list[list[str]]:
    draws = np.random.default_rng(seed)
    return [[f"w{min(word, 5000)}" for word in draws.zipf(1.4, size=12)] for _ in range(count)]


def clumped(seed: int, count: int) -> np.ndarray:
    centres = random_vectors(10, seed=99)
    # Some clumps larger than others, as in real texts; of equal ones the intervals are wider than needed.
    which = np.random.default_rng(seed).binomial(9, 0.3, size=count)
    return centres[which] + random_vectors(count, seed=seed + 1000)


def distinct_1(texts: list[list[str]]) -> float:
    counted = DistinctGrams(1)
    counted.add(texts)
    return counted.share


@pytest.mark.parametrize(
    ("draw", "measure", "of_halves"),
    [
        (zipf_texts, distinct_1, lambda texts, halves: distinct_halves(texts, 1, halves)),
        (
            zipf_texts,
            lambda texts: SelfBleu(texts).score(),
            lambda texts, halves: (SelfBleu(texts).score(half) for half in halves),
        ),
        (clumped, mean_cosine, mean_cosine_halves),
        (clumped, vendi_score, vendi_halves),
    ],
    ids=["distinct-1", "Self-BLEU", "mean cosine", "Vendi"],
)
def test_an_interval_is_as_wide_as_fresh_texts_would_scatter(
    draw: Callable[..., list[list[str]]], measure: Callable[..., float], of_halves: Callable[..., list[float]]
) -> None:
    count = 120
    scatter = np.std([measure(draw(seed, count)) for seed in range(80)])
    sample = draw(500, count)
    value = measure(sample)
    low, high = interval(value, of_halves(sample, half_samples(count, 0)), pool=count, of=count) or (0, 0)
    assert low < value < high
    assert (high - low) / (2 * 1.96) == pytest.approx(scatter, rel=0.4)


def test_halves_of_a_pool_give_the_interval_of_all_texts() -> None:
    sample = np.random.default_rng(0).normal(size=8000)
    pool = sample[:2000]
    halves = [pool[half].mean() for half in half_samples(2000, 0)]
    low, high = interval(sample.mean(), halves, pool=2000, of=8000) or (0, 0)
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(8000), rel=0.2)


def test_few_texts_have_no_interval() -> None:
    assert list(half_samples(9, 0)) == []
    assert interval(0.5, [], pool=9, of=9) is None


def test_the_interval_of_a_share_is_that_of_the_paper() -> None:
    # Newcombe 1998, Two-sided confidence intervals for the single proportion, table I, method 3.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)


# Sets on disk


@given(st.lists(st.text(max_size=5), max_size=30), st.data())
def test_stored_texts_come_back_in_any_order(texts: list[str], data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(texts) - 1)) if texts else st.just([]))
    told = [text.encode(errors="replace").decode() for text in texts]
    with StoredTexts(texts) as stored:
        assert stored.take(places) == [told[place] for place in places]
        assert [text for batch in stored.batches() for text in batch] == told


def test_stored_vectors_come_back_as_they_were_but_for_half_precision() -> None:
    rows = random_vectors(30)
    with StoredVectors(16) as stored:
        assert stored.array().shape == (0, 16)
        stored.extend(rows[:10])
        stored.extend(rows[10:])
        np.testing.assert_array_equal(stored.array(), rows.astype(np.float16))


@pytest.mark.parametrize("texts", [[], ["。，"], ["word"]])
def test_what_cannot_be_measured_comes_with_its_reason(texts: list[str]) -> None:
    with StoredTexts(texts) as stored:
        measures, counts = measure_words(stored)
    assert len(counts) == len(texts)
    assert all(measure.reason for measure in measures.values() if measure.value is None)
    assert measures["self_bleu"].reason
    no_pair, distribution = measure_vectors(np.ones((1, 8)))
    assert distribution is None
    assert {measure.reason for measure in no_pair.values()} == {
        "needs two texts that the embedding model can compare; there is 1"
    }

"""MinHash: what is found is right, what is missed is no more than was told; words, and runs of words."""

import json
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from math import comb, sqrt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands import Run, one_line_error
from hubs import add_personas, hub_of
from personahub import MinHash, deduplicate, evaluate_duplicates
from personahub.dedup import MinHashDuplicates, SurfaceDuplicates, minhash_duplicates, surface_duplicates
from personahub.errors import UserError
from personahub.kernels.grams import hash_grams
from personahub.kernels.hashing import hash_words
from personahub.kernels.texts import encoded
from personahub.kernels.words import find_words
from personahub.workflows.views import open_view

Pairs = dict[tuple[int, int], float]


def runs_of(text: str | None, size: int) -> set[tuple[str, ...]]:
    """The set that is compared, by its definition."""
    words = find_words(text or "")
    if not words:
        return set()
    return {tuple(words[at : at + size]) for at in range(max(len(words) - size + 1, 1))}


def every_pair(texts: Sequence[str | None], threshold: float, size: int = 1) -> Pairs:
    sets = [runs_of(text, size) for text in texts]
    found = {}
    for a, b in combinations(range(len(texts)), 2):
        overlap, union = len(sets[a] & sets[b]), len(sets[a] | sets[b])
        if overlap and Fraction(overlap, union) >= Fraction(str(threshold)):
            found[a, b] = overlap / union
    return found


def pairs(found: SurfaceDuplicates) -> Pairs:
    columns = (found.pairs[name].to_pylist() for name in ("a", "b", "similarity"))
    return {(a, b): similarity for a, b, similarity in zip(*columns, strict=True)}


def planted(count: int, shared: int, own: int, others: int | None = None) -> list[str]:
    """Pairs of neighbouring rows that share so many words and have so many of their own."""
    texts = []
    for pair in range(count):
        common = [f"c{pair}x{n}" for n in range(shared)]
        for side, more in (("a", own), ("b", own if others is None else others)):
            texts.append(" ".join(common + [f"{side}{pair}x{n}" for n in range(more)]))
    return texts


def near_copies(seed: int, count: int = 300) -> list[str]:
    """Texts of which half repeat another one with some words changed."""
    draw = np.random.default_rng(seed)
    texts: list[str] = []
    for _ in range(count):
        if texts and draw.random() < 0.5:
            words = texts[draw.integers(len(texts))].split()
            words = [word for word in words if draw.random() > 0.1] + [f"n{draw.integers(40)}"]
        else:
            words = [f"w{int(draw.pareto(0.7)) % 3000}" for _ in range(draw.integers(1, 40))]
        texts.append(" ".join(words))
    return texts


some_words = st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "мёд", "护士", "ไทยดี"])
texts_of_few_words = st.lists(st.lists(some_words, max_size=12).map(" ".join), max_size=20)
thresholds = st.sampled_from([0.2, 0.5, 2 / 3, 0.8, 0.9, 1.0])


@settings(max_examples=150, deadline=None)
@given(texts_of_few_words, thresholds, st.integers(1, 4))
def test_no_pair_is_below_the_threshold_and_similarities_are_exact(
    texts: list[str], threshold: float, size: int
) -> None:
    expected = every_pair(texts, threshold, size)
    found = minhash_duplicates(texts, threshold, MinHash(size, recall=0.6))
    assert pairs(found).items() <= expected.items()
    # Those of equal sets are never missed.
    assert {pair for pair, similarity in expected.items() if similarity == 1} <= pairs(found).keys()


@settings(max_examples=100, deadline=None)
@given(texts_of_few_words, thresholds, st.booleans(), st.data())
def test_new_rows_meet_all_others_as_if_all_came_at_once(
    texts: list[str], threshold: float, verify: bool, data: st.DataObject
) -> None:
    since = data.draw(st.integers(0, len(texts)))
    way = MinHash(2, recall=0.5, verify=verify)
    whole, new = (minhash_duplicates(texts, threshold, way, since=place) for place in (0, since))
    assert pairs(new) == {pair: each for pair, each in pairs(whole).items() if pair[1] >= since}
    assert new.groups.tolist() == whole.groups.tolist()


@pytest.mark.parametrize(
    ("shared", "own", "others", "threshold", "recall"),
    [
        (9, 0, 1, 0.9, 0.95),
        (18, 1, 1, 0.9, 0.5),
        (8, 1, 1, 0.8, 0.9),
        (6, 2, 2, 0.6, 0.95),
        (8, 4, 4, 0.5, 0.8),
    ],
)
def test_pairs_at_the_threshold_are_found_as_often_as_promised(
    shared: int, own: int, others: int, threshold: float, recall: float
) -> None:
    count = 4000
    found = minhash_duplicates(planted(count, shared, own, others), threshold, MinHash(recall=recall))
    met = pairs(found)
    assert set(met) <= {(2 * pair, 2 * pair + 1) for pair in range(count)}
    assert set(met.values()) == {threshold}
    assert found.recall >= recall
    # Five standard deviations on either side of what is told: wrong once in a million seeds.
    assert abs(len(met) / count - found.recall) < 5 * sqrt(found.recall * (1 - found.recall) / count)


def test_a_higher_recall_needs_more_bands_and_every_promise_is_the_formulas() -> None:
    asked = [minhash_duplicates([], 0.8, MinHash(recall=recall)) for recall in (0.5, 0.9, 0.99)]
    for found in asked:
        bands, rows = found.banding
        assert found.recall == pytest.approx(1 - (1 - 0.8**rows) ** bands)
        assert found.recall >= found.settings.recall
        assert bands * rows <= 128
    assert [found.recall for found in asked] == sorted(found.recall for found in asked)


def test_no_other_bands_that_keep_the_promise_meet_fewer_pairs_below() -> None:
    def meeting_below(bands: int, rows: int) -> float:
        return float(np.mean(1 - (1 - np.linspace(0, 0.8, 5000) ** rows) ** bands))

    bands, rows = MinHash().banding(0.8)
    for others in ((b, r) for r in range(1, 129) for b in range(1, 128 // r + 1)):
        if 1 - (1 - 0.8 ** others[1]) ** others[0] >= 0.95:
            assert meeting_below(bands, rows) <= meeting_below(*others) + 1e-5


def test_estimates_scatter_around_the_similarity_as_equal_hashes_do() -> None:
    count, shared, own = 1500, 8, 1
    texts = planted(count, shared, own)
    found = minhash_duplicates(texts, 0.6, MinHash(recall=0.999, verify=False))
    told = np.array(list(pairs(found).values()))
    assert set(pairs(found)) <= {(2 * pair, 2 * pair + 1) for pair in range(count)}
    # Of 128 hashes each is equal with a chance of 0.8; 77 and more reach 0.6.
    chances = np.array([comb(128, k) * 0.8**k * 0.2 ** (128 - k) for k in range(129)])
    reached = chances[77:].sum()
    assert len(told) / count == pytest.approx(reached, abs=0.01)
    assert told.mean() == pytest.approx(0.8, abs=5 * 0.0354 / sqrt(count))
    assert told.std() == pytest.approx(sqrt(0.8 * 0.2 / 128), rel=0.1)
    assert set((told * 128).tolist()) <= set(range(129))


def test_estimates_are_those_of_the_signatures_whatever_their_crowd() -> None:
    # Each leaves out some words of the same 30, so that most meet most others.
    draw = np.random.default_rng(3)
    texts = [" ".join(f"w{n}" for n in range(30) if draw.random() > 0.1) for _ in range(120)]
    few = minhash_duplicates(texts[:12], 0.8, MinHash(recall=0.99, verify=False))
    many = minhash_duplicates(texts, 0.8, MinHash(recall=0.99, verify=False))
    assert pairs(few) == {pair: each for pair, each in pairs(many).items() if pair[1] < 12}


@pytest.mark.parametrize("verify", [True, False])
def test_what_memory_does_not_hold_goes_through_files_that_are_taken_away(
    tmp_path: Path, verify: bool
) -> None:
    texts = planted(2000, 9, 1)
    way = MinHash(verify=verify)
    small = minhash_duplicates(texts, 0.8, way, memory=1, folder=tmp_path)
    assert pairs(small) == pairs(minhash_duplicates(texts, 0.8, way))
    assert len(pairs(small)) > 1000
    assert not list(tmp_path.iterdir())
    with pytest.raises(UserError, match="cannot be written"):
        minhash_duplicates(texts, 0.8, way, memory=1, folder=tmp_path / "missing")


def test_crowds_lose_no_pair_that_met_and_stop_at_the_most_that_is_held() -> None:
    common = " ".join(f"w{n}" for n in range(60))
    texts = [f"{common} own{n}" for n in range(400)]
    found = minhash_duplicates(texts, 0.9, MinHash(recall=0.999))
    # At 60 of 62 they meet in some band but for one in a billion.
    assert len(pairs(found)) == 400 * 399 // 2
    capped = minhash_duplicates(texts, 0.9, MinHash(recall=0.999), max_pairs=1000)
    with pytest.raises(UserError, match=r"More than 1,000 pairs.*`\.groups`"):
        _ = capped.pairs


def test_texts_that_are_all_alike_are_one_group_and_no_candidates() -> None:
    found = minhash_duplicates(["a nurse who bakes"] * 50_000, 0.5, MinHash(3))
    assert found.groups.tolist() == [0] * 50_000
    assert found.candidates == 0
    assert found.kept().tolist() == [0]


def test_texts_without_words_pair_with_nothing() -> None:
    for way in (MinHash(), MinHash(3), MinHash(verify=False)):
        found = minhash_duplicates(["", "…", None, "a nurse", "A nurse."], 0.5, way)
        assert pairs(found) == {(3, 4): 1.0}
        assert found.groups.tolist() == [-1, -1, -1, 3, 3]
        assert minhash_duplicates([], 0.5, way).pairs.num_rows == 0


def test_runs_of_words_tell_their_order_apart() -> None:
    texts = ["a nurse who bakes rye bread", "rye bread a nurse who bakes", "A nurse: who bakes RYE bread?"]
    assert pairs(minhash_duplicates(texts, 0.5)) == {(0, 1): 1.0, (0, 2): 1.0, (1, 2): 1.0}
    assert pairs(minhash_duplicates(texts, 0.9, MinHash(2))) == {(0, 2): 1.0}
    # Of five runs of two they share four.
    assert pairs(minhash_duplicates(texts, 0.5, MinHash(2, recall=0.999)))[0, 1] == 4 / 6


def test_a_text_of_fewer_words_than_a_run_is_like_itself_alone() -> None:
    texts = ["a nurse", "a nurse", "nurse a", "a nurse who", "a nurse who bakes", "a", "a a", "a a a"]
    assert pairs(minhash_duplicates(texts, 0.1, MinHash(3, recall=0.999, hashes=512))) == {
        (0, 1): 1.0,
        (3, 4): 0.5,
    }


def test_a_word_that_comes_again_counts_in_runs() -> None:
    assert pairs(minhash_duplicates(["la la land", "la land"], 0.4, MinHash(2, recall=0.999))) == {
        (0, 1): 0.5
    }


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=5), st.integers(1, 4))
def test_a_text_has_as_many_runs_as_python_counts(texts: list[str], size: int) -> None:
    counted = [
        n
        for array in encoded(texts)
        for some in hash_grams(array, size)
        for n in np.diff(some.starts).tolist()
    ]
    # Words whose halves of surrogate pairs are replaced are counted as the others.
    whole = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts]
    assert counted == [len(runs_of(text, size)) for text in whole]


def test_every_word_is_given_in_its_order_where_asked_for() -> None:
    texts = pa.array(["a b a", "ไทย a ไทย", "a"], pa.large_string())
    a, b = (next(hash_words(pa.array([word], pa.large_string()))).hashes[0] for word in ("a", "b"))
    (found,) = hash_words(texts, every=True)
    assert found.starts.tolist() == [0, 3, 6, 7]
    assert found.hashes[:3].tolist() == [a, b, a]
    assert found.hashes[3] == found.hashes[5]


def test_another_seed_has_other_luck_and_the_same_one_has_not() -> None:
    texts = planted(500, 9, 1)
    met = [set(pairs(minhash_duplicates(texts, 0.8, MinHash(recall=0.5, seed=s)))) for s in (0, 0, 1)]
    assert met[0] == met[1] != met[2]


def test_what_is_found_answers_as_an_exact_comparison_does() -> None:
    texts = near_copies(7)
    found = minhash_duplicates(texts, 0.5, MinHash(recall=0.999))
    exact = surface_duplicates(texts, 0.5)
    assert isinstance(found, MinHashDuplicates)
    assert found.groups.tolist() == exact.groups.tolist()
    assert len(found.edges) >= 0.99 * len(exact.edges) > 20
    assert found.kept(0.9).tolist() == exact.kept(0.9).tolist()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"grams": 0}, "Runs of 0 words"),
        ({"hashes": 0}, "signature of 0 hashes"),
        ({"recall": 0}, "recall 0 cannot be had"),
        ({"recall": 1}, "recall 1 cannot be had"),
        ({"recall": float("nan")}, "recall nan cannot be had"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_settings_that_mean_nothing_are_an_error(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(UserError, match=said):
        MinHash(**wrong)  # type: ignore[arg-type]


def test_a_recall_that_so_many_hashes_do_not_reach_is_told_with_the_most_they_do() -> None:
    with pytest.raises(UserError, match=r"16 hashes find a pair at 0\.1 with a chance of 0\.815 at most"):
        minhash_duplicates(["a"], 0.1, MinHash(hashes=16))
    with pytest.raises(UserError, match="no similarity"):
        minhash_duplicates(["a"], 1.5)


NURSE = "A pediatric nurse who gives injections to frightened children in a small village clinic"
ONE_MORE = "A pediatric nurse who gives injections to frightened children in a small mountain village clinic"
MILLER = "A miller who restores wooden windmills and sells rye flour at the Saturday market"


def test_a_hub_is_compared_by_minhash_and_the_bands_are_told(tmp_path: Path, run: Run) -> None:
    hub, _ = hub_of(tmp_path / "hub", [NURSE, ONE_MORE, MILLER, NURSE])
    done = run("dedup", "--hub", hub.path, "--no-semantic", "--minhash")
    assert "13 bands of 7 of 128 hashes meet 95.31% of those at 0.8 and 99.98% of those at 0.9" in done.out
    told = json.loads(run("dedup", "--hub", hub.path, "--no-semantic", "--minhash", "--json").out)
    assert (told["kept"], told["surface_duplicates"]) == (2, 2)
    assert told["minhash"] == {
        "grams": 1,
        "hashes": 128,
        "recall": 0.95,
        "verify": True,
        "seed": 0,
        "bands": 13,
        "rows": 7,
        "floor": 0.8,
        "recall_at_floor": 0.9531,
        "threshold": 0.9,
        "recall_at_threshold": 0.9998,
    }
    assert "minhash" not in json.loads(run("dedup", "--hub", hub.path, "--no-semantic", "--json").out)


def test_another_way_compares_anew_and_the_same_way_only_what_is_new(tmp_path: Path) -> None:
    hub, ids = hub_of(tmp_path / "hub", [NURSE, ONE_MORE, "a b c d", "c d a b"])

    def shown(minhash: MinHash | None, surface: float = 0.9) -> set[str]:
        deduplicate(hub.path, surface=surface, semantic=None, minhash=minhash)
        view = open_view(hub)
        return set(ids) - set(view.aside.to_pylist()) if view else set()

    in_runs = MinHash(2)
    assert shown(None) == {ids[0], ids[2]}
    assert shown(in_runs) == {ids[0], ids[1], ids[2], ids[3]}
    version = hub.duplicates.now().version
    assert len(shown(in_runs)) == 4
    assert hub.duplicates.now().version == version
    ids += add_personas(hub, [f"{NURSE}!", MILLER])
    assert shown(in_runs) == {*ids} - {ids[4]}
    # A lower floor of one way is not that of another.
    shown(in_runs, 0.3)
    assert hub.duplicates.now().compared["surface"].floor == 0.3
    assert shown(None) == {ids[0], ids[2], ids[5]}
    assert hub.duplicates.now().compared["surface"].floor == 0.8


def test_a_view_under_the_floor_and_an_evaluation_name_the_way(tmp_path: Path, run: Run) -> None:
    hub, _ = hub_of(tmp_path / "hub", [NURSE, ONE_MORE, MILLER])
    run("dedup", "--hub", hub.path, "--no-semantic", "--minhash", "--estimate-only", "--grams", "2")
    with pytest.raises(
        UserError, match=r"--surface 0\.6 .*--minhash --grams 2 --recall 0\.95 --estimate-only"
    ):
        open_view(hub, "0.6/none")
    assert evaluate_duplicates(hub.path).minhash["grams"] == 2
    told = run("evaluate", "duplicates", "--hub", hub.path).out
    assert "by MinHash, so some are missing, and similarities are estimates" in " ".join(told.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--grams", "2"], "--grams is about MinHash"),
        (["--recall", "0.9"], "--recall is about MinHash"),
        (["--estimate-only"], "--estimate-only is about MinHash"),
        (["--minhash", "--grams", "0"], "Runs of 0 words"),
        (["--minhash", "--recall", "1"], "above 0 and below 1"),
        (["--minhash", "--recall", "0.99", "--surface", "0.01"], "128 hashes find a pair at 0.01"),
        (["--minhash", "--no-surface"], "--no-surface"),
    ],
)
def test_what_cannot_be_asked_for_is_one_line(
    tmp_path: Path, run: Run, options: list[str], said: str
) -> None:
    hub, _ = hub_of(tmp_path / "hub", [NURSE])
    assert said in one_line_error(run("dedup", "--hub", hub.path, *options))
    assert not hub.duplicates.now().compared

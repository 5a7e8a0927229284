"""Surface duplicates: every pair of texts with similar words, judged by comparing all with all."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personahub.dedup import surface_duplicates
from personahub.errors import UserError
from personahub.kernels.words import find_words

Pair = tuple[int, int, float]

WORDS = [
    "nurse",
    "Nurse",
    "who",
    "bakes",
    "пчёлы",
    "ПЧЁЛЫ",
    "мёд",
    "城",
    "市里",
    "straße",
    "ไทย",
    "مدرسة",
    "it's",
    "7",
]
few_words = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
# Long texts that differ in few words, so that many pairs come near or onto a threshold.
long_texts = st.builds(
    lambda left_out, more: " ".join(
        [f"w{n}" for n in range(76) if n not in left_out] + [f"x{n}" for n in more]
    ),
    st.sets(st.integers(0, 75), max_size=8),
    st.sets(st.integers(0, 9), max_size=4),
)
some_texts = st.lists(st.one_of(few_words, few_words, long_texts), max_size=24)
thresholds = st.one_of(
    st.sampled_from([0.5, 0.75, 0.8, 0.9, 0.95, 1.0, 2 / 3]), st.integers(1, 1000).map(lambda n: n / 1000)
)


def every_pair(texts: Sequence[str | None], threshold: float) -> list[Pair]:
    """All pairs by their definition."""
    sets = [set(find_words(text or "")) for text in texts]
    found = []
    for a, b in combinations(range(len(texts)), 2):
        overlap, union = len(sets[a] & sets[b]), len(sets[a] | sets[b])
        if overlap and Fraction(overlap, union) >= Fraction(str(threshold)):
            found.append((a, b, overlap / union))
    return found


def leaders(texts: Sequence[str | None], threshold: float, since: int = 0) -> list[int]:
    """The greedy leader by its definition."""
    near = {(a, b) for a, b, _ in every_pair(texts, threshold)}
    kept: list[int] = []
    for row in range(len(texts)):
        if row < since or not any((earlier, row) in near for earlier in kept):
            kept.append(row)
    return kept


def listed(table: pa.Table) -> list[Pair]:
    return list(zip(*(table[name].to_pylist() for name in ("a", "b", "similarity")), strict=True))


@settings(max_examples=300, deadline=None)
@given(some_texts, thresholds)
def test_the_pairs_are_those_of_comparing_all_with_all(texts: list[str], threshold: float) -> None:
    assert listed(surface_duplicates(texts, threshold).pairs) == every_pair(texts, threshold)


@settings(max_examples=200, deadline=None)
@given(some_texts, thresholds, st.data())
def test_new_rows_are_paired_with_all_and_old_ones_not_again(
    texts: list[str], threshold: float, data: st.DataObject
) -> None:
    since = data.draw(st.integers(0, len(texts)))
    found = surface_duplicates(texts, threshold, since=since)
    assert listed(found.pairs) == [pair for pair in every_pair(texts, threshold) if pair[1] >= since]
    assert found.kept().tolist() == leaders(texts, threshold, since)
    whole = surface_duplicates(texts, threshold)
    assert found.groups.tolist() == whole.groups.tolist()
    assert listed(found.edges) == [edge for edge in listed(whole.edges) if edge[1] >= since]


@settings(max_examples=200, deadline=None)
@given(some_texts, thresholds, thresholds)
def test_a_higher_threshold_keeps_what_a_run_of_its_own_would(
    texts: list[str], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert surface_duplicates(texts, low).kept(high).tolist() == leaders(texts, high)
    assert surface_duplicates(texts, high).kept().tolist() == leaders(texts, high)


@settings(max_examples=100, deadline=None)
@given(some_texts, thresholds)
def test_groups_and_edges_say_what_the_pairs_say(texts: list[str], threshold: float) -> None:
    found = surface_duplicates(texts, threshold)
    first: dict[frozenset[str], int] = {}
    words = [frozenset(find_words(text)) for text in texts]
    assert found.groups.tolist() == [
        first.setdefault(each, row) if each else -1 for row, each in enumerate(words)
    ]
    firsts = set(first.values())
    expected = [(a, b, s) for a, b, s in every_pair(texts, threshold) if s < 1 and {a, b} <= firsts]
    assert listed(found.edges) == expected


def test_random_sets_of_many_sizes_lose_no_pair() -> None:
    draw = np.random.default_rng(5)
    texts: list[str] = []
    for _ in range(500):
        if texts and draw.random() < 0.5:
            words = texts[draw.integers(len(texts))].split()
            words = [word for word in words if draw.random() > 0.06] + [f"n{draw.integers(40)}"]
        else:
            words = [f"w{int(draw.pareto(0.7)) % 3000}" for _ in range(draw.integers(1, 120))]
        texts.append(" ".join(words))
    for threshold in (0.4, 0.7, 0.8, 0.9):
        pairs = every_pair(texts, threshold)
        assert len(pairs) > 50
        assert listed(surface_duplicates(texts, threshold).pairs) == pairs


@pytest.mark.parametrize(
    ("threshold", "shared", "own"),
    [
        (0.8, 8, 2),
        (0.8, 80, 20),
        (0.9, 9, 1),
        (0.9, 900, 100),
        (0.7, 7, 3),
        (0.6, 3, 2),
        (0.1, 1, 9),
        (0.95, 19, 1),
    ],
)
def test_a_pair_exactly_at_the_threshold_is_in_it(threshold: float, shared: int, own: int) -> None:
    common = " ".join(f"w{n}" for n in range(shared))
    texts = [
        common,
        common + "".join(f" x{n}" for n in range(own)),
        common + "".join(f" y{n}" for n in range(own + 1)),
    ]
    pairs = surface_duplicates(texts, threshold).pairs
    assert (0, 1, shared / (shared + own)) in listed(pairs)
    assert (0, 2) not in {(a, b) for a, b, _ in listed(pairs)}


def test_a_threshold_is_the_decimal_that_it_is_written_as() -> None:
    texts = ["a b c d e", "a b c d e f"]  # five sixths, which is below this decimal
    assert surface_duplicates(texts, 0.8333333333333334).pairs.num_rows == 0
    assert surface_duplicates(texts, 0.8333333333333333).pairs.num_rows == 1
    assert surface_duplicates(texts, 0.5).kept(0.8333333333333334).tolist() == [0, 1]


def test_texts_of_thousands_of_words_are_compared_exactly() -> None:
    words = [f"w{n}" for n in range(10_000)]
    texts = [" ".join(words), " ".join(words[:9000]), " ".join(words[:8999]), " ".join(words[5000:])]
    assert listed(surface_duplicates(texts, 0.9).pairs) == [(0, 1, 0.9), (1, 2, 8999 / 9000)]


def test_texts_without_words_pair_with_nothing_and_stay() -> None:
    found = surface_duplicates(["", "…", None, "a nurse", "!?", "A nurse."], 0.5)
    assert listed(found.pairs) == [(3, 5, 1.0)]
    assert found.groups.tolist() == [-1, -1, -1, 3, -1, 3]
    assert found.kept().tolist() == [0, 1, 2, 3, 4]


def test_no_texts_have_no_pairs() -> None:
    found = surface_duplicates([])
    assert found.pairs.num_rows == found.edges.num_rows == len(found.kept()) == 0


@pytest.mark.parametrize(
    "texts",
    [
        pa.array(["a nurse", None, "A nurse"]),
        pa.array(["a nurse", None, "A nurse"], pa.large_string()),
        pa.chunked_array([["unseen", "a nurse"], [None], ["A nurse"]], pa.string()).slice(1),
        pa.array(["a nurse", None, "A nurse"]).dictionary_encode(),
        ("a nurse", "", "A nurse"),
    ],
)
def test_texts_come_as_arrow_arrays_or_strings(texts: pa.Array) -> None:
    assert listed(surface_duplicates(texts).pairs) == [(0, 2, 1.0)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A nurse who bakes rye bread, sews and sings.", "a NURSE who bakes rye bread and sings; sews"),
        ("Пчеловод, который лечит пчёл.", "пчеловод КОТОРЫЙ лечит пчёл"),
        ("一位照顾病童的护士。", "一位照顾病童的护士"),
        ("Ein Bäcker auf der Straße", "ein BÄCKER auf der STRASSE"),
        ("พยาบาลที่ดูแลเด็ก", "พยาบาลที่ดูแลเด็ก!"),
        ("ممرضة تعتني بالأطفال", "ممرضة، تعتني بالأطفال"),
    ],
)
def test_case_punctuation_and_order_do_not_part_texts_of_any_script(one: str, other: str) -> None:
    assert listed(surface_duplicates([one, "nothing alike", other]).pairs) == [(0, 2, 1.0)]


def test_a_text_that_steps_aside_hides_no_other() -> None:
    texts = ["a b c d", "a b c d e", "a b c d e f"]  # each like the next, the last unlike the first
    found = surface_duplicates(texts, 0.8)
    assert [(a, b) for a, b, _ in listed(found.pairs)] == [(0, 1), (1, 2)]
    assert found.kept().tolist() == [0, 2]


def test_more_pairs_than_allowed_are_counted_and_not_expanded() -> None:
    found = surface_duplicates(["a nurse"] * 100_000 + ["the nurse"] * 2, 0.3)
    with pytest.raises(UserError, match=r"5,000,150,001 pairs.*`\.groups`"):
        _ = found.pairs
    assert found.kept().tolist() == [0]
    assert surface_duplicates(["a nurse"] * 3, max_pairs=3).pairs.num_rows == 3


def test_of_more_pairs_of_different_texts_than_allowed_the_groups_are_told() -> None:
    texts = [f"one two three four five six seven eight nine {n // 2}" for n in range(300)]
    found = surface_duplicates(texts, 0.8, max_pairs=1000)
    assert found.groups.tolist() == [n // 2 * 2 for n in range(300)]
    for read in (lambda: found.pairs, lambda: found.edges, found.kept):
        with pytest.raises(UserError, match=r"More than 1,000 pairs of different texts.*`\.groups`"):
            read()


@pytest.mark.parametrize("threshold", [0, -0.1, 1.1, float("nan"), float("inf")])
def test_a_threshold_that_is_no_similarity_is_an_error(threshold: float) -> None:
    with pytest.raises(UserError, match="no similarity"):
        surface_duplicates(["a", "b"], threshold)


def test_a_lower_threshold_than_the_runs_is_an_error() -> None:
    with pytest.raises(UserError, match="run again with a lower one"):
        surface_duplicates(["a", "b"], 0.8).kept(0.79)


def test_what_is_no_list_of_texts_is_an_error() -> None:
    with pytest.raises(UserError, match="One string"):
        surface_duplicates("a nurse")
    with pytest.raises(UserError, match="int64"):
        surface_duplicates(pa.array([1, 2]))
    with pytest.raises(UserError, match="since=3"):
        surface_duplicates(["a", "b"], since=3)


def test_a_list_with_something_that_is_no_text_is_refused_with_its_row() -> None:
    with pytest.raises(UserError, match="Row 2 of the texts is of type int"):
        surface_duplicates(["a baker", None, 7])  # type: ignore[list-item]

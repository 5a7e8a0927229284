"""Which personas a view shows: the greedy leader over stored edges, judged by brute force."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personahub.dedup import views
from personahub.dedup.semantic import semantic_edges
from personahub.dedup.views import Chosen, View, choose, choose_below
from personahub.errors import UserError
from personahub.kernels.products import HostProducts
from test_semantic import cosine

FLOOR = View(surface=0.4, semantic=0.3)
SURFACE = st.none() | st.sampled_from([0.4, 0.5, 0.6, 2 / 3, 0.75, 0.8, 1.0])
SEMANTIC = st.none() | st.sampled_from([0.3, 0.3333, 0.5, 0.7071, 0.8, 0.8165, 0.9, 1.0])
VIEWS = st.builds(View, surface=SURFACE, semantic=SEMANTIC, within_language=st.booleans())

untimed = settings(deadline=None)  # The first call compiles.


@pytest.fixture(scope="module", autouse=True)
def _small_blocks() -> Iterator[None]:
    """A dozen personas fill several blocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HostProducts, "rows", (3, 3))
        patch.setattr(views, "_ROWS", 4)
        yield


class Text(NamedTuple):
    """A text, as far as deduplication sees it."""

    name: str
    words: frozenset[int]
    vector: tuple[int, ...] | None
    """None: in a language that is not compared."""


@dataclass(frozen=True)
class Personas:
    """Personas in the order of their rows."""

    texts: list[Text]
    languages: list[int]

    def upto(self, count: int) -> "Personas":
        return Personas(self.texts[:count], self.languages[:count])

    @cached_property
    def first(self) -> np.ndarray:
        return np.array([self.texts.index(text) for text in self.texts], dtype=np.int64)

    @cached_property
    def vectors(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each text, and the first rows of these texts."""
        rows = [row for row in sorted(set(self.first.tolist())) if self.texts[row].vector is not None]
        vectors = np.array([self.texts[row].vector for row in rows], dtype=np.float16).reshape(len(rows), 3)
        return vectors, np.array(rows, dtype=np.int64)

    def surface(self, least: float) -> pa.Table:
        """Equal sets as a star around their first row, other edges between the first rows of sets."""
        found = []
        seen: dict[frozenset[int], int] = {}
        for row, text in enumerate(self.texts):
            if not text.words or self.first[row] != row:
                continue
            if text.words in seen:
                found.append((seen[text.words], row, 1.0))
                continue
            near = [(other, jaccard(words, text.words)) for words, other in seen.items()]
            found += [(other, row, similarity) for other, similarity in near if similarity >= least]
            seen[text.words] = row
        return table(found, pa.float64())

    def semantic(self, least: float) -> pa.Table:
        vectors, rows = self.vectors
        found = [
            (int(rows[edge["a"]]), int(rows[edge["b"]]), edge["similarity"])
            for batch in semantic_edges(vectors, least)
            for edge in batch.to_pylist()
        ]
        return table(found, pa.float32())

    def choose(self, view: View, order: Sequence[int] | None = None) -> Chosen:
        """From edges at the floor."""
        surface, near = self.surface(FLOOR.surface or 0), self.semantic(FLOOR.semantic or 0)
        return choose(self.order(order), self.first, surface, near, view, np.array(self.languages))

    def order(self, order: Sequence[int] | None = None) -> np.ndarray:
        return np.array(range(len(self.texts)) if order is None else order, dtype=np.int64)


def jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other)


def table(edges: Sequence[tuple[int, int, float]], kind: pa.DataType) -> pa.Table:
    columns = [
        pa.array(column, kind)
        for column, kind in zip(
            zip(*edges, strict=True) if edges else ([], [], []), (pa.int64(), pa.int64(), kind), strict=True
        )
    ]
    return pa.table(columns, ["a", "b", "similarity"])


def naive(personas: Personas, view: View, order: Sequence[int] | None = None) -> list[tuple[int, int, float]]:
    """Leader, method and similarity of each row, as the definition says it."""
    verdicts = [(-1, 0, 0.0)] * len(personas.texts)
    kept: list[int] = []
    for row in personas.order(order).tolist():
        text = personas.texts[row]
        surface, meaning = [], []
        for place, other in enumerate(kept):
            leader = personas.texts[other]
            alike = jaccard(text.words, leader.words) if text.words and leader.words else 0.0
            if view.surface and (text == leader or alike >= view.surface):
                surface.append((text != leader, -alike, place))
            within = not view.within_language or personas.languages[row] == personas.languages[other]
            near = 0.0
            if text.vector is not None and leader.vector is not None and within:
                near = cosine(text.vector, leader.vector)
            if view.semantic and (text == leader or near >= view.semantic):
                meaning.append((text != leader, -near, place))
        if best := min(surface, default=None) or min(meaning, default=None):
            different, similarity, place = best
            verdicts[row] = (kept[place], 1 if surface else 2, -similarity if different else 1.0)
        else:
            kept.append(row)
    return verdicts


def verdicts(chosen: Chosen) -> list[tuple[int, int, float]]:
    assert [column.dtype for column in chosen] == [np.int64, np.int8, np.float64]
    return list(zip(*(column.tolist() for column in chosen), strict=True))


@st.composite
def some_personas(draw: st.DrawFn) -> Personas:
    """Up to a dozen, of few words and few directions, so that they meet thresholds exactly."""
    vector = st.tuples(*[st.integers(-1, 2)] * 3)
    pool = draw(
        st.lists(
            st.tuples(st.frozensets(st.integers(0, 5), max_size=5), st.none() | vector),
            min_size=1,
            max_size=8,
        )
    )
    texts = [Text(f"text {number}", words, vector) for number, (words, vector) in enumerate(pool)]
    rows = draw(st.lists(st.tuples(st.sampled_from(texts), st.integers(0, 1)), min_size=1, max_size=12))
    return Personas([text for text, _ in rows], [language for _, language in rows])


@untimed
@given(some_personas(), VIEWS, st.data())
def test_any_view_at_the_floor_or_above_is_what_brute_force_chooses(
    personas: Personas, view: View, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(personas.texts))))
    assert verdicts(personas.choose(view, order)) == naive(personas, view, order)


@untimed
@given(some_personas(), VIEWS)
def test_a_view_equals_a_fresh_run_at_its_thresholds(personas: Personas, view: View) -> None:
    surface, near = personas.surface(view.surface or 1.0), personas.semantic(view.semantic or 1.0)
    fresh = choose(personas.order(), personas.first, surface, near, view, np.array(personas.languages))
    assert verdicts(fresh) == verdicts(personas.choose(view))


@untimed
@given(some_personas(), VIEWS, st.data())
def test_later_personas_change_no_earlier_verdict(
    personas: Personas, view: View, data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, len(personas.texts)))
    assert verdicts(personas.upto(count).choose(view)) == verdicts(personas.choose(view))[:count]


@untimed
@given(some_personas(), VIEWS, st.randoms(use_true_random=False))
def test_repeated_turned_and_shuffled_edges_do_no_harm(
    personas: Personas, view: View, random: object
) -> None:
    mixed = []
    for edges in (personas.surface(0.4), personas.semantic(0.3)):
        rows = [tuple(edge.values()) for edge in edges.to_pylist()]
        rows += [(b, a, similarity) for a, b, similarity in rows] + rows
        random.shuffle(rows)
        mixed.append(pa.concat_tables([table(part, edges.schema[2].type) for part in (rows[:3], rows[3:])]))
    chosen = choose(personas.order(), personas.first, *mixed, view, np.array(personas.languages))
    assert verdicts(chosen) == verdicts(personas.choose(view))


@untimed
@given(some_personas(), VIEWS, st.data())
def test_a_view_from_the_vectors_is_what_brute_force_chooses(
    personas: Personas, view: View, data: st.DataObject
) -> None:
    low = replace(view, semantic=data.draw(st.sampled_from([0.0001, 0.1, 0.5, 0.7071, 1.0])))
    order = data.draw(st.permutations(range(len(personas.texts))))
    chosen = choose_below(
        personas.order(order),
        personas.first,
        personas.surface(0.4),
        *personas.vectors,
        low,
        np.array(personas.languages),
    )
    assert verdicts(chosen) == naive(personas, low, order)


def test_at_many_rows_the_vectors_and_the_edges_choose_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HostProducts, "rows", (128, 128))
    monkeypatch.setattr(views, "_ROWS", 100)
    random = np.random.default_rng(8)
    centres = random.standard_normal((40, 64))
    vectors = (centres[random.integers(0, 40, 900)] + 0.8 * random.standard_normal((900, 64))) / 10
    vectors = vectors.astype(np.float16)
    rows, order, view = np.arange(900), random.permutation(900), View(None, 0.55)
    edges = pa.Table.from_batches(semantic_edges(vectors, 0.55))
    chosen = choose(order, rows, None, edges, view)
    assert 0.1 < (chosen.leader < 0).mean() < 0.9
    told: list[tuple[int, int]] = []
    below = choose_below(order, rows, None, vectors, rows, view, progress=lambda *done: told.append(done))
    assert verdicts(below) == verdicts(chosen)
    assert told == [(done, 900) for done in range(100, 901, 100)]


def text(name: str, words: str = "", vector: tuple[int, ...] | None = None) -> Text:
    return Text(name, frozenset(map(int, words)), vector)


def told(
    personas: list[Text], view: View, languages: list[int] | None = None
) -> list[tuple[int, int, float]]:
    return verdicts(Personas(personas, languages or [0] * len(personas)).choose(view))


def test_who_stepped_aside_for_either_method_keeps_nobody_out() -> None:
    nurse, sister, healer = (
        text("a", "1234", (1, 0, 0)),
        text("b", "12345", (1, 1, 0)),
        text("c", "9", (0, 1, 0)),
    )
    assert told([nurse, sister, healer], View(0.8, 0.7)) == [(-1, 0, 0.0), (0, 1, 0.8), (-1, 0, 0.0)]


def test_a_surface_duplicate_counts_before_a_nearer_semantic_one() -> None:
    personas = [text("a", "67", (1, 0, 0)), text("b", "1234", (0, 0, 1)), text("c", "12345", (1, 0, 0))]
    assert told(personas, View(0.8, 0.9))[2] == (1, 1, 0.8)


def test_the_most_similar_kept_one_leads_and_of_equals_the_first_in_the_order() -> None:
    personas = Personas(
        [
            text("a", "", (1, 1, 0)),
            text("b", "", (1, 0, 1)),
            text("c", "", (0, 1, 1)),
            text("d", "", (1, 1, 1)),
        ],
        [0] * 4,
    )
    view = View(None, 0.8)
    assert verdicts(personas.choose(view))[3] == (0, 2, 0.8165)
    assert verdicts(personas.choose(view, [2, 1, 0, 3]))[3] == (2, 2, 0.8165)


def test_identical_texts_collapse_without_words_and_without_vectors() -> None:
    assert told([text("…"), text("?"), text("…")], View(0.9, 0.9)) == [(-1, 0, 0), (-1, 0, 0), (0, 1, 1.0)]


def test_identical_texts_count_as_semantic_where_surface_is_off() -> None:
    assert told([text("a", "12"), text("a", "12")], View(None, 0.9)) == [(-1, 0, 0), (0, 2, 1.0)]


def test_equal_sets_of_words_stay_where_surface_is_off() -> None:
    assert told([text("a", "12"), text("b", "12")], View(None, 0.9)) == [(-1, 0, 0), (-1, 0, 0)]


def test_everyone_is_shown_where_both_methods_are_off() -> None:
    assert told([text("a", "12", (1, 0, 0))] * 3, View(None, None)) == [(-1, 0, 0.0)] * 3


def test_within_a_language_the_same_meaning_in_another_stays() -> None:
    personas, languages = [text("a", "1", (1, 0, 0)), text("b", "2", (1, 0, 0))] * 2, [0, 1, 1, 0]
    view = View(0.9, 0.9, within_language=True)
    assert [leader for leader, *_ in told(personas, view, languages)] == [-1, -1, 0, 1]
    assert [leader for leader, *_ in told(personas, replace(view, within_language=False), languages)] == [
        -1,
        0,
        0,
        0,
    ]


def test_a_view_within_languages_needs_the_languages() -> None:
    rows = np.arange(2)
    with pytest.raises(ValueError, match="language"):
        choose(rows, rows, None, None, View(within_language=True))


@pytest.mark.parametrize(
    ("written", "view"),
    [
        ("0.9/0.9", View()),
        ("0.85/none", View(0.85, None)),
        ("none/0.8", View(None, 0.8)),
        ("none/none", View(None, None)),
        ("1/1", View(1.0, 1.0)),
        ("0.9/0.9+quality", View(order="quality")),
        ("0.9/0.9+within-language", View(within_language=True)),
        ("0.9/0.5+within-language+quality", View(0.9, 0.5, "quality", within_language=True)),
    ],
)
def test_a_view_is_written_in_one_way(written: str, view: View) -> None:
    assert View.parse(written) == view
    assert str(view) == written


@pytest.mark.parametrize("loose", ["0.90/.9", " 0.9/0.900 ", "0.9/0.90000"])
def test_other_spellings_of_a_view_are_understood(loose: str) -> None:
    assert str(View.parse(loose)) == "0.9/0.9"


THRESHOLD = st.none() | st.floats(0, 1, exclude_min=True)


@untimed
@given(
    st.builds(
        View,
        surface=THRESHOLD,
        semantic=THRESHOLD,
        order=st.sampled_from(["age", "quality"]),
        within_language=st.booleans(),
    )
)
def test_what_is_written_is_read_back(view: View) -> None:
    assert View.parse(str(view)) == view


@pytest.mark.parametrize(
    "text",
    ["", "0.9", "0.9/", "0.9/x", "0.9/0.9/0.9", "0.9/0.9+speed", "nan/0.9", "-0.9/0.9", "0,9/0,9", "٠.٩/0.9"],
)
def test_what_is_no_view_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError, match=r"is no view; write .* 0\.9/0\.9") as raised:
        View.parse(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["0/0.9", "0.9/1.01", "90/0.9"])
def test_a_threshold_out_of_range_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError, match="above 0 and at most 1, not") as raised:
        View.parse(text)
    assert "\n" not in str(raised.value)


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(UserError, match='"age" or "quality", not "size"'):
        View(order="size")  # type: ignore[arg-type]

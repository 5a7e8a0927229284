"""dedup: duplicates step aside in views, and nothing is lost."""

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lance
import numpy as np
import numpy.typing as npt
import pytest

from commands import Run
from hubs import add_personas, hub_of
from personahub import check_hub, compact_hub, deduplicate, duplicates_of, sample, stats
from personahub.dedup import semantic
from personahub.errors import UserError
from personahub.hub import Duplicates, Hub
from personahub.kernels.products import HostProducts
from personahub.kernels.words import find_words
from personahub.workflows.views import open_view

NURSE = "A pediatric nurse who gives injections to frightened children in a small village clinic"
SAME_WORDS = "In a small village clinic: a pediatric nurse, who gives injections to frightened children!"
ONE_MORE = "A pediatric nurse who gives injections to frightened children in a small mountain village clinic"
VERBS = (
    "treats",
    "feeds",
    "visits",
    "teaches",
    "drives",
    "calls",
    "photographs",
    "washes",
    "sings to",
    "pays",
)
PEOPLE = (
    *("old sailors", "horses", "her brother", "children in a village", "students of physics", "bakers"),
    *("tired drivers", "wounded soldiers", "birds", "rich widows", "football players", "her patients"),
)
MILLER = "A miller who restores wooden windmills and sells rye flour at the Saturday market"


def shown(hub: Hub, view: str | None = None) -> set[str]:
    """Ids of the personas that a view shows."""
    opened = open_view(hub, view)
    ids = {row["id"] for row in hub.personas.rows()}
    return ids - set(opened.aside.to_pylist()) if opened else ids


def test_identical_texts_collapse_into_the_oldest_and_none_is_lost(tmp_path: Path) -> None:
    hub, ids = hub_of(tmp_path / "hub", [NURSE, MILLER, NURSE, NURSE])
    outcome = deduplicate(hub.path)
    assert outcome.to_json() == {
        "personas": 4,
        "kept": 2,
        "surface_duplicates": 2,
        "semantic_duplicates": 0,
        "not_compared": 0,
        "semantic_recall": 1.0,
    }
    assert shown(hub) == {ids[0], ids[1]}
    assert hub.personas.count() == 4


def test_the_same_words_in_another_order_are_a_surface_duplicate(tmp_path: Path) -> None:
    hub, ids = hub_of(tmp_path / "hub", [NURSE, SAME_WORDS, MILLER])
    assert deduplicate(hub.path, semantic=None).surface_duplicates == 1
    assert shown(hub) == {ids[0], ids[2]}


def test_the_same_in_another_language_is_a_semantic_duplicate_unless_languages_are_kept_apart(
    tmp_path: Path,
) -> None:
    texts = [
        ("A doctor who treats children", "en"),
        ("Врач, который лечит детей", "ru"),
        ("A sailor who repairs nets", "en"),
    ]
    hub, ids = hub_of(tmp_path / "hub", texts)
    outcome = deduplicate(hub.path, semantic=0.75)
    assert (outcome.semantic_duplicates, outcome.surface_duplicates) == (1, 0)
    assert shown(hub) == {ids[0], ids[2]}
    assert deduplicate(hub.path, semantic=0.75, within_language=True).kept == 3


def test_languages_that_the_model_does_not_know_are_counted_and_compared_by_words_alone(
    tmp_path: Path,
) -> None:
    texts = [("En sjuksköterska som vaccinerar barn i byn", "sv")] * 2 + [(NURSE, "en")]
    hub, _ = hub_of(tmp_path / "hub", texts)
    outcome = deduplicate(hub.path)
    assert (outcome.not_compared, outcome.surface_duplicates, outcome.kept) == (2, 1, 2)


def test_the_command_prints_the_contract(tmp_path: Path, run: Run) -> None:
    hub, _ = hub_of(tmp_path / "hub", [NURSE, NURSE, ""])
    done = run("dedup", "--hub", str(hub.path), "--json")
    assert json.loads(done.out) == {
        "personas": 3,
        "kept": 2,
        "surface_duplicates": 1,
        "semantic_duplicates": 0,
        "not_compared": 0,
        "semantic_recall": 1.0,
    }


def test_little_memory_gives_the_same_view_and_leaves_no_files(tmp_path: Path) -> None:
    texts = [f"{NURSE} {n // 3} and {n % 3 or n // 3}" for n in range(300)]
    kept = []
    for place, memory in enumerate(("0.01", "1")):
        hub, _ = hub_of(tmp_path / f"hub{place}", texts)
        kept.append(deduplicate(hub.path, semantic=None, memory=int(float(memory) * 1000)).kept)
        assert not [path for path in hub.path.iterdir() if path.suffix == ".pairs" or "tmp" in path.name]
    assert kept[0] == kept[1] < len(texts)


def test_many_meanings_are_compared_within_clusters_and_the_share_found_is_told(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HostProducts, "all_pairs", 100)
    monkeypatch.setattr(semantic, "_WORTH", 0)
    texts = [f"A nurse who {verb} {who}" for verb in VERBS for who in PEOPLE]
    hub, _ = hub_of(tmp_path / "hub", texts)
    done = run("dedup", "--hub", str(hub.path))
    told = re.search(r"within clusters: about (\d+\.\d)% of the pairs alike were found", done.out)
    assert told
    assert 90 < float(told[1]) <= 100
    counts = json.loads(run("dedup", "--hub", str(hub.path), "--json").out)
    assert counts["semantic_recall"] == pytest.approx(float(told[1]) / 100, abs=0.001)
    # What all pairs would give.
    other, _ = hub_of(tmp_path / "other", texts)
    monkeypatch.setattr(HostProducts, "all_pairs", 10**6)
    exact = deduplicate(other.path)
    assert exact.semantic_recall == 1
    assert exact.semantic_duplicates > 0
    assert abs(counts["semantic_duplicates"] - exact.semantic_duplicates) <= 0.1 * exact.semantic_duplicates


def test_an_empty_hub_has_no_duplicates(tmp_path: Path) -> None:
    hub = Hub.create(tmp_path / "hub")
    counts = dict.fromkeys(
        ("personas", "kept", "surface_duplicates", "semantic_duplicates", "not_compared"), 0
    )
    assert deduplicate(hub.path).to_json() == {**counts, "semantic_recall": 1.0}


def test_the_hubs_view_is_that_of_the_last_deduplication_and_samples_keep_to_it(tmp_path: Path) -> None:
    hub, ids = hub_of(tmp_path / "hub", [NURSE, ONE_MORE, MILLER])
    assert len(sample(hub.path, 10)) == 3
    deduplicate(hub.path, surface=0.85, semantic=None)
    assert {row["id"] for row in sample(hub.path, 10)} == {ids[0], ids[2]}
    assert len(sample(hub.path, 10, view="0.99/none")) == 3
    assert len(sample(hub.path, 10, view="all")) == 3


WORDS = [f"{letter}{number}" for letter in "abcdef" for number in range(4)]


def random_texts(seed: int, count: int = 80) -> list[str]:
    """Texts of few words, so that every similarity comes up."""
    draw = random.Random(seed)
    bases = [draw.sample(WORDS, draw.choice([1, 3, 9, 10, 19, 20])) for _ in range(count // 4)]
    texts = []
    for _ in range(count):
        words = list(draw.choice(bases))
        for _ in range(draw.randrange(3)):
            words[draw.randrange(len(words))] = draw.choice(WORDS)
        texts.append(" ".join(words))
    return texts


def kept_by_brute_force(texts: Sequence[str], numerator: int, denominator: int) -> set[int]:
    """The greedy leader over the texts in their order, compared in integers."""
    sets = [set(find_words(text)) for text in texts]
    kept: list[int] = []
    for place, words in enumerate(sets):
        if not any(
            denominator * len(words & sets[other]) >= numerator * len(words | sets[other]) for other in kept
        ):
            kept.append(place)
    return set(kept)


@pytest.mark.parametrize("seed", range(4))
def test_a_view_at_any_threshold_above_the_floor_equals_brute_force(tmp_path: Path, seed: int) -> None:
    texts = random_texts(seed)
    hub, ids = hub_of(tmp_path / "hub", texts)
    deduplicate(hub.path, semantic=None)
    for percent in (80, 81, 85, 90, 95, 100):
        kept = {ids[place] for place in kept_by_brute_force(texts, percent, 100)}
        assert shown(hub, f"{percent / 100}/none") == kept


@pytest.mark.parametrize("seed", range(3))
def test_deduplicating_in_parts_equals_doing_all_at_once(tmp_path: Path, seed: int) -> None:
    texts = random_texts(seed)
    at_once, ids = hub_of(tmp_path / "at-once", texts[:30])
    in_parts, _ = hub_of(tmp_path / "in-parts", texts[:30])
    deduplicate(in_parts.path)
    for part in (texts[30:31], texts[31:80]):
        ids += add_personas(at_once, part)
        add_personas(in_parts, part)
        deduplicate(in_parts.path)
    deduplicate(at_once.path)
    for view in ("0.9/0.9", "0.8/0.7", "none/0.8", "0.95/none", "0.9/0.9+quality"):
        assert shown(in_parts, view) == shown(at_once, view)
    places = {id_: place for place, id_ in enumerate(ids)}
    kept = {places[id_] for id_ in shown(in_parts, "0.9/none")}
    assert kept == kept_by_brute_force(texts, 9, 10)


def test_a_second_deduplication_compares_nothing_again(tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", [NURSE, ONE_MORE, MILLER])
    first = deduplicate(hub.path)
    versions = [lance.dataset(str(hub.path / name)).version for name in ("edges.lance", "embeddings.lance")]
    assert deduplicate(hub.path) == first
    assert versions == [
        lance.dataset(str(hub.path / name)).version for name in ("edges.lance", "embeddings.lance")
    ]


def test_a_view_under_the_floor_asks_for_a_deduplication_which_then_gives_it(tmp_path: Path) -> None:
    hub, ids = hub_of(tmp_path / "hub", ["a b c d", "a b c e", "x y z"])
    deduplicate(hub.path, semantic=None)
    with pytest.raises(UserError, match=r"0.6 lies under the surface floor 0.8.*dedup --surface 0.6"):
        open_view(hub, "0.6/none")
    deduplicate(hub.path, surface=0.6, semantic=None)
    assert shown(hub) == {ids[0], ids[2]}
    assert shown(hub, "0.7/none") == set(ids)
    with pytest.raises(UserError, match=r"no semantic comparison yet"):
        open_view(hub, "0.9/0.9")


def test_a_semantic_threshold_under_the_floor_is_a_view_of_its_own(tmp_path: Path) -> None:
    texts = [
        "A nurse who cares for sick children in a hospital",
        "A doctor who looks after ill babies in a clinic",
        "A welder who builds steel bridges in the desert",
    ]
    hub, ids = hub_of(tmp_path / "hub", texts)
    assert deduplicate(hub.path).kept == 3
    outcome = deduplicate(hub.path, semantic=0.45)
    assert outcome.semantic_duplicates == 1
    assert shown(hub) == shown(hub, "0.9/0.45") == {ids[0], ids[2]}
    with pytest.raises(UserError, match=r"dedup --surface 0.95 --semantic 0.4 --hub"):
        open_view(hub, "0.95/0.4")
    (baker,) = add_personas(hub, ["A baker of rye bread"])
    deduplicate(hub.path)
    assert shown(hub, "0.9/0.45") == {ids[0], ids[2], baker}


def test_by_quality_the_one_closest_to_its_text_is_shown(tmp_path: Path) -> None:
    hub = Hub.create(tmp_path / "hub")
    ids = add_personas(hub, [NURSE, SAME_WORDS, NURSE, MILLER], closeness=[0.2, 0.6, 0.4, None])
    deduplicate(hub.path, order="quality")
    assert shown(hub) == {ids[1], ids[3]}


def test_a_group_is_shown_with_its_similarities(tmp_path: Path, run: Run) -> None:
    hub, ids = hub_of(tmp_path / "hub", [NURSE, MILLER, ONE_MORE, NURSE])
    deduplicate(hub.path, surface=0.9)
    group = duplicates_of(hub.path, ids[3], view="0.9/none")
    assert group.leader["id"] == ids[0]
    words = len(find_words(ONE_MORE))
    assert [(member["id"], member["similarity"]) for member in group.members] == [
        (ids[3], 1.0),
        (ids[2], pytest.approx((len(set(find_words(NURSE)))) / (len(set(find_words(ONE_MORE)))))),
    ]
    assert words > 0
    done = run("dedup", "show", ids[2], "--hub", str(hub.path), "--json")
    assert json.loads(done.out)["leader"]["id"] == ids[0]
    assert MILLER in run("dedup", "show", ids[1], "--hub", str(hub.path)).out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--surface", "1.2"], "1.2"),
        (["--semantic", "0"], "0"),
        (["--order", "luck"], "luck"),
        (["--no-surface", "--no-semantic"], "nothing"),
    ],
)
def test_what_cannot_be_asked_for_is_one_line(
    tmp_path: Path, run: Run, options: list[str], said: str
) -> None:
    hub, _ = hub_of(tmp_path / "hub", [NURSE])
    done = run("dedup", "--hub", str(hub.path), *options)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1


def test_ctrl_c_keeps_what_was_done_and_says_how_to_go_on(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, _ = hub_of(tmp_path / "hub", [NURSE, ONE_MORE])

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("personahub.workflows.dedup.compare_semantic", interrupt)
        stopped = run("dedup", "--hub", hub.path)
    assert stopped.code == 130
    assert "To go on: personahub dedup" in stopped.err
    assert hub.embeddings.count() == 2
    assert run("dedup", "--hub", hub.path).code == 0
    assert [(each.number, each.status) for each in hub.runs()][1:] == [(2, "finished")]


class Flat:
    """An embedding model of another name."""

    name = "flat"
    dimensions = 2
    slots = 1
    languages = frozenset(["en"])

    def embed(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """The same vector for every text."""
        return np.tile(np.array([[1.0, 0.0]], np.float32), (len(texts), 1))

    def close(self) -> None:
        """Nothing is held."""


def test_two_embedding_models_in_one_hub_are_refused_in_one_line(tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", [NURSE, MILLER])
    deduplicate(hub.path)
    with pytest.raises(UserError, match="flat") as error:
        deduplicate(hub.path, encoder=Flat())
    assert "use-multilingual-v3" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_comparison_that_was_cut_off_leaves_no_edge(tmp_path: Path) -> None:
    hub, ids = hub_of(tmp_path / "hub", [NURSE, SAME_WORDS])
    deduplicate(hub.path, semantic=None)
    state = (hub.path / "duplicates.json").read_text()
    add_personas(hub, [ONE_MORE, "In a clinic " + SAME_WORDS])
    deduplicate(hub.path, semantic=None, surface=0.8)
    # As a kill leaves it between the table's commit and the note that makes it count.
    (hub.path / "duplicates.json").write_text(state)
    assert hub.duplicates.count() == 1
    deduplicate(hub.path, semantic=None)
    edges = [
        (edge["later"], edge["earlier"])
        for b in hub.duplicates.edges("surface", 0.8)
        for edge in b.to_pylist()
    ]  # type: ignore[arg-type]
    assert len(edges) == len(set(edges))
    assert shown(hub, "0.8/none") == {ids[0]}


def test_check_finds_a_note_of_comparisons_that_is_damaged_and_dedup_begins_anew_without_it(
    tmp_path: Path, run: Run
) -> None:
    hub, _ = hub_of(tmp_path / "hub", [NURSE, ONE_MORE, MILLER])
    before = deduplicate(hub.path)
    assert open_view(hub, "0.95/0.95")
    note = hub.path / "duplicates.json"
    note.write_text(note.read_text().replace('"version": ', '"version": 99'))
    assert "delete it and run personahub dedup again" in run("hub", "check", hub.path).out
    note.unlink()
    assert deduplicate(hub.path) == before
    shutil.rmtree(hub.path / "edges.lance")
    assert deduplicate(hub.path) == before
    assert not check_hub(hub.path).findings


def test_a_compaction_keeps_edges_and_views(tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", [NURSE, ONE_MORE])
    deduplicate(hub.path)
    add_personas(hub, [SAME_WORDS, MILLER])
    deduplicate(hub.path)
    before = shown(hub, "0.9/0.9"), shown(hub, "0.95/0.95")
    compact_hub(hub.path)
    assert (shown(hub, "0.9/0.9"), shown(hub, "0.95/0.95")) == before
    add_personas(hub, [NURSE])
    assert deduplicate(hub.path).personas == 5
    assert len(shown(hub)) == len(before[0])


def test_personas_that_were_not_compared_yet_are_shown_be_their_text_there_or_not(tmp_path: Path) -> None:
    hub, ids = hub_of(tmp_path / "hub", [NURSE, MILLER, NURSE])
    deduplicate(hub.path)
    new = add_personas(hub, [NURSE, ONE_MORE])
    for view in ("0.9/0.9", "0.95/0.95"):
        assert shown(hub, view) == {ids[0], ids[1], *new}
    assert stats(hub.path)["not_deduplicated"] == 2


def test_a_version_has_the_view_of_its_time_and_leaves_todays_alone(tmp_path: Path) -> None:
    hub = Hub.create(tmp_path / "hub")
    ids = add_personas(hub, [NURSE, MILLER, SAME_WORDS], closeness=[0.2, 0.3, 0.6])
    add_personas(hub, [ONE_MORE], closeness=[0.9])
    for run in hub.runs():
        run.tables = {"personas": 3 if run.number == 1 else 4}
        run.save(hub.path / "runs")
    deduplicate(hub.path, order="quality")
    early = Hub(hub.path, version=1)
    assert open_view(early) is None
    assert shown(early, "0.9/0.9+quality") == {ids[1], ids[2]}
    assert shown(early, "0.95/0.95") == {ids[0], ids[1]}
    before = shown(hub, "0.9/0.9+quality"), shown(hub, "0.95/0.95")
    shutil.rmtree(hub.path / "views")
    assert (shown(hub, "0.9/0.9+quality"), shown(hub, "0.95/0.95")) == before


def test_another_models_embeddings_are_compared_anew(tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", [NURSE, MILLER])
    assert deduplicate(hub.path, surface=None).kept == 2
    shutil.rmtree(hub.path / "embeddings.lance")
    assert deduplicate(hub.path, surface=None, encoder=Flat()).kept == 1
    assert not check_hub(hub.path).findings


def test_a_view_that_was_made_from_what_is_no_more_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, ids = hub_of(tmp_path / "hub", [NURSE, MILLER])
    deduplicate(hub.path)
    new = add_personas(hub, [ONE_MORE])
    save = Duplicates.save_view

    def save_late(*of: Any) -> None:
        monkeypatch.setattr(Duplicates, "save_view", save)
        deduplicate(hub.path)
        save(*of)

    monkeypatch.setattr(Duplicates, "save_view", save_late)
    assert shown(hub, "0.9/0.85") == {*ids, *new}
    assert shown(hub, "0.9/0.85") == set(ids)


KILLED = """
import sys
from personahub import deduplicate
print("ready", flush=True)
deduplicate(sys.argv[1], semantic=None)
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_kill_9_at_any_moment_leaves_a_hub_that_deduplicates_as_if_nothing_had_been(
    tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    texts = [" ".join(draw.choices(WORDS, k=12)) for _ in range(20_000)]
    hub, _ = hub_of(tmp_path / "hub", texts)
    other, _ = hub_of(tmp_path / "other", texts)
    for _ in range(3):
        command = [sys.executable, "-c", KILLED, str(hub.path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(draw.uniform(0.2, 3.0))
            process.send_signal(signal.SIGKILL)
        assert not check_hub(hub.path).findings
    assert deduplicate(hub.path, semantic=None).to_json() == deduplicate(other.path, semantic=None).to_json()
    assert shown(hub, "0.85/none") == shown(other, "0.85/none")

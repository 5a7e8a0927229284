"""evaluate duplicates: what other thresholds would keep, read from what was found."""

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from commands import Run
from hubs import hub_of
from personahub import Hub, deduplicate, evaluate_duplicates
from personahub.errors import UserError
from personahub.kernels.words import find_words

COMMON = "a nurse who gives injections to frightened children in one small village clinic near"


def chain(place: int) -> str:
    """Each is like the next, by 16 of 17 words; the first and the last are not."""
    words = [f"w{n}" for n in range(place, place + 16)]
    return " ".join(words)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    texts = [chain(place) for place in range(12)] + [f"{COMMON} {n % 3 or 'town'}" for n in range(40)]
    made, _ = hub_of(tmp_path_factory.mktemp("made") / "hub", texts)
    deduplicate(made.path, surface=0.8, semantic=None)
    return made


def leaders(texts: list[str], threshold: float) -> int:
    """How many the greedy leader keeps, by its definition."""
    sets = [frozenset(find_words(text)) for text in texts]
    kept: list[frozenset[str]] = []
    for words in sets:
        if not any(len(words & other) / len(words | other) >= threshold for other in kept):
            kept.append(words)
    return len(kept)


def components(texts: list[str], threshold: float) -> int:
    """How many chains there are, by joining labels until none changes."""
    sets = [frozenset(find_words(text)) for text in texts]
    labels = np.arange(len(texts))
    for a, b in combinations(range(len(texts)), 2):
        if len(sets[a] & sets[b]) / len(sets[a] | sets[b]) >= threshold:
            labels[labels == labels[b]] = labels[a]
    return len(set(labels.tolist()))


def test_each_threshold_tells_what_leader_and_components_keep(hub: Hub) -> None:
    texts = [row["description"] for row in hub.personas.rows()]
    result = evaluate_duplicates(hub.path)
    assert [each.threshold for each in result.stay] == pytest.approx(np.arange(1, 0.799, -0.025))
    for each in result.stay:
        assert each.method == "surface"
        assert (each.leader, each.components) == (
            leaders(texts, each.threshold),
            components(texts, each.threshold),
        )
    assert result.stay[-1].components < result.stay[-1].leader


def test_a_threshold_keeps_what_a_deduplication_at_it_shows(hub: Hub, copied: Callable[[Path], Path]) -> None:
    told = {each.threshold: each.leader for each in evaluate_duplicates(hub.path).stay}
    own = copied(hub.path)
    for threshold in (0.85, 0.9, 1.0):
        assert deduplicate(own, surface=threshold, semantic=None).kept == told[threshold]


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Path], Path]:
    def copy(path: Path) -> Path:
        import shutil

        return Path(shutil.copytree(path, tmp_path / "copy"))

    return copy


def test_the_largest_group_comes_first_with_members_least_like_its_leader(hub: Hub) -> None:
    groups = evaluate_duplicates(hub.path).groups
    assert groups[0].description.startswith(COMMON)
    assert groups[0].size == 39
    assert [group.size for group in groups] == sorted((group.size for group in groups), reverse=True)
    assert groups[0].members[0] != groups[0].description


def test_pairs_on_both_sides_are_those_nearest_to_the_threshold(hub: Hub) -> None:
    result = evaluate_duplicates(hub.path, view="0.88/none")
    for alike in (True, False):
        pairs = [each for each in result.pairs if each.alike == alike]
        assert 0 < len(pairs) <= 20
        for pair in pairs:
            one, other = (set(find_words(text)) for text in pair.descriptions)
            assert pair.similarity == pytest.approx(len(one & other) / len(one | other))
            assert (pair.similarity >= 0.88) == alike
    similarities = [each.similarity for each in result.pairs]
    assert similarities == sorted(similarities, reverse=True)


def test_meanings_are_told_beside_words(tmp_path: Path) -> None:
    texts = ["A doctor who treats children", "Врач, который лечит детей", "A sailor who repairs nets"]
    made, _ = hub_of(tmp_path / "hub", [(text, "ru" if "Врач" in text else "en") for text in texts])
    deduplicate(made.path, semantic=0.75)
    result = evaluate_duplicates(made.path)
    assert {each.method for each in result.stay} == {"surface", "semantic"}
    kept = {each.threshold: each.leader for each in result.stay if each.method == "semantic"}
    assert (kept[0.7], kept[1.0]) == (2, 3)
    assert [pair.method for pair in result.pairs] == ["semantic"]


def test_the_folder_holds_numbers_tables_and_a_plot(hub: Hub, tmp_path: Path, run: Run) -> None:
    done = run("evaluate", "duplicates", "--hub", str(hub.path), "--out", str(tmp_path / "out"), "--json")
    written = json.loads((tmp_path / "out" / "duplicates.json").read_text())
    assert written == json.loads(done.out)
    tables = (tmp_path / "out" / "duplicates.md").read_text()
    assert "Surface duplicates alone: how many of 52 stay" in tables
    assert (tmp_path / "out" / "duplicates.png").stat().st_size > 10_000
    assert (tmp_path / "out" / "duplicates.svg").read_text().startswith("<?xml")


def test_the_command_prints_tables(hub: Hub, run: Run) -> None:
    out = run("evaluate", "duplicates", "--hub", str(hub.path)).out
    assert "Largest groups of view 0.8/none" in out
    assert "greedy leader: one steps aside for another that stays" in out


def test_a_hub_that_was_not_deduplicated_is_told(tmp_path: Path) -> None:
    made, _ = hub_of(tmp_path / "hub", ["a nurse"])
    with pytest.raises(UserError, match="was not deduplicated yet; personahub dedup --hub"):
        evaluate_duplicates(made.path)


def test_a_hub_without_personas_has_empty_tables(tmp_path: Path) -> None:
    made = Hub.create(tmp_path / "hub")
    deduplicate(made.path)
    result = evaluate_duplicates(made.path, out=tmp_path / "out")
    assert (result.personas, result.groups, result.pairs) == (0, [], [])

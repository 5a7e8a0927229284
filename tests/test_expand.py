"""expand: persona-to-persona in rounds."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from commands import Run, one_line_error
from hubs import add_personas, hub_of
from personahub import Calls, check_hub, expand, merge, show, stats
from personahub.errors import UserError
from personahub.hub import Hub
from personahub.models import Request
from personahub.workflows.running import Watcher
from scripted import ScriptedModel, relative_reply

SEEDS = [
    "A pediatric nurse who gives injections to frightened children in a small village clinic",
    "A miller who restores wooden windmills and sells rye flour at the Saturday market",
    "A crane operator who unloads container ships at night in a northern harbour",
]


def personas(hub: Hub) -> dict[str, dict[str, object]]:
    """What a run made, by id: everything but the number of the run."""
    return {row["id"]: {**row, "run": 0} for row in hub.personas.rows("round > 0")}


def test_each_round_goes_on_from_the_new_personas_of_the_round_before(tmp_path: Path) -> None:
    hub, ids = hub_of(tmp_path / "hub", SEEDS)
    outcome = expand(hub.path, rounds=3, per_persona=2, model=ScriptedModel(relative_reply))
    assert [each.asked for each in outcome.rounds] == [6, 12, 24]
    by_round: dict[int, set[str]] = {0: set(ids)}
    for number in (1, 2, 3):
        rows = list(hub.personas.rows(f"round = {number}"))
        by_round[number] = {row["id"] for row in rows}
        assert {row["parent_id"] for row in rows} <= by_round[number - 1]
        assert len(rows) == outcome.rounds[number - 1].personas
    assert outcome.new == outcome.personas == hub.personas.count() - 3


def test_what_a_persona_was_reached_from_leads_back_to_its_root(tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", SEEDS)
    expand(hub.path, rounds=2, per_persona=1, model=ScriptedModel(relative_reply))
    roots = {row["id"]: row for row in hub.personas.rows("round = 0")}
    parents = {row["id"]: row for row in hub.personas.rows()}
    for row in hub.personas.rows("round = 2"):
        root = roots[parents[row["parent_id"]]["parent_id"]]
        assert all(row[name] == root[name] for name in ("document_id", "source", "row", "licence"))


def test_siblings_have_different_relations_and_each_is_a_kind_and_a_role(tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", SEEDS)
    expand(hub.path, rounds=1, per_persona=5, model=ScriptedModel(relative_reply))
    relations = [(row["parent_id"], row["relation"]) for row in hub.personas.rows("round = 1")]
    assert len(set(relations)) == len(relations)
    assert all(relation.count("/") == 1 for _, relation in relations)
    assert len({relation.partition("/")[0] for _, relation in relations}) > 5


def test_a_later_expansion_asks_for_relations_that_were_not_asked_before(tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", SEEDS)
    expand(hub.path, rounds=1, per_persona=3, model=ScriptedModel(relative_reply))
    expand(hub.path, rounds=1, per_persona=4, model=ScriptedModel(relative_reply))
    pairs = Counter((row["parent_id"], row["relation"]) for row in hub.personas.rows("round = 1"))
    assert len(pairs) == 3 * 7
    assert set(pairs.values()) == {1}


def test_what_was_asked_and_set_aside_is_not_asked_again(tmp_path: Path) -> None:
    def nobody(_: Request) -> str:
        return json.dumps({"persona": "Ett brev"})

    hub, _ = hub_of(tmp_path / "hub", [(seed, "sv") for seed in SEEDS])
    first = expand(hub.path, rounds=1, per_persona=2, model=ScriptedModel(nobody))
    assert first.set_aside.total() == 6
    again = ScriptedModel(nobody)
    expand(hub.path, rounds=1, per_persona=3, model=again)
    assert again.calls == 9


def test_an_expanded_hub_is_merged_into_another(tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", SEEDS)
    expand(hub.path, rounds=2, per_persona=1, model=ScriptedModel(relative_reply))
    merge(tmp_path / "all", [hub.path])
    assert personas(Hub(tmp_path / "all")) == personas(hub)


def test_the_limit_is_the_total_and_is_shared_evenly_over_the_rounds_left(tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", SEEDS)
    outcome = expand(hub.path, rounds=3, per_persona=3, limit=10, model=ScriptedModel(relative_reply))
    assert [each.asked for each in outcome.rounds] == [4, 3, 3]
    assert outcome.personas == 10
    parents = Counter(row["parent_id"] for row in hub.personas.rows("round = 1"))
    assert sorted(parents.values()) == [1, 1, 2]


def test_what_a_small_round_leaves_of_the_limit_goes_to_the_later_ones(tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", SEEDS[:1])
    outcome = expand(hub.path, rounds=3, per_persona=3, limit=30, model=ScriptedModel(relative_reply))
    made = [each.personas for each in outcome.rounds]
    assert [each.asked for each in outcome.rounds] == [3, 3 * made[0], 30 - made[0] - made[1]]


def test_duplicates_are_kept_but_are_nobodys_parents(tmp_path: Path) -> None:
    def always_the_same(_: Request) -> str:
        persona = "En fyrvaktare som lagar klockor åt sjömän vid den blåsiga udden och sover om dagen."
        return json.dumps({"persona": persona})

    # In a language whose form is not held, so that the one sentence fits every relation.
    hub, _ = hub_of(tmp_path / "hub", [(seed, "sv") for seed in SEEDS])
    outcome = expand(hub.path, rounds=3, per_persona=2, model=ScriptedModel(always_the_same))
    first, second = outcome.rounds
    assert hub.personas.count("round = 1") == first.personas == 6
    assert (first.new, second.asked, second.new) == (1, 2, 0)


def test_the_same_personas_come_whatever_arrives_first(tmp_path: Path) -> None:
    one, _ = hub_of(tmp_path / "one", SEEDS)
    many, _ = hub_of(tmp_path / "many", SEEDS)
    expand(one.path, rounds=3, per_persona=2, model=ScriptedModel(relative_reply))
    delays = random.Random(1)
    slow = ScriptedModel(relative_reply, slots=7, delay=lambda _: delays.uniform(0, 0.02))
    expand(many.path, rounds=3, per_persona=2, model=slow)
    assert personas(one) == personas(many)


class StopAfter(Watcher):
    """Sends this process an interrupt after so many answers."""

    def __init__(self, answers: int) -> None:
        self._left = answers

    def advanced(self, *_: object) -> None:
        self._left -= 1
        if not self._left:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("answers", [1, 5, 8, 17])
def test_an_interrupted_expansion_goes_on_and_asks_nothing_twice(tmp_path: Path, answers: int) -> None:
    whole, _ = hub_of(tmp_path / "whole", SEEDS)
    expand(whole.path, rounds=3, per_persona=2, model=ScriptedModel(relative_reply))
    hub, _ = hub_of(tmp_path / "hub", SEEDS)
    first, second = ScriptedModel(relative_reply), ScriptedModel(relative_reply)
    stopped = expand(hub.path, rounds=3, per_persona=2, model=first, watcher=StopAfter(answers))
    assert stopped.interrupted
    outcome = expand(hub.path, rounds=3, per_persona=2, model=second)
    assert not outcome.interrupted
    assert outcome.run.number == stopped.run.number
    assert first.answered + second.answered == 42
    assert personas(hub) == personas(whole)


# Its waiting alone (42 calls, two at a time) outlasts all four kills, so none of these comes to the end.
KILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from personahub import expand
from scripted import ScriptedModel, relative_reply
print("ready", flush=True)
expand(sys.argv[1], rounds=3, per_persona=2, model=ScriptedModel(relative_reply, slots=2, delay=0.5))
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_kill_9_at_any_moment_changes_nothing_of_what_comes_out(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    whole, _ = hub_of(tmp_path / "whole", SEEDS)
    expand(whole.path, rounds=3, per_persona=2, model=ScriptedModel(relative_reply))
    hub, _ = hub_of(tmp_path / "hub", SEEDS)
    for _ in range(4):
        command = [sys.executable, "-c", KILLED, str(hub.path), str(Path(__file__).parent)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(draw.uniform(0.1, 2.5))
            process.send_signal(signal.SIGKILL)
        assert not check_hub(hub.path).findings
    expand(hub.path, rounds=3, per_persona=2, model=ScriptedModel(relative_reply))
    assert personas(hub) == personas(whole)


def test_show_walks_up_to_the_root_and_down_to_the_descendants(tmp_path: Path, run: Run) -> None:
    hub, _ = hub_of(tmp_path / "hub", SEEDS[:1])
    expand(hub.path, rounds=3, per_persona=1, model=ScriptedModel(relative_reply))
    chain = sorted(hub.personas.rows(), key=lambda row: row["round"])
    ids = [row["id"] for row in chain]
    middle = show(hub.path, ids[1])
    assert [row["id"] for row in middle.ancestors] == [ids[0]]
    assert [child["id"] for child in middle.descendants] == [ids[2]]
    assert [child["id"] for child in middle.descendants[0]["descendants"]] == [ids[3]]
    printed = run("show", ids[3], "--hub", str(hub.path)).out
    places = [printed.index(id_) for id_ in reversed(ids)]
    assert places == sorted(places)
    assert all(id_ in run("show", ids[0], "--hub", str(hub.path)).out for id_ in ids)


def test_stats_tell_personas_relations_and_share_of_new_ones_per_round(tmp_path: Path, run: Run) -> None:
    hub, _ = hub_of(tmp_path / "hub", [*SEEDS, SEEDS[0]])
    expand(hub.path, rounds=2, per_persona=2, model=ScriptedModel(relative_reply))
    rounds = stats(hub.path)["rounds"]
    assert [(each["personas"], each["new"]) for each in rounds.values()] == [(4, 3), (6, 6), (12, 12)]
    assert rounds["0"]["share_new"] == 0.75
    assert rounds["0"]["relations"] == {"imported": 4}
    assert sum(rounds["2"]["relations"].values()) == 12
    assert "6 personas, 6 new (100%)" in run("stats", "--hub", str(hub.path)).out


def test_personas_that_came_since_take_part_in_the_next_expansion(tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", SEEDS[:1])
    expand(hub.path, rounds=1, per_persona=1, model=ScriptedModel(relative_reply))
    (new,) = add_personas(hub, ["A glazier who cuts coloured glass for chapels in the hills"])
    expand(hub.path, rounds=1, per_persona=2, model=ScriptedModel(relative_reply))
    assert hub.personas.count(f"parent_id = '{new}'") == 2


def test_an_estimate_asks_a_few_and_the_run_that_follows_asks_them_not_again(tmp_path: Path) -> None:
    hub, _ = hub_of(tmp_path / "hub", SEEDS)
    first, second = ScriptedModel(relative_reply), ScriptedModel(relative_reply)
    outcome = expand(hub.path, rounds=2, per_persona=2, limit=16, model=first, calls=Calls(estimate=True))
    assert outcome.estimate
    assert outcome.estimate.units == 16
    assert first.answered == 5
    assert expand(hub.path, rounds=2, per_persona=2, limit=16, model=second).personas == 16
    assert first.answered + second.answered == 16


def test_an_empty_hub_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no personas to begin with; personahub curate"):
        expand(Hub.create(tmp_path / "hub").path, model=ScriptedModel(relative_reply))


def test_the_command_prints_the_contract(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, _ = hub_of(tmp_path / "hub", SEEDS)
    monkeypatch.setattr(Calls, "open", lambda *_: [ScriptedModel(relative_reply)])
    done = run("expand", "--hub", hub.path, "--rounds", 2, "--per-persona", 1, "--json")
    printed = json.loads(done.out)
    assert printed["personas"] == 6
    assert printed["rounds"][1] == {"number": 2, "asked": 3, "personas": 3, "new": 3}
    again = run("expand", "--hub", hub.path, "--rounds", 0)
    assert again.code == 2
    assert "rounds" in again.err
    assert one_line_error(run("expand", "--hub", tmp_path / "none"))

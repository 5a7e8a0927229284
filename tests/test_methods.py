"""The methods: what their prompts show, and what they draw on."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from commands import Run, one_line_error
from hubs import hub_of
from personahub import Prompting, Selection, UserError, synthesize
from personahub.models import Message, Request
from scripted import ScriptedModel
from task_folders import note_reply, said_by_user, task_folder

PEOPLE = [
    f"A {who} who {does} in {where}"
    for who in ("nurse", "miller", "diver", "tailor")
    for does, where in (("sings at work", "a mountain village"), ("repairs radios", "a harbour town"))
]


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return hub_of(tmp_path / "hub", PEOPLE)[0].path


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return task_folder(tmp_path / "notes")


def asked(
    task: Path, hub: Path, prompting: Prompting | None = None, **settings: Any
) -> tuple[list[Request], list[dict[str, Any]]]:
    """The requests of a run, in order, and what each record says that it was made from."""
    model = ScriptedModel(note_reply)
    outcome = synthesize(task, hub, prompting=prompting, model=model, **settings)
    return model.asked, [json.loads(record.inputs) for record in outcome.records]


def turns(request: Request) -> list[Message]:
    """The examples in a prompt: what stands between the system's part and the question."""
    return list(request.messages[1:-1])


def test_zero_shot_shows_no_examples(notes: Path, hub: Path) -> None:
    requests, _ = asked(notes, hub, Prompting("zero-shot"), n=2)
    assert all(len(request.messages) == 2 for request in requests)


def test_examples_are_shown_by_default_where_a_task_has_some(notes: Path, hub: Path, tmp_path: Path) -> None:
    requests, _ = asked(notes, hub, n=1)
    assert len(turns(requests[0])) == 4
    bare, _ = asked(task_folder(tmp_path / "bare", examples=False), hub, n=1)
    assert turns(bare[0]) == []


def test_few_shot_shows_examples_without_personas(notes: Path, hub: Path) -> None:
    requests, inputs = asked(notes, hub, Prompting("few-shot", shots=2), n=2)
    for request, made_from in zip(requests, inputs, strict=True):
        assert [turn.role for turn in turns(request)] == ["user", "assistant"] * 2
        assert "Persona:" not in turns(request)[0].content
        assert "Persona:" in said_by_user(request)
        assert len(made_from["examples"]) == 2


def test_examples_stay_for_a_block_of_questions_and_rotate_by_seed(notes: Path, hub: Path) -> None:
    def shown(seed: int) -> list[tuple[str, ...]]:
        requests, _ = asked(
            notes, hub, Prompting("few-shot", shots=2), n=16, seed=seed, dataset=f"seed {seed}"
        )
        return [tuple(turn.content for turn in turns(request)) for request in requests]

    first = shown(0)
    assert len(set(first[:8])) == 1
    assert len(set(first)) == 2
    assert len({shown(seed)[0] for seed in range(1, 6)} | {first[0]}) > 1


def test_persona_enhanced_shows_each_example_with_its_own_persona(notes: Path, hub: Path) -> None:
    requests, inputs = asked(notes, hub, Prompting("persona-enhanced", shots=2), n=2)
    for request in requests:
        if "persona" not in request.schema["properties"]:  # type: ignore[index,operator]
            assert "Persona: A patient locksmith" in turns(request)[0].content
    assert all("locksmith" in example["persona"] for made_from in inputs for example in made_from["examples"])


def test_personas_of_examples_are_inferred_once_for_all_runs(notes: Path, hub: Path) -> None:
    asked(notes, hub, Prompting("persona-enhanced"), n=1)
    again, _ = asked(notes, hub, Prompting("persona-enhanced"), n=2)
    assert len(again) == 1


def test_instance_driven_shows_the_seed_items_in_turn(notes: Path, hub: Path, tmp_path: Path) -> None:
    seeds = ["Where has the bell gone?", "Who counts the boats at noon?", "Why is the kiln cold today?"]
    (tmp_path / "seeds.txt").write_text("\n".join(seeds))
    requests, inputs = asked(notes, hub, Prompting("instance-driven", seeds=str(tmp_path / "seeds.txt")), n=6)
    used = Counter(made_from["seed_item"]["text"] for made_from in inputs)
    assert used == dict.fromkeys(seeds, 2)
    for request, made_from in zip(requests, inputs, strict=True):
        assert made_from["seed_item"]["text"] in said_by_user(request)
        assert made_from["seed_item"]["row"] == seeds.index(made_from["seed_item"]["text"]) + 1


def test_key_point_driven_draws_points_of_a_list(notes: Path, hub: Path, tmp_path: Path) -> None:
    points = [f"point {letter} of the list" for letter in "abcdef"]
    (tmp_path / "points.txt").write_text("\n".join(points))
    prompting = Prompting("key-point-driven", key_points=str(tmp_path / "points.txt"), points=3)
    requests, inputs = asked(notes, hub, prompting, n=5)
    for request, made_from in zip(requests, inputs, strict=True):
        assert len(set(made_from["key_points"])) == 3
        assert all(point in said_by_user(request) for point in made_from["key_points"])
    assert len({tuple(made_from["key_points"]) for made_from in inputs}) > 1


def test_key_points_of_texts_are_asked_for_first(notes: Path, hub: Path, texts: Path) -> None:
    prompting = Prompting("key-point-driven", key_points_from=(str(texts / "bread.md"),))
    requests, inputs = asked(notes, hub, prompting, n=2)
    assert "rye flour" in said_by_user(requests[0])
    assert len(requests) == 3
    assert set(inputs[0]["key_points"]) <= {"rye flour and water", "salt in the morning", "baking at 210"}


@pytest.mark.parametrize("method", ["zero-shot", "few-shot", "persona-enhanced"])
def test_a_scenario_goes_with_any_method(notes: Path, hub: Path, method: Any) -> None:
    requests, inputs = asked(notes, hub, Prompting(method, scenario="The dam has burst."), n=2)
    assert all("The dam has burst." in said_by_user(request) for request in requests[-2:])
    assert {made_from["scenario"] for made_from in inputs} == {"The dam has burst."}


def test_scenarios_are_drawn_where_none_is_named(notes: Path, hub: Path) -> None:
    _, inputs = asked(notes, hub, Prompting(scenario=""), n=6)
    assert len({made_from["scenario"] for made_from in inputs}) == 6


def test_scenarios_come_from_a_file(notes: Path, hub: Path, tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("The well is dry.\n\nA circus has come.\n")
    _, inputs = asked(notes, hub, Prompting(scenario=f"@{tmp_path / 's.txt'}"), n=4)
    assert {made_from["scenario"] for made_from in inputs} == {"The well is dry.", "A circus has come."}


def test_verbalized_sampling_asks_for_candidates_and_draws_one(notes: Path, hub: Path) -> None:
    requests, inputs = asked(notes, hub, Prompting(candidates=4), n=8)
    form = requests[0].schema["properties"]["candidates"]  # type: ignore[index,call-overload]
    assert (form["minItems"], form["maxItems"]) == (4, 4)
    drawn = {made_from["probability"] for made_from in inputs}
    assert drawn <= {1, 11, 21, 31}
    assert len(drawn) > 1
    assert {made_from["candidates"] for made_from in inputs} == {4}


def test_candidates_are_drawn_by_their_probability(notes: Path, hub: Path) -> None:
    _, inputs = asked(notes, hub, Prompting(candidates=2), n=60, repetition="off")
    drawn = Counter(made_from["probability"] for made_from in inputs)
    # 1 to 11: of 60 about 5 are the improbable one.
    assert drawn[11] > 45


def test_what_is_fixed_stands_first(notes: Path, hub: Path) -> None:
    requests, _ = asked(notes, hub, Prompting("few-shot", scenario=""), n=8)
    assert len({request.messages[:-1] for request in requests}) == 1


def test_what_varies_is_used_evenly(hub: Path, tmp_path: Path) -> None:
    task = task_folder(tmp_path / "varied", vary={"angle": [" of the sea", " of ice", " of sand"]})
    _, inputs = asked(task, hub, n=9)
    assert Counter(made_from["varied"]["angle"] for made_from in inputs) == {
        " of the sea": 3,
        " of ice": 3,
        " of sand": 3,
    }


def test_further_steps_see_the_replies_before_and_make_a_conversation(hub: Path, tmp_path: Path) -> None:
    task = task_folder(tmp_path / "longer", sequence="['more', 'more'] if tone else []")
    model = ScriptedModel(note_reply)
    record = synthesize(task, hub, n=1, options={"tone": "calm"}, model=model).records[0]
    fields = json.loads(record.fields)
    assert [turn["role"] for turn in fields["messages"]] == ["user", "assistant", "assistant"]
    assert fields["messages"][0]["content"] == fields["note"]
    assert "after 1 turns" in said_by_user(model.asked[1])
    assert "after 2 turns" in said_by_user(model.asked[2])
    assert fields["note"] in said_by_user(model.asked[1])


def test_a_step_that_fails_fails_its_record_and_no_other(hub: Path, tmp_path: Path) -> None:
    task = task_folder(tmp_path / "longer", sequence="['more']")

    def sometimes(request: Request) -> str:
        reply = note_reply(request)
        return "no JSON" if "rest" in reply and request.key[0] in "0123456789a" else reply

    outcome = synthesize(task, hub, n=6, model=ScriptedModel(sometimes))
    assert len(outcome.records) == 6
    assert outcome.failures["invalid_output"] == outcome.asked - 6 > 0
    assert all(json.loads(record.fields)["rest"] for record in outcome.records)


def test_the_persona_may_be_left_out_of_a_baseline(notes: Path, hub: Path, tmp_path: Path) -> None:
    (tmp_path / "seeds.txt").write_text("Where has the bell gone?\nWho counts the boats at noon?")
    prompting = Prompting("instance-driven", seeds=str(tmp_path / "seeds.txt"))
    model = ScriptedModel(note_reply)
    outcome = synthesize(
        notes, hub, n=2, prompting=prompting, selection=Selection(select="none"), model=model
    )
    assert [(record.persona, record.persona_id) for record in outcome.records] == [("", "")] * 2
    assert all("Persona:" not in said_by_user(request) for request in model.asked)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "many-shot"], "is none of zero-shot, few-shot"),
        (["--method", "instance-driven"], "needs --seeds FILE"),
        (["--method", "key-point-driven"], "needs --key-points FILE"),
        (["--seeds", "s.txt"], "goes with --method instance-driven"),
        (["--method", "instance-driven", "--seeds", "gone.txt"], "gone.txt"),
        (["--method", "instance-driven", "--seeds", "empty.txt"], "is empty"),
        (["--verbalized", "0"], "must be 1 to 20"),
        (["--shots", "0"], "must be at least 1"),
        (["--scenario", "@gone.txt"], "cannot be read"),
        (["--tune", "x"], "--tune: is no option of synthesize"),
        (["-n", "0"], "at least one record"),
        (["--out", "."], "name must end in"),
        (["--dataset", "../x"], "is no name for a data set"),
        (["--repetition", "loud"], "is none of semantic, surface, off"),
        (["--select", "best"], "is none of random, diverse"),
        (["--select", "quota:colour"], "have no such column"),
        (["--select", "none", "--where", "round = 0"], "leave the query and the condition out"),
        (["--per-persona", "0"], "must be at least 1"),
    ],
)
def test_what_cannot_be_done_is_one_line_before_anything_is_asked(
    notes: Path, hub: Path, run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(notes.parent)
    (notes.parent / "empty.txt").write_text("\n")
    result = run(
        "synthesize", str(notes), "--hub", str(hub), "--model", "http://127.0.0.1:9/v1#m", *arguments
    )
    assert message in one_line_error(result)


def test_a_method_with_examples_needs_a_task_that_has_some(hub: Path, tmp_path: Path) -> None:
    task = task_folder(tmp_path / "bare", examples=False)
    with pytest.raises(UserError, match="has none; put some into"):
        synthesize(task, hub, n=1, prompting=Prompting("few-shot"), model=ScriptedModel(note_reply))

"""Math problems from personas, with a scripted model."""

import json
from pathlib import Path

import pytest

from personahub import Hub, UserError, curate, sample, show, stats, synthesize
from personahub.models import Request
from scripted import ScriptedModel, any_reply, problem_reply


@pytest.fixture
def hub(texts: Path, tmp_path: Path) -> Path:
    curate([texts], tmp_path / "hub", model=ScriptedModel(any_reply))
    return tmp_path / "hub"


def test_n_records_are_made_and_written(hub: Path, tmp_path: Path) -> None:
    synthesize("math", hub, n=5, out=tmp_path / "out.jsonl", model=ScriptedModel(any_reply))
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(rows) == 5
    assert all({"id", "task", "method", "persona", "persona_id", "text"} <= set(row) for row in rows)


def test_a_record_carries_what_it_was_made_from(hub: Path, tmp_path: Path) -> None:
    synthesize("math", hub, n=1, out=tmp_path / "out.jsonl", model=ScriptedModel(any_reply), seed=3)
    row = json.loads((tmp_path / "out.jsonl").read_text())
    persona = Hub(hub).personas.get([row["persona_id"]])[row["persona_id"]]
    document = Hub(hub).documents.get([row["document_id"]])[row["document_id"]]
    assert row["persona"] == persona["description"]
    assert row["document_id"] == persona["document_id"]
    assert (row["source"], row["row"]) == (document["source"], document["row"])
    assert (row["model"], row["seed"], row["method"]) == ("scripted", 3, "few-shot")
    assert row["template"].startswith("math@")


def test_the_persona_and_the_options_reach_the_prompt(hub: Path) -> None:
    model = ScriptedModel(any_reply)
    options = {"focus": "geometry", "difficulty": "olympiad"}
    outcome = synthesize("math", hub, n=1, options=options, model=model)
    prompt = " ".join(message.content for message in model.asked[0].messages)
    assert outcome.records[0].persona in prompt
    assert "geometry" in prompt
    assert "olympiad" in prompt


def test_what_is_set_aside_is_made_up_for(hub: Path) -> None:
    def solve_some(request: Request) -> str:
        reply = problem_reply(request)
        return reply.replace("How many", "Solution: 7. How many") if int(request.key[-1], 16) % 2 else reply

    outcome = synthesize("math", hub, n=6, model=ScriptedModel(solve_some))
    assert len(outcome.records) == 6
    assert outcome.set_aside["has_solution"] > 0
    assert outcome.totals.calls == 6 + outcome.set_aside.total()


def test_a_model_that_cannot_do_it_ends_the_run(hub: Path) -> None:
    problem = "Solution: seven bees stay in the hive. How many of them have flown out before?"
    reply = json.dumps({"quantities": ["7 bees", "2 hives"], "problem": problem})
    outcome = synthesize("math", hub, n=2, language="en", model=ScriptedModel(lambda _: reply))
    assert outcome.records == []
    assert outcome.set_aside == {"has_solution": 8}


def test_replies_that_never_fit_are_failures_and_end_the_run(hub: Path) -> None:
    outcome = synthesize("math", hub, n=2, model=ScriptedModel(lambda _: "seven"))
    assert (outcome.records, outcome.set_aside) == ([], {})
    assert outcome.failures == {"invalid_output": 8}


def test_more_records_than_personas_asks_them_again_with_another_seed(hub: Path) -> None:
    outcome = synthesize("math", hub, n=20, options={"focus": "geometry"}, model=ScriptedModel(any_reply))
    assert len({record.text for record in outcome.records}) == 20
    assert {record.seed for record in outcome.records} == {0, 1}


def test_one_sentence_from_two_texts_gives_two_different_records(texts: Path, tmp_path: Path) -> None:
    persona = "A caretaker who carries warm rye bread up the stairs to residents while the lift stands still."
    same = json.dumps({"persona": persona})
    curate([texts / "bread.md", texts / "lift.txt"], tmp_path / "hub", model=ScriptedModel(lambda _: same))
    outcome = synthesize("math", tmp_path / "hub", n=8, repetition="off", model=ScriptedModel(any_reply))
    assert len({record.persona_id for record in outcome.records}) == 8
    assert len({record.text for record in outcome.records}) == 8


def test_the_same_command_asks_nothing_twice_and_adds_nothing(hub: Path) -> None:
    first = synthesize("math", hub, n=4, model=ScriptedModel(any_reply))
    second = synthesize("math", hub, n=4, model=ScriptedModel(any_reply))
    assert second.totals.calls == 0
    assert [record.id for record in second.records] == [record.id for record in first.records]
    assert stats(hub)["records"] == 4


def test_a_larger_n_goes_on_from_a_smaller_one(hub: Path) -> None:
    synthesize("math", hub, n=4, model=ScriptedModel(any_reply))
    more = synthesize("math", hub, n=6, model=ScriptedModel(any_reply))
    assert more.totals.calls == 2


def test_show_gives_the_whole_lineage(hub: Path, texts: Path) -> None:
    record = synthesize("math", hub, n=1, model=ScriptedModel(any_reply)).records[0]
    lineage = show(hub, record.id)
    assert lineage.record is not None
    assert lineage.persona is not None
    assert lineage.document is not None
    assert lineage.record["text"] == record.text
    assert lineage.persona["id"] == record.persona_id
    assert lineage.persona["document_id"] == lineage.document["id"]
    assert Path(lineage.document["source"]).parent == texts


def test_show_takes_the_beginning_of_an_id(hub: Path) -> None:
    persona = sample(hub, 1)[0]
    lineage = show(hub, persona["id"][:12])
    assert lineage.persona is not None
    assert lineage.persona["id"] == persona["id"]


def test_a_sample_is_the_same_for_the_same_seed_and_part_of_a_larger_one(hub: Path) -> None:
    five = [row["id"] for row in sample(hub, 5, seed=1)]
    assert [row["id"] for row in sample(hub, 5, seed=1)] == five
    assert [row["id"] for row in sample(hub, 8, seed=1)][:5] == five
    assert [row["id"] for row in sample(hub, 5, seed=2)] != five


def test_a_sample_of_more_than_there_are_is_all_of_them_once(hub: Path) -> None:
    ids = [row["id"] for row in sample(hub, 100)]
    assert len(ids) == len(set(ids)) == 12


def test_every_persona_can_be_drawn_first(hub: Path) -> None:
    firsts = {sample(hub, 1, seed=seed)[0]["id"] for seed in range(200)}
    assert len(firsts) == 12


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        ("poetry", {}, "unknown task 'poetry'; known: .*math"),
        ("math", {"difficulty": "absurd"}, "is not one of school"),
        ("math", {"colour": "red"}, "has no option --colour"),
    ],
)
def test_an_unknown_task_or_option_is_an_error(
    hub: Path, task: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        synthesize(task, hub, n=1, options=options, model=ScriptedModel(any_reply))


def test_an_out_file_that_cannot_be_written_is_an_error_before_any_call(hub: Path, tmp_path: Path) -> None:
    model = ScriptedModel(any_reply)
    with pytest.raises(UserError, match="cannot be written"):
        synthesize("math", hub, n=1, out=tmp_path / "no" / "out.jsonl", model=model)
    assert model.asked == []


def test_a_hub_without_relatives_says_how_to_find_some(hub: Path) -> None:
    with pytest.raises(UserError, match=r"none of its \d+ personas fits .*personahub expand --hub"):
        synthesize("dialogue", hub, n=1, options={"partner": "related"}, model=ScriptedModel(any_reply))

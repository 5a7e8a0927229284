"""Data sets in the forms that trainers, callers of functions and games take."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datasets
import pytest
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam
from pydantic import TypeAdapter

from commands import Run, one_line_error
from hubs import record_of
from personahub import Hub, UserError, export_dataset, synthesize, verify_manifest
from personahub.records import Verdict
from scripted import ScriptedModel, any_reply
from task_folders import note_reply, task_folder

PROBLEM = "A welder has 12 rods and uses 5. How many are left?"
TOOL = {
    "type": "function",
    "function": {
        "name": "count_rods",
        "description": "Counts what is left.",
        "parameters": {
            "type": "object",
            "properties": {"used": {"type": "integer", "description": "rods used"}},
            "required": ["used"],
            "additionalProperties": False,
        },
    },
}
TALK = [
    {"first_says": "Is the ferry late?", "second_says": "By an hour."},
    {"first_says": "Then I walk.", "second_says": "Take the upper path."},
]


def solution(text: str, problem: str = PROBLEM, **more: Any) -> Any:
    inputs = {"item": {"text": problem}, "options": {"problems": "math"}}
    fields = json.dumps({"steps": [], "answer": text})
    return record_of(None, text, inputs=inputs, task="solution", dataset="solutions", fields=fields, **more)


def records() -> list[Any]:
    """One of each task that has a form of its own, each in a data set of its own name, and two solutions."""
    made: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, Any]]] = {
        "dialogue": ("**A:** Is the ferry late?", {"exchanges": TALK}, {}),
        "knowledge": ("# Why rust?\n\nIron meets water.", {"question": "Why rust?"}, {"form": "article"}),
        "instruction": (
            "**User:** Weld it.",
            {"messages": [{"role": "user", "content": "Weld it."}, {"role": "assistant", "content": "How?"}]},
            {"turns": 2},
        ),
        "perspective": ("I would.", {"answer": "I would."}, {"question": "Would you?"}),
        "tool": ("## Count rods", {"function": TOOL}, {}),
        "npc": ("# Ba", {"name": "Ba", "quests": [{"title": "Mend the net"}]}, {}),
    }
    found = [
        record_of(None, text, task=task, dataset=task, fields=json.dumps(fields), inputs={"options": options})
        for task, (text, fields, options) in made.items()
    ]
    return [*found, record_of(None, PROBLEM), solution("7"), solution("Seven rods.", "What is left of 12?")]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Hub.create(tmp_path_factory.mktemp("forms") / "hub")
    made.records.add(records())
    return made.path


def rows_in(hub: Path, name: str, form: str, folder: Path) -> list[dict[str, Any]]:
    out = folder / f"{name}.{form}.jsonl"
    export_dataset(hub, name, out, form=form)
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()]


@pytest.mark.parametrize(
    ("name", "roles", "last"),
    [
        ("solutions", ["user", "assistant"], "7"),
        ("dialogue", ["user", "assistant"] * 2, "Take the upper path."),
        ("knowledge", ["user", "assistant"], "Iron meets water."),
        ("instruction", ["user", "assistant"], "How?"),
        ("perspective", ["system", "user", "assistant"], "I would."),
    ],
)
def test_what_is_asked_and_answered_is_a_chat(
    hub: Path, tmp_path: Path, name: str, roles: list[str], last: str
) -> None:
    row = rows_in(hub, name, "messages", tmp_path)[0]
    assert [turn["role"] for turn in row["messages"]] == roles
    assert row["messages"][-1]["content"] == last
    assert row["synthetic"] is True


def test_alpaca_rows_have_the_last_exchange_and_what_was_before_it(hub: Path, tmp_path: Path) -> None:
    (row,) = rows_in(hub, "dialogue", "alpaca", tmp_path)
    assert (row["instruction"], row["input"], row["output"]) == ("Then I walk.", "", "Take the upper path.")
    assert row["history"] == [["Is the ferry late?", "By an hour."]]


def test_sharegpt_rows_name_speakers_as_that_data_set_does(hub: Path, tmp_path: Path) -> None:
    row = rows_in(hub, "solutions", "sharegpt", tmp_path)[0]
    assert row["conversations"] == [{"from": "human", "value": PROBLEM}, {"from": "gpt", "value": "7"}]


def test_rows_for_openai_are_what_its_library_takes_and_nothing_else(hub: Path, tmp_path: Path) -> None:
    turns = TypeAdapter(list[ChatCompletionMessageParam])
    for row in rows_in(hub, "perspective", "openai", tmp_path):
        assert list(row) == ["messages"]
        turns.validate_python(row["messages"], strict=True)


def test_tools_are_what_the_library_of_openai_takes(hub: Path, tmp_path: Path) -> None:
    (row,) = rows_in(hub, "tool", "tools", tmp_path)
    TypeAdapter(ChatCompletionFunctionToolParam).validate_python(row, strict=True)
    assert row == TOOL


def test_rows_without_room_for_the_mark_have_it_in_a_manifest(hub: Path, tmp_path: Path) -> None:
    rows_in(hub, "tool", "tools", tmp_path)
    manifest = tmp_path / "tool.tools.jsonl.manifest.json"
    assert json.loads(manifest.read_text("utf-8"))["synthetic"] is True
    assert not verify_manifest(manifest, unsigned=True).faults


def test_a_character_has_all_that_a_game_needs_in_one_object(hub: Path, tmp_path: Path) -> None:
    (row,) = rows_in(hub, "npc", "npc", tmp_path)
    assert (row["name"], row["quests"]) == ("Ba", [{"title": "Mend the net"}])
    assert row["synthetic"] is True


@pytest.mark.parametrize("form", ["messages", "alpaca", "sharegpt"])
def test_the_library_datasets_loads_each_form(hub: Path, tmp_path: Path, form: str) -> None:
    rows = rows_in(hub, "solutions", form, tmp_path)
    file = str(tmp_path / f"solutions.{form}.jsonl")
    loaded = datasets.load_dataset("json", data_files=file, split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.to_list() == rows


def verdict(record: Any, outcome: str) -> Verdict:
    return Verdict(
        **{
            "record_id": record.id,
            "dataset": record.dataset,
            "check": "answers",
            "outcome": outcome,
            "reason": "" if outcome == "passed" else "no_agreement",
            "score": 1.0,
            "rejects": outcome == "failed",
            "evidence": "{}",
            "model": "",
            "calls": 0,
            "tokens": 0,
            "cost": None,
            "run": 2,
        }
    )


def test_two_answers_to_the_same_are_a_preference(tmp_path: Path) -> None:
    hub = Hub.create(tmp_path / "hub")
    wrong, right, only = solution("17"), solution("7"), solution("4", "What is 2 + 2?")
    hub.records.add([wrong, right, only])
    hub.verdicts.add([verdict(wrong, "failed"), verdict(right, "passed"), verdict(only, "passed")])
    (row,) = rows_in(hub.path, "solutions", "preferences", tmp_path)
    assert row["prompt"] == [{"role": "user", "content": PROBLEM}]
    assert [row[name][0]["content"] for name in ("chosen", "rejected")] == ["7", "17"]
    assert (row["id"], row["rejected_id"]) == (right.id, wrong.id)
    outcome = export_dataset(hub.path, "solutions", tmp_path / "again.jsonl", form="preferences")
    assert (outcome.records, outcome.without) == (1, {"one_answer": 1})


@pytest.mark.parametrize(
    ("name", "form", "said"),
    [
        ("math", "messages", "1 without an answer); to have them answered: personahub synthesize solution"),
        ("math", "tools", "1 that are no function's interface"),
        ("math", "npc", "1 that are no character"),
        ("solutions", "preferences", "2 without both an answer"),
    ],
)
def test_a_form_that_no_record_has_writes_nothing_and_says_why(
    hub: Path, tmp_path: Path, name: str, form: str, said: str
) -> None:
    with pytest.raises(UserError, match=said.replace("(", r"\(").replace(")", r"\)")):
        export_dataset(hub, name, tmp_path / "out.jsonl", form=form)
    assert not list(tmp_path.iterdir())


def test_a_record_whose_task_reads_it_no_more_is_counted_and_left_out(tmp_path: Path) -> None:
    hub = Hub.create(tmp_path / "hub")
    gone = solution("8", "What is 4 + 4?")
    broken = record_of(None, "no turns", task="dialogue", dataset="solutions", fields='{"odd": 1}')
    lost = record_of(None, "lost", task="a-task-of-nobody", dataset="solutions")
    hub.records.add([gone, broken, lost])
    outcome = export_dataset(hub.path, "solutions", tmp_path / "out.jsonl", form="messages")
    assert (outcome.records, outcome.without) == (1, {"not_fitting": 1, "no_task": 1})


def test_a_task_of_ones_own_says_what_its_chat_is(curated: Path, tmp_path: Path) -> None:
    turn = '{"role": "%s", "content": {{ %s | tojson }}}'
    chat = f"[{turn % ('user', 'tone')}, {turn % ('assistant', 'note')}]"
    task = task_folder(tmp_path / "notes", chat=chat, checks=[])
    synthesize(task, curated, n=2, options={"tone": "calm"}, model=ScriptedModel(note_reply))
    rows = rows_in(curated, "notes", "messages", tmp_path)
    assert [row["messages"][0]["content"] for row in rows] == ["calm", "calm"]


def test_a_chat_that_uses_what_there_is_not_is_told_before_anything_is_asked(
    curated: Path, tmp_path: Path
) -> None:
    task = task_folder(tmp_path / "notes", chat="{{ nothing }}", checks=[])
    with pytest.raises(UserError, match="chat: uses the variable nothing"):
        synthesize(task, curated, n=1, model=ScriptedModel(any_reply))


def test_the_command_tells_what_the_form_has_no_row_for(run: Run, tmp_path: Path) -> None:
    hub = Hub.create(tmp_path / "hub")
    hub.records.add([solution("7"), record_of(None, "What is left?", dataset="solutions")])
    out = tmp_path / "chats.jsonl"
    result = run("export", "solutions", "--hub", hub.path, "--out", out, "--format", "messages")
    assert result.code == 0
    assert "1 records of solutions" in result.out
    assert "not in this form: no_answer 1" in result.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["solutions", "--format", "csv"], "--format csv: is none of records, personahub, messages"),
        (["solutions", "--format", "preferences", "--rejected"], "--rejected: preferences hold both"),
        (["solutions", "--view", "all"], "--view: is for personas"),
        (["--format", "messages"], "--format: is for a data set"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(
    run: Run, hub: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    out = tmp_path / "out.jsonl"
    assert said in one_line_error(run("export", *options, "--hub", hub, "--out", out))
    assert not out.exists()

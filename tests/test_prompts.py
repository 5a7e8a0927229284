"""The prompts that ``show`` gives are those that were sent, byte for byte, or none."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from commands import Run
from grown_hubs import document, persona
from personahub import Hub, Prompting, add, curate, expand, show, synthesize
from personahub.completion import Journal
from personahub.models import Reply, Request
from personahub.personas import TextToPersona
from personahub.personas.template import Granularity
from scripted import ScriptedModel, any_reply, relative_reply
from task_folders import note_reply, task_folder


class Remembering:
    """Answers as another function does, and remembers what was asked."""

    def __init__(self, answer: Any) -> None:
        self.sent: dict[str, Request] = {}
        self._answer = answer

    def __call__(self, request: Request) -> str | Reply:
        self.sent[request.key] = request
        reply: str | Reply = self._answer(request)
        return reply

    def assert_shown(self, hub: Path, ids: list[str]) -> int:
        """What is shown of these is what was sent; gives how many questions that are."""
        count = 0
        for id_ in ids:
            for asked in show(hub, id_).asked[id_]:
                sent = self.sent[asked.request]
                assert asked.why_not == ""
                assert asked.messages == [{"role": m.role, "content": m.content} for m in sent.messages]
                assert asked.sampling["seed"] == sent.sampling.seed
                assert asked.reply == self._answer(sent)
                count += 1
        return count


def ids_of(hub: Path, table: str, where: str = "true") -> list[str]:
    return [row["id"] for row in getattr(Hub(hub), table).rows(where)]


def test_the_prompts_of_personas_from_texts_are_those_sent(texts: Path, tmp_path: Path) -> None:
    model = Remembering(any_reply)
    curate([texts], tmp_path / "hub", model=ScriptedModel(model), relations=["read", "like"], per_relation=2)
    ids = ids_of(tmp_path / "hub", "personas")
    assert model.assert_shown(tmp_path / "hub", ids) == len(ids) > 2


@pytest.mark.parametrize("granularity", ["fine", "coarse"])
@pytest.mark.parametrize("language", [None, "ru", "zh"])
def test_prompts_of_any_granularity_and_language_are_built_again(
    tmp_path: Path, granularity: Granularity, language: str | None
) -> None:
    hub, text = Hub.create(tmp_path / "hub"), document(1)
    run, _ = hub.start_run("curate", {"per_relation": 2, "seed": 5})
    hub.save_run(run)
    hub.documents.add([text])
    asked = {}
    for question in TextToPersona("m", ["read", "like"], 2, granularity, language, 5).ask(text, 0):
        request, more = question.request, {"language": question.language, "relation": question.relation}
        one = persona(text, question.position, granularity=granularity, request=request.key, **more)
        hub.personas.add([one])
        asked[one.id] = [{"role": m.role, "content": m.content} for m in request.messages]
    assert {id_: show(hub.path, id_).asked[id_][0].messages for id_ in asked} == asked


def test_the_prompts_of_personas_of_later_rounds_are_those_sent(curated: Path) -> None:
    model = Remembering(relative_reply)
    expand(curated, rounds=2, per_persona=2, model=ScriptedModel(model))
    ids = ids_of(curated, "personas", "round > 0")
    assert model.assert_shown(curated, ids) == len(ids) > 2


@pytest.mark.parametrize(
    "how",
    [
        {"method": "zero-shot"},
        {"method": "few-shot"},
        {"method": "persona-enhanced"},
        {"scenario": "a flood", "seed": 9},
    ],
    ids=str,
)
def test_the_prompts_of_records_are_those_sent(curated: Path, how: dict[str, Any]) -> None:
    model, prompting = Remembering(any_reply), {name: how[name] for name in how if name != "seed"}
    synthesize(
        "math",
        curated,
        n=4,
        dataset="asked",
        seed=how.get("seed", 3),
        prompting=Prompting(**prompting),
        model=ScriptedModel(model),
    )
    ids = ids_of(curated, "records", "dataset = 'asked'")
    assert model.assert_shown(curated, ids) == len(ids) > 0


def test_the_prompt_of_one_of_several_candidates_is_the_one_sent(curated: Path, tmp_path: Path) -> None:
    model = Remembering(note_reply)
    task = task_folder(tmp_path / "notes", checks=[])
    synthesize(task, curated, n=3, prompting=Prompting(candidates=3), model=ScriptedModel(model))
    ids = ids_of(curated, "records", "dataset = 'notes'")
    assert model.assert_shown(curated, ids) == len(ids) > 0


def test_each_question_of_a_record_of_several_is_there(curated: Path, tmp_path: Path) -> None:
    task = task_folder(tmp_path / "notes", sequence="['more']", checks=[])
    model = Remembering(note_reply)
    synthesize(task, curated, n=2, model=ScriptedModel(model))
    ids = ids_of(curated, "records", "dataset = 'notes'")
    assert model.assert_shown(curated, ids) == 2 * len(ids)


def test_a_prompt_that_is_worded_otherwise_today_is_not_shown_but_its_reply_is(
    curated: Path, tmp_path: Path
) -> None:
    task = task_folder(tmp_path / "notes", checks=[])
    synthesize(task, curated, n=1, model=ScriptedModel(note_reply))
    prompt = task / "prompt.jinja"
    prompt.write_text(prompt.read_text("utf-8").replace("You write notes", "Notes you write"), "utf-8")
    (id_,) = ids_of(curated, "records", "dataset = 'notes'")
    (asked,) = show(curated, id_).asked[id_]
    assert (asked.messages, "worded otherwise today" in asked.why_not) == ([], True)
    assert asked.reply is not None


def test_a_task_that_is_gone_leaves_the_reply(curated: Path, tmp_path: Path) -> None:
    task = task_folder(tmp_path / "notes", checks=[])
    synthesize(task, curated, n=1, model=ScriptedModel(note_reply))
    shutil.rmtree(task)
    (id_,) = ids_of(curated, "records", "dataset = 'notes'")
    (asked,) = show(curated, id_).asked[id_]
    assert not asked.messages
    assert asked.reply is not None


def test_nobody_was_asked_for_an_imported_persona(tmp_path: Path) -> None:
    source = tmp_path / "p.jsonl"
    source.write_text(
        json.dumps({"persona": "A ferryman who knows every rock of the sound."}) + "\n", "utf-8"
    )
    add([source], tmp_path / "hub")
    (id_,) = ids_of(tmp_path / "hub", "personas")
    (asked,) = show(tmp_path / "hub", id_).asked[id_]
    assert asked.why_not == "nobody was asked: it was imported"


def test_while_another_process_writes_the_prompts_are_there_and_why_no_replies(made: Path) -> None:
    (id_, *_) = ids_of(made, "records")
    held = (
        "import sys; from personahub import Hub; from personahub.hub import locks\n"
        "with locks.writing(Hub(sys.argv[1]).path):\n    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", held, str(made)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        lineage = show(made, id_)
        writer.communicate(b"")
    (asked,) = lineage.asked[id_]
    assert asked.messages
    assert asked.reply is None
    assert "writ" in lineage.no_replies


def test_the_command_shows_ends_and_with_prompts_all(run: Run, made: Path) -> None:
    (id_, *_) = ids_of(made, "records")
    short, whole = (run("show", id_, "--hub", made, *more).out for more in ([], ["--prompts"]))
    told = json.loads(run("show", id_, "--hub", made, "--json").out)
    (asked,) = told["asked"][id_]
    assert "--prompts shows them whole" in short
    assert asked["messages"][0]["content"].split()[-1] in whole
    assert len(whole) > 2 * len(short)
    with Journal(Hub(made).journal_path) as journal:
        entry = journal.get(asked["request"])
    assert entry is not None
    assert asked["reply"] == entry.text


def test_a_text_is_shown_with_its_place_in_its_file(run: Run, made: Path) -> None:
    (id_, *_) = ids_of(made, "documents")
    assert ", row 1, from byte 0" in run("show", id_, "--hub", made).out

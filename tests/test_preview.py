"""What a task asks and gets, before records are made: nothing but the journal grows."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from commands import Run, one_line_error
from hubs import hub_of
from personahub import Hub, Prompting, UserError, merge, preview_task, show_task, synthesize
from personahub.cli.preview import print_previews
from personahub.models import Request
from personahub.workflows import calls as calls_of_workflows
from scripted import ScriptedModel
from task_folders import note_reply, task_folder

PEOPLE = [
    "A baker who weighs flour at night",
    "A diver who mends the nets of trawlers",
    "A clerk who counts the votes of a village",
    "A keeper who repairs the lamps of a lighthouse",
    "A librarian who restores old maps",
    "A welder who builds swings out of scrap",
]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """The folder of a small task."""
    return task_folder(tmp_path / "notes")


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A hub of six personas."""
    return hub_of(tmp_path / "hub", PEOPLE)[0].path


def state(hub: Path) -> dict[str, object]:
    """All that a hub holds beside its journal."""
    files = (path for path in hub.rglob("*") if path.is_file() and "journal" not in path.parts)
    return {str(path): path.read_bytes() for path in files if path.name != "lock"}


def test_without_a_hub_three_of_the_packages_personas_are_asked(notes: Path) -> None:
    model = ScriptedModel(note_reply)
    previews = preview_task(notes, language="en", model=model)
    assert model.calls == len(previews) == 3
    assert len({preview.persona for preview in previews}) == 3
    for preview in previews:
        assert preview.persona in preview.questions[0].messages[-1]["content"]
        assert preview.fields
        assert preview.text == preview.fields["note"]
        assert preview.set_aside is None


def test_the_packages_personas_are_in_three_languages_and_all_different(notes: Path) -> None:
    previews = preview_task(notes, n=8, model=ScriptedModel(note_reply))
    asked = " ".join(preview.questions[0].messages[-1]["content"] for preview in previews)
    assert len({preview.persona for preview in previews}) == 8
    for language in ("English", "Russian", "Chinese"):
        assert f"One note in {language}" in asked


@pytest.mark.parametrize("method", ["zero-shot", "few-shot", "persona-enhanced"])
def test_synthesize_with_the_same_seed_asks_nothing_twice(notes: Path, hub: Path, method: str) -> None:
    prompting = Prompting(method=method)  # type: ignore[arg-type]
    previews = preview_task(notes, hub=hub, seed=7, prompting=prompting, model=ScriptedModel(note_reply))
    made = synthesize(notes, hub, n=3, seed=7, prompting=prompting, model=ScriptedModel(note_reply))
    assert made.totals.calls == 0
    assert [record.text for record in made.records] == [preview.text for preview in previews]


@pytest.mark.parametrize("n", [1, 3, 5])
def test_pairs_are_those_that_synthesize_will_ask(tmp_path: Path, hub: Path, n: int) -> None:
    pairs = task_folder(tmp_path / "pairs", personas=2, without_personas="never")
    previews = preview_task(pairs, hub=hub, n=n, model=ScriptedModel(note_reply))
    made = synthesize(pairs, hub, n=n, repetition="off", model=ScriptedModel(note_reply))
    assert made.totals.calls == 0
    assert [record.text for record in made.records] == [preview.text for preview in previews]


def test_a_hub_gets_nothing_but_the_replies(notes: Path, hub: Path) -> None:
    before = state(hub)
    preview_task(notes, hub=hub, model=ScriptedModel(note_reply))
    assert state(hub) == before
    again = ScriptedModel(note_reply)
    assert len(preview_task(notes, hub=hub, model=again)) == 3
    assert again.calls == 0


def test_what_failed_is_asked_again_by_the_next_preview(notes: Path, hub: Path) -> None:
    failed = preview_task(notes, hub=hub, n=1, model=ScriptedModel(lambda _: "no JSON"))[0]
    assert failed.set_aside
    assert failed.set_aside["reason"] == "invalid_output"
    assert (failed.questions[0].reply, failed.text, failed.fields) == ("no JSON", "", None)
    assert preview_task(notes, hub=hub, n=1, model=ScriptedModel(note_reply))[0].set_aside is None


def test_a_hub_that_was_previewed_can_be_merged(notes: Path, hub: Path, tmp_path: Path) -> None:
    preview_task(notes, hub=hub, model=ScriptedModel(note_reply))
    merge(tmp_path / "both", [hub])
    model = ScriptedModel(note_reply)
    assert len(preview_task(notes, hub=tmp_path / "both", model=model)) == 3
    assert model.calls == 0


def test_every_step_is_shown(tmp_path: Path) -> None:
    steps = task_folder(tmp_path / "steps", sequence="['more', 'more']")
    (preview,) = preview_task(steps, n=1, model=ScriptedModel(note_reply))
    assert [question.step for question in preview.questions] == ["", "more", "more"]
    note = preview.questions[0].reply["note"]
    assert f"Go on from {note} after 1 turns" in preview.questions[1].messages[-1]["content"]
    told = preview.to_json()
    assert [step["step"] for step in told["steps"]] == ["more", "more"]
    assert set(told) == {"persona", "messages", "reply", "steps", "text", "fields", "set_aside"}


def test_a_step_that_fails_shows_what_came_before(tmp_path: Path) -> None:
    def fails_later(request: Request) -> str:
        return "?" if "Go on from" in str(request.messages) else note_reply(request)

    steps = task_folder(tmp_path / "steps", sequence="['more']")
    (preview,) = preview_task(steps, n=1, model=ScriptedModel(fails_later))
    assert [question.reply for question in preview.questions][1] == "?"
    assert preview.set_aside


def test_what_would_be_set_aside_tells_its_reason(tmp_path: Path, hub: Path) -> None:
    strict = task_folder(tmp_path / "strict", reject={"has_numbers": "[0-9]"})
    for preview in preview_task(strict, hub=hub, model=ScriptedModel(note_reply)):
        assert preview.set_aside
        assert preview.set_aside["reason"] == "has_numbers"
        assert preview.text


def test_a_copy_of_an_example_or_of_another_record_is_told(notes: Path) -> None:
    copy = json.dumps({"note": show_task(notes).examples[0]["reply"]["note"]})
    shown = Prompting(method="few-shot", shots=4)
    previews = preview_task(notes, n=1, prompting=shown, model=ScriptedModel(lambda _: copy))
    assert [each.set_aside and each.set_aside["reason"] for each in previews] == ["copies_example"]
    first, *others = preview_task(
        notes, language="en", prompting=Prompting("zero-shot"), model=ScriptedModel(lambda _: copy)
    )
    assert first.set_aside is None
    assert [each.set_aside and each.set_aside["reason"] for each in others] == ["repeats_record"] * 2


def test_fewer_items_than_asked_for_are_all_shown(tmp_path: Path) -> None:
    items = task_folder(
        tmp_path / "about", options={"about": {"help": "what", "type": "items"}}, without_personas="usual"
    )
    prompt = (
        (items / "prompt.jinja")
        .read_text("utf-8")
        .replace("{% if tone %} in a {{ tone }} tone{% endif %}", "")
    )
    (items / "prompt.jinja").write_text(prompt, "utf-8")
    (tmp_path / "things.txt").write_text(
        "the key\nСмотритель маяка каждый день чинит старые лампы\n", "utf-8"
    )
    previews = preview_task(
        items, options={"about": str(tmp_path / "things.txt")}, model=ScriptedModel(note_reply)
    )
    assert [preview.persona for preview in previews] == ["", ""]
    assert "старые лампы. One note in Russian" in previews[1].questions[0].messages[-1]["content"]


def test_language_is_that_of_all_records(notes: Path, hub: Path) -> None:
    for preview in preview_task(notes, hub=hub, language="ja", model=ScriptedModel(note_reply)):
        assert "One note in Japanese" in preview.questions[0].messages[-1]["content"]


# The command


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    """The model that every command asks."""
    model = ScriptedModel(note_reply)
    monkeypatch.setattr(calls_of_workflows, "open_language_models", lambda *_: [model])
    return model


def test_piped_it_is_plain_text_one_after_the_other(
    run: Run, notes: Path, hub: Path, scripted: ScriptedModel
) -> None:
    shown = run(
        "task", "preview", notes, "--hub", hub, "--tone", "dry", "-n", 2, "--seed", 4, "--method", "zero-shot"
    )
    assert shown.code == 0
    assert "\x1b" not in shown.out
    assert "in a dry tone" in shown.out
    assert [shown.out.count(part) for part in ("── ", "[system]", "[user]", "[reply]", "[record]")] == [2] * 5


def test_json_has_every_part(run: Run, notes: Path, scripted: ScriptedModel) -> None:
    first, *_ = json.loads(
        run("task", "preview", notes, "--json", "--language", "de", "--method", "zero-shot").out
    )
    assert [message["role"] for message in first["messages"]] == ["system", "user"]
    assert "German" in first["messages"][1]["content"]
    assert first["fields"]["note"] == first["reply"]["note"] == first["text"]
    assert first["set_aside"] is None


def test_on_a_wide_terminal_prompt_and_output_stand_side_by_side(notes: Path) -> None:
    previews = preview_task(notes, n=1, model=ScriptedModel(note_reply))

    def shown(width: int, *, terminal: bool) -> list[str]:
        out = io.StringIO()
        print_previews(previews, Console(file=out, width=width, force_terminal=terminal, no_color=True))
        return out.getvalue().splitlines()

    def beside(lines: list[str]) -> bool:
        return any("[system]" in line and "[reply]" in line for line in lines)

    assert beside(shown(120, terminal=True))
    assert not beside(shown(119, terminal=True))
    assert not beside(shown(200, terminal=False))


def test_a_long_line_is_not_broken_where_it_is_piped(run: Run, notes: Path, scripted: ScriptedModel) -> None:
    out = run("task", "preview", notes, "-n", 1).out
    persona = out.partition(": ")[2].partition("\n")[0]
    assert len(persona) > 100
    assert f"Persona: {persona}." in out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["-n", "0"], "-n 0: at least one"),
        (["--method", "instance-driven"], "draws on files"),
        (["--method", "best"], "is none of zero-shot"),
        (["--language", "xx"], "unknown language 'xx'"),
        (["--colour", "red"], "--colour: is no option of task preview (see --help) nor of the task notes"),
        (["--hub", "nowhere"], "is not there"),
    ],
)
def test_what_cannot_be_is_one_line_before_any_call(
    run: Run, notes: Path, scripted: ScriptedModel, options: list[str], told: str
) -> None:
    assert told in one_line_error(run("task", "preview", notes, *options))
    assert scripted.calls == 0


def test_a_broken_folder_is_one_line(run: Run, notes: Path, scripted: ScriptedModel) -> None:
    prompt = notes / "prompt.jinja"
    whole = prompt.read_text("utf-8")
    prompt.write_text(whole.replace("{{ persona }}", "{{ person }}"), "utf-8")
    assert "uses the variable person" in one_line_error(run("task", "preview", notes))
    prompt.write_text(whole.replace("{{ persona }}", "{{ persona.name.first }}"), "utf-8")
    assert "cannot be filled in" in one_line_error(run("task", "preview", notes))
    (notes / "task.yaml").unlink()
    assert "is no task's folder" in one_line_error(run("task", "preview", notes))


def test_related_personas_need_a_hub(tmp_path: Path) -> None:
    options = {"partner": {"help": "who", "default": "random", "choices": ["random", "related"]}}
    pairs = task_folder(tmp_path / "pairs", personas=2, options=options, without_personas="never")
    prompt = (
        (pairs / "prompt.jinja")
        .read_text("utf-8")
        .replace("{% if tone %} in a {{ tone }} tone{% endif %}", "")
    )
    (pairs / "prompt.jinja").write_text(prompt, "utf-8")
    with pytest.raises(UserError, match="give it with --hub"):
        preview_task(pairs, options={"partner": "related"}, model=ScriptedModel(note_reply))


def test_an_empty_hub_says_how_to_fill_it(
    run: Run, notes: Path, tmp_path: Path, scripted: ScriptedModel
) -> None:
    Hub.create(tmp_path / "empty")
    error = one_line_error(run("task", "preview", notes, "--hub", tmp_path / "empty"))
    assert "holds no personas yet" in error

"""Methods compared under the same calls: what is asked, what is counted, and what is told of it."""

import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from commands import Run, one_line_error
from hubs import hub_of
from personahub import Checks, Hub, Prompting, Selection, UserError, evaluate_arms, synthesize
from personahub.hub import RunStatus
from personahub.models import Reply, Request, RequestError, Usage
from personahub.workflows.calls import Calls
from personahub.workflows.evaluate.arms_report import notes, rows
from personahub.workflows.evaluate.arms_result import Arms
from personahub.workflows.runs import retry
from scripted import ScriptedModel
from task_folders import note_reply, task_folder

PEOPLE = [
    f"A {who} who {does} in {where}"
    for who in ("nurse", "miller", "diver", "tailor")
    for does, where in (("sings at work", "a mountain village"), ("repairs radios", "a harbour town"))
]
THREE = ("zero-shot", "few-shot", "persona-enhanced")


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return hub_of(tmp_path / "hub", PEOPLE)[0].path


@pytest.fixture
def notes_task(tmp_path: Path) -> Path:
    """A task whose records take one call each."""
    return task_folder(tmp_path / "notes", checks=[])


def compared(
    task: Path, hub: Path, model: ScriptedModel | None = None, calls: int = 8, **settings: Any
) -> Arms:
    given = {"methods": THREE, **settings}
    return evaluate_arms(task, hub, calls=calls, model=model or ScriptedModel(note_reply), **given)


def told(result: Arms, name: str) -> list[str]:
    """A line of the table."""
    return next(cells for first, *cells in rows(result) if first == name)


def by_arm(model: ScriptedModel, result: Arms) -> list[list[Request]]:
    """The requests of each method, which were asked one method after another."""
    assert model.slots == 1
    asked, split = iter(model.asked), []
    for arm in result.arms:
        split.append([next(asked) for _ in range(arm.calls)])
    assert next(asked, None) is None
    return split


def faulty(request: Request) -> str | Reply:
    """Every third reply is no JSON, again and again."""
    return "no JSON" if int(request.key[:4], 16) % 3 == 0 else note_reply(request)


def test_every_method_makes_the_same_number_of_calls(notes_task: Path, hub: Path) -> None:
    model = ScriptedModel(note_reply)
    result = compared(notes_task, hub, model, calls=9)
    assert [arm.calls for arm in result.arms] == [9, 9, 9]
    assert model.calls == 27
    assert [arm.accepted for arm in result.arms[:2]] == [9, 9]


@pytest.mark.parametrize("slots", [1, 3, 8])
def test_replies_that_cannot_be_used_are_calls_too(notes_task: Path, hub: Path, slots: int) -> None:
    model = ScriptedModel(faulty, slots=slots, delay=lambda request: int(request.key[4:6], 16) / 50_000)
    result = compared(notes_task, hub, model, calls=20)
    assert [arm.calls for arm in result.arms] == [20, 20, 20]
    assert model.calls == 60
    assert all(arm.spent.wasted for arm in result.arms)
    for arm in result.arms:
        # Nothing that was paid for is lost: each question is a record, or set aside, or given up.
        if not arm.prepared:
            assert arm.asked == arm.spent.replies + arm.spent.failures
            assert arm.asked == arm.accepted + sum(arm.set_aside.values()) + arm.spent.failures


def test_calls_that_a_server_refused_do_not_count(notes_task: Path, hub: Path) -> None:
    refused: set[str] = set()

    def busy(request: Request) -> str:
        if request.key not in refused:
            refused.add(request.key)
            raise RequestError("rate_limited", "too many", retry_after=0.0)
        return note_reply(request)

    result = compared(notes_task, hub, ScriptedModel(busy), calls=4, methods=["zero-shot"])
    assert (result.arms[0].calls, result.arms[0].accepted) == (4, 4)


def test_what_persona_enhanced_asks_about_its_examples_is_within_its_calls(
    notes_task: Path, hub: Path
) -> None:
    model = ScriptedModel(note_reply)
    result = compared(notes_task, hub, model, calls=12)
    enhanced = result.arms[2]
    asked = by_arm(model, result)[2]
    about_examples = ["persona" in str(request.schema) for request in asked]
    assert enhanced.prepared == sum(about_examples) > 0
    assert enhanced.accepted == 12 - enhanced.prepared
    assert told(result, "calls before the first record") == ["0", "0", str(enhanced.prepared)]


def test_a_method_whose_calls_all_go_before_its_first_record_has_none(notes_task: Path, hub: Path) -> None:
    result = compared(notes_task, hub, calls=3)
    assert [(arm.calls, arm.prepared, arm.accepted) for arm in result.arms] == [
        (3, 0, 3),
        (3, 0, 3),
        (3, 3, 0),
    ]


def test_records_of_several_steps_are_made_whole(hub: Path, tmp_path: Path) -> None:
    task = task_folder(tmp_path / "longer", sequence="['more', 'more']", checks=[])
    model = ScriptedModel(note_reply)
    result = compared(task, hub, model, calls=10, methods=["zero-shot", "few-shot"])
    assert [(arm.calls, arm.accepted) for arm in result.arms] == [(10, 3), (10, 3)]
    assert model.calls == 20


def test_all_methods_ask_the_same_personas_in_the_same_order(notes_task: Path, hub: Path) -> None:
    result = compared(notes_task, hub, calls=12, methods=["zero-shot", "few-shot"])
    people = [
        [row["persona_id"] for row in Hub(hub).records.rows(f"dataset = '{arm.dataset}'")]
        for arm in result.arms
    ]
    assert people[0] == people[1]
    assert people[0][:4] == people[0][8:12]
    assert len(set(people[0])) == 8 == result.personas
    assert any("8 personas for 12 calls" in line for line in notes(result))


def test_answers_that_the_hub_had_before_make_no_method_cheaper(notes_task: Path, hub: Path) -> None:
    plain = compared(notes_task, hub, calls=6).to_json()["arms"]
    model = ScriptedModel(note_reply)
    other = hub.parent / "other"
    hub_of(other, PEOPLE)
    for method in ("zero-shot", "persona-enhanced"):
        synthesize(notes_task, other, n=6, prompting=Prompting(method), model=ScriptedModel(note_reply))
    again = compared(notes_task, other, model, calls=6).to_json()["arms"]
    assert model.calls == 18
    counted = ("calls", "prepared", "accepted", "completion_tokens", "kept")
    assert [[arm[name] for name in counted] for arm in again] == [
        [arm[name] for name in counted] for arm in plain
    ]


def test_the_same_call_asks_nothing_twice(notes_task: Path, hub: Path) -> None:
    first = compared(notes_task, hub, calls=7)
    model = ScriptedModel(note_reply)
    assert compared(notes_task, hub, model, calls=7).to_json() == first.to_json()
    assert model.calls == 0
    runs = [run for run in Hub(hub).runs() if run.verb == "synthesize"]
    assert [run.status for run in runs] == [RunStatus.FINISHED] * 3


def test_another_method_is_added_to_those_that_are_there(notes_task: Path, hub: Path) -> None:
    first = compared(notes_task, hub, methods=["zero-shot"])
    model = ScriptedModel(note_reply)
    both = compared(notes_task, hub, model, methods=["few-shot", "zero-shot"])
    assert model.calls == 8
    assert both.arms[1] == first.arms[0]


@pytest.mark.parametrize("breaks_at", [3, 11, 22])
def test_what_a_crash_left_is_finished_without_a_second_question(
    notes_task: Path, hub: Path, tmp_path: Path, breaks_at: int
) -> None:
    whole = compared(notes_task, hub_of(tmp_path / "other", PEOPLE)[0].path)

    def breaking(request: Request) -> str:
        if model.calls == breaks_at:
            raise UserError("the key was revoked")
        return note_reply(request)

    model = ScriptedModel(breaking)
    with pytest.raises(UserError, match="revoked"):
        compared(notes_task, hub, model)
    rest = ScriptedModel(note_reply)
    result = compared(notes_task, hub, rest)
    assert model.answered + rest.calls == 24
    assert [arm.accepted for arm in result.arms] == [arm.accepted for arm in whole.arms]
    assert [arm.set_aside for arm in result.arms] == [arm.set_aside for arm in whole.arms]


def test_an_interrupt_keeps_what_was_answered(notes_task: Path, hub: Path) -> None:
    def interrupting(request: Request) -> str:
        if model.calls == 11:
            signal.raise_signal(signal.SIGINT)
        return note_reply(request)

    model = ScriptedModel(interrupting)
    stopped = compared(notes_task, hub, model)
    assert stopped.stopped is not None
    assert [arm.name for arm in stopped.arms] == ["zero-shot"]
    rest = ScriptedModel(note_reply)
    done = compared(notes_task, hub, rest)
    assert model.calls == model.answered < 16
    assert model.answered + rest.calls == 24
    assert [arm.calls for arm in done.arms] == [8, 8, 8]


def test_a_ceiling_holds_for_all_methods_together(notes_task: Path, hub: Path) -> None:
    full = sum(arm.tokens for arm in compared(notes_task, hub).arms)
    other = hub_of(hub.parent / "other", PEOPLE)[0].path
    bounded = compared(notes_task, other, how=Calls(max_tokens=full // 2))
    assert bounded.stopped is not None
    assert bounded.to_json()["finished"] is False
    assert 0 < len(bounded.arms) < 3
    model = ScriptedModel(note_reply)
    done = compared(notes_task, other, model)
    assert done.stopped is None
    assert 0 < model.calls < 24
    assert sum(arm.tokens for arm in done.arms) == full


def test_a_method_with_nothing_accepted_is_told_and_no_fault(
    notes_task: Path, hub: Path, tmp_path: Path
) -> None:
    result = compared(notes_task, hub, ScriptedModel(lambda _: "no JSON"), out=tmp_path / "out")
    assert [(arm.calls, arm.accepted, arm.kept) for arm in result.arms] == [(8, 0, 0)] * 3
    assert told(result, "for each kept: calls") == ["–"] * 3
    assert told(result, "kept of 100 calls") == ["0 [0, 32]"] * 3
    assert result.accepted is None
    assert "zero-shot, given up: invalid_output 4" in list(notes(result))
    assert (tmp_path / "out" / "arms.png").exists()


def test_a_text_that_comes_again_counts_once(notes_task: Path, hub: Path) -> None:
    same = ScriptedModel(lambda _: json.dumps({"note": "Rust sleeps in the boiler until somebody wakes it."}))
    arm = compared(notes_task, hub, same, methods=["no-persona"]).arms[0]
    assert (arm.accepted, arm.set_aside) == (1, {"repeats_record": 7})


def test_without_a_persona_the_usual_method_is_asked(notes_task: Path, hub: Path) -> None:
    model = ScriptedModel(note_reply)
    result = compared(notes_task, hub, model, methods=["few-shot", "no-persona"])
    with_one, without = by_arm(model, result)
    assert all(len(request.messages) == 6 for request in model.asked)
    assert all("Persona:" in request.messages[-1].content for request in with_one)
    assert not any("Persona:" in request.messages[-1].content for request in without)


def test_methods_that_vary_items_or_build_on_points_take_their_files(
    notes_task: Path, hub: Path, tmp_path: Path
) -> None:
    (tmp_path / "seeds.txt").write_text("Where has the bell gone?\nПочему печь холодная?\n铃在哪里？\n")
    (tmp_path / "points.txt").write_text("rust on iron hinges\nsteam in a closed pot\n")
    model = ScriptedModel(note_reply)
    result = compared(
        notes_task,
        hub,
        model,
        methods=["instance-driven", "key-point-driven"],
        seeds=str(tmp_path / "seeds.txt"),
        key_points=str(tmp_path / "points.txt"),
    )
    varied, pointed = by_arm(model, result)
    assert any("铃在哪里" in request.messages[-1].content for request in varied)
    assert all("rust on iron" in request.messages[-1].content for request in pointed)


def test_personas_may_be_chosen(notes_task: Path, hub: Path) -> None:
    model = ScriptedModel(note_reply)
    chosen = Selection(where="description LIKE '%diver%'")
    result = compared(notes_task, hub, model, methods=["zero-shot"], selection=chosen)
    assert result.personas == 2
    assert all("diver" in request.messages[-1].content for request in model.asked)


def test_a_language_of_the_personas_is_kept(notes_task: Path, tmp_path: Path) -> None:
    people = [("Пекарь, который чинит старые лодки", "ru"), ("在港口修理收音机的潜水员", "zh")]
    hub = hub_of(tmp_path / "mixed", people)[0].path
    result = compared(notes_task, hub, methods=["zero-shot", "few-shot"], calls=6)
    for arm in result.arms:
        languages = [row["language"] for row in Hub(hub).records.rows(f"dataset = '{arm.dataset}'")]
        assert set(languages) <= {"ru", "zh"}


REFUSED: Sequence[tuple[dict[str, Any], str]] = [
    ({"methods": ["zero-shot", "instance-driven"]}, "instance-driven needs --seeds FILE"),
    ({"methods": ["key-point-driven"]}, "key-point-driven needs --key-points FILE"),
    ({"methods": ["instance-driven"], "seeds": "none.txt"}, "--seeds none.txt: is no file"),
    ({"seeds": "a.txt"}, "--seeds a.txt: is for the method instance-driven"),
    ({"methods": ["guessing"]}, "--methods guessing: is none of zero-shot"),
    ({"methods": []}, "--methods: names none"),
    ({"calls": 0}, "--calls 0: each method needs at least one call"),
    ({"checks": Checks()}, "say what records are checked for"),
    ({"checks": Checks(("contamination",))}, "contamination: needs --against FILE"),
    ({"how": Calls(max_calls=5)}, "--max-calls: --calls says how many"),
    ({"how": Calls(estimate=True)}, "--estimate: is not for evaluate arms"),
    ({"how": Calls(batch=True)}, "--batch: "),
    ({"how": Calls(fresh=True)}, "--fresh: "),
]


@pytest.mark.parametrize(("settings", "message"), REFUSED)
def test_what_cannot_be_done_is_said_before_anything_is_asked(
    notes_task: Path, hub: Path, settings: dict[str, Any], message: str
) -> None:
    model = ScriptedModel(note_reply)
    with pytest.raises(UserError, match=message.replace("(", r"\(")):
        compared(notes_task, hub, model, **settings)
    assert model.calls == 0
    assert [run.verb for run in Hub(hub).runs()] == ["import"]


def test_a_task_without_examples_is_refused_for_the_methods_that_show_some(hub: Path, tmp_path: Path) -> None:
    bare = task_folder(tmp_path / "bare", examples=False)
    with pytest.raises(UserError, match="few-shot shows examples, and the task bare has none"):
        compared(bare, hub)


def test_a_task_about_personas_has_no_method_without(hub: Path, run: Run) -> None:
    command = ("evaluate", "arms", "--task", "dialogue", "--hub", hub, "--methods", "few-shot,no-persona")
    assert "is about personas and cannot do without" in one_line_error(run(*command))


def test_calls_of_unknown_price_have_no_cost(notes_task: Path, hub: Path) -> None:
    def untold(request: Request) -> Reply:
        return Reply(note_reply(request), "stop", Usage(None, None, None), 0.1)

    model = ScriptedModel(untold, name="gpt-unheard-of")
    model.provider = "https://models.example"
    result = compared(notes_task, hub, model, methods=["zero-shot"], calls=2)
    assert (result.arms[0].cost, told(result, "cost")) == (None, ["unknown"])
    assert "zero-shot: of 2 calls the tokens were not told" in list(notes(result))


def test_what_failed_is_not_asked_again_when_the_calls_are_spent(notes_task: Path, hub: Path) -> None:
    (arm,) = compared(notes_task, hub, ScriptedModel(faulty), methods=["zero-shot"], calls=20).arms
    assert arm.spent.failures
    model = ScriptedModel(note_reply)
    outcome = retry(hub, arm.runs[0], model=model)
    assert (model.calls, outcome.interrupted) == (0, False)
    assert Hub(hub).run(arm.runs[0]).status == RunStatus.FINISHED

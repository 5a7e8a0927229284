"""One question, many personas: who is asked, and that each answers once."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands import Run, one_line_error
from hubs import add_personas, hub_of
from personahub import Hub, UserError, ask, list_datasets, show
from personahub.models import Request
from personahub.synthesis import Task
from personahub.workflows import calls as calls_of_workflows
from scripted import ScriptedModel
from task_folders import note_reply, task_folder

QUESTION = "Should a village keep its school open for seven children?"
PEOPLE = [
    "A nurse who drives between farms in a rural district",
    "A nurse who visits patients in remote villages",
    "A nurse who works in a rural clinic without a doctor",
    "A biologist who counts newts in ditches",
    "A biologist who studies the moss of roofs",
    "A priest of three small parishes",
    "A welder who builds swings out of scrap",
    "A teacher of mathematics who coaches chess players",
]


@pytest.fixture(autouse=True)
def perspective(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small task in the place of the real one; the working folder is one of its own."""
    folder = task_folder(
        tmp_path / "perspective",
        options={"question": {"help": "what", "required": True}},
        reject={"evades": "EVADES"},
    )
    prompt = (folder / "prompt.jinja").read_text("utf-8")
    asked = prompt.replace("{% if tone %} in a {{ tone }} tone{% endif %}", " on {{ question }}")
    (folder / "prompt.jinja").write_text(asked, "utf-8")
    monkeypatch.setattr("personahub.workflows.ask._TASK", folder)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A hub of eight personas."""
    return hub_of(tmp_path / "hub", PEOPLE)[0].path


def test_the_real_task_takes_the_question() -> None:
    task = Task.load("perspective")
    settings = task.settings({"question": QUESTION})
    said = task.messages(
        {
            **settings,
            **{name: values[0] for name, values in task.declaration.vary.items()},
            **{"persona": "A priest", "other": "", "relation": "", "item": "", "reply": {}},
            "language_name": "English",
        }
    )
    assert QUESTION in said[1].content


# Without a hub: the personas as they stand


def test_each_persona_that_is_given_answers_once_in_their_order() -> None:
    model = ScriptedModel(note_reply, slots=3)
    answers = ask(QUESTION, "a biologist, a teacher,  a priest ,", model=model)
    assert [answer.persona for answer in answers.answers] == ["a biologist", "a teacher", "a priest"]
    assert model.calls == 3
    assert all(QUESTION in request.messages[0].content for request in model.asked)
    assert {answer.answer for answer in answers.answers} == {
        answer.fields["note"] for answer in answers.answers
    }


def test_the_answers_are_kept_in_a_hub_and_traceable(tmp_path: Path) -> None:
    answers = ask(QUESTION, ["a biologist", "a teacher"], model=ScriptedModel(note_reply))
    assert answers.hub == Path("ask-hub")
    (data_set,) = list_datasets(tmp_path / "ask-hub")
    assert (data_set.name, data_set.records) == ("ask", 2)
    lineage = show("ask-hub", answers.answers[1].record_id)
    assert lineage.persona
    assert (lineage.persona["id"], lineage.persona["source"]) == (answers.answers[1].persona_id, "ask")
    assert lineage.record
    assert json.loads(lineage.record["inputs"])["options"] == {"question": QUESTION}


def test_the_same_question_asks_nothing_twice_and_adds_nothing() -> None:
    first = ask(QUESTION, "a biologist, a teacher", model=ScriptedModel(note_reply))
    second = ask(QUESTION, "a biologist, a teacher", model=ScriptedModel(note_reply))
    assert second.outcome.totals.calls == 0
    assert second.answers == first.answers
    assert (Hub("ask-hub").personas.count(), Hub("ask-hub").records.count()) == (2, 2)


def test_one_more_persona_costs_one_more_call() -> None:
    ask(QUESTION, "a biologist, a teacher", model=ScriptedModel(note_reply))
    model = ScriptedModel(note_reply)
    answers = ask(QUESTION, "a biologist, a teacher, a welder", model=model)
    assert (len(answers.answers), model.calls) == (3, 1)
    assert Hub("ask-hub").personas.count() == 3


@pytest.mark.parametrize(
    ("given", "personas"),
    [
        ("a nurse, retired; a priest", ["a nurse, retired", "a priest"]),
        ("учитель, биолог", ["учитель", "биолог"]),
        ("教师，牧师、医生", ["教师", "牧师", "医生"]),
        ("一位老师，退休；一位牧师", ["一位老师，退休", "一位牧师"]),
        ("a nurse, a nurse", ["a nurse"]),
        (["a nurse, retired", " a\npriest "], ["a nurse, retired", "a priest"]),
    ],
)
def test_personas_are_parted_by_semicolons_or_else_by_commas(
    given: str | list[str], personas: list[str]
) -> None:
    answers = ask(QUESTION, given, model=ScriptedModel(note_reply))
    assert [answer.persona for answer in answers.answers] == personas


@pytest.mark.parametrize(
    ("question", "personas", "language", "name"),
    [
        (QUESTION, "a biologist, a priest", None, "English"),
        ("Нужно ли закрывать сельскую школу, где учатся семеро детей?", "учитель, биолог", None, "Russian"),
        ("村里只剩七个孩子，学校还要办下去吗？", "教师", None, "Chinese"),
        (QUESTION, "a priest", "sw", "Swahili"),
    ],
)
def test_answers_are_in_the_questions_language_or_the_one_asked_for(
    question: str, personas: str, language: str | None, name: str
) -> None:
    model = ScriptedModel(note_reply)
    ask(question, personas, language=language, model=model)
    assert {f"One note in {name}." in request.messages[-1].content for request in model.asked} == {True}


# With a hub: personas that are found there


def test_a_kind_of_personas_is_looked_for_and_three_of_it_asked(hub: Path) -> None:
    answers = ask(QUESTION, "nurses in rural areas", hub=hub, model=ScriptedModel(note_reply))
    assert {answer.persona for answer in answers.answers} == set(PEOPLE[:3])


def test_of_several_kinds_one_of_each_is_asked(hub: Path) -> None:
    answers = ask(QUESTION, "a priest; a welder; a biologist", hub=hub, model=ScriptedModel(note_reply))
    priest, welder, biologist = (answer.persona for answer in answers.answers)
    assert (priest, welder) == (PEOPLE[5], PEOPLE[6])
    assert biologist in PEOPLE[3:5]


def test_more_answers_are_shared_evenly(hub: Path) -> None:
    answers = ask(QUESTION, "rural nurses, biologists", hub=hub, n=5, model=ScriptedModel(note_reply))
    assert {answer.persona for answer in answers.answers[:3]} == set(PEOPLE[:3])
    assert {answer.persona for answer in answers.answers[3:]} == set(PEOPLE[3:5])


def test_no_persona_answers_twice_though_two_kinds_find_it(hub: Path) -> None:
    add_personas(Hub(hub), [PEOPLE[5]])
    answers = ask(QUESTION, "a priest, a priest of parishes", hub=hub, model=ScriptedModel(note_reply))
    assert len({answer.persona for answer in answers.answers}) == 2


def test_without_personas_any_are_drawn_by_seed(hub: Path) -> None:
    def drawn(seed: int, n: int | None = None) -> list[str]:
        answers = ask(QUESTION, hub=hub, n=n, seed=seed, model=ScriptedModel(note_reply)).answers
        return [answer.persona for answer in answers]

    assert len(drawn(1)) == 3
    assert drawn(1) == drawn(1, 5)[:3]
    assert drawn(1) != drawn(2)


def test_where_the_hub_has_fewer_all_of_them_answer_once(hub: Path) -> None:
    answers = ask(QUESTION, "people", hub=hub, n=30, model=ScriptedModel(note_reply))
    assert sorted(answer.persona for answer in answers.answers) == sorted(PEOPLE)


# What is set aside


def test_an_answer_that_is_set_aside_is_asked_for_again_of_the_same_persona() -> None:
    tries: Counter[str] = Counter()

    def evades_first(request: Request) -> str:
        who = request.messages[-1].content.partition(".")[0]
        tries[who] += 1
        return (
            json.dumps({"note": "This EVADES."})
            if tries[who] <= 2 and "teacher" in who
            else note_reply(request)
        )

    answers = ask(QUESTION, "a biologist, a teacher, a priest", model=ScriptedModel(evades_first))
    assert [answer.persona for answer in answers.answers] == ["a biologist", "a teacher", "a priest"]
    assert tries == {"Persona: a biologist": 1, "Persona: a teacher": 3, "Persona: a priest": 1}
    assert answers.outcome.set_aside == {"evades": 2}


@settings(deadline=None)
@given(evading=st.lists(st.integers(0, 4), min_size=5, max_size=5))
def test_nobody_answers_twice_however_many_replies_are_set_aside(
    tmp_path_factory: pytest.TempPathFactory, evading: list[int]
) -> None:
    hub, _ = hub_of(tmp_path_factory.mktemp("hub") / "hub", PEOPLE[:5])
    tries: Counter[str] = Counter()

    def reply(request: Request) -> str:
        who = request.messages[-1].content.removeprefix("Persona: ").partition(".")[0]
        tries[who] += 1
        evades = tries[who] <= evading[PEOPLE.index(who)]
        return json.dumps({"note": "This EVADES."}) if evades else note_reply(request)

    answers = ask(QUESTION, hub=hub.path, n=5, model=ScriptedModel(reply)).answers
    assert len({answer.persona for answer in answers}) == len(answers)
    if sum(evading) <= 15:
        assert len(answers) == 5
    for answer in answers:
        assert tries[answer.persona] == evading[PEOPLE.index(answer.persona)] + 1


def test_two_personas_may_say_the_same() -> None:
    same = json.dumps({"note": "Yes, as long as one child walks there."})
    answers = ask(QUESTION, "a biologist, a teacher", model=ScriptedModel(lambda _: same))
    assert len(answers.answers) == 2


# The command


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    """The model that every command asks."""
    model = ScriptedModel(note_reply)
    monkeypatch.setattr(calls_of_workflows, "open_language_models", lambda *_: [model])
    return model


def test_the_command_prints_each_persona_with_its_answer(run: Run, scripted: ScriptedModel) -> None:
    shown = run("ask", QUESTION, "--personas", "a biologist, a teacher")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[0] == "a biologist"
    assert "a teacher" in lines
    assert max(map(len, lines)) <= 96
    assert all(line == line.rstrip() for line in lines)
    assert "personahub show r" in shown.err


def test_a_chinese_answer_is_wrapped_by_the_width_of_its_characters(
    run: Run, scripted: ScriptedModel
) -> None:
    scripted._answer = lambda _: json.dumps({"note": "学校是村子的心脏，" * 20})
    lines = run("ask", "学校要不要办下去？", "--personas", "教师").out.splitlines()
    assert max(map(len, lines)) <= 48
    assert "".join(line.strip() for line in lines[1:]) == "学校是村子的心脏，" * 20


def test_json_and_a_file_have_the_same_answers(
    run: Run, hub: Path, scripted: ScriptedModel, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    printed = json.loads(
        run("ask", QUESTION, "--personas", "a priest; a welder", "--hub", hub, "--out", out, "--json").out
    )
    assert printed["question"] == QUESTION
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == [answer["record_id"] for answer in printed["answers"]]
    assert set(printed["answers"][0]) == {"persona", "persona_id", "record_id", "answer", "fields"}
    assert (printed["records"], printed["dataset"]) == (2, "ask")


def test_an_estimate_asks_few_and_tells_the_rest(run: Run, hub: Path, scripted: ScriptedModel) -> None:
    estimate = json.loads(run("ask", QUESTION, "--hub", hub, "-n", 8, "--estimate", "--json").out)
    assert (estimate["units"], scripted.calls) == (8, estimate["sampled"])
    assert scripted.calls < 8


def test_fewer_answers_than_asked_for_is_told(run: Run, scripted: ScriptedModel) -> None:
    scripted._answer = lambda _: json.dumps({"note": "This EVADES."})
    shown = run("ask", QUESTION, "--personas", "a biologist, a teacher")
    assert (shown.code, shown.out) == (1, "")
    assert "Only 0 of 2" in shown.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["", "--personas", "a priest"], "the question is empty"),
        ([" \n "], "the question is empty"),
        (["Why?"], "nobody is asked"),
        (["Why?", "--personas", " ; , "], "--personas: is empty"),
        (["Why?", "--personas", "a, b", "-n", "0"], "-n 0: at least one"),
        (["Why?", "--personas", "a, b", "-n", "1"], "-n 1: fewer answers than the 2"),
        (["Why?", "--personas", "a, b", "-n", "3"], "answer once each"),
        (["Why?", "--personas", "a", "--language", "xx"], "unknown language"),
        (["Why?", "--personas", "a", "--out", "out.csv"], "unknown format"),
        (["Why?", "--hub", "nowhere"], "is not there"),
    ],
)
def test_what_cannot_be_is_one_line_before_any_call(
    run: Run, scripted: ScriptedModel, arguments: list[str], told: str
) -> None:
    assert told in one_line_error(run("ask", *arguments))
    assert scripted.calls == 0


@pytest.mark.parametrize("personas", [[], ["--personas", "a priest"]])
def test_a_hub_without_personas_is_one_line(
    run: Run, tmp_path: Path, scripted: ScriptedModel, personas: list[str]
) -> None:
    Hub.create(tmp_path / "empty")
    assert "holds no personas yet" in one_line_error(
        run("ask", "Why?", "--hub", tmp_path / "empty", *personas)
    )


def test_a_folder_of_other_files_in_the_place_of_the_hub_is_one_line(
    run: Run, tmp_path: Path, scripted: ScriptedModel
) -> None:
    (tmp_path / "ask-hub").mkdir()
    (tmp_path / "ask-hub" / "notes.txt").write_text("mine")
    assert "holds other files and is no hub" in one_line_error(run("ask", "Why?", "--personas", "a priest"))


def test_a_persona_that_the_hub_does_not_have_is_told(hub: Path) -> None:
    from personahub import Selection, synthesize

    with pytest.raises(UserError, match="has no persona p000"):
        synthesize("math", hub, selection=Selection(ids=["p000"]), model=ScriptedModel(note_reply))
    with pytest.raises(UserError, match="leave other choices out"):
        Selection(ids=["p000"], query="nurses")


def test_an_answer_that_failed_can_be_asked_for_again_by_the_run(run: Run, scripted: ScriptedModel) -> None:
    scripted._answer = lambda request: "?" if "a teacher" in str(request.messages) else note_reply(request)
    first = run("ask", QUESTION, "--personas", "a biologist, a teacher", "--json")
    assert first.code == 1
    assert len(json.loads(first.out)["answers"]) == 1
    scripted._answer = note_reply
    number = Hub("ask-hub").runs()[-1].number
    assert run("runs", "retry", number, "--hub", "ask-hub").code == 0
    assert Hub("ask-hub").records.count() == 2

"""What a data set takes in: repetition set aside, names once, the same whatever the order of replies."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from hubs import hub_of
from personahub import Hub, Prompting, Selection, UserError, synthesize
from personahub.models import Message, Reply, Request, RequestError
from personahub.synthesis import Task
from personahub.workflows.running import Watcher
from scripted import ScriptedModel, problem_reply
from task_folders import note_reply, said_by_user, task_folder

PEOPLE = [
    f"A {who} who {does} in {where}"
    for who in ("nurse", "miller", "diver", "tailor", "glazier", "piper")
    for does, where in (("sings at work", "a mountain village"), ("repairs radios", "a harbour town"))
]


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return hub_of(tmp_path / "hub", PEOPLE)[0].path


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return task_folder(tmp_path / "notes")


def saying(*texts: str) -> Callable[[Request], str]:
    """Replies with each of these texts in turn, the last of them for ever."""
    left = list(texts)
    return lambda _: json.dumps({"note": left.pop(0) if len(left) > 1 else left[0]})


BRIDGE = "The old bridge over the river is closed for repairs until the end of the month"
BRIDGE_AGAIN = "The old river bridge is closed for repair work until the month ends"
SOUP = "Nobody has ever told the cook that lentil soup needs a spoon of vinegar"


def test_a_text_of_the_same_words_is_set_aside(notes: Path, hub: Path) -> None:
    model = ScriptedModel(saying(BRIDGE, BRIDGE + "!", SOUP))
    outcome = synthesize(notes, hub, n=2, repetition="surface", model=model)
    assert [record.text for record in outcome.records] == [BRIDGE, SOUP]
    assert outcome.set_aside == {"repeats_record": 1}
    (case,) = Hub(hub).set_aside.rows()
    assert outcome.ids[0] in case["detail"]


def test_a_text_of_the_same_meaning_is_set_aside_unless_words_alone_are_compared(
    notes: Path, hub: Path
) -> None:
    by_meaning = synthesize(notes, hub, n=2, model=ScriptedModel(saying(BRIDGE, BRIDGE_AGAIN, SOUP)))
    assert [record.text for record in by_meaning.records] == [BRIDGE, SOUP]
    assert by_meaning.set_aside == {"repeats_meaning": 1}
    model = ScriptedModel(saying(BRIDGE, BRIDGE_AGAIN, SOUP), name="another")
    by_words = synthesize(notes, hub, n=2, dataset="words", repetition="surface", model=model)
    assert [record.text for record in by_words.records] == [BRIDGE, BRIDGE_AGAIN]


def test_repetition_is_looked_for_in_the_whole_data_set_and_in_no_other(notes: Path, hub: Path) -> None:
    synthesize(notes, hub, n=1, model=ScriptedModel(saying(BRIDGE)))
    more = synthesize(notes, hub, n=1, seed=1, model=ScriptedModel(saying(BRIDGE_AGAIN, SOUP)))
    assert [record.text for record in more.records] == [SOUP]
    other = synthesize(notes, hub, n=1, seed=2, dataset="other", model=ScriptedModel(saying(BRIDGE)))
    assert [record.text for record in other.records] == [BRIDGE]


def test_off_lets_everything_pass(notes: Path, hub: Path) -> None:
    outcome = synthesize(notes, hub, n=3, repetition="off", model=ScriptedModel(saying(BRIDGE)))
    assert [record.text for record in outcome.records] == [BRIDGE] * 3


def test_a_task_may_want_no_look_for_repetition(hub: Path, tmp_path: Path) -> None:
    task = task_folder(tmp_path / "votes", checks=[])
    outcome = synthesize(task, hub, n=3, model=ScriptedModel(saying("Yes")))
    assert [record.text for record in outcome.records] == ["Yes"] * 3


def test_a_copy_of_an_example_or_a_seed_is_set_aside(notes: Path, hub: Path, tmp_path: Path) -> None:
    model = ScriptedModel(saying("The lamp was found under the stairs again this morning!", SOUP))
    shown = synthesize(notes, hub, n=1, prompting=Prompting("few-shot", shots=4), model=model)
    assert shown.set_aside == {"copies_example": 1}
    (tmp_path / "seeds.txt").write_text(BRIDGE)
    prompting = Prompting("instance-driven", seeds=str(tmp_path / "seeds.txt"))
    varied = synthesize(
        notes, hub, n=1, dataset="b", prompting=prompting, model=ScriptedModel(saying(BRIDGE, SOUP))
    )
    assert varied.set_aside == {"copies_seed": 1}


def test_a_text_that_takes_over_a_third_of_an_example_is_set_aside(notes: Path, hub: Path) -> None:
    taken = "The key was found under the mat again this morning, so who in this old house has walked about"
    own = "Nobody found the key, though it was under the mat all morning and the letter beside it"
    model = ScriptedModel(saying(f"{taken} between midnight and five o'clock?", own))
    outcome = synthesize(notes, hub, n=1, prompting=Prompting("few-shot", shots=4), model=model)
    assert [record.text for record in outcome.records] == [own]
    assert outcome.set_aside == {"copies_example": 1}


def test_ten_words_in_a_row_of_an_example_are_a_copy(tmp_path: Path, hub: Path) -> None:
    task = task_folder(tmp_path / "notes")
    taken = "the key was found under the mat again this morning"
    around = " ".join(f"{word}{number}" for number in range(9) for word in ("pier", "moss", "tin", "rope"))
    model = ScriptedModel(saying(f"{around}, {taken}", around))
    outcome = synthesize(task, hub, n=1, prompting=Prompting("few-shot", shots=4), model=model)
    assert (outcome.records[0].text, outcome.set_aside) == (around, {"copies_example": 1})


@pytest.mark.parametrize(
    ("language", "persona", "copy", "own"),
    [
        (
            "en",
            "A nurse who sings old songs at work and repairs radios in a small harbour town",
            "This nurse sings old songs at work and repairs radios in a small harbour town.",
            "A song at work helps this nurse of a small harbour town through the night.",
        ),
        (
            "zh",
            "一位在山里小镇上班时唱歌、下班后修理旧收音机的年轻护士",
            "她在山里小镇上班时唱歌、下班后修理旧收音机，今天很累。",
            "她下班后常常修理旧收音机，今天很累。",
        ),
    ],
)
def test_a_text_that_takes_over_its_personas_words_is_set_aside(
    tmp_path: Path, language: str, persona: str, copy: str, own: str
) -> None:
    hub_of(tmp_path / "hub", [persona])
    model = ScriptedModel(saying(copy, own))
    task = task_folder(tmp_path / "notes", examples=False)
    outcome = synthesize(task, tmp_path / "hub", n=1, language=language, model=model)
    assert (outcome.records[0].text, outcome.set_aside) == (own, {"copies_persona": 1})


def test_a_text_that_goes_in_circles_is_set_aside_where_a_task_minds(tmp_path: Path, hub: Path) -> None:
    circles = " ".join(f"It is easy to use and more reliable than machine {n} of the town." for n in range(9))
    straight = " ".join(f"{word}{number}" for number in range(12) for word in ("pier", "moss", "tin", "rope"))
    strict = task_folder(tmp_path / "strict", examples=False, distinct=0.8)
    outcome = synthesize(strict, hub, n=1, model=ScriptedModel(saying(circles, straight)))
    assert (outcome.records[0].text, outcome.set_aside) == (straight, {"goes_in_circles": 1})
    lenient = task_folder(tmp_path / "lenient", examples=False)
    assert synthesize(lenient, hub, n=1, model=ScriptedModel(saying(circles))).records[0].text == circles


def test_a_word_of_two_scripts_is_set_aside(notes: Path, hub: Path) -> None:
    fine = "Старый телевизор в IT-отделе сломан, 3D-принтер тоже"
    model = ScriptedModel(saying("Старый телевизora в отделе сломан", "Этот запاسник закрыт", fine))
    outcome = synthesize(notes, hub, n=1, language="ru", model=model)
    assert (outcome.records[0].text, outcome.set_aside) == (fine, {"mixed_scripts": 2})


def test_a_field_that_should_be_python_and_is_none_sets_aside(tmp_path: Path, hub: Path) -> None:
    schema = {"type": "object", "properties": {"note": {"type": "string"}}}
    task = task_folder(tmp_path / "code", examples=False, schema=schema, python=["note"], messages={})
    model = ScriptedModel(saying(" eggs = 3\nprint(eggs)", "print(3", "\0", "eggs = 3\nprint(eggs)"))
    outcome = synthesize(task, hub, n=1, model=model)
    assert (len(outcome.ids), outcome.set_aside) == (1, {"no_python": 3})


def test_a_name_that_must_be_unique_comes_once(hub: Path, tmp_path: Path) -> None:
    task = task_folder(tmp_path / "people", checks=[], unique="{{ note.split(',')[0] }}")
    model = ScriptedModel(saying("Mara Tilk, a smith", "MARA  tilk, a diver", "Olo, a smith"))
    outcome = synthesize(task, hub, n=2, model=model)
    assert [record.text for record in outcome.records] == ["Mara Tilk, a smith", "Olo, a smith"]
    assert outcome.set_aside == {"name_taken": 1}
    later = synthesize(task, hub, n=1, seed=5, model=ScriptedModel(saying("Olo, a nurse", "Ann, a nurse")))
    assert [record.text for record in later.records] == ["Ann, a nurse"]


def similar_reply(request: Request) -> str:
    """One of nine texts, so that many repeat each other, and which are kept depends on the order."""
    number = int(request.key[:4], 16) % 9
    same = Request("m", (Message("user", ""),), request.sampling, sample=number)
    return json.dumps({"note": json.loads(problem_reply(same))["problem"]})


def texts_of(hub: Path) -> list[tuple[str, str, int]]:
    return [(row["id"], row["text"], row["position"]) for row in Hub(hub).records.rows()]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_kept_does_not_depend_on_which_reply_comes_first(
    notes: Path, tmp_path: Path, seed: int
) -> None:
    one = hub_of(tmp_path / "one", PEOPLE)[0].path
    synthesize(notes, one, n=6, model=ScriptedModel(similar_reply))
    many = hub_of(tmp_path / "many", PEOPLE)[0].path
    chance = random.Random(seed)
    model = ScriptedModel(similar_reply, slots=5, delay=lambda _: chance.uniform(0, 0.02))
    synthesize(notes, many, n=6, model=model)
    assert texts_of(many) == texts_of(one)


class StopAfter(Watcher):
    """Interrupts after so many records."""

    def __init__(self, records: int) -> None:
        self._left = records

    def record_done(self, *_: object) -> None:
        import signal

        self._left -= 1
        if not self._left:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("records", [1, 3, 5])
def test_an_interrupted_run_goes_on_to_the_same_data_set(notes: Path, tmp_path: Path, records: int) -> None:
    one = hub_of(tmp_path / "one", PEOPLE)[0].path
    synthesize(notes, one, n=6, model=ScriptedModel(similar_reply))
    other = hub_of(tmp_path / "other", PEOPLE)[0].path
    stopped = synthesize(
        notes, other, n=6, model=ScriptedModel(similar_reply, slots=3), watcher=StopAfter(records)
    )
    assert stopped.interrupted
    synthesize(notes, other, n=6, model=ScriptedModel(similar_reply))
    assert sorted(texts_of(other)) == sorted(texts_of(one))


def test_the_numbers_say_what_was_made_for_the_records(notes: Path, hub: Path) -> None:
    model = ScriptedModel(saying(BRIDGE, BRIDGE, BRIDGE_AGAIN, SOUP))
    outcome = synthesize(notes, hub, n=2, model=model)
    assert outcome.to_json() == {
        "records": 2,
        "dataset": "notes",
        "asked": 4,
        "set_aside": {"repeats_meaning": 1, "repeats_record": 1},
        "calls": 4,
        "failures": 0,
    }


def test_records_are_written_in_the_papers_columns(notes: Path, hub: Path, tmp_path: Path) -> None:
    out = tmp_path / "paper.jsonl"
    synthesize(notes, hub, n=2, out=out, form="personahub", model=ScriptedModel(note_reply))
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [list(row) for row in rows] == [["input persona", "synthesized text", "description"]] * 2
    assert all(row["input persona"] in PEOPLE and row["description"] == "short note" for row in rows)


def test_parquet_holds_the_same_rows_as_json_lines(notes: Path, hub: Path, tmp_path: Path) -> None:
    synthesize(notes, hub, n=3, out=tmp_path / "a.jsonl", model=ScriptedModel(note_reply))
    synthesize(notes, hub, n=3, out=tmp_path / "a.parquet", model=ScriptedModel(note_reply))
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    rows = pq.read_table(tmp_path / "a.parquet").to_pylist()
    for row in rows:
        row["fields"], row["inputs"] = json.loads(row["fields"]), json.loads(row["inputs"])
    assert [{**row, "run": 0} for row in rows] == [{**line, "run": 0} for line in lines]


def test_one_data_set_takes_records_of_several_tasks(notes: Path, hub: Path) -> None:
    synthesize(notes, hub, n=2, dataset="mixed", model=ScriptedModel(note_reply))
    synthesize("math", hub, n=2, dataset="mixed", model=ScriptedModel(problem_reply))
    rows = list(Hub(hub).records.rows())
    assert {(row["dataset"], row["task"]) for row in rows} == {("mixed", "notes"), ("mixed", "math")}


def test_each_data_set_has_records_of_its_own(notes: Path, hub: Path) -> None:
    for dataset in ("a", "b"):
        synthesize(notes, hub, n=2, dataset=dataset, model=ScriptedModel(note_reply))
    rows = list(Hub(hub).records.rows())
    assert len({row["id"] for row in rows}) == 4
    assert len({row["text"] for row in rows}) == 2


def test_several_records_of_one_persona_come_in_a_row(notes: Path, hub: Path) -> None:
    selection = Selection(per_persona=3)
    outcome = synthesize(notes, hub, n=6, selection=selection, model=ScriptedModel(note_reply))
    personas = [record.persona_id for record in outcome.records]
    assert personas[:3] == personas[:1] * 3
    assert personas[3:] == personas[3:4] * 3
    assert len(set(personas)) == 2


def test_a_query_asks_those_nearest_to_it(notes: Path, hub: Path) -> None:
    selection = Selection(query="a nurse")
    outcome = synthesize(notes, hub, n=2, selection=selection, model=ScriptedModel(note_reply))
    assert all("nurse" in record.persona for record in outcome.records)


def test_a_condition_leaves_the_others_out(notes: Path, hub: Path) -> None:
    selection = Selection(where="description LIKE '%radios%'")
    outcome = synthesize(notes, hub, n=4, selection=selection, model=ScriptedModel(note_reply))
    assert all("radios" in record.persona for record in outcome.records)


def test_a_quota_asks_as_many_of_each_value(tmp_path: Path, notes: Path) -> None:
    mixed = [*PEOPLE, ("Медсестра из деревни, которая поёт на работе", "ru"), ("一位修理收音机的裁缝", "zh")]
    hub = hub_of(tmp_path / "mixed", mixed)[0].path
    selection = Selection(select="quota:language")
    outcome = synthesize(notes, hub, n=3, selection=selection, model=ScriptedModel(note_reply))
    assert sorted(record.language for record in outcome.records) == ["en", "ru", "zh"]


def test_a_diverse_selection_needs_embeddings(notes: Path, hub: Path) -> None:
    with pytest.raises(UserError, match="has no embeddings"):
        synthesize(notes, hub, n=1, selection=Selection(select="diverse"), model=ScriptedModel(note_reply))


def test_fewer_personas_than_records_is_told_before_anything_is_asked(notes: Path, hub: Path) -> None:
    told: list[tuple[int, str]] = []
    model = ScriptedModel(note_reply)

    class Notices(Watcher):
        def notice(self, text: str) -> None:
            told.append((model.calls, text))

    synthesize(notes, hub, n=30, model=model, watcher=Notices())
    assert told == [(0, "12 personas fit, fewer than 30 records need: each is asked up to 3 times")]


def test_pairs_are_two_personas_and_come_in_other_pairs_each_time_around(hub: Path, tmp_path: Path) -> None:
    task = task_folder(tmp_path / "talks", personas=2)
    outcome = synthesize(task, hub, n=24, model=ScriptedModel(note_reply))
    pairs = [
        (record.persona, json.loads(record.inputs)["other"]["description"]) for record in outcome.records
    ]
    assert all(one != other for one, other in pairs)
    assert len(set(pairs)) == 24


def test_related_pairs_are_those_that_the_hub_knows(hub: Path, tmp_path: Path) -> None:
    from personahub import expand
    from scripted import relative_reply

    expand(hub, rounds=1, per_persona=1, model=ScriptedModel(relative_reply))
    partner = {"partner": {"help": "who", "default": "random", "choices": ["random", "related"]}}
    task = task_folder(tmp_path / "talks", personas=2, options=partner | {"tone": {"help": "tone"}})
    outcome = synthesize(task, hub, n=4, options={"partner": "related"}, model=ScriptedModel(note_reply))
    people = {row["id"]: row for row in Hub(hub).personas.rows()}
    for record in outcome.records:
        inputs = json.loads(record.inputs)
        child = people[inputs["other"]["id"]]
        assert child["parent_id"] == record.persona_id
        assert child["relation"] == inputs["relation"]


def test_items_are_each_asked_about_as_often_as_wanted(hub: Path, tmp_path: Path) -> None:
    task = task_folder(
        tmp_path / "answers",
        options={"problems": {"help": "file", "type": "items", "required": True}, "tone": {"help": "tone"}},
        without_personas="usual",
        checks=[],
    )
    (tmp_path / "p.jsonl").write_text(
        "".join(json.dumps({"problem": f"What is {number} times six?"}) + "\n" for number in range(3))
        + "not JSON\n"
    )
    model = ScriptedModel(note_reply)
    outcome = synthesize(
        task, tmp_path / "new-hub", options={"problems": str(tmp_path / "p.jsonl")}, samples=2, model=model
    )
    items = [json.loads(record.inputs)["item"] for record in outcome.records]
    assert [item["row"] for item in items] == [1, 1, 2, 2, 3, 3]
    assert "What is 0 times six?" in said_by_user(model.asked[0])
    assert outcome.set_aside.total() == 1
    assert all(record.persona_id == "" for record in outcome.records)


def test_a_text_in_another_script_than_the_language_asked_for_is_set_aside(notes: Path, hub: Path) -> None:
    model = ScriptedModel(saying(BRIDGE, "Старый мост через реку закрыт до конца месяца"))
    outcome = synthesize(notes, hub, n=1, language="ru", model=model)
    assert outcome.set_aside == {"wrong_language": 1}
    assert outcome.records[0].language == "ru"


def test_code_does_not_count_for_the_language_of_a_text(notes: Path, hub: Path) -> None:
    said = "Старый мост закрыт\n\n```python\ndef bridge_is_open(day: str) -> bool:\n    return False\n```"
    outcome = synthesize(notes, hub, n=1, language="ru", model=ScriptedModel(saying(said)))
    assert (len(outcome.ids), outcome.set_aside) == (1, {})


@pytest.mark.parametrize(
    ("given", "stated", "left_out"),
    [
        (["12 eggs", "a dozen boxes"], "She sells 12 eggs.", None),
        (["12 eggs", "4 boxes"], "She sells 12 eggs in boxes.", "4"),
        (["4 boxes"], "She sells 14 boxes.", "4"),
        (["1,200 eggs"], "Она продала 1 200 яиц.", None),
        (["0.5 litre"], "Налили 0,5 литра.", None),
        (["1200元"], "他花了1200元。", None),
        (["2.50 euros"], "It costs 2 euros 50.", "2.50"),
        (["15 minutes"], "In 2024 15 minutes", None),
        ("7 days", "All week.", "7"),
        ([], "No number at all.", None),
    ],
)
def test_a_number_that_one_field_gives_and_the_other_leaves_out_is_a_fault(
    tmp_path: Path, given: str | list[str], stated: str, left_out: str | None
) -> None:
    properties = {"given": {"type": ["array", "string"]}, "note": {"type": "string"}}
    schema = {"type": "object", "properties": properties}
    folder = task_folder(tmp_path / "sums", examples=False, schema=schema, states={"note": ["given"]})
    fault = Task.load(folder).find_fault_of_fields({"given": given, "note": stated})
    last = given if isinstance(given, str) else next(iter(given[-1:]), "")
    told = f"note does not state the {left_out} of {last!r}"
    assert fault == (("number_left_out", told) if left_out else None)


def test_a_problem_that_leaves_out_a_number_it_planned_is_set_aside(hub: Path) -> None:
    def forgetful(request: Request) -> str:
        planned = json.loads(problem_reply(request))
        return json.dumps({**planned, "quantities": [*planned["quantities"], "977001 boxes"]})

    outcome = synthesize("math", hub, n=1, model=ScriptedModel(forgetful))
    assert set(outcome.set_aside) == {"number_left_out"}


def test_a_persona_longer_than_the_context_is_a_failure_of_its_own(notes: Path, tmp_path: Path) -> None:
    class Small(ScriptedModel):
        async def complete(self, request: Request, *, slot: int = 0) -> Reply:
            if len(said_by_user(request)) > 2000:
                raise RequestError("prompt_too_long", "900 tokens, of which 512 fit")
            return await super().complete(request, slot=slot)

    hub = hub_of(tmp_path / "long", [*PEOPLE[:3], "A clerk who " + "copies deeds and " * 150 + "sleeps"])[
        0
    ].path
    outcome = synthesize(notes, hub, n=4, model=Small(note_reply))
    assert len(outcome.records) == 4
    assert outcome.failures == {"prompt_too_long": 1}

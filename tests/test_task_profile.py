"""The task profile: a customer to read, and a biography where it is asked for."""

import json

from personahub.records import Record
from personahub.synthesis import Brief, Synthesizer, Task

PROFILE = {
    "name": "Maeve Orchard",
    "age": 44,
    "speech": {"style": "short and dry", "sample": "Two calls before breakfast."},
    "habits": ["checks the van at five", "shops on Saturday"],
    "preferences": ["phones rather than types", "avoids touch screens"],
    "problems": ["runs out of calcium twice a month", "bills late"],
    "goals": ["bills within two days", "one free night a week"],
}
USE = {
    "context": {"where": "in a van", "when": "between calls", "with_what": "an old phone"},
    "objections": ["no signal", "passwords"],
    "pays_for": ["a bookkeeper, 60 euros", "a tidy van"],
}
PARTS = ("childhood", "youth", "turning_point", "now")
BIOGRAPHY = {"biography": {part: f"{part}. It passed. It rained. It ended." for part in PARTS}}
VARIED = {"given": "M М 明", "family": "O О 欧阳", "stage": "usual", "manner": "short", "trouble": "sleep"}
BRIEF = Brief(0, "en", {"id": "p", "description": "A country vet"}, varied=VARIED)


def _synthesizer(**given: object) -> Synthesizer:
    task = Task.load("profile")
    return Synthesizer(task, task.settings(given), "model", "set")


def test_a_profile_reads_as_markdown() -> None:
    synthesizer = _synthesizer()
    record = synthesizer.answer(BRIEF, [PROFILE, USE], request="r", run=1)
    assert synthesizer.steps(BRIEF) == ("", "use")
    assert isinstance(record, Record)
    assert record.text.startswith("# Maeve Orchard, 44\n*short and dry*\n\n> Two calls before breakfast.")
    assert "## Objections\n- no signal\n- passwords" in record.text
    assert "Biography" not in record.text


def test_a_detailed_profile_ends_with_the_biography_in_paragraphs() -> None:
    synthesizer = _synthesizer(detailed=True)
    record = synthesizer.answer(BRIEF, [PROFILE, USE, BIOGRAPHY], request="r", run=1)
    assert isinstance(record, Record)
    told = record.text.split("## Biography\n")[1].split("\n\n")
    assert told == list(BIOGRAPHY["biography"].values())
    assert json.loads(record.fields)["biography"] == BIOGRAPHY["biography"]


def test_the_biography_is_asked_for_with_the_persona_and_the_profile() -> None:
    asked = _synthesizer(detailed=True).ask(BRIEF, [PROFILE, USE]).messages[-1].content
    assert all(said in asked for said in ("A country vet", "Maeve Orchard", "44", "runs out of calcium"))


def test_the_product_stands_fenced_in_the_question_about_its_use() -> None:
    given, none = _synthesizer(product='A fridge\n""" and a trap'), _synthesizer()
    system = given.ask(BRIEF, [PROFILE]).messages[0].content
    assert "A fridge" in system
    assert system.count('"""') == 2
    assert "The product" not in none.ask(BRIEF, [PROFILE]).messages[0].content

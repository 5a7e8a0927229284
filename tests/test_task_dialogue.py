"""The task dialogue: two personas who speak by turns."""

import json
from typing import Any

import jsonschema_rs
import pytest

from personahub.records import Record, SetAside
from personahub.synthesis import Brief, Synthesizer, Task

FIRST, SECOND = "A tuner of fairground organs", "A miller with a floating mill"
LINES = [
    "The big pipe wheezes at 440 since your mill turns upstream.",
    "My wheel makes 11 turns a minute, and no more than that.",
    "Then it shakes the barge, for I count 11 gasps as well.",
    "Move your anchor 30 metres, the water is slack down there.",
    "My cable is 20 metres long and cost me half a season.",
    "I have 15 metres of chain that you can borrow until Sunday.",
    "Chain rattles, and the organ hears everything through the hull.",
    "Wrap it in flour sacks, as I do below my own bedroom.",
]


def asker(**options: Any) -> Synthesizer:
    task = Task.load("dialogue")
    return Synthesizer(task, task.settings(options), "scripted", "talks")


def brief(relation: str = "") -> Brief:
    people = {"id": "p1", "description": FIRST}, {"id": "p2", "description": SECOND}
    return Brief(0, "en", people[0], other=people[1], relation=relation, varied={"occasion": "dispute"})


def reply(lines: list[str], second: str = "Miller") -> dict[str, Any]:
    pairs = zip(lines[::2], lines[1::2], strict=True)
    return {
        "place": "a river barge below a mill",
        "thing": "an organ with 60 pipes that has begun to wheeze",
        "first_speaker": "Tuner",
        "second_speaker": second,
        "exchanges": [{"first_says": one, "second_says": other} for one, other in pairs],
    }


def test_a_dialogue_is_read_turn_by_turn() -> None:
    record = asker().answer(brief(), [reply(LINES)], request="r", run=1)
    assert isinstance(record, Record)
    turns = json.loads(record.fields)["conversation"]
    assert [turn["says"] for turn in turns] == LINES
    assert [turn["speaker"] for turn in turns] == ["Tuner", "Miller"] * 4
    assert record.text.splitlines()[2] == f"**Tuner:** {LINES[0]}"


@pytest.mark.parametrize(("turns", "made"), [(4, 4), (7, 8), (8, 8), (24, 24)])
def test_a_reply_has_the_turns_that_are_asked_for(turns: int, made: int) -> None:
    schema = asker(turns=turns).ask(brief()).schema
    assert schema is not None
    validator = jsonschema_rs.validator_for(dict(schema))
    lengths = [n for n in range(2, 30, 2) if validator.is_valid(reply((LINES * 4)[:n]))]
    assert lengths == [made]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (reply(LINES, second="Tuner"), "same_speaker"),
        (reply(["Tuner and I agree that the mill shakes.", *LINES[1:]]), "narrates"),
        (reply([*LINES[:5], "Pay me now.", LINES[6], "Pay me now."]), "repeats_itself"),
        (reply([*LINES[:6], LINES[0], LINES[7]]), "repeats_itself"),
        (
            reply(["Thank you for the chain, that sounds great.", "You're welcome, I'm glad."] * 4),
            "only_politeness",
        ),
        (reply([*LINES[:6], "As the first persona I have to insist.", LINES[7]]), "repeats_request"),
    ],
)
def test_talk_without_substance_is_set_aside(changed: dict[str, Any], reason: str) -> None:
    outcome = asker().answer(brief(), [changed], request="r", run=1)
    assert isinstance(outcome, SetAside)
    assert outcome.reason == reason


def test_how_the_two_stand_to_each_other_reaches_the_prompt() -> None:
    related = asker(partner="related").ask(brief("family/poor_relative")).messages[-1].content
    assert "family; one of the two is the other's poor relative" in related
    assert FIRST in related
    assert SECOND in related
    assert "know each other" not in asker().ask(brief()).messages[-1].content


@pytest.mark.parametrize("turns", [4, 9, 24])
def test_the_prompt_has_a_course_for_every_exchange(turns: int) -> None:
    lines = asker(turns=turns).ask(brief()).messages[-1].content.splitlines()
    numbered = [line.partition(".")[0] for line in lines if line[0].isdigit()]
    assert numbered == [str(number + 1) for number in range((turns + 1) // 2)]

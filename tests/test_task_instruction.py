"""The task instruction: one message to an assistant, or a conversation with it."""

import json
from typing import Any

import pytest

from personahub.models import Request
from personahub.records import Record, SetAside
from personahub.synthesis import Brief, Synthesizer, Task

PERSONA = "A ferry cook who bakes rye bread in a galley oven that tilts"
VARIED = {"wish": "explain", "manner": "terse", "reaction": "doubt"}
MESSAGE = (
    "My 900 g rye loaves rise only on the port side of the oven. We list 4 degrees. Why, and what can I do?"
)


def asker(turns: int) -> Synthesizer:
    task = Task.load("instruction")
    return Synthesizer(task, task.settings({"turns": turns}), "scripted", "talks")


def brief(language: str = "en") -> Brief:
    return Brief(0, language, {"id": "p1", "description": PERSONA}, varied=VARIED)


def replies(turns: int, first: str = MESSAGE) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = [{"facts": ["900 g loaves", "4 degrees of list"], "message": first}]
    for turn in range(1, turns + 1) if turns > 1 else ():
        said.append(
            {"answer": f"Turn the loaves after {turn} minutes, because dough creeps downhill on a slope."}
        )
        said.append({"follow_up": f"I turned them {turn} times in the fog and they cracked, so why?"})
    return said[: 2 * turns]


def asked(synthesizer: Synthesizer, given: list[dict[str, Any]]) -> list[Request]:
    return [synthesizer.ask(brief(), given[:number]) for number in range(len(given))]


def told(request: Request) -> str:
    return " ".join(message.content for message in request.messages)


def test_one_turn_is_the_message_alone() -> None:
    record = asker(1).answer(brief(), replies(1), request="r", run=1)
    assert isinstance(record, Record)
    assert record.text == MESSAGE
    assert json.loads(record.fields)["messages"] == [{"role": "user", "content": MESSAGE}]


@pytest.mark.parametrize("turns", [2, 3, 10])
def test_each_turn_of_the_persona_is_answered(turns: int) -> None:
    synthesizer = asker(turns)
    given = replies(turns)
    assert len(given) == len(synthesizer.steps(brief()))
    record = synthesizer.answer(brief(), given, request="r", run=1)
    assert isinstance(record, Record)
    messages = json.loads(record.fields)["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"] * turns
    assert record.text.count("**User:**") == record.text.count("**Assistant:**") == turns


def test_only_the_persona_knows_the_persona() -> None:
    first, *further = asked(asker(3), replies(3))
    assert PERSONA in told(first)
    assert [PERSONA in told(request) for request in further] == [False, True, False, True, False]


def test_every_question_shows_the_whole_conversation() -> None:
    given = replies(3)
    last = told(asked(asker(3), given)[-1])
    said = [text for reply in given[:-1] for name, text in reply.items() if name != "facts"]
    assert all(text in last for text in said)


def test_the_persona_reacts_in_another_way_each_time() -> None:
    requests = asked(asker(10), replies(10))
    reactions = {request.messages[-1].content.partition("Now the user ")[2] for request in requests[2::2]}
    assert len(reactions) == 5


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (
            "The cook needs to know why his loaves rise on one side only and what he can do about it.",
            "third_person",
        ),
        ("Повар парома должен узнать, почему хлеб поднимается только с одной стороны печи.", "third_person"),
        ("厨师需要知道为什么面包只在烤箱的一侧发起来,以及应该怎样解决这个问题。", "third_person"),
        ("I check the bread in my oven on the ferry and I make sure that all of it is even.", "no_request"),
        ("Write a notice to [Name of the captain] about my oven, which tilts by 4 degrees.", "placeholder"),
        (
            "My bread rises on one side. Tell me more, so that I can help you with it.",
            "speaks_as_helper",
        ),
        ("Мой хлеб поднимается с одной стороны. Скажите, чем я могу вам помочь с печью?", "speaks_as_helper"),
        ("我的面包只在一侧发起来。请告诉我烤箱的温度和时间，这样我可以帮助你诊断问题。", "speaks_as_helper"),
        ("Correct my recipe for rye bread, which I bake on the ferry. This is the text:", "lacks_material"),
    ],
)
def test_a_message_that_nobody_would_send_is_set_aside(first: str, reason: str) -> None:
    outcome = asker(1).answer(brief(), replies(1, first), request="r", run=1)
    assert isinstance(outcome, SetAside)
    assert outcome.reason == reason


@pytest.mark.parametrize(
    ("language", "first"),
    [
        ("en", "The loaves that I need for 40 guests rise on one side only, and should I turn them?"),
        ("ru", "Я должен испечь 40 буханок до шести, а печь кренится на 4 градуса. Что делать?"),
        ("zh", "请告诉我为什么面包只在烤箱的左边发起来,船身向左斜了四度。"),
        ("de", "Warum geht das Brot nur links auf? Die Fähre hat 4 Grad Schlagseite."),
    ],
)
def test_a_message_in_the_first_person_passes(language: str, first: str) -> None:
    assert isinstance(asker(1).answer(brief(language), replies(1, first), request="r", run=1), Record)


def test_a_conversation_in_which_the_persona_repeats_the_answer_is_set_aside() -> None:
    given = replies(2)
    given[2] = {"follow_up": given[1]["answer"] + " Is that so?"}
    outcome = asker(2).answer(brief(), given, request="r", run=1)
    assert isinstance(outcome, SetAside)
    assert outcome.reason == "echoes"

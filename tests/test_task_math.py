"""The task math: plans by difficulty, examples that state their numbers, programs."""

import json
import re
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest

from personahub.records import Record, SetAside
from personahub.synthesis import Brief, GivenItem, Synthesizer, Task

MATH = Task.load("math")
PLANS = MATH.declaration.vary
BRIEF = Brief(0, "en", None, varied={name: values[0] for name, values in PLANS.items()})


@pytest.mark.parametrize("difficulty", ["school", "high-school", "university", "olympiad"])
def test_the_plan_of_the_difficulty_is_asked_for_and_no_other(difficulty: str) -> None:
    settings = MATH.settings({"difficulty": difficulty})
    said = " ".join(message.content for message in Synthesizer(MATH, settings, "m", "d").ask(BRIEF).messages)
    there = [name for name, plan in BRIEF.varied.items() if plan in said]
    assert there == [difficulty.replace("-", "_")]


@pytest.mark.parametrize(
    "guide", [{"seed_item": GivenItem("A seed.", {})}, {"key_points": ("mean", "median")}]
)
def test_a_seed_or_key_points_take_the_place_of_the_plan(guide: dict[str, Any]) -> None:
    synthesizer = Synthesizer(MATH, MATH.settings({}), "m", "d")
    brief = replace(BRIEF, **guide)
    assert not any(
        plan in message.content for message in synthesizer.ask(brief).messages for plan in PLANS["school"]
    )
    reply = {
        "quantities": ["7 eggs", "2 nests"],
        "problem": "There are 7 eggs in 2 nests. How many more could there be?",
    }
    record = synthesizer.answer(brief, [reply], request="r", run=1)
    assert isinstance(record, Record)
    assert json.loads(record.fields)["plan"] == ""


def test_a_focus_takes_the_place_of_the_plan() -> None:
    settings = MATH.settings({"focus": "knots"})
    said = " ".join(message.content for message in Synthesizer(MATH, settings, "m", "d").ask(BRIEF).messages)
    assert "about knots" in said
    assert not any(plan in said for plan in BRIEF.varied.values())


@pytest.mark.parametrize("number", range(len(MATH.examples)))
def test_an_example_states_all_of_its_numbers_and_has_a_plan_of_its_difficulty(number: int) -> None:
    example = MATH.examples[number]
    stated = set(re.findall(r"\d+(?:[.,]\d+)?", example.text))
    given = {re.match(r"\d+(?:[.,]\d+)?", quantity)[0] for quantity in example.reply["quantities"]}  # type: ignore[index]
    assert given <= stated
    assert MATH.find_fault(example.text) is None
    for name, plan in example.variables.items():
        assert name == example.options["difficulty"].replace("-", "_")
        if name == "school":  # Its plans have numbers.
            assert set(re.findall(r"\d+(?:[.,]\d+)?", plan)) <= stated
        else:
            assert plan in PLANS[name]


def test_a_plan_for_school_leads_to_one_answer_above_zero() -> None:
    plans = PLANS["school"]
    assert len(plans) == len(set(plans)) == 72
    for plan in plans:
        given, asked = plan.split("; asked is ")
        a, b, *rest = map(int, re.findall(r"\d+", given))
        c, d = (*rest, 0, 0)[:2]
        answers = {
            "after how many days": a / b,
            "what they cost": a * b + c * d,
            "how much the cheaper": abs(a * b - a * c - d),
            "how many are of the other": a * (100 - b) / 100,
            "how many boxes": -(-a // b),
            "how much of it": a * c / b,
            "how many minutes": a * b + c,
            "what the border": 2 * (a + b) * c,
            "how much there was": a + b + c,
            "the profit": a * b - c,
            "how many days the work": a / (b * c) if c else 0,
            "what is left": a * b - c,
        }
        answer = next(value for key, value in answers.items() if asked.startswith(key))
        assert answer > 0
        assert answer == int(answer)


def test_a_problem_that_leaves_out_a_number_of_its_plan_is_set_aside() -> None:
    synthesizer = Synthesizer(MATH, MATH.settings({}), "m", "d")
    problem = "A cook has 360 eggs and uses some of them each day. After how many days are they used up?"
    reply = {"quantities": ["360 eggs", "360 at first"], "problem": problem}
    lost = synthesizer.answer(BRIEF, [reply], request="r", run=1)
    assert isinstance(lost, SetAside)
    assert (lost.reason, "45" in lost.detail) == ("number_left_out", True)
    with_focus = Synthesizer(MATH, MATH.settings({"focus": "eggs"}), "m", "d")
    assert isinstance(with_focus.answer(BRIEF, [reply], request="r", run=1), Record)


def test_the_program_is_asked_for_when_the_problem_stands_and_kept() -> None:
    synthesizer = Synthesizer(MATH, MATH.settings({"with_program": True}), "m", "d")
    problem = dict(MATH.examples[0].reply)
    solution = {"program": "litres = 1350\ncows = 6\nprint(litres / (cows * 45))"}
    assert problem["problem"] in synthesizer.ask(BRIEF, [problem]).messages[-1].content
    given = replace(BRIEF, varied={**BRIEF.varied, **MATH.examples[0].variables})
    record = synthesizer.answer(given, [problem, solution], request="r", run=1)
    assert isinstance(record, Record)
    assert json.loads(record.fields)["program"] == solution["program"]
    assert record.text == problem["problem"]


@pytest.mark.parametrize(
    ("program", "fits"),
    [
        ("price = 3\nfor day in range(4):\n    price += day\nprint(price)", True),
        ("answer = 3", False),
        ("a = 3\nprint(a)\nprint(a)", False),
        ("a = 3\\n b = 4\nprint(a)", False),
    ],
)
def test_a_program_ends_with_its_only_print(program: str, fits: bool) -> None:
    schema = MATH.schema(MATH.settings({"with_program": True}), "solve")
    assert jsonschema_rs.is_valid(schema, {"program": program}) is fits


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        ("She buys 6 of one thing at 4 euros and 2 of another thing. What do they cost?", "unfilled"),
        ("Он купил 6 штук одной вещи и 2 другой вещи. Сколько?", "unfilled"),
        ("У неё 6 досок и другая вещь за 2 рубля. Сколько она заплатит?", "unfilled"),
        ("他买了6个某物和2样东西，一共多少钱？", "unfilled"),
        ("She mends 6 nets for 2 boats. How many things are there in all?", None),
    ],
)
def test_words_of_the_plan_in_place_of_things_are_found(problem: str, reason: str | None) -> None:
    found = MATH.find_fault(problem)
    assert (found[0] if found else None) == reason

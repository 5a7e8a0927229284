"""The task tool: interfaces that function-calling APIs accept, and code that has their signature."""

import ast
import json
import keyword
import re
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from personahub.records import Record, SetAside
from personahub.synthesis import Brief, Synthesizer, Task

TOOL = Task.load("tool")
SETTINGS = TOOL.settings({})

DAYS = {
    "need": "A weaver plans orders on paper and forgets how slow damp yarn is.",
    "name": "Weaving days",
    "description": "Computes how many days an order of cloth takes on one loom.",
    "function_name": "count_weaving_days",
    "input_args": [
        {"name": "damp", "type": "boolean", "description": "Whether the yarn is damp", "required": False},
        {"name": "metres", "type": "number", "description": "Length of the cloth", "required": True},
    ],
    "return": {"type": "integer", "description": "Days, rounded up"},
    "depend": [],
}
CODE = (
    "def count_weaving_days(metres: float, damp: bool | None = None) -> int:\n"
    "    days = metres / 4\n    return round(days)"
)
TESTS = (
    "from tool import count_weaving_days\n\n\n"
    "def test_four_metres_take_a_day() -> None:\n    assert count_weaving_days(4.0) == 1\n\n\n"
    "def test_no_cloth_takes_no_day() -> None:\n    assert count_weaving_days(0.0) == 0"
)


def faults(tool: dict[str, Any]) -> list[str]:
    """What the documented rules of function calling forbid in a tool, beside what JSON Schema itself does."""
    function = tool["function"]
    parameters = function["parameters"]
    required, names = parameters["required"], list(parameters["properties"])
    kept = {
        "is of the type function": set(tool) == {"type", "function"} and tool["type"] == "function",
        "has known keys": set(function) <= {"name", "description", "parameters", "strict"},
        "has a good name": re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", function["name"]),
        "has a description": 0 < len(function["description"]) <= 1024,
        "takes a closed object": (parameters["type"], parameters["additionalProperties"])
        == ("object", False),
        "has well named arguments": all(re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", name) for name in names),
        "requires each once": len(required) == len(set(required)),
        "requires what there is": set(required) <= set(names),
    }
    broken = [rule for rule, holds in kept.items() if not holds]
    return broken + [fault for each in parameters["properties"].values() for fault in argument_faults(each)]


def argument_faults(argument: dict[str, Any]) -> list[str]:
    values = argument.get("enum", ["any"])
    kept = {
        "has a JSON type": argument["type"] in {"string", "integer", "number", "boolean", "array"},
        "has items where it is an array": ("items" in argument) is (argument["type"] == "array"),
        "has different values": 0 < len(set(values)) == len(values) <= 500,
        "has known keys": set(argument) <= {"type", "items", "enum", "description"},
    }
    return [rule for rule, holds in kept.items() if not holds]


def derived(reply: dict[str, Any]) -> dict[str, Any]:
    function: dict[str, Any] = TOOL.finish(reply, SETTINGS)[1]["function"]
    assert jsonschema_rs.meta.is_valid(function["function"]["parameters"])
    assert faults(function) == []
    return function["function"]


def answer(*replies: dict[str, Any], implement: bool = False) -> Record | SetAside:
    synthesizer = Synthesizer(TOOL, TOOL.settings({"implement": implement}), "m", "d")
    return synthesizer.answer(Brief(0, "en", None), replies, request="r", run=1)


@pytest.mark.parametrize("number", range(len(TOOL.examples)))
def test_every_example_is_a_tool_that_function_calling_accepts(number: int) -> None:
    reply = dict(TOOL.examples[number].reply)
    function = derived(reply)
    assert function["name"] == reply["function_name"]
    assert list(function["parameters"]["properties"]) == [arg["name"] for arg in reply["input_args"]]


_TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
_NAME = st.from_regex(r"\A[a-z]{1,14}(_[a-z0-9]{1,14}){0,3}\Z")
_PLAIN = st.sampled_from(["string", "integer", "number", "boolean"])
_SHARED = {"name": _NAME, "description": _TEXT, "required": st.booleans()}
_ARGUMENT = (
    st.fixed_dictionaries(_SHARED | {"type": _PLAIN})
    | st.fixed_dictionaries(
        _SHARED | {"type": st.just("string"), "enum": st.lists(_TEXT, min_size=2, max_size=8)}
    )
    | st.fixed_dictionaries(_SHARED | {"type": st.just("array"), "items": _PLAIN})
)


@given(
    description=_TEXT,
    arguments=st.lists(_ARGUMENT, min_size=1, max_size=5, unique_by=lambda argument: argument["name"]),
)
def test_any_arguments_and_any_words_make_such_a_tool(
    description: str, arguments: list[dict[str, Any]]
) -> None:
    function = derived(DAYS | {"description": description, "input_args": arguments})
    assert function["description"] == description
    for argument in arguments:
        made = function["parameters"]["properties"][argument["name"]]
        assert made["description"] == argument["description"]
        assert made.get("enum", []) == list(dict.fromkeys(argument.get("enum", [])))


def test_the_tool_takes_calls_that_fit_and_no_others() -> None:
    validator = jsonschema_rs.validator_for(derived(DAYS)["parameters"])
    assert validator.is_valid({"metres": 2.5})
    assert validator.is_valid({"metres": 2, "damp": True})
    assert not validator.is_valid({"damp": True})
    assert not validator.is_valid({"metres": 2, "colour": "red"})
    assert not validator.is_valid({"metres": "two"})


def test_the_text_is_an_interface_with_required_arguments_first() -> None:
    text, _ = TOOL.finish(DAYS, SETTINGS)
    signature = "count_weaving_days(metres: float, damp: bool | None = None) -> int"
    assert f"`{signature}`" in text
    ast.parse(f"def {signature}: ...")
    assert "- `damp` (boolean, optional): Whether the yarn is damp" in text


def test_an_argument_that_comes_twice_or_is_a_word_of_python_is_set_aside() -> None:
    first = DAYS["input_args"][0]
    twice = answer(DAYS | {"input_args": [first, first]})
    assert isinstance(twice, SetAside)
    assert twice.reason == "same_argument_twice"
    for word in keyword.kwlist:
        reserved = answer(DAYS | {"input_args": [{**first, "name": word.lower()}]})
        assert isinstance(reserved, SetAside)
        assert reserved.reason == "reserved_name"


def test_a_tool_that_depends_on_itself_is_set_aside() -> None:
    itself = answer(DAYS | {"depend": ["a calendar", DAYS["function_name"]]})
    assert isinstance(itself, SetAside)
    assert itself.reason == "depends_on_itself"
    assert not isinstance(answer(DAYS | {"depend": ["count_weaving_days_of_year"]}), SetAside)


def test_with_implement_the_code_and_then_its_tests_are_asked_for() -> None:
    synthesizer = Synthesizer(TOOL, TOOL.settings({"implement": True}), "m", "d")
    brief = Brief(0, "en", None)
    assert synthesizer.steps(brief) == ("", "implement", "test")
    assert CODE.splitlines()[0] in synthesizer.ask(brief, [DAYS]).messages[-1].content
    assert CODE in synthesizer.ask(brief, [DAYS, {"code": CODE}]).messages[-1].content


def test_code_and_tests_of_the_function_are_kept() -> None:
    record = answer(DAYS, {"code": CODE}, {"tests": TESTS}, implement=True)
    assert isinstance(record, Record)
    for step, reply in (("implement", {"code": CODE}), ("test", {"tests": TESTS})):
        assert jsonschema_rs.is_valid(TOOL.schema(SETTINGS, step), reply)
    fields = json.loads(record.fields)
    assert (fields["code"], fields["tests"]) == (CODE, TESTS)
    assert CODE in record.text


@pytest.mark.parametrize(
    ("code", "tests", "reason"),
    [
        (CODE.replace("count_weaving_days", "count_days"), TESTS, "other_function"),
        (CODE, TESTS.replace("import count_weaving_days", "import count_days"), "other_function_tested"),
        (CODE.replace("days = metres / 4", "pass"), TESTS, "no_code"),
        (CODE.replace("metres / 4", "int(open('days.txt').read())"), TESTS, "not_self_contained"),
    ],
)
def test_code_that_is_not_the_tool_is_set_aside(code: str, tests: str, reason: str) -> None:
    found = answer(DAYS, {"code": code}, {"tests": tests}, implement=True)
    assert isinstance(found, SetAside)
    assert found.reason == reason

"""From a reply's text to its value, and what is asked after a reply that did not do."""

import contextlib
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personahub.completion.output import another_try, read_output
from personahub.errors import UserError
from personahub.models import Message, Reply, Request, RequestError, Sampling, Usage

SCHEMA = {
    "type": "object",
    "properties": {"persona": {"type": "string", "pattern": "^A "}, "age": {"type": "integer"}},
    "required": ["persona"],
    "additionalProperties": False,
}
FREE = Request("m", (Message("user", "Who?"),), Sampling(0.5, 0.9, 40, seed=3))
ASKED = replace(FREE, schema=SCHEMA)
USAGE = Usage(7, 0, 5)
COOK = {"persona": "A cook"}


def reply(text: str, finish: str = "stop") -> Reply:
    return Reply(text, finish, USAGE, 0.1)


def fault(text: str, finish: str = "stop", request: Request = ASKED) -> RequestError:
    with pytest.raises(RequestError) as raised:
        read_output(request, reply(text, finish))
    return raised.value


def test_without_a_schema_the_value_is_the_text() -> None:
    assert read_output(FREE, reply("Any {text} at all")) == "Any {text} at all"


@pytest.mark.parametrize(
    "text",
    [
        '{"persona": "A cook"}',
        ' \n{"persona":\t"A cook"}\n\n',
        '```json\n{"persona": "A cook"}\n```',
        'Sure! Here it is:\n\n{"persona": "A cook"}\n\nShall I give another?',
        '<think>Perhaps {"persona": "A draft"}? No.</think>{"persona": "A cook"}',
        'In {braces} like {"these": 1} there is nothing, but here: {"persona": "A cook"}',
        '{"persona": 7} was wrong, so {"persona": "A cook"}',
        '{"persona": "A cook"} {"persona": "A second one"}',
        '{"wrapped": 1, {"persona": "A cook"}',
    ],
)
def test_json_is_found_wherever_it_stands(text: str) -> None:
    assert read_output(ASKED, reply(text)) == COOK


def test_a_line_break_inside_a_string_that_stands_in_prose_is_borne() -> None:
    assert read_output(ASKED, reply('Here: {"persona": "A cook\nat sea"}')) == {"persona": "A cook\nat sea"}


def test_a_whole_value_counts_even_where_the_server_says_that_it_was_cut_off() -> None:
    assert read_output(ASKED, reply('{"persona": "A cook"}   ', "length")) == COOK


@given(
    st.fixed_dictionaries({"persona": st.text().map("A ".__add__)}, optional={"age": st.integers()}),
    st.text(alphabet="ab `\n:.!"),
    st.text(alphabet="ab `\n:.!"),
)
def test_any_fitting_object_comes_back_as_it_is(value: dict[str, Any], before: str, after: str) -> None:
    assert read_output(ASKED, reply(before + json.dumps(value) + after)) == value


@given(st.text(), st.sampled_from(["stop", "length"]))
def test_any_text_gives_a_fitting_value_or_a_named_fault(text: str, finish: str) -> None:
    with contextlib.suppress(RequestError):
        assert read_output(ASKED, reply(text, finish))["persona"].startswith("A ")
        return
    error = fault(text, finish)
    assert error.reason in {"invalid_output", "cut_off", "whitespace_loop"}
    assert (error.usage, error.text) == (USAGE, text)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"persona": 7}', "persona"),
        ('{"persona": "The cook"}', "persona"),
        ('{"persona": "A cook", "age": "old"}', "age"),
        ('{"person": "A cook"}', "'person'"),
        ('{"persona": "A cook", "trade": "x"}', "trade"),
        ("[]", "the whole"),
        ("7", "the whole"),
        ("Sorry, I would rather not.", "no JSON"),
        ("", "no JSON"),
        ('{"persona": "A cook', "no JSON"),
    ],
)
def test_what_does_not_fit_is_invalid_and_says_where(text: str, where: str) -> None:
    error = fault(text)
    assert error.reason == "invalid_output"
    assert where in str(error)
    assert len(str(error)) <= 300
    assert (error.usage, error.text) == (USAGE, text)


@pytest.mark.parametrize(
    "text",
    [r'{"persona": "A cook \ud83d"}', r'{"persona": "A cook", "\ud83d": 1}', '{"a":' * 300 + "1" + "}" * 300],
)
def test_json_that_could_not_be_kept_is_invalid(text: str) -> None:
    assert fault(text).reason == "invalid_output"
    assert read_output(ASKED, reply(text + '\n{"persona": "A cook"}')) == COOK


def test_a_reply_that_ends_in_the_middle_of_a_string_is_cut_off() -> None:
    error = fault('{"persona": "A cook who', "length")
    assert (error.reason, error.usage) == ("cut_off", USAGE)
    assert "40 tokens" in str(error)


def test_free_text_that_was_cut_off_is_no_completion() -> None:
    assert fault("A cook who", "length", FREE).reason == "cut_off"


@pytest.mark.parametrize("blank", [" ", "\n", "\t\n "])
def test_blanks_without_end_are_a_loop(blank: str) -> None:
    assert fault('{"persona":' + blank * 100, "length").reason == "whitespace_loop"
    assert fault("A cook" + blank * 100, "length", FREE).reason == "whitespace_loop"


@pytest.mark.parametrize("text", ["{", "[", '{"persona":', '{"a":1}'])
def test_megabytes_of_braces_are_invalid_and_take_no_time(text: str) -> None:
    start = time.perf_counter()
    assert fault(text * (2**20 // len(text))).reason == "invalid_output"
    assert time.perf_counter() - start < 1


def test_a_schema_that_is_none_is_the_users_to_mend() -> None:
    with pytest.raises(UserError, match="schema of the output"):
        read_output(replace(FREE, schema={"type": "persona"}), reply("{}"))


def test_invalid_output_is_shown_to_the_model_with_what_is_wrong() -> None:
    error = fault('{"persona": 7}')
    sent = another_try(ASKED, ASKED, error, 1)
    assert sent.messages[: len(ASKED.messages)] == ASKED.messages
    shown, said = sent.messages[len(ASKED.messages) :]
    assert (shown.role, shown.content, said.role) == ("assistant", '{"persona": 7}', "user")
    assert str(error) in said.content
    assert (sent.schema, sent.sampling) == (ASKED.schema, ASKED.sampling)


def test_corrections_do_not_pile_up() -> None:
    first = another_try(ASKED, ASKED, fault('{"persona": 7}'), 1)
    second = another_try(ASKED, first, fault('{"persona": 8}'), 2)
    assert len(second.messages) == len(first.messages)
    assert second.messages[-2].content == '{"persona": 8}'


@pytest.mark.parametrize(("text", "length"), [("", 1), ("x" * 100_000, 4000)])
def test_what_is_shown_is_never_empty_and_never_long(text: str, length: int) -> None:
    assert len(another_try(ASKED, ASKED, fault(text), 1).messages[-2].content) == length


@pytest.mark.parametrize("reason", ["cut_off", "whitespace_loop", "empty_reply"])
def test_what_came_out_badly_by_chance_is_drawn_with_another_seed(reason: str) -> None:
    error = RequestError(reason, "…")
    first, second = (another_try(ASKED, ASKED, error, tries) for tries in (1, 2))
    assert len({ASKED.sampling.seed, first.sampling.seed, second.sampling.seed}) == 3
    assert replace(first, sampling=ASKED.sampling) == ASKED


@pytest.mark.parametrize("reason", ["rate_limited", "timeout", "server_error", "malformed_reply"])
def test_after_any_other_fault_the_same_is_sent_again(reason: str) -> None:
    corrected = another_try(ASKED, ASKED, fault("{}"), 1)
    for sent in (ASKED, corrected):
        assert another_try(ASKED, sent, RequestError(reason, "…"), 2) is sent

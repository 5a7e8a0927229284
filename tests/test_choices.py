"""Replies that are one word of a few, and how likely each was."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personahub.completion.output import read_output
from personahub.models import NOTHING_TOLD, Message, Reply, Request, RequestError, Sampling
from personahub.models.choices import choice_schema, choices_of, first_tokens, with_chances

WORDS = choice_schema(["yes", "no"])


def asked(schema: dict[str, object] | None = WORDS) -> Request:
    return Request("m", (Message("user", "Is it?"),), Sampling(0.0, 1.0, 4, 0), schema)


def told(said: str, **tokens: float) -> Reply:
    known = [(token.replace("_", " "), math.log(chance)) for token, chance in tokens.items()]
    return Reply(said, "stop", NOTHING_TOLD, 0.1, known)


def chances(said: str, **tokens: float) -> dict[str, float]:
    return read_output(asked(), with_chances(asked(), told(said, **tokens)))


def test_the_chance_of_each_word_is_that_of_the_tokens_it_begins_with() -> None:
    # Other tokens have the rest, so the chances are shared out anew.
    assert chances("no", yes=0.3, no=0.5, maybe=0.2) == {"yes": 0.375, "no": 0.625}


def test_capitals_spaces_and_parts_of_words_count() -> None:
    assert chances("Yes", Yes=0.2, _yes=0.1, Y=0.1, NO=0.1) == {"yes": 0.8, "no": 0.2}


@pytest.mark.parametrize("said", ["no", "No.", "**No**", " no, because it is not", '"no"'])
def test_where_no_probability_is_told_the_word_has_all_of_it(said: str) -> None:
    assert chances(said) == {"yes": 0.0, "no": 1.0}


def test_tokens_that_begin_no_word_tell_nothing() -> None:
    assert chances("yes", The=0.9, x=0.1) == {"yes": 1.0, "no": 0.0}


def test_a_reply_that_is_none_of_the_words_is_invalid() -> None:
    with pytest.raises(RequestError) as raised:
        chances("Perhaps")
    assert raised.value.reason == "invalid_output"


def test_other_requests_keep_their_replies() -> None:
    reply = told("yes", yes=0.5)
    assert with_chances(asked(None), reply) is reply
    assert with_chances(asked({"type": "object"}), reply) is reply
    assert (choices_of(WORDS), choices_of(None)) == (["yes", "no"], ())


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=2))
def test_chances_come_to_one_and_keep_their_order(weights: list[float]) -> None:
    found = chances("yes", yes=weights[0], no=weights[1])
    assert sum(found.values()) == pytest.approx(1, abs=1e-5)
    assert (found["yes"] > found["no"]) == (weights[0] > weights[1]) or found["yes"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"logprobs": None},
        {"logprobs": {"content": []}},
        {"logprobs": {"content": [{"token": "yes", "logprob": -0.1}]}},
        {"logprobs": {"tokens": ["yes"]}},
        {"logprobs": {"content": [{"top_logprobs": [{"token": "yes"}]}]}},
        {"logprobs": [1]},
    ],
)
def test_probabilities_of_another_form_are_none(choice: dict[str, object]) -> None:
    assert first_tokens(json.loads(json.dumps(choice))) == ()

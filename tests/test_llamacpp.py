"""The real llama.cpp with the small test model."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from personahub import UserError
from personahub.models import Message, Reply, Request, RequestError, Sampling
from personahub.models.choices import choice_schema, with_chances
from personahub.models.llamacpp import LlamaCpp
from personahub.personas import TextToPersonaTemplate
from personahub.records import Document

STORY = "The ferry crosses the sound twice a day and carries mail, bread and school children. " * 6
SCHEMA = {
    "type": "object",
    "properties": {"persona": {"type": "string", "maxLength": 60}, "age": {"type": "integer"}},
    "required": ["persona", "age"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def model(small_model: str) -> Iterator[LlamaCpp]:
    opened = LlamaCpp(Path(small_model), name="smollm2-135m")
    yield opened
    asyncio.run(opened.close())


def request(
    end: str, *, schema: dict[str, object] | None = None, max_tokens: int = 60, seed: int = 1
) -> Request:
    return Request(
        model="smollm2-135m",
        messages=(Message("user", f"{STORY}\n\n{end}"),),
        sampling=Sampling(temperature=0.8, top_p=0.95, max_tokens=max_tokens, seed=seed),
        schema=schema,
    )


def complete(model: LlamaCpp, *requests: Request) -> list[Reply]:
    async def ask() -> list[Reply]:
        return [await model.complete(one) for one in requests]

    return asyncio.run(ask())


def cached_share(reply: Reply) -> float:
    """Of the prompt's tokens."""
    usage = reply.usage
    assert usage.prompt_tokens
    assert usage.cached_tokens is not None
    return usage.cached_tokens / usage.prompt_tokens


def test_a_reply_fits_the_schema_and_has_one_space_where_json_has_one(model: LlamaCpp) -> None:
    for seed in range(5):
        (reply,) = complete(model, request("Who rides it? Answer in JSON.", schema=SCHEMA, seed=seed))
        assert set(json.loads(reply.text)) == {"persona", "age"}
        without_strings = re.sub(r'"(?:[^"\\]|\\.)*"', '""', reply.text)
        assert re.fullmatch(r'\{"": "", "": -?\d+\}', without_strings)


def test_one_word_of_a_few_comes_with_the_chance_of_each(model: LlamaCpp) -> None:
    asked = [
        request(f"Does the ferry carry {what}? Answer with yes or no.", schema=choice_schema(["yes", "no"]))
        for what in ("mail", "elephants")
    ]
    replies = complete(model, *asked)
    assert {reply.text for reply in replies} <= {"yes", "no"}
    found = [json.loads(with_chances(one, reply).text) for one, reply in zip(asked, replies, strict=True)]
    for chances in found:
        assert sum(chances.values()) == pytest.approx(1, abs=1e-5)
        assert 0 < chances["yes"] < 1
    assert found[0] != found[1]


def longest_copy(text: str, before: str) -> int:
    """Words in a row that stand in the text before, or earlier in the text itself."""
    words, known = text.split(), before.split()
    best = 0
    for start in range(len(words)):
        length = best + 1
        while start + length <= len(words) and any(
            (known + words[:start])[at : at + length] == words[start : start + length]
            for at in range(len(known) + start)
        ):
            best = length
            length += 1
    return best


def test_dry_keeps_a_model_from_copying_and_from_going_in_circles(model: LlamaCpp) -> None:
    asked = request("Say the whole text above once more, word for word.", max_tokens=120)
    copies = {}
    for dry in (0.0, 3.0):
        sampling = Sampling(temperature=0.0, top_p=1.0, max_tokens=120, seed=1, dry=dry)
        (reply,) = complete(model, replace(asked, sampling=sampling))
        copies[dry] = longest_copy(reply.text, STORY)
    assert copies[0.0] > 15
    assert copies[3.0] < 10


def test_a_shared_prefix_is_served_by_the_cache(model: LlamaCpp) -> None:
    first, second = complete(model, request("Who reads this?"), request("Who writes this?"))
    assert second.usage.prompt_tokens == first.usage.prompt_tokens
    assert cached_share(second) > 0.9


def test_an_earlier_prefix_is_still_warm_when_it_comes_again(model: LlamaCpp) -> None:
    other = Request("smollm2-135m", (Message("user", "Bees. " * 300),), Sampling(0.8, 0.95, 5, 1))
    _, _, again = complete(model, request("Who reads this?"), other, request("Who hates this?"))
    assert cached_share(again) > 0.9


def test_a_prompt_that_does_not_fit_fails_alone(model: LlamaCpp) -> None:
    long = Request("smollm2-135m", (Message("user", "word " * 6000),), Sampling(0.8, 0.95, 5, 1))
    with pytest.raises(RequestError) as failed:
        complete(model, long)
    assert failed.value.reason == "prompt_too_long"
    assert complete(model, request("Who reads this?"))[0].text


def test_a_reply_that_is_cut_off_says_so(model: LlamaCpp) -> None:
    (reply,) = complete(model, request("Tell a very long story.", max_tokens=3))
    assert (reply.finish_reason, reply.usage.completion_tokens) == ("length", 3)


@pytest.mark.slow
def test_deterministic_repeats_replies_bit_for_bit_whatever_came_between(small_model: str) -> None:
    model = LlamaCpp(Path(small_model), name="smollm2-135m", slots=3, deterministic=True)
    assert model.slots == 1
    ends = ["Who reads this?", "Who writes this?", "Who likes this?"]
    first = complete(model, *(request(end) for end in ends))
    again = complete(model, *(request(end) for end in reversed(ends)))
    asyncio.run(model.close())
    assert [reply.text for reply in again] == [reply.text for reply in reversed(first)]
    assert all(cached_share(reply) == 0 for reply in first + again)


def test_each_slot_keeps_its_own_prefix(small_model: str) -> None:
    model = LlamaCpp(Path(small_model), name="smollm2-135m", slots=2)

    async def turns() -> list[Reply]:
        async def turn(slot: int) -> list[Reply]:
            text = ("Bees sleep. ", "Ships sail. ")[slot] * 60
            chats = [Message("user", text + end) for end in ("Who reads?", "Who writes?", "Who likes?")]
            requests = [Request("smollm2-135m", (chat,), Sampling(0.8, 0.95, 8, 1)) for chat in chats]
            return [await model.complete(one, slot=slot) for one in requests]

        return [reply for replies in await asyncio.gather(turn(0), turn(1)) for reply in replies]

    replies = asyncio.run(turns())
    asyncio.run(model.close())
    assert all(cached_share(reply) > 0.8 for reply in replies[1:3] + replies[4:6])


def test_a_broken_model_file_is_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(1000))
    with pytest.raises(UserError, match="cannot load this model"):
        complete(LlamaCpp(broken, name="broken"), request("Who?"))


@pytest.mark.parametrize("language", ["en", "ru", "zh"])
@pytest.mark.parametrize("granularity", ["fine", "coarse"])
def test_the_form_of_a_persona_is_enforced(model: LlamaCpp, language: str, granularity: str) -> None:
    template = TextToPersonaTemplate.load()
    document = Document(text=STORY[:200], language=language, source="ferry.txt", row=1)
    system, text, answer, *_, question = template.messages(
        document, "read", language=language, granularity=granularity
    )
    schema = template.schema(language, granularity)
    asked = Request(
        model="smollm2-135m",
        # One example is enough for a model that shall only write in the language.
        messages=(system, text, answer, question),
        # Room enough for any reply of the form, however many tokens its letters take.
        sampling=Sampling(temperature=1.0, top_p=1.0, max_tokens=900, seed=3),
        schema=schema,
    )
    (reply,) = complete(model, asked)
    pattern = schema["properties"]["persona"]["pattern"]
    assert re.search(pattern, json.loads(reply.text)["persona"])

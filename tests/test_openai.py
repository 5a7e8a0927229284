"""The OpenAI protocol: what a reply or a refusal means, and servers that take less than the protocol has."""

import asyncio
import email.utils
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from load_server import LoadServer
from personahub.errors import UserError
from personahub.models import Message, Reply, Request, RequestError, Sampling, Usage
from personahub.models.choices import choice_schema
from personahub.models.http import Server
from personahub.models.openai import OpenAIModel
from personahub.models.opening import Opening, named_servers, open_language_models
from raw_server import Answer, RawServer, completion, error, serving, whole

KEY = "my-secret-key-42"
SCHEMA = {"type": "object", "properties": {"persona": {"type": "string"}}, "required": ["persona"]}
ASKED = Request(
    "gpt-4o-mini", (Message("system", "Be brief."), Message("user", "Who?")), Sampling(0.5, 0.9, 40, 3)
)
IN_FORM = replace(ASKED, schema=SCHEMA)
IN_WORDS = replace(ASKED, schema=choice_schema(["yes", "no"]))


def asked(
    answer: bytes | list[bytes] | Answer, request: Request = ASKED, *, times: int = 1
) -> tuple[list[Reply], RawServer]:
    """The replies to some calls, and what the server saw."""

    async def work() -> tuple[list[Reply], RawServer]:
        async with serving(answer) as server:
            model = OpenAIModel(Server(server.url, key=KEY, timeout=5), "gpt-4o-mini")
            try:
                return [await model.complete(request) for _ in range(times)], server
            finally:
                await model.close()

    return asyncio.run(work())


def fault(answer: bytes, request: Request = ASKED) -> RequestError:
    with pytest.raises(RequestError) as raised:
        asked(answer, request)
    assert KEY not in str(raised.value) + raised.value.text
    return raised.value


def final(answer: bytes) -> str:
    """The one line of an error that ends the run."""
    with pytest.raises(UserError) as raised:
        asked(answer)
    message = str(raised.value)
    assert "\n" not in message
    assert KEY not in message
    return message


def test_the_body_is_what_the_protocol_says() -> None:
    _, server = asked(completion('{"persona": "A cook"}'), IN_FORM)
    assert server.bodies == [
        {
            "model": "gpt-4o-mini",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who?"}],
            "temperature": 0.5,
            "top_p": 0.9,
            "max_tokens": 40,
            "seed": 3,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA},
            },
        }
    ]


def test_one_word_of_a_few_is_asked_for_with_its_probabilities_and_in_no_form() -> None:
    told = {"content": [{"token": "no", "top_logprobs": [{"token": "no", "logprob": -0.1}]}]}
    said = {"message": {"content": "no"}, "finish_reason": "stop", "logprobs": told}
    (reply,), server = asked(whole(body={"choices": [said]}), IN_WORDS)
    assert reply.tokens == [("no", -0.1)]
    assert server.bodies[0]["logprobs"] is True
    assert server.bodies[0]["top_logprobs"] == 20
    assert "response_format" not in server.bodies[0]


def test_a_reply_has_its_text_its_end_and_its_tokens() -> None:
    (reply,), _ = asked(completion("A cook", finish="length"))
    assert (reply.text, reply.finish_reason) == ("A cook", "length")
    assert reply.usage == Usage(prompt_tokens=7, cached_tokens=2, completion_tokens=3)
    assert 0 < reply.seconds < 5


def test_a_reply_of_the_load_server_is_one() -> None:
    async def work(server: LoadServer) -> Reply:
        model = OpenAIModel(Server(server.url), "any")
        try:
            return await model.complete(replace(ASKED, model="any"))
        finally:
            await model.close()

    with LoadServer() as server:
        reply = asyncio.run(work(server))
    assert json.loads(reply.text)["persona"].startswith("A ")
    assert reply.finish_reason == "stop"


@pytest.mark.parametrize(
    "usage", [{}, {"prompt_tokens": None}, {"prompt_tokens": "7"}, {"prompt_tokens": -1}]
)
def test_tokens_that_were_not_told_are_none_and_not_zero(usage: object) -> None:
    (reply,), _ = asked(completion(usage=usage))
    assert reply.usage == Usage(None, None, None)


@pytest.mark.parametrize("usage", [7, "many", [1], {"prompt_tokens_details": 7}])
def test_a_usage_of_another_form_is_malformed_and_does_not_end_the_run(usage: object) -> None:
    assert fault(completion(usage=usage)).reason == "malformed_reply"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b'{"choices": [{"mess',
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b'{"choices": [7]}',
        b'{"choices": 7}',
        b'{"choices": {"0": 1}}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": "yes"}]}',
        b'{"choices": [{"message": {"content": 7}}]}',
        b'{"choices": [{"message": {"content": ["yes"]}}]}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_completion_is_malformed_and_may_have_been_billed(body: bytes) -> None:
    found = fault(whole(200, body))
    assert (found.reason, found.usage) == ("malformed_reply", Usage())
    assert len(found.text) <= 200


def test_a_malformed_body_that_repeats_the_key_shows_none() -> None:
    assert "…" in fault(whole(200, f"oops: {KEY}".encode())).text


@pytest.mark.parametrize("choices", [b"[]", b"null", b"[{}]"])
def test_no_choice_and_no_text_are_empty_replies(choices: bytes) -> None:
    assert (
        fault(whole(200, b'{"choices": %b, "usage": {"prompt_tokens": 7}}' % choices)).reason == "empty_reply"
    )
    for text in (None, ""):
        found = fault(completion(text))
        assert (found.reason, found.usage) == ("empty_reply", Usage(7, 2, 3))


@pytest.mark.parametrize(
    "said",
    [completion("half", finish="content_filter"), completion(None, finish="stop", refusal="I will not.")],
)
def test_a_reply_that_the_server_holds_back_is_final_and_billed(said: bytes) -> None:
    found = fault(said)
    assert (found.reason, found.usage) == ("content_filter", Usage(7, 2, 3))


@pytest.mark.parametrize(
    ("answer", "reason", "says"),
    [
        (error(429, "Slow down"), "rate_limited", "Slow down"),
        (error(503, "Full"), "overloaded", "503: Full"),
        (error(529, "Overloaded"), "overloaded", "529"),
        (error(500, "Oops"), "server_error", "500: Oops"),
        (error(502, "Bad gateway"), "server_error", "502"),
        (error(504, "Gateway timeout"), "server_error", "504"),
        (error(408, "Too slow"), "server_error", "408"),
        (whole(500, b"<html>\n<h1>Internal error</h1></html>"), "server_error", "Internal error"),
        (whole(500, b""), "server_error", "500"),
        (error(400, "This model's maximum context length is 8192 tokens."), "prompt_too_long", "8192"),
        (error(400, "Too big", code="context_length_exceeded"), "prompt_too_long", "Too big"),
        (error(413, ""), "prompt_too_long", "413"),
        (error(400, "Image input is not taken."), "refused", "Image input"),
        (error(422, "No."), "refused", "422"),
        (whole(400, {"detail": "Not Found"}), "refused", "Not Found"),
        (whole(400, {"error": "model not loaded"}), "refused", "model not loaded"),
        (whole(400, {"object": "error", "message": "vLLM says no", "code": 400}), "refused", "vLLM says no"),
        (whole(400, ["no"]), "refused", "no"),
        (whole(418, b"teapot"), "refused", "teapot"),
    ],
)
def test_a_status_tells_what_to_do(answer: bytes, reason: str, says: str) -> None:
    found = fault(answer)
    assert (found.reason, found.usage) == (reason, None)
    assert says in str(found)
    assert "\n" not in str(found)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (error(401, f"Incorrect API key provided: {KEY}."), "set it in PERSONAHUB_API_KEY"),
        (error(403, "Forbidden"), "set it in PERSONAHUB_API_KEY"),
        (error(402, "Insufficient balance"), "no credit left"),
        (error(429, "You exceeded your current quota", code="insufficient_quota"), "no credit left"),
        (error(404, "The model does not exist"), "knows no model 'gpt-4o-mini'"),
        (whole(404, b"404 page not found"), "or is no such address"),
        (whole(307, b"", "Location: https://elsewhere.example/v1"), "https://elsewhere.example/v1"),
        (whole(307, b"", f"Location: https://elsewhere.example/{KEY}"), "elsewhere.example"),
    ],
)
def test_what_no_other_call_would_get_round_ends_the_run_in_one_line(answer: bytes, says: str) -> None:
    message = final(answer)
    assert says in message
    assert message.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("key", ["sk-proj-abcdef0123456789", "hf_abcdefabcdef", "key-0123456789"])
def test_another_key_that_an_error_repeats_is_hidden(key: str) -> None:
    assert key not in str(fault(error(400, f"bad {key}, sent as Bearer {key}")))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("Retry-After: 7", 7),
        ("Retry-After: 0.25", 0.25),
        ("Retry-After:  3 ", 3),
        ("Retry-After: 0", 0),
        ("retry-after-ms: 1500", 1.5),
        ("Retry-After: Wed, 21 Oct 2015 07:28:00 GMT", 0),
    ],
)
@pytest.mark.parametrize("status", [429, 503, 500])
def test_the_wait_that_a_server_asks_for_is_read_in_any_form(
    status: int, header: str, seconds: float
) -> None:
    assert fault(error(status, "Wait", header)).retry_after == seconds


def test_a_wait_up_to_a_date_is_the_time_until_then() -> None:
    then = email.utils.formatdate(time.time() + 60, usegmt=True)
    wait = fault(error(429, "Wait", f"Retry-After: {then}")).retry_after
    assert wait is not None
    assert 55 <= wait <= 60


@pytest.mark.parametrize("header", ["Retry-After: soon", "Retry-After: 1.2.3", "retry-after-ms: x", "X: y"])
def test_a_wait_that_cannot_be_read_is_none(header: str) -> None:
    assert fault(error(429, "Wait", header)).retry_after is None


def refusing(field: str, message: str) -> tuple[list[dict[str, Any]], Answer]:
    """A server that refuses requests with this field, and the bodies that it took."""
    taken: list[dict[str, Any]] = []

    async def answer(request: bytes, _: asyncio.StreamWriter) -> bytes:
        body = json.loads(request.partition(b"\r\n\r\n")[2])
        if field in body:
            return error(400, message)
        taken.append(body)
        return completion('{"persona": "A cook"}')

    return taken, answer


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("max_tokens", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        ("seed", "Unrecognized request argument supplied: seed"),
        ("top_p", "top_p: Extra inputs are not permitted"),
        ("temperature", "Unsupported value: 'temperature' does not support 0.5 with this model."),
        ("response_format", "This model does not support response_format of type json_schema"),
        ("response_format", "'json_schema' is unknown"),
        ("response_format", "Failed to parse grammar"),
        ("logprobs", "'logprobs' is not supported with this model."),
        ("logprobs", "You are not allowed to request top_logprobs"),
    ],
)
def test_a_field_that_the_server_refuses_is_left_out_once_for_all(field: str, message: str) -> None:
    taken, answer = refusing(field, message)
    replies, server = asked(answer, IN_WORDS if field == "logprobs" else IN_FORM, times=3)
    assert len(replies) == 3
    # One refusal in all.
    assert len(server.requests) == 4
    assert all(body.keys() >= {"model", "messages"} for body in taken)


def test_max_tokens_goes_by_its_newer_name() -> None:
    taken, answer = refusing("max_tokens", "Unsupported parameter: 'max_tokens'")
    asked(answer)
    assert taken[0]["max_completion_tokens"] == 40


def test_a_schema_that_the_server_does_not_take_is_shown_in_the_prompt() -> None:
    taken, answer = refusing("response_format", "response_format is not supported")
    asked(answer, IN_FORM)
    last = taken[0]["messages"][-1]
    assert last["role"] == "user"
    assert last["content"].startswith("Who?")
    assert '"required":["persona"]' in last["content"]


def test_a_server_that_refuses_several_fields_one_by_one_is_followed() -> None:
    async def answer(request: bytes, _: asyncio.StreamWriter) -> bytes:
        body = json.loads(request.partition(b"\r\n\r\n")[2])
        for field in ("seed", "top_p", "max_tokens", "response_format"):
            if field in body:
                return error(400, f"Unsupported parameter: '{field}'", param=field)
        return completion('{"persona": "A cook"}')

    (reply,), server = asked(answer, IN_FORM)
    assert reply.text
    assert len(server.requests) == 5


def test_calls_at_the_same_time_adapt_together() -> None:
    taken, answer = refusing("seed", "seed is not supported")

    async def work() -> int:
        async with serving(answer) as server:
            model = OpenAIModel(Server(server.url, timeout=5), "gpt-4o-mini")
            await asyncio.gather(*(model.complete(ASKED) for _ in range(20)))
            await model.close()
            return len(server.requests)

    assert asyncio.run(work()) <= 40
    assert len(taken) == 20


def test_a_server_that_goes_on_refusing_a_field_is_not_asked_for_ever() -> None:
    found = fault(error(400, "'seed' is not supported"))
    assert found.reason == "refused"


def test_text_that_utf_8_cannot_hold_is_sent_as_an_escape() -> None:
    request = replace(ASKED, messages=(Message("user", "half \ud83d pair"),))
    _, server = asked(completion(), request)
    assert server.bodies[0]["messages"][0]["content"] == "half \ud83d pair"


# Names


def test_a_hosted_model_needs_its_key_and_names_the_variable() -> None:
    with pytest.raises(UserError, match="OPENAI_API_KEY"):
        open_language_models("openai:gpt-4o-mini")


def test_a_hosted_model_is_found_at_its_vendor_or_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    found = named_servers("openai:gpt-4o-mini", Opening())
    assert found is not None
    assert (found[0][0].url, found[0][0].key, found[1]) == ("https://api.openai.com/v1", KEY, "gpt-4o-mini")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    moved = named_servers("openai:gpt-4o-mini", Opening())
    assert moved is not None
    assert moved[0][0].url == "http://127.0.0.1:1/v1"


@pytest.mark.parametrize(
    ("name", "urls"),
    [
        ("http://a:1/v1#qwen", ["http://a:1/v1"]),
        (
            "http://a:1/v1,http://b:2/v1, https://c/v1#qwen",
            ["http://a:1/v1", "http://b:2/v1", "https://c/v1"],
        ),
        ("unix:/run/llm.sock#qwen", ["unix:/run/llm.sock"]),
    ],
)
def test_addresses_stand_before_the_model_s_name(name: str, urls: list[str]) -> None:
    models = open_language_models(name, Opening(concurrency=5))
    assert [model.provider for model in models] == urls
    assert {model.name for model in models} == {"qwen"}
    assert {model.slots for model in models} == {5}


@pytest.mark.parametrize("name", ["http://a:1/v1", "unix:/run/llm.sock", "https://a/v1#", "openai:"])
def test_a_name_without_a_model_says_what_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(UserError, match="names no model"):
        open_language_models(name)


def test_the_address_is_no_part_of_a_request_s_key() -> None:
    first, second = (open_language_models(f"http://{host}:1/v1#qwen")[0] for host in "ab")
    assert replace(ASKED, model=first.name).key == replace(ASKED, model=second.name).key

"""Embedding models behind servers: their vectors, their faults, and the runs that use them."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from commands import Run, one_line_error
from llama_server import running
from load_server import LoadServer
from personahub import curate
from personahub.errors import UserError
from personahub.models.http import Server
from personahub.models.openai_embeddings import OpenAIEmbeddings
from raw_server import Answer, RawServer, error, hang, serving, whole
from scripted import ScriptedModel

KEY = "my-secret-key-0123456789"


def vector_of(text: str) -> list[float]:
    """Not of unit length; different for different texts."""
    return [float(len(text)), 3.0, float(sum(map(ord, text)) % 97)]


def embeddings(texts: list[str], vector: Callable[[str], object] = vector_of) -> bytes:
    """The reply for these texts, last one first."""
    rows = [{"index": index, "embedding": vector(text)} for index, text in enumerate(texts)]
    return whole(200, {"object": "list", "data": rows[::-1], "usage": {"prompt_tokens": 3}})


async def honest(request: bytes, _: asyncio.StreamWriter) -> bytes:
    return embeddings(json.loads(request.partition(b"\r\n\r\n")[2])["input"])


def after(*first: bytes) -> Answer:
    """Says these first, one a request, and is honest from then on."""
    left = list(first)

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> bytes:
        return left.pop(0) if left else await honest(request, writer)

    return answer


def embedded(
    answer: bytes | Answer, *calls: list[str], timeout: float = 5.0
) -> tuple[list[npt.NDArray[np.float32]], RawServer]:
    """What each call gives, and what the server saw."""

    async def work() -> tuple[list[npt.NDArray[np.float32]], RawServer]:
        async with serving(answer) as server:
            model = OpenAIEmbeddings(Server(server.url, key=KEY, timeout=timeout), "small")
            try:
                return [await asyncio.to_thread(model.embed, texts) for texts in calls], server
            finally:
                await asyncio.to_thread(model.close)

    return asyncio.run(work())


def refusal(answer: bytes | Answer, texts: list[str] | None = None, timeout: float = 5.0) -> str:
    with pytest.raises(UserError) as raised:
        embedded(answer, texts or ["a"], timeout=timeout)
    message = str(raised.value)
    assert "\n" not in message
    assert KEY not in message
    return message


def test_vectors_come_in_the_order_of_the_texts_and_have_unit_length() -> None:
    (vectors,), server = embedded(honest, ["one", "twenty", "x"])
    wanted = np.array([vector_of(text) for text in ("one", "twenty", "x")])
    np.testing.assert_allclose(vectors, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), rtol=1e-6)
    assert vectors.dtype == np.float32
    assert server.bodies == [{"model": "small", "input": ["one", "twenty", "x"], "encoding_format": "float"}]
    assert server.requests[0].startswith(b"POST /v1/embeddings ")


def test_many_texts_go_in_several_calls_and_keep_their_order() -> None:
    texts = [f"{'x' * (number % 50)}{number}" for number in range(600)]
    (vectors,), server = embedded(honest, texts)
    alone = np.array([vector_of(text) for text in texts])
    np.testing.assert_allclose(vectors, alone / np.linalg.norm(alone, axis=1, keepdims=True), rtol=1e-6)
    assert sorted(len(body["input"]) for body in server.bodies) == [88, 256, 256]


def test_of_no_texts_there_are_no_vectors_but_their_length_is_known() -> None:
    (vectors,), _ = embedded(honest, [])
    assert vectors.shape == (0, 3)


@pytest.mark.parametrize(
    "fault",
    [
        error(429, "slow down", "Retry-After: 0.1"),
        error(503, "overloaded"),
        whole(200, b"{"),
        whole(200, {"data": []}),
        whole(200, {"data": [{"index": 0, "embedding": [1.0, None]}]}),
        whole(200, b'{"data": [{"index": 0, "embedding": [1.0, NaN]}]}'),
        whole(200, {"data": [{"index": 0, "embedding": "AAAA"}]}),
    ],
    ids=["429", "503", "no JSON", "too few", "null", "NaN", "a string"],
)
def test_a_fault_is_tried_again(fault: bytes) -> None:
    (vectors,), server = embedded(after(fault), ["one"])
    assert vectors.shape == (1, 3)
    assert len(server.requests) == 2


def test_an_endpoint_that_has_answered_is_waited_for() -> None:
    """Of a new one, three faults in a row would have been enough."""
    down = [error(500, "loading", "Retry-After: 0.05")] * 7
    (_, vectors), server = embedded(after(embeddings(["one"]), *down), ["one"], ["two"])
    assert vectors.shape == (1, 3)
    assert len(server.requests) == 9


def test_a_wrong_key_is_one_line_at_the_first_call() -> None:
    assert "the key was not accepted (401" in refusal(error(401, f"bad key {KEY}"))


def test_an_unknown_model_is_one_line_that_names_it() -> None:
    assert "knows no model 'small'" in refusal(error(404, "no such model"))


def test_a_text_that_the_model_cannot_take_ends_it_and_all_other_calls() -> None:
    started = time.monotonic()
    said = refusal(after(error(400, "input is too long: maximum context length is 512"), b""), ["a"] * 300)
    assert "no embeddings from small" in said
    assert time.monotonic() - started < 4


def test_a_server_that_never_answers_is_given_up() -> None:
    assert "no whole reply within 0.05 s" in refusal(hang, timeout=0.05)


def test_vectors_of_another_length_than_before_are_refused() -> None:
    with pytest.raises(UserError, match="not of one length"):
        embedded(after(embeddings(["one"], lambda _: [1.0, 2.0])), ["one"], ["two"])


def test_after_closing_it_can_be_used_again() -> None:
    async def work() -> None:
        async with serving(honest) as server:
            model = OpenAIEmbeddings(Server(server.url), "small")
            for _ in range(2):
                assert (await asyncio.to_thread(model.embed, ["one"])).shape == (1, 3)
                await asyncio.to_thread(model.close)

    asyncio.run(work())


def reply(number: int = 0) -> str:
    person = (
        f"A baker number {number} who sells rye bread to hospitals and needs another oven before the winter."
    )
    return json.dumps({"persona": person})


def closenesses(hub: Path) -> list[float]:
    import lance

    found: list[float] = lance.dataset(hub / "personas.lance").to_table()["closeness"].to_pylist()
    return found


def test_closeness_is_measured_by_the_model_behind_the_server(texts: Path, tmp_path: Path) -> None:
    async def work() -> RawServer:
        async with serving(honest) as server:
            await asyncio.to_thread(
                curate,
                [texts / "lift.txt"],
                tmp_path / "hub",
                model=ScriptedModel(lambda _: reply()),
                relations=["read"],
                encoder=f"{server.url}#small",
            )
            return server

    server = asyncio.run(work())
    (asked,) = server.bodies
    text, persona = (np.array(vector_of(text)) for text in asked["input"])
    cosine = text @ persona / np.linalg.norm(text) / np.linalg.norm(persona)
    assert closenesses(tmp_path / "hub") == [pytest.approx(cosine, abs=1e-5)]


def test_many_documents_are_embedded_at_a_time(tmp_path: Path) -> None:
    """One after another would hold a run back to a few documents a second."""
    source = tmp_path / "many.jsonl"
    rows = [
        f"The ferry number {number} was late again, and nobody on the quay knew why." for number in range(60)
    ]
    source.write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    in_flight, most = 0, 0

    async def slow(request: bytes, writer: asyncio.StreamWriter) -> bytes:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        await asyncio.sleep(0.1)
        in_flight -= 1
        return await honest(request, writer)

    async def work() -> None:
        async with serving(slow) as server:
            await asyncio.to_thread(
                curate,
                [source],
                tmp_path / "hub",
                model=ScriptedModel(lambda request: reply(len(request.messages[-1].content))),
                relations=["read"],
                encoder=f"{server.url}#small",
            )

    asyncio.run(work())
    assert len(closenesses(tmp_path / "hub")) == 60
    assert 8 <= most <= 16


def test_embeddings_that_fail_are_one_line_and_nothing_answered_is_asked_again(
    run: Run, texts: Path, tmp_path: Path
) -> None:
    command = ["curate", texts, "--hub", tmp_path / "hub", "--language", "sv", "--json"]
    with LoadServer() as server:
        model = ["--model", f"{server.url}#any"]
        # The load server has no embeddings.
        said = one_line_error(run(*command, *model, "--embeddings", f"{server.url}#small"))
        assert "knows no model 'small', or is no such address" in said
        result = run(*command, *model)
        asked = server.stats()["requests"]
    assert json.loads(result.out)["personas"] == 12
    assert asked == 12


@pytest.fixture
def real_embeddings(small_model: str) -> Iterator[str]:
    """The base address of llama.cpp's own server with the small model's embeddings."""
    pooling = "params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN"
    with running(small_model, f"params.embedding, params.n_ctx = True, 512; {pooling}") as url:
        yield url


@pytest.mark.slow
def test_a_real_server_says_that_texts_alike_are_close(real_embeddings: str) -> None:
    model = OpenAIEmbeddings(Server(real_embeddings), "smollm2")
    bread, loaf, lift = model.embed(
        ["A baker bakes rye bread.", "A baker bakes wheat bread.", "The lift stands still until Friday."]
    )
    model.close()
    assert model.dimensions == 576
    assert bread @ loaf > bread @ lift
    assert float(bread @ bread) == pytest.approx(1, abs=1e-3)

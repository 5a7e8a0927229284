"""The HTTP client against a server that plays each fault."""

import asyncio
import time

import pytest

from personahub.models import RequestError, Usage
from personahub.models.http import REPLY_LIMIT, HttpClient, HttpReply, Server
from raw_server import Answer, RawServer, hang, reset, serving, whole

KEY = "my-secret/key+42=="
UNTOLD = Usage()


async def post(server: Server, times: int = 1) -> list[HttpReply]:
    client = HttpClient(server)
    try:
        return [await client.post("/chat/completions", b'{"ask": 1}') for _ in range(times)]
    finally:
        await client.close()


def asked(
    answer: bytes | list[bytes] | Answer, *, times: int = 1, timeout: float = 5.0, key: str | None = KEY
) -> tuple[list[HttpReply], RawServer]:
    """The replies to some calls, and what the server saw."""

    async def work() -> tuple[list[HttpReply], RawServer]:
        async with serving(answer) as server:
            return await post(Server(server.url, key=key, timeout=timeout), times), server

    return asyncio.run(work())


def fault(answer: bytes | Answer, *, timeout: float = 5.0) -> RequestError:
    with pytest.raises(RequestError) as raised:
        asked(answer, timeout=timeout)
    assert KEY not in str(raised.value) + repr(raised.value) + raised.value.text
    return raised.value


def test_a_call_carries_path_body_and_key_and_brings_status_headers_and_body_back() -> None:
    (reply,), server = asked(whole(201, b'{"said": 2}', "Retry-After: 3"))
    assert (reply.status, reply.headers["retry-after"], reply.body) == (201, "3", b'{"said": 2}')
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1")
    assert f"authorization: bearer {KEY}".encode() in head.lower().replace(b"my-SECRET", b"my-secret")
    assert b"user-agent: personahub/" in head.lower()
    assert body == b'{"ask": 1}'


def test_without_a_key_none_is_sent() -> None:
    _, server = asked(whole(), key=None)
    assert b"authorization" not in server.requests[0].lower()


def test_connections_are_kept_alive() -> None:
    connections: set[object] = set()

    async def answer(_: bytes, writer: asyncio.StreamWriter) -> bytes:
        connections.add(writer)
        return whole()

    asked(answer, times=20)
    assert len(connections) == 1


def test_chunks_make_one_body() -> None:
    chunked = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n3\r\n 1}\r\n0\r\n\r\n'
    (reply,), _ = asked(chunked)
    assert reply.body == b'{"a": 1}'


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    (reply,), _ = asked(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}")
    assert reply.body == b"{}"


def test_a_server_that_never_answers_times_out_and_may_have_been_paid() -> None:
    start = time.monotonic()
    error = fault(hang, timeout=0.3)
    assert time.monotonic() - start < 3
    assert (error.reason, error.usage) == ("timeout", UNTOLD)
    assert "0.3 s" in str(error)


def test_a_server_that_drips_its_reply_times_out_all_the_same() -> None:
    async def drip(_: bytes, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(20):
            writer.write(b"x")
            await asyncio.sleep(0.1)
        return b""

    assert fault(drip, timeout=0.5).reason == "timeout"


def test_a_reset_breaks_the_connection() -> None:
    error = fault(reset)
    assert (error.reason, error.usage) == ("connection", UNTOLD)


def test_half_a_body_breaks_the_connection() -> None:
    half = b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n{"half'

    async def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(half)
        await writer.drain()
        writer.close()

    error = fault(answer)
    assert (error.reason, error.usage) == ("connection", UNTOLD)


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00\xff\xfe garbage \r\n\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(5000)) + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 2**21 + b"\r\n\r\n{}",
    ],
    ids=["ssh", "garbage", "status", "header", "length", "many headers", "long header"],
)
def test_what_is_no_http_is_malformed(said: bytes) -> None:
    error = fault(said)
    assert (error.reason, error.usage) == ("malformed_reply", UNTOLD)
    assert len(str(error)) < 400


@pytest.mark.parametrize("told", [True, False])
def test_a_body_without_end_is_refused_at_16_mib(told: bool) -> None:
    sent = 0

    async def pour(_: bytes, writer: asyncio.StreamWriter) -> bytes:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 99999999999\r\n" if told else b"") + b"\r\n")
        while True:
            writer.write(b"x" * 2**20)
            await writer.drain()
            sent += 2**20

    error = fault(pour, timeout=30)
    assert (error.reason, error.usage) == ("too_large", UNTOLD)
    assert "16 MiB" in str(error)
    assert sent < REPLY_LIMIT + 16 * 2**20


def test_a_zipped_body_without_end_is_refused_as_well() -> None:
    import gzip

    bomb = gzip.compress(b"x" * 64 * 2**20)
    assert fault(whole(200, bomb, "Content-Encoding: gzip"), timeout=30).reason == "too_large"


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else() -> None:
    async def work() -> tuple[HttpReply, RawServer]:
        async with serving(whole()) as other:
            to = f"Location: {other.url}/chat/completions"
            async with serving(whole(307, b"{}", to)) as server:
                (reply,) = await post(Server(server.url, key=KEY))
                return reply, other

    reply, other = asyncio.run(work())
    assert reply.status == 307
    assert other.requests == []


def test_a_key_that_the_server_repeats_is_cut_out() -> None:
    said = f"no such key: {KEY}".encode()
    for status in (200, 401, 500):
        (reply,), _ = asked(whole(status, said, f"X-Echo: {KEY}"))
        assert KEY.encode() not in reply.body
        assert KEY not in str(reply.headers)


def test_the_key_is_in_no_repr() -> None:
    server = Server("http://127.0.0.1:1/v1", key=KEY, headers={"X-Key": KEY})
    assert KEY not in repr(server)
    assert KEY not in repr(HttpClient(server))

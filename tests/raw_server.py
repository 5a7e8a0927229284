"""A server on loopback that sends exactly the bytes that it is told to, right or wrong."""

import asyncio
import json
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[bytes | None]]
"""From a whole request to what is sent back; after None the connection is kept open and silent."""


@dataclass
class RawServer:
    """What a test sees of the server."""

    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    """Heads and bodies, as they came."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in self.requests]


@asynccontextmanager
async def serving(
    answer: bytes | list[bytes] | Answer,
    *,
    host: str = "127.0.0.1",
    unix: str = "",
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[RawServer]:
    """Serve while the block runs.

    Args:
        answer: sent for each request; one after another where it is a list, the last for ever.
        host: where to listen.
        unix: a path to listen at instead.
        tls: speaks HTTPS.
    """
    seen = RawServer()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: *(\d+)", head)
                seen.requests.append(head + await reader.readexactly(int(length[1]) if length else 0))
                if isinstance(answer, list):
                    said: bytes | None = answer[min(len(seen.requests), len(answer)) - 1]
                elif isinstance(answer, bytes):
                    said = answer
                else:
                    said = await answer(seen.requests[-1], writer)
                if said is None:
                    await reader.read()
                    return
                writer.write(said)
                await writer.drain()
                if not re.search(rb"(?i)content-length|transfer-encoding", said):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    if unix:
        server = await asyncio.start_unix_server(talk, unix, ssl=tls)
    else:
        server = await asyncio.start_server(talk, host, 0, ssl=tls)
        seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
    finally:
        server.close()


async def reset(_: bytes, writer: asyncio.StreamWriter) -> None:
    """Close at once; a linger of zero makes TCP send RST."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hang(_: bytes, writer: asyncio.StreamWriter) -> None:
    """Say nothing, ever."""


def whole(status: int = 200, body: bytes | object = b"{}", *headers: str) -> bytes:
    """An HTTP response; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Said", "Content-Type: application/json", *headers]
    lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode() + content


def error(status: int, message: str, *headers: str, **more: object) -> bytes:
    """An error as the OpenAI API words it."""
    return whole(status, {"error": {"message": message, "type": "error", **more}}, *headers)


def completion(
    text: str | None = "yes", *, finish: str = "stop", usage: object = None, **message: Any
) -> bytes:
    """A chat completion; its usage is told unless it is given."""
    told = {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}
    choice = {
        "index": 0,
        "finish_reason": finish,
        "message": {"role": "assistant", "content": text, **message},
    }
    return whole(
        200, {"object": "chat.completion", "choices": [choice], "usage": told if usage is None else usage}
    )

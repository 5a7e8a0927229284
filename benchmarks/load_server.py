"""An OpenAI-compatible chat-completions server for load tests on loopback: fast, and faulty on demand.

    python benchmarks/load_server.py --port 0 --latency 0.1 --faults 429=0.05,500=0.05,malformed=0.02

The first line on standard output is the port (or the path of the Unix socket). Every setting may be changed
while it runs: ``POST /control`` with a JSON object of settings; ``GET /stats`` gives the counters,
``POST /reset`` sets them to zero. From Python, ``with LoadServer(latency=0.1) as server`` starts it as a
process of its own.

It needs the standard library alone and takes uvloop where that is installed. Requests are not parsed as
JSON and replies are filled into a prepared form, because a server slower than its client measures itself.
Requests on one connection are answered one after the other, in their order, also when a client pipelines.

What a share of requests meets (``--faults``): ``429`` or any other error status; ``malformed`` a body that is
no JSON; ``empty`` no text; ``truncated`` half of the text with finish_reason "length"; ``invalid`` text that
is not the JSON object asked for; ``hang`` no reply ever; ``reset`` the connection is reset. The draw hashes
the seed, the body and how many faults this body has met, so it is the same in every order of requests, a
retry draws afresh, and a body that was answered once is answered again.
"""

import argparse
import asyncio
import http.client
import importlib
import importlib.util
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
from dataclasses import fields
from types import TracebackType
from typing import IO, Any, Self, cast

from load_service import Service, Settings

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)")


class Connection(asyncio.Protocol):
    """One client's connection: cuts requests from the bytes, keeps replies in their order."""

    def __init__(self, service: Service) -> None:
        """A connection that is not yet made."""
        self.service = service
        self.buffer = b""
        self.waiting = False  # for a reply that is not yet due

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it."""
        self.transport = cast("asyncio.Transport", transport)
        self.service.connections += 1

    def connection_lost(self, error: Exception | None) -> None:
        """Count the request that nobody waits for any more."""
        self.service.connections -= 1
        if self.waiting:
            self.waiting = False
            self.service.in_flight -= 1
            self.service.counts.abandoned += 1

    def data_received(self, data: bytes) -> None:
        """Take bytes; answer unless an earlier request still waits."""
        self.buffer = self.buffer + data if self.buffer else data
        if not self.waiting:
            self.resume(None)

    def resume(self, reply: bytes | None) -> None:
        """Send ``reply`` and the replies to what has arrived, until one has to wait."""
        replies = [reply] if reply else []
        buffer, position = self.buffer, 0
        closing = self.transport.is_closing
        while not self.waiting and not closing() and (end := buffer.find(b"\r\n\r\n", position)) >= 0:
            head = buffer[position:end]
            length = LENGTH.search(head.lower())
            stop = end + 4 + (int(length[1]) if length else 0)
            if len(buffer) < stop:
                break
            position = stop
            reply = self.service.answer(self, head, buffer[end + 4 : stop])
            if reply:
                replies.append(reply)
        self.buffer = buffer[position:]
        if replies and not closing():
            self.transport.write(b"".join(replies))

    def reset(self) -> None:
        """Close at once; a linger of zero makes TCP send RST."""
        linger = struct.pack("ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()


class LoadServer:
    """The server as a process of its own; a context manager.

    Args:
        port: where to listen on loopback; 0 for any free one.
        tls: paths of a certificate and its key; the server then speaks HTTPS only.
        unix: a path; the server then listens on this Unix socket instead of loopback.
        settings: those of `Settings`, for example ``latency=0.1, faults={"429": 0.05}``.
    """

    def __init__(
        self, *, port: int = 0, tls: tuple[str, str] | None = None, unix: str = "", **settings: object
    ) -> None:
        """A server that is not yet started."""
        self.tls = tls
        self.unix = unix
        self.settings = settings
        self.port = port

    def __enter__(self) -> Self:
        """Start it, and wait until it listens."""
        command = [sys.executable, __file__, "--while-stdin", "--port", str(self.port)]
        command += ["--tls", *self.tls] if self.tls else []
        command += ["--unix", self.unix] if self.unix else []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        said = cast("IO[str]", self.process.stdout).readline().strip()
        if not said:
            raise RuntimeError("the load server did not start; its error is above")
        self.port = 0 if self.unix else int(said)
        try:
            self.control(**self.settings)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()

    @property
    def url(self) -> str:
        """The base URL, as an OpenAI client takes it."""
        host = "localhost" if self.unix else f"127.0.0.1:{self.port}"
        return f"{'https' if self.tls else 'http'}://{host}/v1"

    def stats(self) -> dict[str, Any]:
        """The counters since the last reset; keys are the names in `Counts` and those of now."""
        return self.request("GET", "/stats")

    def reset(self) -> None:
        """Set the counters to zero and forget bodies."""
        self.request("POST", "/reset")

    def control(self, **changes: object) -> None:
        """Change settings while it runs.

        Raises:
            ValueError: a name or a value is not possible.
        """
        self.request("POST", "/control", changes)

    def request(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask the server something beside completions."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        if self.unix:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(self.unix)
        else:
            connection.connect()
        if self.tls:
            context = ssl.create_default_context(cafile=self.tls[0])
            context.check_hostname = False
            connection.sock = context.wrap_socket(connection.sock)
        try:
            connection.request(method, path, json.dumps(body))
            response = connection.getresponse()
            said: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status == 400:
            raise ValueError(said["error"])
        return said


def faults_of(text: str) -> dict[str, float]:
    """The shares in ``kind=share,kind=share``.

    Raises:
        ValueError: a share is no number.
    """
    pairs = (each.partition("=") for each in text.split(",") if each)
    return {kind.strip(): float(share) for kind, _, share in pairs}


async def serve(args: argparse.Namespace, settings: Settings) -> None:
    """Listen and answer until the process is ended."""
    loop = asyncio.get_running_loop()
    service = Service(settings, loop)
    context = None
    if args.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*args.tls)
    options: dict[str, Any] = {"ssl": context, "backlog": 4096}
    if args.unix:
        server = await loop.create_unix_server(lambda: Connection(service), args.unix, **options)
        print(args.unix, flush=True)
    else:
        server = await loop.create_server(lambda: Connection(service), args.host, args.port, **options)
        print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def end_with_stdin() -> None:
    """End the process when whoever holds the other end of standard input has gone."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--unix", help="listen on this Unix socket instead")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="speak HTTPS")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before a reply")
    parser.add_argument("--rate", type=float, help="calls a second; those beyond get 429")
    parser.add_argument("--faults", type=faults_of, default={}, help="shares, such as 429=0.05,hang=0.01")
    parser.add_argument("--retry-after", type=float, default=0.1, help="seconds, told with a 429")
    parser.add_argument("--key", default="", help="other keys get 401")
    parser.add_argument("--models", default="", help="names, with commas; others get 404")
    parser.add_argument("--seed", type=int, default=0, help="of the faults and the texts")
    parser.add_argument("--track", action="store_true", help="count distinct bodies and those paid twice")
    parser.add_argument("--while-stdin", action="store_true", help="end when standard input ends")
    args = parser.parse_args()
    given = {each.name: getattr(args, each.name) for each in fields(Settings)}
    given["models"] = tuple(name for name in args.models.split(",") if name)
    try:
        settings = Settings(**given)
    except ValueError as error:
        parser.error(str(error))
    if args.while_stdin:
        threading.Thread(target=end_with_stdin, daemon=True).start()
    factory = importlib.import_module("uvloop").new_event_loop if importlib.util.find_spec("uvloop") else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve(args, settings))


if __name__ == "__main__":
    main()

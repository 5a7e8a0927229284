"""HTTP clients for completions: CPU a call and calls a second, with and without TLS.

    python benchmarks/http_clients.py --work WORK

Each client sends the same prompts to the load server at one concurrency, in a process of its own, with
asyncio's event loop and with uvloop. It only sends and reads: no JSON, no retries. CPU is that of the
client's process by the operating system's accounting, without its start: the slope between a tenth of the
calls and all.
"""

import argparse
import asyncio
import importlib
import itertools
import json
import platform
import ssl
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from load_server import LoadServer
from measured_process import Cost, certificate, environment, per_call, prompts, run_measured, version_of

if TYPE_CHECKING:
    from pyreqwest.client import Client

PACKAGES = ("aiohttp", "pyreqwest", "uvloop")
LIMIT = 2**20  # bytes; the streamed reader stops at a reply of this size
Send = Callable[[bytes], Awaitable[int]]  # takes a body, gives how many bytes came back
HEADERS = {"Authorization": "Bearer none", "Content-Type": "application/json"}


async def aiohttp_client(stack: AsyncExitStack, url: str, concurrency: int, cert: str) -> Send:
    """Aiohttp with one session."""
    aiohttp = importlib.import_module("aiohttp")
    context = ssl.create_default_context(cafile=cert) if cert else True
    connector = aiohttp.TCPConnector(limit=concurrency, ssl=context)
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, headers=HEADERS))

    async def send(body: bytes) -> int:
        async with session.post(url, data=body) as response:
            return len(await response.read())

    return send


async def pyreqwest_client(stack: AsyncExitStack, url: str, concurrency: int, cert: str) -> Send:
    """Pyreqwest, the whole body at once."""
    client = await pyreqwest_opened(stack, concurrency, cert)

    async def send(body: bytes) -> int:
        response = await client.post(url).body_bytes(body).build().send()
        return len(await response.bytes())

    return send


async def pyreqwest_streamed(stack: AsyncExitStack, url: str, concurrency: int, cert: str) -> Send:
    """Pyreqwest, the body read in parts, which is what a limit on its size needs."""
    client = await pyreqwest_opened(stack, concurrency, cert)

    async def send(body: bytes) -> int:
        async with client.post(url).body_bytes(body).build_streamed() as response:
            size, reader = 0, response.body_reader
            while size < LIMIT and (part := await reader.read(LIMIT)) is not None:
                size += len(part)
            return size

    return send


async def pyreqwest_opened(stack: AsyncExitStack, concurrency: int, cert: str) -> "Client":
    """A client of pyreqwest."""
    pem = Path(cert).read_bytes() if cert else b""  # noqa: ASYNC240 - before anything is sent
    builder = importlib.import_module("pyreqwest.client").ClientBuilder()
    builder = builder.default_headers(HEADERS).max_connections(concurrency)
    if pem:
        builder = builder.add_root_certificate_pem(pem)
    return await stack.enter_async_context(builder.build())


CLIENTS = {
    "aiohttp": aiohttp_client,
    "pyreqwest": pyreqwest_client,
    "pyreqwest, streamed": pyreqwest_streamed,
}


async def drive(client: str, url: str, n: int, concurrency: int, cert: str) -> None:
    """Send ``n`` prompts with a client, ``concurrency`` at a time."""
    bodies = iter(
        json.dumps({"model": "any", "messages": [{"role": "user", "content": prompt}]}).encode()
        for prompt in prompts(n)
    )
    async with AsyncExitStack() as stack:
        send = await CLIENTS[client](stack, url, concurrency, cert)

        async def work() -> None:
            for body in bodies:
                if await send(body) < 300:
                    raise RuntimeError("a reply is too short to be a completion")

        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work())
    # pyreqwest 0.15.1's own thread still holds Python objects when its client is closed; a process that ends
    # at once aborts in up to three of four runs (PyGILState_Release), one that waits a moment never did.
    await asyncio.sleep(0.1)


def measure(python: str, contestant: Sequence[str], url: str, n: int, concurrency: int, cert: str) -> str:
    """Run one client on one loop; cells of the table."""

    def run(n: int) -> Cost:
        command = [python, __file__, "drive", *contestant, url, str(n), str(concurrency), cert]
        return run_measured(command, seconds=300)

    cost = per_call(run, n)
    return f"{n:,} | {cost.cpu_ms:.3f} | {cost.calls_per_second:,.0f} | {cost.whole.resident:.0f}"


def compare(work: Path, calls: dict[float, int], concurrency: int) -> None:
    """Print a table of every client, loop, latency and transport."""
    python = environment(work, "http-clients", PACKAGES)
    print(", ".join(f"{name} {version_of(python, name)}" for name in PACKAGES), end="; ")
    print(f"Python {platform.python_version()}, {concurrency} at a time")
    print("| client | loop | latency | TLS | calls | CPU ms a call | calls/s | peak MB |")
    print("|---|---|---|---|---|---|---|---|")
    files = certificate(work)
    for tls, cert in ((None, ""), (files, files[0])):
        with LoadServer(tls=tls) as server:
            url = f"{server.url}/chat/completions"
            for latency, n in calls.items():
                server.control(latency=latency)
                for client, loop in itertools.product(CLIENTS, ("asyncio", "uvloop")):
                    cells = measure(python, (client, loop), url, n, concurrency, cert)
                    print(
                        f"| {client} | {loop} | {latency:g} s | {'on' if tls else 'off'} | {cells} |",
                        flush=True,
                    )


def main() -> None:
    """Read the command line; compare, or drive one client in its own process."""
    if sys.argv[1:2] == ["drive"]:
        client, loop, url, n, concurrency, cert = sys.argv[2:]
        factory = importlib.import_module("uvloop").new_event_loop if loop == "uvloop" else None
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(drive(client, url, int(n), int(concurrency), cert))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="a folder for the environment")
    parser.add_argument("--calls", type=int, default=20_000, help="at latency 0; a quarter at 0.1 s")
    parser.add_argument("--concurrency", type=int, default=64)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    compare(args.work, {0.0: args.calls, 0.1: args.calls // 4}, args.concurrency)


if __name__ == "__main__":
    main()

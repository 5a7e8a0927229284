"""The completion engine against the load server: CPU, throughput, memory, kills, faults, rate limits.

    python benchmarks/completion_engine.py table [ROW …]
    python benchmarks/completion_engine.py drive URL CALLS CONCURRENCY FOLDER

``table`` measures each row (or the rows named) and prints a line each. Every measured run is a process of its
own: the whole engine with journal, parsing and validation, CPU by the operating system's accounting.
``drive`` is that process.
"""

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import uvloop

from personahub.cli.tuning import tune_process

tune_process()  # As the command line does, before Arrow is loaded.

from load_server import LoadServer  # noqa: E402
from measured_process import PROMPT, Cost, per_call, run_measured  # noqa: E402
from personahub.completion import Engine, Journal  # noqa: E402
from personahub.models import Message, Request, Sampling  # noqa: E402
from personahub.models.http import Server  # noqa: E402
from personahub.models.openai import OpenAIModel  # noqa: E402

SCHEMA = {"type": "object", "properties": {"persona": {"type": "string"}}, "required": ["persona"]}
SAMPLING = Sampling(temperature=0.5, top_p=0.9, max_tokens=60, seed=0)


def requests(calls: int) -> Iterator[Request]:
    """Different prompts of about 600 bytes, each with a schema for its reply."""
    pieces = PROMPT.split("{n}")  # Joined in a sixth of the time that format takes.
    for number in range(calls):
        yield Request("any", (Message("user", str(number).join(pieces)),), SAMPLING, SCHEMA)


async def drive(url: str, calls: int, concurrency: int, folder: Path, limit: float) -> dict[str, float]:
    """Complete the requests and say what happened."""
    start = time.perf_counter()
    with Journal(folder) as journal:
        opened = time.perf_counter() - start
        model = OpenAIModel(Server(url, connections=concurrency, timeout=limit), "any")
        engine = Engine([model], journal, run=1, notice=lambda text: print(text, file=sys.stderr))
        rows = failed = 0
        async for completion in engine.complete(requests(calls)):
            rows += 1
            failed += completion.failure is not None
        await model.close()
    seconds = time.perf_counter() - start
    totals = engine.totals
    said = {"rows": rows, "failed": failed, "seconds": seconds, "opened": opened}
    return {**said, "calls": totals.calls, "before": totals.answered_before, "refused": totals.refused}


def command(url: str, calls: int, concurrency: int, folder: Path, *more: str) -> list[str]:
    """The driver's command line."""
    return [sys.executable, __file__, "drive", url, str(calls), str(concurrency), str(folder), *more]


def run(url: str, calls: int, concurrency: int, folder: Path, *more: str) -> dict[str, float]:
    """Drive to the end."""
    done = subprocess.run(
        command(url, calls, concurrency, folder, *more), check=True, capture_output=True, text=True
    )
    return dict(json.loads(done.stdout))


def ours(url: str, calls: int, concurrency: int, folder: Path) -> Cost:
    """A contestant of ``completion_peers.py``."""
    journal = tempfile.mkdtemp(dir=folder)
    return run_measured(command(url, calls, concurrency, Path(journal)), seconds=600)


def cpu(work: Path) -> str:
    """CPU of a call, start-up subtracted, 20,000 calls at 100 ms, at two concurrencies."""
    said = []
    for concurrency in (512, 64):
        calls = 20_000 if concurrency == 512 else 6_000
        with LoadServer(latency=0.1) as server:
            cost = per_call(lambda n: ours(server.url, n, concurrency, work), calls)  # noqa: B023
        said.append(f"{cost.cpu_ms:.3f} ms a call at {concurrency}")
    return ", ".join(said)


def throughput(work: Path) -> str:
    """Calls a second at 512 and 100 ms, against 5,120."""
    with LoadServer(latency=0.1) as server:
        cost = per_call(lambda n: ours(server.url, n, 512, work), 60_000)
    return (
        f"{cost.calls_per_second:,.0f} calls/s, {cost.calls_per_second / 5120:.0%} of concurrency / latency"
    )


def one_core(work: Path) -> str:
    """Calls a second on one core against a server of 1 ms."""
    with LoadServer(latency=0.001) as server:

        def pinned(calls: int) -> Cost:
            folder = Path(tempfile.mkdtemp(dir=work))
            return run_measured(["taskset", "-c", "0", *command(server.url, calls, 64, folder)], seconds=300)

        cost = per_call(pinned, 40_000)
    return f"{cost.calls_per_second:,.0f} calls/s, {cost.cpu_ms:.3f} ms of CPU a call"


def memory(work: Path) -> str:
    """Peak memory at 10,000 and at a million calls, and the time of a resume that asks nothing."""
    with LoadServer(latency=0.02) as server:
        small = run(server.url, 10_000, 256, work / "small")
        large = run(server.url, 1_000_000, 256, work / "large")
        again = run(server.url, 1_000_000, 256, work / "large")
    growth = large["peak_mb"] - small["peak_mb"]
    return (
        f"10k {small['peak_mb']:.0f} MB, 1M {large['peak_mb']:.0f} MB: growth {growth:.0f} MB"
        f" ({large['seconds']:.0f} s); resume {again['seconds']:.1f} s with {again['calls']} calls,"
        f" peak {again['peak_mb']:.0f} MB"
    )


def kills(work: Path) -> str:
    """Kill -9 six times at random moments of a run of 20,000 calls."""
    chance, folder, flying = random.Random(1), work / "killed", 0
    with LoadServer(latency=0.1, track=True) as server:
        for _ in range(6):
            process = subprocess.Popen(
                command(server.url, 20_000, 64, folder), stdout=subprocess.DEVNULL, start_new_session=True
            )
            time.sleep(chance.uniform(2.0, 5.0))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            flying += 64
        with Journal(folder) as journal:
            kept = len(journal)
        last = run(server.url, 20_000, 64, folder)
        stats = server.stats()
    again = stats["requests"] - stats["distinct_bodies"]
    return (
        f"6 kills, {kept:,} replies kept, then {last['calls']:,.0f} calls for the other"
        f" {20_000 - kept:,}; rows {last['rows']:,.0f};"
        f" asked again in all {again} (at most {flying} were in flight)"
    )


def faults(work: Path) -> str:
    """100,000 calls with 13 % of faults, against the same without."""
    shares = {"429": 0.05, "500": 0.05, "malformed": 0.02, "hang": 0.01}
    with LoadServer(latency=0.1) as server:
        clean = run(server.url, 100_000, 512, work / "clean", "--timeout", "2")
        server.reset()
        server.control(faults=shares)
        faulty = run(server.url, 100_000, 512, work / "faulty", "--timeout", "2")
        met = sum(server.stats()["faults"].values())
    return (
        f"rows {faulty['rows']:,.0f}, failed {faulty['failed']:.0f};"
        f" extra calls {faulty['calls'] - 100_000:,.0f}, faults {met:,};"
        f" {clean['seconds'] / faulty['seconds']:.0%} of the fault-free rate"
        f" ({faulty['seconds']:.1f} s against {clean['seconds']:.1f} s)"
    )


def admitted(work: Path) -> str:
    """A server that admits 1,000 calls a second."""
    with LoadServer(latency=0.05, rate=1000) as server:
        done = run(server.url, 30_000, 512, work / "admitted")
    used, refused = 30_000 / done["seconds"] / 1000, done["refused"] / done["calls"]
    return f"{used:.0%} used, {refused:.1%} refused ({done['seconds']:.1f} s)"


ROWS: dict[str, Callable[[Path], str]] = {
    each.__name__: each for each in (cpu, throughput, one_core, memory, kills, faults, admitted)
}


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    table = verbs.add_parser("table", help="measure")
    table.add_argument("rows", nargs="*", default=list(ROWS), help=", ".join(ROWS))
    driver = verbs.add_parser("drive", help="one run")
    driver.add_argument("url")
    driver.add_argument("calls", type=int)
    driver.add_argument("concurrency", type=int)
    driver.add_argument("folder", type=Path)
    driver.add_argument("--timeout", type=float, default=30.0)
    args = parser.parse_args()
    if args.verb == "drive":
        said = uvloop.run(drive(args.url, args.calls, args.concurrency, args.folder, args.timeout))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({**said, "peak_mb": peak}))
        return
    for row in args.rows:
        with tempfile.TemporaryDirectory() as work:
            print(f"{row:12} {ROWS[row](Path(work))}", flush=True)


if __name__ == "__main__":
    main()

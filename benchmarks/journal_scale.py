"""What does a journal of many replies cost? Time and memory of appending, opening and reading it.

    python benchmarks/journal_scale.py --entries 1000000

Each step runs in a process of its own, on a journal of 10,000 entries first and then on one of the whole
number; CPU is that of the process with all its threads, memory what the kernel says it has (now, peak).
"""

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from personahub.completion.journal import Entry, EntryKind, Journal

SMALL = 10_000
BATCH = 1_000


def key(number: int) -> str:
    """The key of a request, as random as the engine's."""
    return hashlib.md5(b"%d" % number).hexdigest()


def entries(count: int) -> Iterator[Entry]:
    """Replies of some 200 characters, one failure in fifty."""
    draw = random.Random(0)
    words = [f"{draw.getrandbits(24):x}" for _ in range(5_000)]
    texts = [" ".join(draw.choices(words, k=29)) for _ in range(1_000)]
    for number in range(count):
        if number % 50 == 49:
            yield Entry(key(number), EntryKind.FAILURE, 1, "a/model-7b", reason="rate_limited", attempts=5)
        else:
            yield Entry(
                key(number),
                EntryKind.REPLY,
                1,
                "a/model-7b",
                text=f"{number} {texts[number * 7919 % 1_000]}",
                finish_reason="stop",
                about=f"d{key(-number)[:20]}",
                prompt_tokens=600 + number % 97,
                cached_tokens=512,
                completion_tokens=50 + number % 31,
                cost=(600 + number % 97) * 1.5e-7,
                seconds=1.5 + number % 1009 / 1000,
            )


def make_entries(_folder: Path, count: int) -> None:
    """Only make them: what is to be taken off the time of appending."""
    for _ in entries(count):
        pass


def make_keys(_folder: Path, count: int) -> None:
    """Only make the keys: what is to be taken off the time of looking them up."""
    for number in range(count):
        key(number)


def append(folder: Path, count: int) -> None:
    """Append them all, with what sealing is left at the end."""
    with Journal(folder) as journal:
        for entry in entries(count):
            journal.append(entry)


def open_only(folder: Path, count: int) -> None:
    """Open the journal and sum what it cost."""
    with Journal(folder) as journal:
        expect(len(journal) == count - count // 50)
        expect(journal.spent()[1, "a/model-7b"].failures == count // 50)


def walk(folder: Path, count: int) -> None:
    """Look every key up in the order of writing, a thousand at a time."""
    look_up(folder, range(count))


def jump(folder: Path, count: int) -> None:
    """Look 20,000 keys up in random order."""
    look_up(folder, random.Random(1).sample(range(count), min(20_000, count)))


def miss(folder: Path, count: int) -> None:
    """Look as many keys up as there are, none of which was written."""
    look_up(folder, range(count, 2 * count), there=False)


def look_up(folder: Path, numbers: "range | list[int]", *, there: bool = True) -> None:
    """Look keys up, a thousand at a time."""
    with Journal(folder) as journal:
        for start in range(0, len(numbers), BATCH):
            keys = [key(number) for number in numbers[start : start + BATCH]]
            found = [entry and entry.key for entry in journal.get_many(keys)]
            expect(found == (keys if there else [None] * len(keys)))


def stream(folder: Path, count: int) -> None:
    """Read every entry once, as it was written."""
    with Journal(folder) as journal:
        expect(sum(1 for _ in journal.entries()) == count)


def expect(right: bool) -> None:
    """Stop where the journal is wrong: then its speed says nothing."""
    if not right:
        sys.exit("the journal gave something wrong")


STEPS: dict[str, Callable[[Path, int], None]] = {
    step.__name__: step for step in (make_entries, append, open_only, make_keys, walk, jump, miss, stream)
}


def memory() -> tuple[float, float]:
    """What this process has in memory now and had at most, in MB."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) / 1e3, int(status["VmHWM"].split()[0]) / 1e3


def measure(step: str, folder: Path, count: int) -> dict[str, float]:
    """Run one step in a process of its own."""
    ran = subprocess.run(
        [sys.executable, __file__, "--step", step, "--folder", str(folder), "--entries", str(count)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: dict[str, float] = json.loads(ran.stdout)
    return measured


def main() -> None:
    """Measure every step, or be one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to make the journals (default: a new one)")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        wall, cpu = time.perf_counter(), time.process_time()
        STEPS[given.step](given.folder, given.entries)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        now, peak = memory()
        print(json.dumps({"wall": wall, "cpu": cpu, "now": now, "peak": peak}))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        print("step             entries   wall s    CPU s  us each   MB now  MB peak")
        for count in (SMALL, given.entries):
            for step in STEPS:
                got = measure(step, Path(folder) / str(count), count)
                asked = min(count, 20_000) if step == "jump" else count
                each = got["cpu"] / asked * 1e6
                times = f"{got['wall']:>9.2f}{got['cpu']:>9.2f}{each:>9.1f}"
                print(f"{step:<14}{asked:>10}{times}{got['now']:>9.0f}{got['peak']:>9.0f}", flush=True)
        size = sum(file.stat().st_size for file in (Path(folder) / str(given.entries)).iterdir())
        print(f"on disk: {size / given.entries:.0f} bytes an entry")


if __name__ == "__main__":
    main()

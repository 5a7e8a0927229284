"""Does any broken file stop the reading of sources? Change files at random and read them all.

    python benchmarks/fuzz_reading.py --data DATA --count 100000 --seed 1 --work WORK

Files that no one could read must come out as unread, with a reason; nothing may be raised, hang, or take the
process down. Each process makes its own mutants in memory (see fuzz_mutants.py) and reads them; a watchdog
ends one that stays at a file for ten seconds and goes on after it. The smallest file of each kind of failure
is kept under WORK. Exits with 1 where there was any.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from fuzz_mutants import Mutant, mutant
from fuzz_seeds import Seed, find_seeds
from personahub.corpus.documents import LeftOut, read_source
from personahub.corpus.options import ReadOptions
from personahub.corpus.sources import Source
from personahub.errors import UserError
from personahub.records import Document

_SPAWN = multiprocessing.get_context("spawn")
_HANG_SECONDS = 10
_REPORT_EVERY = 50
_BIG_MB = 500
"""A process that takes more memory than this tells by which file it grew."""


@dataclass
class Failure:
    """A kind of failure: how often, and its smallest file."""

    said: str
    count: int
    case: int
    content: bytes


@dataclass
class Counts:
    """What reading came to."""

    files: int = 0
    documents: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    failures: dict[str, Failure] = field(default_factory=dict)
    slowest: tuple[float, str] = (0.0, "")
    """Seconds, and which file."""
    resident: float = 0.0
    """MB of the largest process."""

    def fail(self, kind: str, said: str, case: int, content: bytes, times: int = 1) -> None:
        """Count a failure and keep it where it is the first or the smallest of its kind."""
        known = self.failures.setdefault(kind, Failure(said, 0, case, content))
        known.count += times
        if len(content) < len(known.content):
            self.failures[kind] = Failure(said, known.count, case, content)

    def add(self, other: "Counts") -> None:
        """Take another's in."""
        self.files += other.files
        self.documents += other.documents
        self.unread += other.unread
        self.left_out += other.left_out
        self.slowest = max(self.slowest, other.slowest)
        self.resident = max(self.resident, other.resident)
        for kind, failure in other.failures.items():
            self.fail(kind, failure.said, failure.case, failure.content, failure.count)


def read_mutant(made: Mutant, folder: Path, counts: Counts) -> None:
    """Read one file as the commands do; what they write must be UTF-8."""
    path = folder / f"mutant.{made.format}{made.ending}"
    path.write_bytes(made.content)
    source = Source(str(path), made.format, len(made.content))
    for item in read_source(source, ReadOptions(), 250):
        "\0".join(value for value in values_of(item) if isinstance(value, str)).encode()
        if not isinstance(item, LeftOut):
            counts.documents += 1
        elif item.broken:
            counts.unread[item.reason] += 1
        else:
            counts.left_out[item.reason] += 1


def values_of(item: Document | LeftOut) -> Sequence[Any]:
    """The values of a document or of what gave none."""
    return item if isinstance(item, LeftOut) else [item.id, *astuple(item)]


def work(data: Path, seed: int, cases: "range", at: Any, told: Connection, folder: Path) -> None:
    """Read the mutants of these numbers; ``at`` says which is being read, for the watchdog."""
    seeds, mine = find_seeds(data), folder / str(cases.start)
    mine.mkdir(parents=True, exist_ok=True)
    for whole in seeds[:40]:  # What is imported late must not count as hanging.
        read_mutant(Mutant(whole.name, "", whole.format, whole.content), mine, Counts())
    told.send(None)
    counts, before = Counts(), 0.0
    for case in cases:
        at.value = case
        made, start = mutant(seeds, seed, case), time.monotonic()
        try:
            read_mutant(made, mine, counts)
        except UserError as error:
            counts.unread[f"refused: {error}".partition("(")[2][:40]] += 1
        except Exception as error:
            counts.fail(kind_of(error), traceback.format_exc(limit=-6), case, made.content)
        counts.files += 1
        counts.slowest = max(counts.slowest, (time.monotonic() - start, f"{case} {made.name}"))
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if resident > max(_BIG_MB, before + _BIG_MB / 10):
            counts.fail("memory", f"{resident:.0f} MB resident after {made.name}", case, made.content)
        before = counts.resident = resident
        if counts.files == _REPORT_EVERY or case == cases[-1]:
            told.send((case, counts))
            counts = Counts()


def kind_of(error: Exception) -> str:
    """What it is and the last place in our code that it went through."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "personahub" in frame.filename]
    place = f"{Path(ours[-1].filename).name} {ours[-1].lineno}" if ours else "the benchmark"
    return f"{type(error).__name__} at {place}"


class Reader:
    """A process that reads every ``step``-th mutant, started again after one that takes it down."""

    def __init__(self, seeds: Sequence[Seed], given: argparse.Namespace, folder: Path, first: int) -> None:
        """Start it at the mutant ``first``."""
        self._seeds, self._given, self._folder = seeds, given, folder
        self._at = _SPAWN.Value("q", -1, lock=False)
        self._start(first)

    def _start(self, first: int) -> None:
        self._cases = range(first, self._given.start + self._given.count, self._given.jobs)
        self._heard, told = _SPAWN.Pipe(duplex=False)
        self._at.value, self._since, self._last = -1, time.monotonic(), -1
        self._reported = first - self._given.jobs
        values = (self._given.data, self._given.seed, self._cases, self._at, told, self._folder)
        self._process = _SPAWN.Process(target=work, args=values, daemon=True)
        self._process.start()
        told.close()

    def look(self, counts: Counts) -> bool:
        """Take in what it has read; False at its end."""
        try:
            while self._heard.poll(0.05):
                if (said := self._heard.recv()) is not None:
                    self._reported = said[0]
                    counts.add(said[1])
                    if said[0] == self._cases[-1]:
                        self._process.join()
                        return False
        except EOFError:
            self._process.join()
            return self._after("crash", f"the process ended with {self._process.exitcode}", counts)
        case = self._at.value
        if case != self._last:
            self._last, self._since = case, time.monotonic()
        elif case >= 0 and time.monotonic() - self._since > _HANG_SECONDS:
            self._process.kill()
            self._process.join()
            return self._after("hang", f"no end after {_HANG_SECONDS} s", counts)
        return True

    def _after(self, kind: str, said: str, counts: Counts) -> bool:
        """Go on after the file that ended the process; what it had not told of is read again."""
        case = self._at.value
        if case < 0:
            raise RuntimeError(f"the reading process ended before the first file: {said}")
        made = mutant(self._seeds, self._given.seed, case)
        counts.fail(f"{kind}: {made.name}", said, case, made.content)
        counts.files += 1
        # Those between were read, and are only not counted.
        if case + self._given.jobs not in self._cases:
            return False
        self._start(case + self._given.jobs)
        return True


def report(counts: Counts, work_: Path, seconds: float) -> None:
    """Print the counts and keep the files that failed."""
    print(f"files {counts.files}, documents {counts.documents}, {seconds:.0f} s")
    print(f"unread: {dict(counts.unread.most_common())}")
    print(f"left out: {dict(counts.left_out.most_common())}")
    print(f"slowest: {counts.slowest[0]:.1f} s, {counts.slowest[1]}; most memory: {counts.resident:.0f} MB")
    failed = sum(failure.count for failure in counts.failures.values())
    print(f"failures: {failed} of {len(counts.failures)} kinds")
    for number, (kind, failure) in enumerate(sorted(counts.failures.items())):
        work_.mkdir(parents=True, exist_ok=True)
        kept = work_ / f"failure-{number}"
        kept.write_bytes(failure.content)
        print(f"{failure.count} x {kind}\n  number {failure.case}, {len(failure.content)} bytes in {kept}")
        print("  " + failure.said.strip().replace("\n", "\n  "))


def main() -> None:
    """Read the command line, read the mutants, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with the data sets")
    parser.add_argument("--work", type=Path, required=True, help="where to keep the files that fail")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--start", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    counts, start, told = Counts(), time.monotonic(), time.monotonic()
    seeds = find_seeds(given.data)
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        firsts = range(given.start, given.start + min(given.jobs, given.count))
        readers = [Reader(seeds, given, Path(folder), first) for first in firsts]
        while readers := [reader for reader in readers if reader.look(counts)]:
            if time.monotonic() - told > 60:
                told = time.monotonic()
                print(f"{counts.files} files, {len(counts.failures)} kinds of failures", file=sys.stderr)
    report(counts, given.work, time.monotonic() - start)
    sys.exit(1 if counts.failures else 0)


if __name__ == "__main__":
    main()

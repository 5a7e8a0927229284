"""How fast are files read, against the libraries alone, and in how much memory?

    python benchmarks/reading.py table --data DATA --work WORK [wet jsonl parquet warc memory whole]

Each row is a line of its own. Speeds are per second of CPU time in one process, the median of rounds in which
ours and the library take turns; MB are millions of bytes of text. The files are made under WORK of the texts
in DATA (see reading_files.py) and are kept there: 5 GB for all rows.
"""

import argparse
import cProfile
import gzip
import json
import pstats
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
from fastwarc.warc import ArchiveIterator

from measured_process import run_measured
from personahub.corpus.formats import pages
from personahub.corpus.opening import read_texts
from personahub.corpus.sources import find_sources
from personahub.corpus.texts import Text
from personahub.workflows.read import read
from reading_files import make

_SPEED_BYTES = 320_000_000
_MEMORY_BYTES = 1_000_000_000
_AIM_RESIDENT = 300
"""MB."""
_AIM_WET = 80
"""MB a second."""
_AIM_WARC = 1.10
"""Times the time of the extraction alone."""
_WHOLE = ("digitalgov_news", "opensource_guide", "ud_ru_gsd")


def cpu_seconds(run: Callable[[], object]) -> float:
    """The CPU time that a call takes."""
    start = time.process_time()
    run()
    return time.process_time() - start


def in_turns(*runs: Callable[[], object], rounds: int) -> list[float]:
    """The median CPU time of each, taken in turns."""
    taken = [[cpu_seconds(run) for run in runs] for _ in range(rounds)]
    return [statistics.median(times) for times in zip(*taken, strict=True)]


def read_ours(*paths: Path) -> int:
    """Read files to their texts; how many."""
    sources = find_sources([str(path) for path in paths])
    return sum(isinstance(item, Text) for source in sources for item in read_texts(source))


def fastwarc_alone(path: Path) -> int:
    """Every record's bytes, by FastWARC."""
    records = ArchiveIterator(str(path), parse_http=False, fsspec_args=False)
    return sum(bool(record.reader.read()) for record in records)


def orjson_alone(path: Path) -> int:
    """Every line's value, by orjson."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return sum(bool(orjson.loads(line)) for line in file)


def pyarrow_alone(path: Path) -> int:
    """Every row's values, by PyArrow."""
    batches = pq.ParquetFile(path).iter_batches(use_threads=False)
    return sum(len(batch.to_pylist()) for batch in batches)


def against(
    given: argparse.Namespace, library: str, alone: Callable[[Path], int], *names: str, aim: float = 0
) -> None:
    """Measure ours and a library on files of these names."""
    for name in names:
        made = make(given.data, given.work, name, _SPEED_BYTES)

        def run(reader: Callable[[Path], int], made: Any = made) -> None:
            if (read_ := reader(made.path)) != made.records:
                sys.exit(f"{made.path}: {read_} of {made.records} records by {reader.__name__}")

        theirs, ours = in_turns(lambda: run(alone), lambda: run(read_ours), rounds=3)
        print(
            f"{name:<10} {made.megabytes:.0f} MB in {made.records:,} texts: {library} alone"
            f" {made.megabytes / theirs:.0f} MB/s, ours {made.megabytes / ours:.0f} MB/s"
            + (f" (aim {aim:.0f})" if aim else ""),
            flush=True,
        )


def wet(given: argparse.Namespace) -> None:
    """WET against FastWARC."""
    against(given, "fastwarc", fastwarc_alone, "320.wet", "320.wet.gz", aim=_AIM_WET)


def jsonl(given: argparse.Namespace) -> None:
    """JSON Lines against orjson."""
    against(given, "orjson", orjson_alone, "320.jsonl", "320.jsonl.gz")


def parquet(given: argparse.Namespace) -> None:
    """Parquet against PyArrow."""
    against(given, "pyarrow", pyarrow_alone, "320.parquet")


def warc(given: argparse.Namespace) -> None:
    """The main text of pages against the extraction alone, of the same characters with the same settings."""
    paths = sorted((given.data / "dolma_warc").glob("*")) + sorted((given.data / "ukwa_warc").glob("*"))
    asked: list[tuple[str, dict[str, Any]]] = []
    extract = pages._extractor()

    def listening(html: str, **settings: Any) -> Any:
        asked.append((html, settings))
        return extract(html, **settings)

    usual, pages._extractor = pages._extractor, lambda: listening  # type: ignore[assignment]
    try:
        texts = read_ours(*paths)
    finally:
        pages._extractor = usual

    def alone() -> None:
        for html, settings in asked:
            extract(html, **settings)

    theirs, ours = in_turns(alone, lambda: read_ours(*paths), rounds=7)
    print(
        f"warc       {len(asked)} pages, {sum(len(html) for html, _ in asked) / 1e6:.1f} million characters,"
        f" {texts} texts: trafilatura alone {theirs * 1000:.0f} ms, ours {ours * 1000:.0f} ms,"
        f" {ours / theirs:.2f} times (aim at most {_AIM_WARC:.2f})",
        flush=True,
    )


def memory(given: argparse.Namespace) -> None:
    """The peak of ``personahub read`` on long files; every row is read, one in 20 made a document."""
    sizes = {"10.jsonl": 10_000_000} | dict.fromkeys(
        ("1000.jsonl", "1000.wet", "1000.parquet", "1000.txt"), _MEMORY_BYTES
    )
    for name, size in sizes.items():
        made = make(given.data, given.work, name, size)
        less = ["--no-filters", "--pii", "keep", "--sample-rate", "0.05"]
        start = time.monotonic()
        resident = peak_resident(command(given, [made.path], 1, *less))
        print(
            f"memory     {name}: {made.megabytes:,.0f} MB in {made.records:,} texts, {' '.join(less)}:"
            f" at most {resident:.0f} MB resident (aim {_AIM_RESIDENT}), {time.monotonic() - start:.0f} s",
            flush=True,
        )


def whole(given: argparse.Namespace) -> None:
    """All of ``personahub read`` as it is by default."""
    paths = [given.data / name for name in _WHOLE]
    for jobs in (1, 2):
        cost = run_measured(command(given, paths, jobs), seconds=600)
        lines = (given.work / "out.jsonl").read_bytes().splitlines()
        size = sum(len(json.loads(line)["text"].encode()) for line in lines) / 1e6
        print(
            f"whole      {jobs} jobs: {len(lines):,} documents, {size:.1f} MB of text:"
            f" {len(lines) / cost.wall:.0f} documents and {size / cost.wall:.2f} MB a second of wall time,"
            f" {cost.cpu:.1f} s of CPU",
            flush=True,
        )
    if given.profile:
        profile = cProfile.Profile()
        profile.runcall(read, paths, given.work / "out.jsonl", jobs=1)
        pstats.Stats(profile).sort_stats("tottime").print_stats(12)


def command(given: argparse.Namespace, paths: list[Path], jobs: int, *more: str) -> list[str]:
    """``personahub read`` of the paths, as a command."""
    named = [sys.executable, "-m", "personahub", "read", *map(str, paths), "--jobs", str(jobs), *more]
    return [*named, "--out", str(given.work / "out.jsonl"), "--json"]


def peak_resident(asked: list[str]) -> float:
    """MB that a command had in memory at most, itself; its own children are not counted.

    What ``wait4`` tells would count the process that started it, too.
    """
    peak = 0.0
    with subprocess.Popen(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            found = re.search(r"VmHWM:\s+(\d+)", status)
            peak = max(peak, int(found[1]) / 1024 if found else 0)
            time.sleep(0.02)
    if process.returncode:
        sys.exit(f"exit {process.returncode}: {' '.join(asked)}")
    return peak


ROWS: dict[str, Callable[[argparse.Namespace], None]] = {
    row.__name__: row for row in (wet, jsonl, parquet, warc, memory, whole)
}


def main() -> None:
    """Read the command line and measure the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["table"])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"{', '.join(ROWS)} (default: all)")
    parser.add_argument("--data", type=Path, required=True, help="the folder with the data sets")
    parser.add_argument("--work", type=Path, required=True, help="where to make the files")
    parser.add_argument("--profile", action="store_true", help="with whole: where the time goes")
    given = parser.parse_intermixed_args()
    if unknown := set(given.rows) - set(ROWS):
        parser.error(f"unknown rows: {', '.join(sorted(unknown))}; known: {', '.join(ROWS)}")
    for name in given.rows or ROWS:
        ROWS[name](given)


if __name__ == "__main__":
    main()

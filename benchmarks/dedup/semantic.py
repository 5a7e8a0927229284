"""How fast are semantic duplicates found, and views chosen?

    python benchmarks/dedup_semantic.py --rows 20000 50000 --view-rows 1000000

Vectors of 512 dimensions are made by seed around random centres, ten to each, so that each has some others
above 0.7. For each number of them: all pairs at 0.7; the last 1,000 rows against those before; and the view
at 0.5, for which no edges are stored. Then a view of many rows with five made edges to each row. Seconds are
of the wall clock and of CPU, without the compilation (some seconds once, then kept on disk).
"""

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from personahub.dedup.cosines import Vectors
from personahub.dedup.semantic import semantic_edges
from personahub.dedup.views import View, choose, choose_below


def made_vectors(count: int, seed: int = 0) -> Vectors:
    """Ten around each centre, at cosines of about 0.6 to 0.8 with each other."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((count // 10 + 1, 512), dtype=np.float32)
    vectors = np.empty((count, 512), dtype=np.float16)
    for start in range(0, count, 10_000):
        size = min(10_000, count - start)
        rows = centres[random.integers(0, len(centres), size)]
        rows = rows + random.uniform(0.4, 0.8, (size, 1)) * random.standard_normal((size, 512))
        vectors[start : start + size] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return vectors


def made_edges(rows: int, count: int, kind: type[np.floating], seed: int) -> pa.Table:
    """Between random rows, at 0.7 to 1."""
    random = np.random.default_rng(seed)
    a, b = np.sort(random.integers(0, rows, (2, count)), axis=0)
    return pa.table({"a": a, "b": b, "similarity": random.uniform(0.7, 0.9999, count).astype(kind)})


def measure(name: str, rows: int, work: Callable[[], str]) -> None:
    """Print one line of the table."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"| {name} | {rows:,} | {wall:.2f} | {cpu:.2f} | {rows / wall:,.0f} | {peak} | {found} |", flush=True
    )


def measure_vectors(count: int) -> None:
    """The lines about so many vectors."""
    vectors, rows = made_vectors(count), np.arange(count)

    def edges(since: int = 0) -> str:
        return f"{sum(batch.num_rows for batch in semantic_edges(vectors, 0.7, since=since)):,} pairs"

    def below() -> str:
        chosen = choose_below(rows, rows, None, vectors, rows, View(None, 0.5))
        return f"{(chosen.leader < 0).sum():,} kept"

    measure("all pairs, 0.7", count, edges)
    measure("last 1,000, 0.7", count, lambda: edges(count - 1000))
    measure("view at 0.5", count, below)


def measure_view(count: int) -> None:
    """The lines about a view of stored edges: three semantic and two surface ones to a row."""
    rows = np.arange(count)
    surface, semantic = (
        made_edges(count, count * 2, np.float64, 1),
        made_edges(count, count * 3, np.float32, 2),
    )
    for view in (View(0.9, 0.9), View(0.8, 0.7)):
        measure(
            f"view {view}, stored",
            count,
            lambda view=view: f"{(choose(rows, rows, surface, semantic, view).leader < 0).sum():,} kept",
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[20_000, 50_000])
    parser.add_argument("--view-rows", type=int, default=1_000_000)
    options = parser.parse_args()
    few = np.arange(3)
    edges = made_edges(3, 9, np.float64, 1)  # A first call, which compiles.
    choose(few, few, edges, edges, View())
    print("| what | rows | seconds | CPU | rows/s | peak MB | found |\n|---|---|---|---|---|---|---|")
    measure_view(options.view_rows)
    for count in options.rows:
        measure_vectors(count)


if __name__ == "__main__":
    main()

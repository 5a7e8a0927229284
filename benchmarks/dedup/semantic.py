"""How fast are texts embedded, semantic duplicates found, and views chosen?

    python benchmarks/dedup/semantic.py --data DATA --embed 1000000 --save en.npy    # 10 minutes on 2 cores
    python benchmarks/dedup/semantic.py --vectors en.npy --rows 200000 1000000 --peers

The first embeds short texts made from those in DATA, English, Russian and Chinese ones by as many processes
as there are cores, and keeps the English vectors. The second takes the first so many of these (or vectors
made around random centres): all pairs at 0.7, within clusters where there are more than 100,000 rows; the
last tenth against all; the view at 0.5, for which no edges are stored. What is found is held against all
pairs of 500 rows. With --peers faiss (pip install faiss-cpu) looks for the same pairs with an IVF-SQ8 index:
20,000 rows are looked up with as many probes as find no fewer of the pairs. Then a view of many rows with
five made edges to each. Seconds are of the wall clock and of CPU, without the compilation.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent))
from made_texts import LANGUAGES, MadeTexts

from personahub.dedup.cosines import Vectors
from personahub.dedup.semantic import semantic_edges
from personahub.dedup.views import View, choose, choose_below
from personahub.workflows.embed import embed_in_order, embedding_model_for


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


def measure_vectors(vectors: Vectors, *, below: bool) -> None:
    """The lines about these vectors."""
    count, rows = len(vectors), np.arange(len(vectors))

    def edges(since: int = 0) -> str:
        found = semantic_edges(vectors, 0.7, since=since)
        pairs = sum(batch.num_rows for batch in found)
        how = found.search
        if not how.visits:
            return f"{pairs:,} pairs"
        return f"{pairs:,} pairs, {how.visits:.1f} of {how.clusters:,} clusters, recall told {how.recall:.3f}"

    def kept() -> str:
        chosen = choose_below(rows, rows, None, vectors, rows, View(None, 0.5))
        return f"{(chosen.leader < 0).sum():,} kept"

    measure("pairs at 0.7", count, edges)
    measure("last tenth, 0.7", count // 10, lambda: edges(count - count // 10))
    if below:
        measure("view at 0.5", count, kept)


def pairs_of_some(vectors: Vectors, some: int = 500) -> set[tuple[int, int]]:
    """All pairs at 0.7 of some rows with any, by a plain product."""
    unit = vectors.astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    rows = np.sort(np.random.default_rng(0).choice(len(vectors), some, replace=False))
    one, other = np.nonzero(unit[rows] @ unit.T >= 0.7)
    pairs = zip(rows[one].tolist(), other.tolist(), strict=True)
    return {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}


def measure_recall(vectors: Vectors) -> None:
    """What share of the pairs of some rows is found."""
    wanted = pairs_of_some(vectors)
    found = {
        pair
        for batch in semantic_edges(vectors, 0.7)
        for pair in zip(batch["a"].to_pylist(), batch["b"].to_pylist(), strict=True)
        if pair in wanted
    }
    print(
        f"of {len(wanted):,} pairs of 500 rows {len(found) / max(len(wanted), 1):.4f} are found", flush=True
    )


def measure_faiss(vectors: Vectors, looked_up: int = 20_000) -> None:
    """The line about faiss: probes are doubled until it finds 0.99 of the pairs of some rows."""
    import faiss

    wanted = pairs_of_some(vectors)
    unit = vectors.astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    clusters = int(4 * len(unit) ** 0.5)
    wall, cpu = time.perf_counter(), time.process_time()
    index = faiss.index_factory(unit.shape[1], f"IVF{clusters},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.train(unit[:: max(len(unit) // (clusters * 40), 1)])
    index.add(unit)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"faiss IVF{clusters},SQ8: {len(unit):,} rows added in {wall:.1f} s ({cpu:.1f} s of CPU)", flush=True
    )
    rows = np.array(sorted({row for pair in wanted for row in pair}))
    index.nprobe = 4
    while (share := _found_by(index, unit, rows, wanted)) < 0.99 and index.nprobe < clusters:
        index.nprobe *= 2
    queries = unit[np.random.default_rng(1).choice(len(unit), looked_up, replace=False)]
    measure(
        f"faiss, {index.nprobe} probes, recall {share:.3f}",
        looked_up,
        lambda: f"{index.range_search(queries, 0.7)[0][-1]:,} pairs",
    )


def _found_by(
    index: object, unit: npt.NDArray[np.float32], rows: npt.NDArray[np.int64], wanted: set[tuple[int, int]]
) -> float:
    starts, _, others = index.range_search(unit[rows], 0.699)
    owners = np.repeat(rows, np.diff(starts.astype(np.int64)))
    found = {(min(pair), max(pair)) for pair in zip(owners.tolist(), others.tolist(), strict=True)}
    return len(found & wanted) / max(len(wanted), 1)


def measure_embedding(data: Path, count: int, save: Path | None) -> None:
    """The lines about embedding so many texts; of Russian and Chinese ones a tenth."""
    for language in LANGUAGES:
        size = count if language == "en" else count // 10
        vectors = np.empty((size, 512), np.float16)
        measure(f"embedding, {language}", size, partial(_embed, data, language, vectors))
        if save and language == "en":
            np.save(save, vectors)


def _embed(data: Path, language: str, into: Vectors) -> str:
    model = embedding_model_for(len(into))
    done = 0
    for texts, found in embed_in_order(_batches(data, language, len(into)), model):
        into[done : done + texts] = found
        done += texts
    model.close()
    return f"by {model.slots} processes"


def _batches(data: Path, language: str, count: int) -> Iterator[tuple[int, list[str]]]:
    for made in MadeTexts(data, language, count).read():
        for start in range(0, len(made), 256):
            texts = made.slice(start, 256).to_pylist()
            yield len(texts), texts


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
    parser.add_argument("--vectors", type=Path, help="a file of float16 vectors (.npy)")
    parser.add_argument("--below", action="store_true", help="also the view at 0.5")
    parser.add_argument("--peers", action="store_true", help="also faiss")
    parser.add_argument("--data", type=Path, help="the folder of texts, for --embed")
    parser.add_argument("--embed", type=int, default=0, help="embed so many texts, and nothing else")
    parser.add_argument("--save", type=Path, help="where to keep the English vectors")
    options = parser.parse_args()
    few = np.arange(3)
    edges = made_edges(3, 9, np.float64, 1)  # A first call, which compiles.
    choose(few, few, edges, edges, View())
    sum(batch.num_rows for batch in semantic_edges(made_vectors(101_000), 0.99))
    print("| what | rows | seconds | CPU | rows/s | peak MB | found |\n|---|---|---|---|---|---|---|")
    if options.embed:
        measure_embedding(options.data, options.embed, options.save)
        return
    if options.view_rows:
        measure_view(options.view_rows)
    for count in options.rows:
        vectors = np.load(options.vectors)[:count] if options.vectors else made_vectors(count)
        measure_vectors(vectors, below=options.below)
        if count > 100_000:
            measure_recall(vectors)
        if options.peers:
            measure_faiss(vectors)


if __name__ == "__main__":
    main()

"""Search and samples at a million personas: seconds, and the memory of it all.

    python benchmarks/search_sample.py --data DATA [-n 1000000] [--embedded 50000] [--hub DIR]

Makes a hub of made personas (see made_personas.py), indexes their words, and searches and samples it. The
embeddings are random vectors, which take as long to compare as real ones and say nothing of what is found.
Each search and sample is done once to load what it needs, then five times; the median is told.
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa

from made_personas import make
from personahub import Hub, sample, search
from personahub.hub.nearest import by_words
from personahub.models.sentence_encoder import SentenceEncoder
from personahub.records import SCHEMAS, Persona, content_id

_BATCH = 10_000
_QUERIES = ("nurse", "someone who looks after sick children", "врач, который пишет", "养蜂人正在研究")


def _batches(data: Path, n: int) -> Iterator[pa.RecordBatch]:
    schema = SCHEMAS[Persona]
    made = enumerate(make(data, n))
    while rows := list(islice(made, _BATCH)):
        roots = [f"i{number:020x}" for number, _ in rows]
        columns: dict[str, list[object]] = {
            "id": [content_id("p", text, "", root) for (_, (text, _)), root in zip(rows, roots, strict=True)],
            "description": [text for _, (text, _) in rows],
            "language": [language for _, (_, language) in rows],
            "parent_id": list(roots),
            "document_id": list(roots),
            "row": [number + 1 for number, _ in rows],
        }
        empty = {"closeness": None, **dict.fromkeys(("round", "seed", "run", "position"), 0)}
        arrays = [
            pa.array(columns.get(field.name, [empty.get(field.name, "")] * len(rows)), field.type)
            for field in schema
        ]
        yield pa.record_batch(arrays, schema=schema)


def _embed(hub: Hub, n: int) -> None:
    draw = np.random.default_rng(0)
    ids = (id_ for batch in hub.personas.read(["id"]) for id_ in batch["id"].to_pylist())
    while some := list(islice(ids, min(_BATCH, n - hub.embeddings.count()))):
        vectors = draw.standard_normal((len(some), SentenceEncoder.dimensions)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        hub.embeddings.add(some, vectors, SentenceEncoder.name)


def _tell(name: str, seconds: float) -> None:
    print(f"{name:58} {seconds:9.4f} s", flush=True)


def _once(name: str, work: Callable[[], object]) -> None:
    start = time.perf_counter()
    work()
    _tell(name, time.perf_counter() - start)


def _warm(name: str, work: Callable[[], object]) -> None:
    work()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    _tell(f"{name}, warm", statistics.median(times))


def _all(ids: pa.Array) -> pa.BooleanArray:
    return pa.array(np.ones(len(ids), np.bool_))


def _measure(path: Path, data: Path, n: int, embedded: int) -> None:
    hub = Hub.create(path)
    if not hub.personas.count():
        _once(f"made and added {n:,}", partial(hub.personas.add_rows, _batches(data, n)))
        _once("index of words, ids and filters", hub.personas.index_text)
        _once("the same again", hub.personas.index_text)
    if hub.embeddings.count() < embedded:
        _embed(hub, embedded)
        _once(f"index of {embedded:,} embeddings", hub.embeddings.index)
    for query in _QUERIES:
        _warm(f"by words: {query}", partial(by_words, hub, query, 10, None, _all))
    _warm("by words: nurse, in English", partial(by_words, hub, "nurse", 10, "language = 'en'", _all))
    for query in _QUERIES:
        _warm(f"by words and {embedded:,} meanings: {query}", partial(search, path, query))
    _warm("the same, in Russian", partial(search, path, "a doctor", language="ru"))
    like = sample(path, 1)[0]["id"]
    _warm("like a persona", partial(search, path, like=like))
    _warm("sample of 10", partial(sample, path, 10))
    _warm("sample of 10,000", partial(sample, path, 10_000))
    _once("diverse sample of 100", partial(sample, path, 100, diverse=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'memory at its peak':58} {peak:9.0f} MB")


def main() -> None:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-n", type=int, default=1_000_000)
    parser.add_argument("--embedded", type=int, default=50_000)
    parser.add_argument("--hub", type=Path, help="keep the hub there, and use the one that is there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _measure(args.hub or Path(folder) / "hub", args.data, args.n, args.embedded)


if __name__ == "__main__":
    main()

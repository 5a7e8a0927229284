"""Whether each measure of diversity moves as it should on sets that are known, and what a large set costs.

    python benchmarks/diversity.py --data DATA --out REPORT [-n 1500]
    python benchmarks/diversity.py --data DATA --large 1000000

The first measures dictionary glosses, the same glosses twice, and one-line reviews, and writes the report.
The second measures recombined glosses with vectors that cost nothing, and prints seconds, peak memory and
how much of it is not the mapped file of vectors.
"""

import argparse
import gzip
import json
import resource
import tempfile
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from personahub import evaluate_diversity
from personahub.evaluation import METRICS
from personahub.languages import LANGUAGES
from personahub.workflows.evaluate.diversity_report import FORMS, headings, table
from personahub.workflows.steps import StepWatcher

_GLOSSES = "wordnet_glosses/glosses.jsonl.gz"
_REVIEWS = "nltk_short_texts/texts.jsonl.gz"


def texts_of(file: Path, count: int | None = None) -> list[str]:
    """The first texts of a file of rows."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in islice(lines, count)]


def write(file: Path, texts: Iterable[str]) -> Path:
    """Write texts as rows."""
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return file


def known_sets(data: Path, folder: Path, out: Path | None, n: int) -> None:
    """Measure three sets of which it is known how they should compare."""
    glosses, reviews = texts_of(data / _GLOSSES, n), texts_of(data / _REVIEWS, n)
    sets = {"glosses": glosses, "glosses_twice": glosses * 2, "reviews": reviews}
    started = time.monotonic()
    files = [write(folder / f"{name}.jsonl", texts) for name, texts in sets.items()]
    result = evaluate_diversity(*files, out=out)
    for form in FORMS:
        print(f"\n{headings(result)[form]}\n\n| | {' | '.join(sets)} |\n|---|{'--:|' * len(sets)}")
        for row in table(result, form):
            print(f"| {' | '.join(row)} |")
    print(f"\n{time.monotonic() - started:.0f} s")


class FreeVectors:
    """An embedding model that takes no time."""

    name = "none"
    dimensions = 512
    languages = LANGUAGES
    slots = 1

    def embed(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Random vectors of unit length, shape (len(texts), 512)."""
        vectors = np.random.default_rng(len(texts[0])).normal(size=(len(texts), 512)) + 1
        unit: npt.NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(
            np.float32
        )
        return unit

    def close(self) -> None:
        """Nothing is held."""


class _Times(StepWatcher):
    def __init__(self) -> None:
        self._started = time.monotonic()

    def began(self, step: str, total: int | None) -> None:
        print(f"{time.monotonic() - self._started:6.0f} s  {step}, {total:,}", flush=True)


def large_set(data: Path, folder: Path, n: int) -> None:
    """Measure one set of so many texts."""
    heads, glosses = zip(*(text.split(": ", 1) for text in texts_of(data / _GLOSSES)), strict=True)
    draws = np.random.default_rng(0).integers(len(heads), size=(n, 2)).tolist()
    file = write(folder / "large.jsonl", (f"{heads[left]}: {glosses[right]}" for left, right in draws))
    started = time.monotonic()
    result = evaluate_diversity(file, embeddings=FreeVectors(), watcher=_Times())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    own = next(line for line in Path("/proc/self/status").read_text().splitlines() if "RssAnon" in line)
    done = sum(measure.value is not None for measure in result.sets[0].raw.measures.values())
    print(f"{time.monotonic() - started:.0f} s, peak {peak:.0f} MB, at the end {own}")
    print(f"{done} of {len(METRICS)} measures taken")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("-n", type=int, default=1500)
    parser.add_argument("--large", type=int)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        if given.large:
            large_set(given.data, Path(temporary), given.large)
        else:
            known_sets(given.data, Path(temporary), given.out, given.n)

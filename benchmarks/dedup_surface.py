"""What surface deduplication costs, and that it loses nothing.

    python benchmarks/dedup_surface.py --data DATA [-n 100000 1000000] [--thresholds 0.8 0.9]

Made personas (made_personas.py, a tenth of them planted duplicates), each measurement in a process of its
own, in seconds of CPU. Words: cutting texts into numbered words. Join: all that follows. Candidates: pairs
that the index gives, a text; merged: those of them that had to be counted. Peak: of the process, the texts
included. Then 3,000 personas are compared all with all.
"""

import argparse
import multiprocessing
import resource
import time
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pyarrow as pa

from made_personas import make
from personahub.dedup import surface, surface_duplicates
from personahub.kernels.words import find_words

_SAMPLE = 3000


def measure(data: Path, n: int, threshold: float) -> None:
    """Print the table's row of one run."""
    texts = pa.array([text for text, _ in make(data, n)], pa.large_string())
    surface_duplicates(["a nurse who bakes", "a nurse who bakes rye"], threshold).kept()  # load the kernels
    started = time.process_time()
    surface._word_sets(texts)
    words = time.process_time() - started
    started = time.process_time()
    found = surface_duplicates(texts, threshold)
    join = time.process_time() - started - words
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"| {n:,} | {threshold} | {words:.1f} | {max(join, 0):.1f} | {found.links.candidates / n:.1f} | "
        f"{found.links.merged / n:.2f} | {found.pairs.num_rows:,} | {len(found.kept()):,} | {peak:.0f} |",
        flush=True,
    )


def compare(data: Path, threshold: float) -> None:
    """Print how many pairs of a sample are found, and how many there are by comparing all with all."""
    texts = [text for text, _ in make(data, _SAMPLE, seed=1, duplicates=0.4)]
    sets = [set(find_words(text)) for text in texts]
    least = Fraction(str(threshold))
    expected = {
        (a, b)
        for a, b in combinations(range(len(sets)), 2)
        if len(sets[a] & sets[b]) * least.denominator >= least.numerator * len(sets[a] | sets[b])
    }
    pairs = surface_duplicates(texts, threshold).pairs
    found = set(zip(pairs["a"].to_pylist(), pairs["b"].to_pylist(), strict=True))
    print(
        f"{_SAMPLE:,} texts at {threshold}: {len(found & expected)} of {len(expected)} pairs found, ", end=""
    )
    print(f"{len(found - expected)} others.")


def main() -> None:
    """Read the command line, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-n", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--thresholds", type=float, nargs="+", default=[0.8, 0.9])
    args = parser.parse_args()
    print("| texts | threshold | words s | join s | candidates | merged | pairs | kept | peak MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for n in args.n:
        for threshold in args.thresholds:
            process = multiprocessing.get_context("spawn").Process(
                target=measure, args=(args.data, n, threshold)
            )
            process.start()
            process.join()
    for threshold in args.thresholds:
        compare(args.data, threshold)


if __name__ == "__main__":
    main()

"""Surface deduplication: how fast, how exact, and beside others.

    python benchmarks/dedup/surface.py --data DATA [-n 1000000] [--languages en ru zh] [--thresholds 0.8 0.9]
        [--peers] [--minhash 0.8 0.6] [--scale 10000000 100000000] [--real] [--memory 1]
        [--incremental 10000000 1000000]

Made texts (made_texts.py, a tenth of them planted near copies), each measurement in a process of its own. CPU
seconds are of all threads, without the loading of compiled loops; where texts are made while they are
compared, the seconds of making them are taken off. Candidates are pairs that were looked at, for each text.

--peers: other deduplicators get the words as Python lists, cut beforehand and not counted; they say of each
text whether an earlier one is near. Right is who has an earlier text at or above 0.9 by its words. Each peer
has 128 permutations and a threshold of 0.9. (pip install rensa datasketch gaoya)
--minhash: our MinHash at these thresholds, and how many of the links it finds.
--incremental OLD NEW: new texts against old ones, made anew like those of --scale, through an index: warm,
when it knows the old ones, cold, when it is made of them first; and all at once, without one.
--scale: texts are made anew whenever they are read, and none is held.
--real: dictionary glosses and short texts as they are, for the shares that stay at each threshold; and
articles whose near copies are labelled.
"""

import argparse
import gzip
import json
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
from made_texts import LANGUAGES, MadeTexts

from personahub.dedup import MinHash, minhash_duplicates, surface_duplicates
from personahub.dedup.exact import join_exactly
from personahub.dedup.index import compare_through_index
from personahub.dedup.passes import Alike
from personahub.kernels.words import find_words

_LIMIT = 200_000_000


def in_own_process(work: Callable[..., None], *args: object) -> None:
    """Run a measurement where nothing ran before."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=args)
    process.start()
    process.join()


def peak_megabytes() -> int:
    """The most memory that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def measure(data: Path, language: str, n: int, threshold: float) -> None:
    """Print the table's row of texts that are in memory."""
    texts = pa.chunked_array(list(MadeTexts(data, language, n).read()))
    surface_duplicates(texts.slice(0, 20_000), threshold).kept()
    started, cpu = time.perf_counter(), time.process_time()
    found = surface_duplicates(texts, threshold)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(
        f"| {language} | {n:,} | {threshold} | {wall:.2f} | {cpu:.2f} | {n / cpu / 1e6:.2f} | "
        f"{found.candidates / n:.2f} | {len(found.links.a):,} | {len(found.kept()):,} | "
        f"{peak_megabytes():,} |",
        flush=True,
    )


def by_minhash(data: Path, language: str, n: int, threshold: float) -> None:
    """Print the rows of the exact join and of MinHash."""
    texts = pa.chunked_array(list(MadeTexts(data, language, n).read()))
    ways = {"exact": None, "MinHash": MinHash(), "estimate only": MinHash(verify=False)}
    expected: set[int] = set()
    for name, settings in ways.items():
        compare = partial(minhash_duplicates, settings=settings) if settings else surface_duplicates
        compare(texts.slice(0, 2000), threshold).kept()
        started, cpu = time.perf_counter(), time.process_time()
        found = compare(texts, threshold, max_pairs=_LIMIT)
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
        links = set((found.links.a << 32 | found.links.b).tolist())
        expected = expected or links
        right = len(links & expected)
        bands = f"{found.banding.bands} of {found.banding.rows}" if settings else ""
        told = f"{found.recall:.3f}" if settings else ""
        print(
            f"| {name} | {language} | {n:,} | {threshold} | {bands} | {told} | {wall:.2f} | {cpu:.2f} | "
            f"{found.candidates / n:.2f} | {len(links):,} | {right / len(expected):.3f} | "
            f"{right / len(links):.3f} |",
            flush=True,
        )


def scale(data: Path, language: str, n: int, threshold: float, memory: int) -> None:
    """Print the table's row of texts that are made when they are read."""
    warm = MadeTexts(data, language, 20_000)
    join_exactly(warm, Fraction(str(threshold)), limit=_LIMIT, memory=2**26)
    texts = MadeTexts(data, language, n)
    told = started = time.perf_counter()
    cpu = time.process_time()

    def progress(what: str, done: int, whole: int) -> None:
        nonlocal told
        if time.perf_counter() > told + 60:
            told = time.perf_counter()
            print(
                f"<!-- {told - started:.0f} s: {what} {done / whole:.0%}, {peak_megabytes():,} MB -->",
                flush=True,
            )

    found = join_exactly(texts, Fraction(str(threshold)), limit=_LIMIT, memory=memory, progress=progress)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu - texts.seconds
    links = f"{len(found.links.a):,}" if found.links else f"over {_LIMIT:,}"
    print(
        f"| {language} | {n:,} | {threshold} | {wall:.1f} | {cpu:.1f} | {n / cpu / 1e6:.2f} | "
        f"{found.candidates / n:.2f} | {links} | {n - len(found.equal):,} different | {peak_megabytes():,} |",
        flush=True,
    )


def incremental(data: Path, language: str, old: int, new: int, threshold: float, memory: int) -> None:
    """Print the rows of new texts against old ones: cold, warm, and all at once."""
    exact = Fraction(str(threshold))
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:

        def through_index(texts: MadeTexts, since: int, index: str = "index") -> Alike:
            return compare_through_index(
                texts, exact, Path(folder, index), since=since, limit=_LIMIT, memory=memory
            )

        through_index(MadeTexts(data, language, 20_000), 10_000, "first")
        join_exactly(MadeTexts(data, language, 20_000), exact, limit=_LIMIT, memory=2**26)
        first, texts = MadeTexts(data, language, old), MadeTexts(data, language, old + new)
        told = f"| {language} | {threshold} | {old:,} | {new:,} |"
        made = _timed(lambda: through_index(first, old), first)[1]
        size = sum(path.stat().st_size for path in Path(folder, "index").iterdir())
        found, cpu, wall = _timed(lambda: through_index(texts, old), texts)
        rest = f"{len(found.links.a):,} | {found.candidates / new:.1f} | {size / old:.0f} |"
        for name, seconds in (("warm", cpu), ("cold", made + cpu)):
            print(f"{told} {name} | {seconds:.2f} | {new / seconds / 1e3:,.0f} k | {rest}", flush=True)
        print(f"<!-- warm: {wall:.2f} s on the clock, with making texts; {peak_megabytes():,} MB -->")
        at_once, cpu, _ = _timed(
            lambda: join_exactly(texts, exact, since=old, limit=_LIMIT, memory=memory), texts
        )
        same = all(np.array_equal(a, b) for a, b in zip(found.links, at_once.links, strict=True))
        print(
            f"{told} at once | {cpu:.2f} | {new / cpu / 1e3:,.0f} k | {'the same' if same else 'OTHERS'} |||"
        )


def _timed(work: Callable[[], Alike], texts: MadeTexts) -> tuple[Alike, float, float]:
    """What is found, CPU seconds without those of making texts, and seconds on the clock."""
    texts.seconds, started, cpu = 0.0, time.perf_counter(), time.process_time()
    found = work()
    return found, time.process_time() - cpu - texts.seconds, time.perf_counter() - started


def rensa_flags(words: Sequence[list[str]]) -> Iterator[bool]:
    """By rensa's own deduplicator, in batches, which is its fastest way."""
    from rensa import RMinHashDeduplicator

    deduplicator = RMinHashDeduplicator(threshold=0.9, num_perm=128, use_lsh=True)
    for start in range(0, len(words), 10_000):
        batch = [(str(start + place), own) for place, own in enumerate(words[start : start + 10_000])]
        yield from (not added for added in deduplicator.add_pairs(batch))


def datasketch_flags(words: Sequence[list[str]]) -> Iterator[bool]:
    """By datasketch's MinHash and LSH."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=0.9, num_perm=128)
    encoded_words = [[word.encode() for word in own] for own in words]
    for row, sketch in enumerate(MinHash.generator(encoded_words, num_perm=128)):
        near = bool(index.query(sketch))
        if not near:
            index.insert(str(row), sketch, check_duplication=False)
        yield near


def gaoya_flags(words: Sequence[list[str]]) -> Iterator[bool]:
    """By gaoya's index."""
    from gaoya.minhash import MinHashStringIndex

    index = MinHashStringIndex(
        hash_size=32, jaccard_threshold=0.9, num_bands=16, band_size=8, num_hashes=128, analyzer="word"
    )
    for row, own in enumerate(words):
        text = " ".join(own)
        near = bool(index.query(text))
        if not near:
            index.insert_document(row, text)
        yield near


def our_flags(texts: pa.ChunkedArray, settings: MinHash | None) -> Iterator[bool]:
    """By the exact join, or by our MinHash."""
    found = minhash_duplicates(texts, 0.9, settings) if settings else surface_duplicates(texts, 0.9)
    kept = np.zeros(len(texts), np.bool_)
    kept[found.kept()] = True
    yield from (~kept).tolist()


_OURS = {
    "ours": None,
    "our MinHash": MinHash(),
    "our MinHash, recall 0.99": MinHash(recall=0.99),
    "our MinHash, estimate only": MinHash(verify=False),
}
_PEERS = {"rensa": rensa_flags, "datasketch": datasketch_flags, "gaoya": gaoya_flags}


def judge(data: Path, language: str, n: int, name: str) -> None:
    """Print a peer's row: its speed, and whether it is right."""
    texts = pa.chunked_array(list(MadeTexts(data, language, n).read()))
    found = surface_duplicates(texts, 0.9)
    near = np.zeros(n, np.bool_)
    near[np.flatnonzero((found.groups >= 0) & (found.groups != np.arange(n)))] = True
    near[found.pairs["b"].to_numpy()] = True
    words = None
    if name in _OURS:
        list(our_flags(texts.slice(0, 20_000), _OURS[name]))
    else:
        words = [find_words(text) for text in texts.to_pylist()]
    started = time.process_time()
    flags = our_flags(texts, _OURS[name]) if words is None else _PEERS[name](words)
    said = np.fromiter(flags, np.bool_, n)
    cpu = time.process_time() - started
    right = int((said & near).sum())
    print(
        f"| {name} | {language} | {n:,} | {cpu:.2f} | {n / cpu / 1e3:,.0f} k | {right / near.sum():.3f} | "
        f"{right / max(said.sum(), 1):.3f} |",
        flush=True,
    )


def real_texts(data: Path) -> dict[str, list[str]]:
    """Real short texts as they are."""
    found = {}
    for name in ("wordnet_glosses", "nltk_short_texts"):
        rows: list[str] = []
        for file in sorted((data / name).glob("*.jsonl.gz")):
            with gzip.open(file, "rt", encoding="utf-8") as lines:
                rows += [json.loads(line)["text"] for line in lines]
        found[name] = rows
    return found


def stay(data: Path) -> None:
    """Print how many real texts stay at each threshold."""
    thresholds = (0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
    print("| collection | texts | " + " | ".join(map(str, thresholds)) + " | CPU s |")
    print("|---|--:|" + "--:|" * (len(thresholds) + 1))
    for name, texts in real_texts(data).items():
        surface_duplicates(texts[:1000], 0.75)
        started = time.process_time()
        found = surface_duplicates(texts, 0.75)
        cpu = time.process_time() - started
        kept = " | ".join(f"{len(found.kept(threshold)):,}" for threshold in thresholds)
        print(f"| {name} | {len(texts):,} | {kept} | {cpu:.2f} |", flush=True)


def labelled(data: Path) -> None:
    """Print how many labelled pairs of articles are found."""
    print("\n| articles | threshold | labelled pairs | found | others |\n|--:|--:|--:|--:|--:|")
    for n in (100, 1000):
        folder = data / "minhash_articles_dev"
        with gzip.open(folder / f"articles_{n}.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        places = {row["id"]: place for place, row in enumerate(rows)}
        told = json.loads((folder / f"articles_{n}.truth.json").read_text())
        truth = {tuple(sorted((places[a], places[b]))) for a, b in told}
        for threshold in (0.9, 0.75, 0.5):
            pairs = surface_duplicates([row["text"] for row in rows], threshold).pairs
            found = set(zip(pairs["a"].to_pylist(), pairs["b"].to_pylist(), strict=True))
            print(f"| {n:,} | {threshold} | {len(truth)} | {len(found & truth)} | {len(found - truth)} |")


def exactness(data: Path, language: str, n: int, threshold: float) -> None:
    """Print how many pairs of a sample are found, and how many there are by comparing all with all."""
    texts = MadeTexts(data, language, n, duplicates=0.5).texts(range(n))
    sets = [frozenset(find_words(text)) for text in texts]
    numbers = {word: place for place, word in enumerate(set().union(*sets))}
    has = np.zeros((n, len(numbers)), np.float32)
    for row, words in enumerate(sets):
        has[row, [numbers[word] for word in words]] = 1
    sizes = has.sum(axis=1)
    shared = has @ has.T
    least = Fraction(str(threshold))
    both = (sizes[:, None] + sizes[None, :] - shared) * least.numerator
    similar = np.triu(shared * least.denominator >= both, 1)
    expected = set(zip(*(each.tolist() for each in np.nonzero(similar)), strict=True))
    pairs = surface_duplicates(texts, threshold).pairs
    found = set(zip(pairs["a"].to_pylist(), pairs["b"].to_pylist(), strict=True))
    print(
        f"| {language} | {n:,} | {threshold} | {len(expected):,} | {len(found & expected):,} | "
        f"{len(found - expected)} |",
        flush=True,
    )


def beside_peers(data: Path, languages: Sequence[str]) -> None:
    """Print the table of peers."""
    print("\n| | | texts | CPU s | texts/s | recall | precision |\n|---|---|--:|--:|--:|--:|--:|")
    for language in languages:
        for name in (*_OURS, *_PEERS):
            in_own_process(judge, data, language, 100_000, name)
        for name in (*_OURS, "rensa"):
            in_own_process(judge, data, language, 1_000_000, name)


def brute_force(data: Path, languages: Sequence[str]) -> None:
    """Print the table of exactness."""
    print("\n| | texts | threshold | pairs by comparing all | found | others |\n|---|--:|--:|--:|--:|--:|")
    for language in languages:
        for threshold in (0.75, 0.8, 0.85, 0.9, 0.95, 1.0):
            exactness(data, language, 5000, threshold)


def minhash_table(data: Path, counts: list[int], languages: list[str], thresholds: list[float]) -> None:
    """Print the table of our MinHash beside our exact join."""
    head = "| | | texts | threshold | bands | chance at it | wall s | CPU s | candidates | links | recall |"
    print(f"\n{head} precision |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for n, threshold, language in product(counts, thresholds, languages):
        in_own_process(by_minhash, data, language, n, threshold)


def incremental_table(
    data: Path, old: int, new: int, languages: list[str], thresholds: list[float], memory: int
) -> None:
    """Print the table of new texts against old ones."""
    head = "| | threshold | old | new | index | CPU s | new texts/s a core | links | tries a new text |"
    print(f"\n{head} bytes an old text |\n|---|--:|--:|--:|---|--:|--:|--:|--:|--:|")
    for language, threshold in product(languages, thresholds):
        in_own_process(incremental, data, language, old, new, threshold, memory)


def main() -> None:
    """Read the command line, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-n", type=int, nargs="*", default=[1_000_000])
    parser.add_argument("--languages", nargs="+", default=LANGUAGES, choices=LANGUAGES)
    parser.add_argument("--thresholds", type=float, nargs="*", default=[0.9, 0.8])
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--minhash", type=float, nargs="+", default=[], metavar="THRESHOLD")
    parser.add_argument("--scale", type=float, nargs="*", default=[])
    parser.add_argument("--incremental", type=float, nargs=2, metavar=("OLD", "NEW"))
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--memory", type=float, default=1.0, help="GiB for filters and candidates at scale")
    args = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}\n")
    head = "| | texts | threshold | wall s | CPU s | M texts/s a core | candidates | links | stay | peak MB |"
    print(f"{head}\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for n, threshold, language in product(args.n, args.thresholds, args.languages):
        in_own_process(measure, args.data, language, n, threshold)
    for n in args.scale:
        for language in args.languages:
            in_own_process(scale, args.data, language, int(n), args.thresholds[0], int(args.memory * 2**30))
    if args.minhash:
        minhash_table(args.data, args.n, args.languages, args.minhash)
    if args.incremental:
        old, new = map(int, args.incremental)
        incremental_table(args.data, old, new, args.languages, args.thresholds, int(args.memory * 2**30))
    if args.peers:
        beside_peers(args.data, args.languages)
    if args.n:
        brute_force(args.data, args.languages)
    if args.real:
        print()
        stay(args.data)
        labelled(args.data)


if __name__ == "__main__":
    main()

"""What decontamination by words costs, and that it finds every planted leak.

    python benchmarks/contamination.py --data DATA [-n 100000 1000000] [--items 20000]

Real short texts (glosses and judged sentences; English, Russian, Chinese: 70, 15, 15 in a hundred) are parted
by their hash into those of which benchmark items are made (one to four a piece) and those of which records
are made (four to ten). One record in a hundred has an item of four words or more planted, in other case and
with other punctuation.

Speed: seconds of wall time and of CPU in a process of its own, making the records left out. Natural: records
without a plant that are contaminated all the same, since the same clause stands in two real texts (by 13
words, by the share of 8-grams, by a whole shorter item). Then 10,000 of the records are judged once more by
Python's own sets of n-grams. Edited: items planted with one word of so many exchanged, and the part of them
that is found at each least share of 8-grams; beside it the records of those that are found without a plant.
"""

import argparse
import gzip
import json
import multiprocessing
import random
import resource
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from personahub.kernels.words import find_words, weigh_word
from personahub.verification.contamination import Benchmark, BenchmarkItem

_LANGUAGES = ("en", "ru", "zh")
_SHARES = (70, 15, 15)
_PLANTED = 0.01
_BATCH = 8192
_SAMPLE = 10_000
_EDITS = (5, 7, 9, 11, 13, 15)
_LEAST = (0.2, 0.3, 0.4, 0.5, 0.7)

Pools = dict[str, list[str]]


def pools(data: Path) -> tuple[Pools, Pools]:
    """The texts of items and those of records, by language."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    with gzip.open(data / "wordnet_glosses" / "glosses.jsonl.gz", "rt", encoding="utf-8") as lines:
        found["en"].update(dict.fromkeys(json.loads(line)["text"].partition(": ")[2] for line in lines))
    for language in _LANGUAGES:
        with gzip.open(data / "stsb_dev" / f"{language}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                found[language].update(dict.fromkeys((row["a"], row["b"])))
    items: Pools = {}
    records: Pools = {}
    for language, texts in found.items():
        # By the words, so that one text in two spellings is on one side.
        side = {text: zlib.crc32(" ".join(find_words(text)).encode()) % 2 for text in texts}
        items[language] = [text for text in texts if side[text]]
        records[language] = [text for text in texts if not side[text]]
    return items, records


def made(pool: Pools, least: int, most: int, draw: random.Random) -> tuple[str, str]:
    """A language, and a text of so many of its short texts."""
    (language,) = draw.choices(_LANGUAGES, _SHARES)
    parts = draw.choices(pool[language], k=draw.randint(least, most))
    return language, ("。" if language == "zh" else ". ").join(part.rstrip(" .。") for part in parts)


def make_items(pool: Pools, count: int) -> list[BenchmarkItem]:
    """Benchmark items, the same each time."""
    draw = random.Random(1)
    return [BenchmarkItem("made.jsonl", row, made(pool, 1, 4, draw)[1]) for row in range(count)]


def make_records(pool: Pools, items: list[BenchmarkItem], count: int) -> Iterator[tuple[str, int | None]]:
    """Records, and which item is planted in each."""
    draw = random.Random(2)
    whole = [row for row, item in enumerate(items) if sum(map(weigh_word, find_words(item.text))) >= 40]
    for _ in range(count):
        text = made(pool, 4, 10, draw)[1]
        planted = None
        if draw.random() < _PLANTED:
            planted = draw.choice(whole)
            text = f"{text} — {items[planted].text.upper().replace('.', ' /')} … {text[: len(text) // 2]}"
        yield text, planted


def measure(data: Path, count: int, size: int) -> None:
    """Print the table's row of one run."""
    item_pool, record_pool = pools(data)
    items = make_items(item_pool, size)
    Benchmark.index(items[:2]).overlaps(["loads the loops"])
    started = time.perf_counter()
    benchmark = Benchmark.index(items)
    indexing = time.perf_counter() - started
    wall = cpu = 0.0
    plants = found = 0
    natural: Counter[int] = Counter()
    batch: list[tuple[str, int | None]] = []
    stream = make_records(record_pool, items, count)
    while batch := [pair for _, pair in zip(range(_BATCH), stream, strict=False)]:
        texts = [text for text, _ in batch]
        began, spent = time.perf_counter(), time.process_time()
        matches = benchmark.overlaps(texts)
        wall, cpu = wall + time.perf_counter() - began, cpu + time.process_time() - spent
        for match, (_, planted) in zip(matches, batch, strict=True):
            plants += planted is not None
            found += planted is not None and match is not None
            if match and planted is None:
                natural[match.n if match.n >= 8 else 4] += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"| {count:,} | {benchmark.items:,} | {indexing:.1f} | {wall:.1f} | {cpu:.1f} | {count / cpu:,.0f} | "
        f"{found:,} of {plants:,} | {natural[13]:,}, {natural[8]:,}, {natural[4]:,} | {peak:.0f} |",
        flush=True,
    )


def grams(words: list[str], least: int) -> list[tuple[str, ...]]:
    """The n-grams as Python's own tuples, in scripts without spaces as long as what stands for them."""
    weights = [weigh_word(word) for word in words]
    if set(weights) <= {10}:
        return list(zip(*(words[start:] for start in range(least // 10)), strict=False))
    found, end, weight = [], 0, 0
    for start in range(len(words)):
        while weight < least and end < len(words):
            weight += weights[end]
            end += 1
        if weight < least:
            break
        found.append(tuple(words[start:end]))
        weight -= weights[start]
    return found


def compare(data: Path, size: int) -> None:
    """Print how the verdicts and the speed are beside Python's own sets."""
    item_pool, record_pool = pools(data)
    items = make_items(item_pool, size)
    texts = [text for text, _ in make_records(record_pool, items, _SAMPLE)]
    began = time.process_time()
    eights: dict[tuple[str, ...], list[int]] = defaultdict(list)
    thirteens: set[tuple[str, ...]] = set()
    totals = []
    for place, item in enumerate(items):
        words = find_words(item.text)
        thirteens.update(grams(words, 130))
        own = grams(words, 80)
        totals.append(len(own))
        for gram in own:
            eights[gram].append(place)
    indexing = time.process_time() - began
    began = time.process_time()
    expected = []
    for text in texts:
        words = find_words(text)
        counts: dict[int, int] = defaultdict(int)
        for gram in set(grams(words, 80)):
            for place in eights.get(gram, ()):
                counts[place] += 1
        shared = any(2 * count >= totals[place] for place, count in counts.items())
        expected.append(shared or not thirteens.isdisjoint(grams(words, 130)))
    plain = time.process_time() - began
    benchmark = Benchmark.index(items)
    benchmark.overlaps(["loads the loops"])
    began = time.process_time()
    found = benchmark.overlaps(texts)
    ours = time.process_time() - began
    long = [match is not None and match.n >= 8 for match in found]
    print(f"{_SAMPLE:,} records, {size:,} items, verdicts alike: {long == expected}; ", end="")
    print(f"{plain:.1f} s by Python's sets (and {indexing:.1f} to index), {ours:.2f} s here: ", end="")
    print(f"{plain / ours:.0f} times as fast.", flush=True)


def edited(data: Path) -> None:
    """Print which part of edited items is found."""
    item_pool, record_pool = pools(data)
    items = [item for item in make_items(item_pool, 6000) if len(item.text.split()) >= 8][:3000]
    benchmarks = [Benchmark.index(items, least) for least in _LEAST]
    draw = random.Random(3)
    print("| one word exchanged of | " + " | ".join(f"share {least}" for least in _LEAST) + " |")
    print("|---|" + "---|" * len(_LEAST))
    for every in _EDITS:
        texts = []
        for item in items:
            words, before = item.text.split(), made(record_pool, 2, 4, draw)[1]
            for start in range(0, len(words), every):
                words[min(start + draw.randrange(every), len(words) - 1)] = "zzz"
            texts.append(f"{before} {' '.join(words)}")
        _print_shares(str(every), benchmarks, texts)
    _print_shares("nothing planted", benchmarks, [made(record_pool, 4, 10, draw)[1] for _ in range(_SAMPLE)])


def _print_shares(name: str, benchmarks: list[Benchmark], texts: list[str]) -> None:
    found = [sum(map(bool, benchmark.overlaps(texts))) / len(texts) for benchmark in benchmarks]
    print(f"| {name} | " + " | ".join(f"{share:.1%}" for share in found) + " |", flush=True)


def main() -> None:
    """Read the command line, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-n", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--items", type=int, default=20_000)
    args = parser.parse_args()
    print(
        "| records | items | index s | wall s | CPU s | records/CPU s | planted found | natural | peak MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for count in args.n:
        process = multiprocessing.get_context("spawn").Process(
            target=measure, args=(args.data, count, args.items)
        )
        process.start()
        process.join()
    compare(args.data, args.items)
    edited(args.data)


if __name__ == "__main__":
    main()

"""How fast are near-identical pages found, in how much memory, and which pages of real files are they?

    python benchmarks/near_identical_pages.py --data DATA [--pages 100000]

The first part makes pages of about 300 words from the sentences of DATA's articles, ten drawn for each, with
eight made-up words in each page; a line for every eighth of them. Speeds are per second of CPU time, words
found included; bytes are what the process has grown by, its fixed tables included. The second part reads the
articles and the web texts as ``personahub read`` does and prints what is set aside as near-identical.
"""

import argparse
import gzip
import json
import random
import re
import time
from pathlib import Path

from personahub.corpus import LeftOut, find_sources
from personahub.dedup.pages import PageFilter
from personahub.kernels.words import find_words
from personahub.workflows.pages import read_pages

_ARTICLES = "minhash_articles_dev/articles_1000.jsonl.gz"
_WEB = ("cc_whirlwind", "dolma_ccnet", "digitalgov_news")
_LETTERS = "abcdefghijklmnopqrst"
_SHOWN = 10


def sentences(data: Path) -> list[str]:
    """Sentences of the articles, none very short."""
    with gzip.open(data / _ARTICLES, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    return [part for text in texts for part in re.split(r"(?<=[.!?]) +", text) if len(part) > 20]


def page(draw: random.Random, of: list[str]) -> str:
    """A page of at most 300 words."""
    words = " ".join(draw.choices(of, k=12)).split()[:300]
    for _ in range(8):
        words[draw.randrange(len(words))] = "".join(draw.choices(_LETTERS, k=draw.randint(3, 8)))
    return " ".join(words)


def resident() -> int:
    """Bytes of this process in memory."""
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def made_pages(data: Path, count: int) -> None:
    """Filter pages that are made as they are filtered."""
    draw, of = random.Random(1), sentences(data)
    step, words, taken = count // 8, 0, 0.0
    with PageFilter() as pages:
        before = resident()
        for number in range(1, count + 1):
            text = page(draw, of)
            start = time.process_time()
            found = find_words(text)
            pages.add(found)
            taken += time.process_time() - start
            words += len(found)
            if number % step == 0:
                print(
                    f"{number:>9,} pages of {words / step:.0f} words: {step / taken:,.0f} pages a second,"
                    f" {(resident() - before) / number:.0f} bytes a page, {len(pages):,} kept",
                    flush=True,
                )
                words, taken = 0, 0.0


def real_files(data: Path) -> None:
    """What is set aside of real files."""
    for name in (_ARTICLES, *_WEB):
        found = list(read_pages(find_sources([str(data / name)])))
        alike = [item for item in found if isinstance(item, LeftOut) and item.reason == "near_identical"]
        repeated = sum(isinstance(item, LeftOut) and item.reason == "already_read" for item in found)
        documents = sum(not isinstance(item, LeftOut) for item in found)
        print(f"{name}: {documents} documents, {len(alike)} near-identical, {repeated} read already")
        for item in alike[:_SHOWN]:
            print(f"  {Path(item.source).name}, row {item.row}: {item.detail}: {item.text[:80]!r}")


def main() -> None:
    """Measure both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with the data sets")
    parser.add_argument("--pages", type=int, default=100_000, help="how many are made")
    given = parser.parse_args()
    real_files(given.data)
    made_pages(given.data, given.pages)


if __name__ == "__main__":
    main()

"""How many texts do the rules for texts set aside, and how fast?

    python benchmarks/text_filters.py DATA --show 3
    python benchmarks/text_filters.py DATA --folder udhr2 --show 60

DATA holds one folder a collection. For each: the documents as the corpus cuts them, how many each rule sets
aside, and megabytes of UTF-8 a second on one core (best of three passes; reading is not counted). Good
collections should lose under 1 %. With ``--show`` that many of the texts set aside are printed, drawn by
seed, for reading.
"""

import argparse
import random
import time
from collections import Counter
from pathlib import Path

from personahub.corpus import ReadOptions, find_sources, read_documents
from personahub.corpus.filters import Fault, find_fault
from personahub.records import Document

FOLDERS = (
    "digitalgov_news",
    "ud_ewt_web",
    "public_domain_recipes",
    "openstax_dev",
    "opensource_guide",
    "us_speeches",
    "dolma_ccnet",
    "udhr2",
)


def measure(folder: Path, show: int, seed: int) -> None:
    """Print one collection's row of the table, and texts that were set aside."""
    files = find_sources([str(folder)])
    plain = ReadOptions(pii="keep", filters=False)
    found = read_documents(files, plain, document_tokens=250)
    documents = [item for item in found if isinstance(item, Document)]
    seconds = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        faults = [find_fault(document.text, document.language) for document in documents]
        seconds = min(seconds, time.perf_counter() - start)
    found = [(document, fault) for document, fault in zip(documents, faults, strict=True) if fault]
    size = sum(len(document.text.encode()) for document in documents)
    reasons = ", ".join(
        f"{reason} {count}" for reason, count in Counter(f.reason for _, f in found).most_common()
    )
    share = len(found) / len(documents)
    speed = size / 1e6 / seconds
    print(
        f"| {folder.name} | {len(documents)} | {len(found)} | {share:.2%} | {speed:.1f} | {reasons} |",
        flush=True,
    )
    for document, fault in random.Random(seed).sample(found, min(show, len(found))):
        print_text(document, fault)


def print_text(document: Document, fault: Fault) -> None:
    """Print a text that was set aside, and why."""
    print(
        f"\n--- {document.language} row {document.row} part {document.part}: {fault.reason}: {fault.detail}"
    )
    print(document.text[:1200])


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--folder", action="append", help="a folder of DATA; several times for several")
    parser.add_argument("--show", type=int, default=0, help="how many texts set aside to print for each")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print("| folder | documents | set aside | share | MB/s | by reason |\n|---|---|---|---|---|---|")
    for folder in args.folder or FOLDERS:
        measure(args.data / folder, args.show, args.seed)


if __name__ == "__main__":
    main()

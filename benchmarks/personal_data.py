"""How much personal data is found, how much of what is found is personal, and how fast?

    python benchmarks/personal_data.py benchmarks/labels/personal_data.jsonl --data DATA

Labels are rows of ``{"language": "en", "text": "…", "spans": [{"start": 5, "end": 20, "kind": "email"}]}``,
in characters. A find is right if it and a labelled span of the same kind overlap by more than half of their
union. The last table forgives the kind and the borders: any overlap counts. ``--data`` names a folder of
texts to measure the speed on, one process, one core, after a first text that loads what is loaded once.
"""

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from personahub.corpus import ReadOptions, find_sources, read_documents
from personahub.records import Document
from personahub.safeguards import Span, find_personal_data

Match = Callable[[Span, Span], bool]


def same(found: Span, labelled: Span) -> bool:
    """Of one kind, and overlapping by more than half of their union."""
    shared = min(found.end, labelled.end) - max(found.start, labelled.start)
    union = max(found.end, labelled.end) - min(found.start, labelled.start)
    return found.kind == labelled.kind and 2 * shared > union


def touching(found: Span, labelled: Span) -> bool:
    """Overlapping at all, whatever the kinds."""
    return found.start < labelled.end and labelled.start < found.end


def report(labels: Path, *, misses: bool) -> None:
    """Print precision and recall by kind, by language, and kind-blind."""
    tables: dict[str, dict[str, Counter[str]]] = {
        name: defaultdict(Counter) for name in ("kind", "language", "kind-blind, any overlap")
    }
    for line in labels.read_text().splitlines():
        row = json.loads(line)
        text, language = row["text"], row["language"]
        labelled = [Span(span["start"], span["end"], span["kind"]) for span in row["spans"]]
        found = find_personal_data(text, language)
        for match, groups in (
            (same, [("kind", None), ("language", language), ("language", "all")]),
            (touching, [("kind-blind, any overlap", language), ("kind-blind, any overlap", "all")]),
        ):
            for table, group in groups:
                count(tables[table], group, found, labelled, match)
        if misses:
            show_misses(text, found, labelled)
    for title, groups in tables.items():
        print(f"\n| {title} | labelled | found | precision | recall |\n|---|---|---|---|---|")
        for group, counts in sorted(groups.items()):
            precision = counts["right"] / counts["found"] if counts["found"] else 1.0
            recall = counts["recalled"] / counts["labelled"] if counts["labelled"] else 1.0
            print(f"| {group} | {counts['labelled']} | {counts['found']} | {precision:.1%} | {recall:.1%} |")


def count(
    table: dict[str, Counter[str]], group: str | None, found: list[Span], labelled: list[Span], match: Match
) -> None:
    """Add one text to a table, under the group, or under each span's kind."""
    for span in found:
        counts = table[group or span.kind]
        counts["found"] += 1
        counts["right"] += any(match(span, label) for label in labelled)
    for label in labelled:
        counts = table[group or label.kind]
        counts["labelled"] += 1
        counts["recalled"] += any(match(span, label) for span in found)


def show_misses(text: str, found: list[Span], labelled: list[Span]) -> None:
    """Print what was found wrongly and what was not found."""
    for span in found:
        if not any(same(span, label) for label in labelled):
            print(f"wrong  {span.kind}: {text[span.start : span.end]!r} in {text!r}")
    for label in labelled:
        if not any(same(span, label) for span in found):
            print(f"missed {label.kind}: {text[label.start : label.end]!r} in {text!r}")


def measure_speed(data: Path) -> None:
    """Print megabytes of UTF-8 a second on all documents under a folder, and what was found."""
    plain = ReadOptions(pii="keep", filters=False)
    found = read_documents(find_sources([str(data)]), plain, document_tokens=250)
    documents = [item for item in found if isinstance(item, Document)]
    find_personal_data("Call 202-555-0143, or write to jane.doe@example.com.", "en")
    kinds: Counter[str] = Counter()
    start = time.process_time()
    for document in documents:
        kinds.update(span.kind for span in find_personal_data(document.text, document.language))
    seconds = time.process_time() - start
    size = sum(len(document.text.encode()) for document in documents) / 1e6
    print(
        f"\n{data.name}: {len(documents)} texts, {size:.1f} MB in {seconds:.1f} s: {size / seconds:.1f} MB/s"
    )
    print(f"found, per MB: { {kind: round(number / size, 1) for kind, number in kinds.most_common()} }")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("labels", type=Path, nargs="?", help="JSONL file of labelled texts")
    parser.add_argument("--misses", action="store_true", help="print each find that is wrong or missing")
    parser.add_argument("--data", type=Path, action="append", default=[], help="folder of texts for speed")
    args = parser.parse_args()
    if args.labels:
        report(args.labels, misses=args.misses)
    for data in args.data:
        measure_speed(data)


if __name__ == "__main__":
    main()

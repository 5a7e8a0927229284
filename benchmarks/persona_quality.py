"""How good are the personas that text-to-persona makes of real texts?

    python benchmarks/persona_quality.py draw --data DATA --work WORK --seed 1
    python benchmarks/persona_quality.py report benchmarks/labels/persona_quality.jsonl

``draw`` draws documents from several collections, infers personas from them with the command line as a
user would, and draws the personas to be judged, before anyone has read one. It leaves in WORK
``documents.jsonl`` (what was drawn, with data ids), ``hub/`` and ``to_judge.jsonl``: each row holds the
text, the relation and the persona, and four labels to be filled in by a reader: ``person`` (it describes
one kind of person), ``specific``, ``grounded`` (in this text, and fitting the relation) and
``well_formed``. ``report`` counts labels. Committed labels hold ids and personas, never the source texts.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from personahub import Hub
from personahub.corpus import LeftOut, ReadOptions, detect_language, find_sources
from personahub.corpus.documents import read_source
from personahub.records import Document

COLLECTIONS = {
    # folder: documents by language
    "digitalgov_news": {"en": 7},
    "ud_ewt_web": {"en": 8},
    "public_domain_recipes": {"en": 7},
    "openstax_dev": {"en": 7},
    "opensource_guide": {"en": 2, "ru": 5, "zh": 5},
}
JUDGED = {"en": 40, "ru": 10, "zh": 10}
CRITERIA = ("person", "specific", "grounded", "well_formed")


def read_collection(folder: Path) -> Iterator[Document | LeftOut]:
    """What was drawn from before there were filters: every part, also those that come twice."""
    for source in find_sources([str(folder)]):
        yield from read_source(source, ReadOptions(pii="keep", filters=False), 250)


def draw_documents(data: Path, seed: int) -> Iterator[dict[str, object]]:
    """Documents as the corpus cuts them, drawn by seed from each collection and language."""
    random_ = random.Random(seed)
    for collection, wanted in COLLECTIONS.items():
        by_language = defaultdict(list)
        for item in read_collection(data / collection):
            # Parts under 300 bytes are mostly menus and leftovers of markup.
            if isinstance(item, Document) and len(item.text.encode()) >= 300:
                by_language[detect_language(item.text)].append(item)
        for language, count in wanted.items():
            for document in random_.sample(by_language[language], count):
                name = Path(document.source).name
                yield {
                    "data_id": f"{collection}/{name}:{document.row}:{document.part}",
                    "title": document.title,
                    "text": document.text,
                }


def draw(data: Path, work: Path, seed: int, model: str) -> None:
    """Draw documents, curate them, draw the personas to judge."""
    work.mkdir(parents=True, exist_ok=True)
    rows = list(draw_documents(data, seed))
    documents = work / "documents.jsonl"
    documents.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    start = time.perf_counter()
    curate = ["-m", "personahub", "curate", str(documents), "--hub", str(work / "hub"), "--model", model]
    subprocess.run([sys.executable, *curate, "--document-tokens", "600", "--json"], check=True)
    wall = time.perf_counter() - start
    hub = Hub(work / "hub")
    report_speed(hub, wall)
    texts = {row["id"]: row for row in hub.documents.rows()}
    by_language = defaultdict(list)
    for persona in sorted(hub.personas.rows(), key=lambda row: row["position"]):
        by_language[persona["language"]].append(persona)
    random_ = random.Random(seed)
    with (work / "to_judge.jsonl").open("w") as out:
        for language, count in JUDGED.items():
            for persona in random_.sample(by_language[language], count):
                document = texts[persona["document_id"]]
                row = {
                    "persona_id": persona["id"],
                    "data_id": rows[document["row"] - 1]["data_id"],
                    "language": language,
                    "relation": persona["relation"],
                    "persona": persona["description"],
                    "text": document["text"],
                    **dict.fromkeys(CRITERIA),
                    "note": "",
                }
                out.write(json.dumps(row, ensure_ascii=False) + "\n")


def report_speed(hub: Hub, wall: float) -> None:
    """Seconds a persona, share of cached prompt tokens, and wall time over the model's own."""
    counts = hub.runs()[-1].counts
    spent = counts["last_invocation"]
    print(f"personas: {counts['personas']} of {counts['documents']} documents; {counts['set_aside']}")
    print(f"failed: {counts['failures']}")
    print(f"seconds a persona: {wall / counts['personas']:.2f} (whole command: {wall:.0f} s)")
    print(f"prompt tokens from the cache: {spent['cached_tokens'] / spent['prompt_tokens']:.1%}")
    model = spent["model_seconds"]
    print(f"wall time over the model's own {model:.0f} s: {(wall - model) / model:.1%}")


def report(labels: Path) -> None:
    """Share of the personas that pass each criterion, and all four, by language."""
    by_language = defaultdict(list)
    for line in labels.read_text().splitlines():
        row = json.loads(line)
        by_language[row["language"]].append(row)
        by_language["all"].append(row)
    print("| language | judged | " + " | ".join(CRITERIA) + " | all four |")
    print("|---" * (len(CRITERIA) + 3) + "|")
    for language, rows in by_language.items():
        shares = [sum(bool(row[name]) for row in rows) / len(rows) for name in CRITERIA]
        passed = sum(all(row[name] for name in CRITERIA) for row in rows) / len(rows)
        cells = [language, str(len(rows)), *(f"{share:.0%}" for share in shares), f"{passed:.0%}"]
        print("| " + " | ".join(cells) + " |")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    drawing = verbs.add_parser("draw", help="draw documents and personas")
    drawing.add_argument("--data", type=Path, required=True)
    drawing.add_argument("--work", type=Path, required=True)
    drawing.add_argument("--seed", type=int, default=1)
    drawing.add_argument("--model", default="qwen2.5-coder-1.5b")
    reporting = verbs.add_parser("report", help="count labels")
    reporting.add_argument("labels", type=Path)
    args = parser.parse_args()
    if args.verb == "draw":
        draw(args.data, args.work, args.seed, args.model)
    else:
        report(args.labels)


if __name__ == "__main__":
    main()

"""How well does the quality filter tell poor personas from good ones?

    python benchmarks/persona_filter.py --data DATA [--show]

All 328 replies of qwen2.5-coder-1.5b to texts drawn by seed (persona_quality.py, seeds 7 and 8), also those
that the filter of that day had set aside. Readers who had not written the rules labelled each: whether it
should be kept, and its defects. The rules were made looking at seed 7 alone; seed 8 judges them.

Precision: of what the filter sets aside, the share that a reader would not keep. Recall: of what a reader
would not keep, the share that the filter sets aside. Labels hold ids and personas, never the source texts.
"""

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from persona_quality import draw_documents
from personahub.corpus.language import detect_language
from personahub.models.sentence_encoder import SentenceEncoder
from personahub.personas import TextToPersonaTemplate, closeness
from personahub.personas.quality import LEAST_CLOSENESS, find_fault
from personahub.records import Document

LABELS = Path(__file__).parent / "labels" / "persona_filter.jsonl"
HALVES = {7: "seed 7 (seen while the rules were made)", 8: "seed 8 (not seen)"}


def documents(data: Path, seed: int) -> dict[str, Document]:
    """The drawn texts by their data ids."""
    found = {}
    for row in draw_documents(data, seed):
        text, title = str(row["text"]), row["title"]
        found[str(row["data_id"])] = Document(
            text, detect_language(text), "", 1, title=str(title) if title else None
        )
    return found


def verdict(
    row: dict[str, Any], document: Document, template: TextToPersonaTemplate, encoder: SentenceEncoder
) -> str:
    """The rule that sets the persona aside; empty where it passes."""
    language = row["language"]
    fault = find_fault(
        row["persona"],
        document=document,
        examples=template.examples(document, language),
        relation=row["relation"],
        language=language,
        granularity="fine",
    )
    if fault:
        return fault.reason
    (close,) = closeness(document, [row["persona"]], language, encoder)
    return "not_grounded" if close is not None and close < LEAST_CLOSENESS else ""


def share(part: int, whole: int) -> str:
    """Such as ``9 of 12 (75 %)``."""
    return f"{part} of {whole} ({part / whole:.0%})" if whole else "none"


def main() -> None:
    """Read the command line, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--show", action="store_true", help="print what is judged otherwise than labelled")
    args = parser.parse_args()
    rows = [json.loads(line) for line in LABELS.read_text().splitlines()]
    texts = {seed: documents(args.data, seed) for seed in HALVES}
    template, encoder = TextToPersonaTemplate.load(), SentenceEncoder()
    told: dict[tuple[int, str], Counter[tuple[bool, bool]]] = defaultdict(Counter)
    rules: dict[str, Counter[tuple[int, bool]]] = defaultdict(Counter)
    for row in rows:
        seed, bad = row["seed"], not row["keep"]
        rule = verdict(row, texts[seed][row["data_id"]], template, encoder)
        for group in ("all", row["language"]):
            told[seed, group][bool(rule), bad] += 1
        if rule:
            rules[rule][seed, bad] += 1
        if args.show and bool(rule) != bad:
            print(f"{seed} {rule or 'passes'}: {row['persona']} {row['defects']} {row['note']}")
    print("| half | language | personas | precision | recall |\n|---|---|---|---|---|")
    for (seed, group), counts in sorted(told.items()):
        fired, bad = counts[True, True] + counts[True, False], counts[True, True] + counts[False, True]
        right = counts[True, True]
        name = HALVES[seed]
        print(f"| {name} | {group} | {counts.total()} | {share(right, fired)} | {share(right, bad)} |")
    print("\n| rule | right, seed 7 | right, seed 8 |\n|---|---|---|")
    for rule, fires in sorted(rules.items()):
        cells = [share(fires[seed, True], fires[seed, True] + fires[seed, False]) for seed in HALVES]
        print(f"| {rule} | {' | '.join(cells)} |")
    twice = [row for row in rows if "second_reader" in row]
    same = sum(row["keep"] == row["second_reader"]["keep"] for row in twice)
    print(f"\nTwo readers said the same of {share(same, len(twice))} of the personas that both were given.")


if __name__ == "__main__":
    main()

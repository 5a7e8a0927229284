"""How often is a persona the occupation or the topic that it is nearest to, at which cosine?

    python benchmarks/hub_coverage.py --data DATA

labels/coverage.jsonl holds personas that the default model made, the entry of a list that was nearest to
each, and what a reader found of the pair before the cosine was looked at: "right" (it is that, or the list
has nothing closer), "group" (not that, but of the same group) or "wrong". "tuned" pairs were drawn evenly
over the cosines and were at hand while the rules were made; "held out" are personas whose heads come but
once, drawn afterwards. Of O*NET's occupations only the codes are kept here; their titles are read from
DATA. Recall is of the pairs that are right at any cosine; of the held out ones it is told too how many
personas that have an occupation, by their words, get any. A pair without a label, which another rule would
make, counts as wrong.
"""

import argparse
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from personahub.evaluation.heads import find_head
from personahub.evaluation.matching import ListVectors, Matches, forms_to_compare, match_list
from personahub.evaluation.titles import built_in_occupations, no_occupations, title_forms
from personahub.models.sentence_encoder import SentenceEncoder

LABELS = Path(__file__).parent / "labels" / "coverage.jsonl"
TOPICS = (
    "open source software", "web design and accessibility", "baking bread", "cooking and recipes",
    "vegetarian food", "pets and animals", "gardening", "medicine and nursing", "mental health",
    "psychology of learning and memory", "sleep", "education and schools", "journalism",
    "politics and elections", "war and the military", "government services", "law and copyright",
    "road transport", "cruises and travel", "architecture and building repair", "astronomy and telescopes",
    "space flight", "chess and board games", "sport and training", "music", "theatre and film", "fashion",
    "religion", "history", "sociology and gender", "economics and finance", "business management",
    "agriculture and tea growing", "fishing and the sea", "climate and the environment", "data analysis",
    "computer security", "housing and neighbours", "family and parenting", "love and dating",
)  # fmt: skip
_OCCUPATIONS = (0.5, 0.6, 0.65, 0.7, 0.75, 0.8)
_OF_TOPICS = (0.15, 0.2, 0.22, 0.25, 0.3)


def main() -> None:
    """Read the command line, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    with gzip.open(args.data / "onet_occupations" / "occupations.jsonl.gz", "rt", encoding="utf-8") as file:
        onet = [json.loads(line) for line in file]
    built_in = [each.title for each in built_in_occupations()]
    rows = [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]
    print("| list | pairs | cosine | found | right | right or its group | recall | of those with one |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for named, keys, forms in (
        ("built in", built_in, [[title] for title in built_in]),
        ("onet", [each["code"] for each in onet], [title_forms(each["title"]) for each in onet]),
        ("topics", TOPICS, [[title] for title in TOPICS]),
    ):
        for part in ("tuned", "held out"):
            some = [row for row in rows if row["list"] == named and row["part"] == part]
            if some:
                measure(f"{named}, {part}", some, keys, forms)


def measure(
    named: str, rows: list[dict[str, Any]], keys: Sequence[str], forms: Sequence[Sequence[str]]
) -> None:
    """Print the lines of one list and part."""
    by_topic = named.startswith("topics")
    personas = {row["persona"]: row for row in rows}
    labels = {(row["persona"], row.get("code") or row["title"]): row["label"] for row in rows}
    matches = matched(list(personas.values()), forms, by_topic)
    chosen = [
        labels.get((text, keys[entry]), "none")
        for text, entry in zip(personas, matches.entry.tolist(), strict=True)
    ]
    right = np.array([label == "right" for label in chosen])
    kindred = np.array([label in {"right", "group"} for label in chosen])
    has = np.array([row.get("has_occupation", False) for row in personas.values()])
    for cosine in _OF_TOPICS if by_topic else _OCCUPATIONS:
        found = matches.holds(cosine)
        shares = (right[found].mean(), kindred[found].mean(), (right & found).sum() / right.sum())
        any_found = f"{(has & found).sum() / has.sum():.2f}" if has.any() else "–"
        told = " | ".join(f"{share:.2f}" for share in shares)
        print(f"| {named} | {len(personas)} | {cosine} | {found.sum()} | {told} | {any_found} |")
    print(f"| {named}: {chosen.count('none')} pairs have no label |" + " |" * 7)


def matched(rows: list[dict[str, Any]], forms: Sequence[Sequence[str]], by_topic: bool) -> Matches:
    """The entries nearest to the personas, as ``evaluate coverage`` finds them."""
    encoder = SentenceEncoder()
    wholes = encoder.embed([row["persona"] for row in rows])
    flat, starts = forms_to_compare(forms)
    others = np.empty((0, encoder.dimensions), np.float32)
    heads = wholes
    if not by_topic:
        others = encoder.embed(list(no_occupations()))
        heads = encoder.embed([find_head(row["persona"], row["language"]) for row in rows])
    listed = ListVectors(encoder.embed(flat), starts, others)
    return match_list(heads, np.arange(len(rows)), wholes, listed)


if __name__ == "__main__":
    main()

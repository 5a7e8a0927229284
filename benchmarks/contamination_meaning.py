"""At which cosine does a benchmark item in other words stand out from an item on the same subject?

    python benchmarks/contamination_meaning.py --data DATA

labels/contamination.jsonl holds pairs of invented texts, each an item and another text: the item reworded,
translated into Russian or Chinese, with other numbers, or another item on the same subject. The table has for
each least cosine the part of the pairs of a kind that the built-in model takes for neighbours. Unrelated: of
texts made of real ones (see contamination.py), those that have a neighbour among 6,000 such items that share
no text with them; what is near there says mostly the same.
"""

import argparse
import json
import random
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from contamination import made, make_items, pools
from personahub.models.sentence_encoder import SentenceEncoder
from personahub.verification.neighbours import Neighbours

LABELS = Path(__file__).parent / "labels" / "contamination.jsonl"
_COSINES = (0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
_ITEMS, _TEXTS = 6000, 1500


def main() -> None:
    """Read the command line, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    encoder = SentenceEncoder()
    rows = [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]
    one, other = (encoder.embed([row[side] for row in rows]) for side in ("original", "other"))
    cosines: dict[str, list[float]] = defaultdict(list)
    for row, cosine in zip(rows, (one * other).sum(axis=1).tolist(), strict=True):
        cosines[f"{row['kind']} ({row['language']})"].append(cosine)
    item_pool, text_pool = pools(args.data)
    draw = random.Random(5)
    texts, languages = [], []
    for _ in range(_TEXTS):
        language, text = made(text_pool, 2, 4, draw)
        texts.append(text)
        languages.append(language)
    near = Neighbours(make_items(item_pool, _ITEMS), encoder, -1)
    began = time.process_time()
    found = near.find(texts, languages)
    seconds = time.process_time() - began
    cosines["unrelated"] = [getattr(match, "cosine", -1.0) for match in found]
    print("| pairs | count | " + " | ".join(map(str, _COSINES)) + " |")
    print("|---|---|" + "---|" * len(_COSINES))
    for kind, values in cosines.items():
        shares = [f"{np.mean(np.array(values) >= least):.1%}" for least in _COSINES]
        print(f"| {kind} | {len(values)} | " + " | ".join(shares) + " |")
    print(f"{_TEXTS} texts beside {_ITEMS} items: {_TEXTS / seconds:.0f} texts a CPU second.")


if __name__ == "__main__":
    main()

"""Mixing real and synthetic rows: time, memory and how exact the ratio is.

    python benchmarks/mixing.py --data DATA -n 1000000

Makes n rows of each side of words drawn from the folder's texts, each with an id, a language and a text of 20
to 60 words; one in fifty synthetic rows has nearly the words of a real one. Each mix runs in a process of its
own, and what it wrote is read again and counted here.
"""

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from measured_process import run_measured

SHARED = 50


def words_of(folder: Path) -> list[str]:
    """Words of the folder's plain texts, as often as they come."""
    found: list[str] = []
    for file in sorted(folder.rglob("*")):
        if file.suffix not in {".txt", ".md", ".jsonl", ".csv"}:
            continue
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                found += [word for word in line.split() if word.isalpha()]
                if len(found) > 500_000:
                    return found
    return found


def rows(words: list[str], kind: str, n: int) -> Iterator[dict[str, str]]:
    """The rows of one side; the same of each n."""
    for number in range(n):
        shared = number % SHARED == 0
        draw = random.Random(f"{'real' if shared else kind}{number}")
        text = " ".join(draw.choices(words, k=draw.randint(20, 60)))
        yield {
            "id": f"{kind}{number}",
            "language": draw.choice(["en", "de", "zh"]),
            "text": f"{text} {number}",
        }


def main() -> None:
    """Read the command line, make the rows, and measure each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder of texts")
    parser.add_argument("-n", type=int, default=100_000)
    args = parser.parse_args()
    words = words_of(args.data)
    with tempfile.TemporaryDirectory(prefix="mixing-") as folder:
        work = Path(folder)
        files = [work / "real.jsonl", work / "synthetic.jsonl"]
        for file in files:
            with file.open("w") as out:
                for row in rows(words, file.stem, args.n):
                    out.write(json.dumps(row, ensure_ascii=False) + "\n")
        print(f"{args.n:,} + {args.n:,} rows, {sum(file.stat().st_size for file in files) / 1e6:,.0f} MB")
        for name, options in (
            ("50:50 by records", []),
            ("1:3 by records", ["--ratio", "1:3"]),
            ("50:50 by tokens", ["--by", "tokens"]),
            ("50:50 in each language", ["--stratify", "language"]),
        ):
            out = work / "mixed.jsonl"
            command = ["mix", *map(str, files), "--out", str(out), "--json", *options]
            cost = run_measured([sys.executable, "-m", "personahub", *command], seconds=3600)
            found: Counter[str] = Counter()
            with out.open() as mixed:
                for line in mixed:
                    row = json.loads(line)
                    found[row["origin"]["kind"]] += 1
                    if "stratify" in " ".join(options):
                        found[f"{row['origin']['kind']} {row['language']}"] += 1
            out.unlink()
            told = ", ".join(f"{kind} {count:,}" for kind, count in sorted(found.items()))
            print(f"{name}: {cost.wall:.1f} s, CPU {cost.cpu:.1f} s, {cost.resident:,.0f} MB; {told}")


if __name__ == "__main__":
    main()

"""Import and export of many personas: rows a second, memory, and what importing again costs.

    python benchmarks/import_export.py --data DATA -n 1000000

Makes the personas (see ``made_personas.py``) or takes a file of them (``--file``), and runs each step in a
process of its own: import into a new hub with ids and full-text index, the same import again, export as
JSON Lines, and as Parquet with lineage. ``--no-language`` leaves the rows' language out of the file that is
made, so that it must be told from the text.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measured_process import run_measured

MAKER = Path(__file__).with_name("made_personas.py")


def made(args: argparse.Namespace, work: Path) -> Path:
    """A file of personas."""
    file = work / "personas.jsonl"
    command = [sys.executable, str(MAKER), "--data", args.data, "-n", str(args.n), "--out", str(file)]
    subprocess.run(command, check=True)
    if not args.no_language:
        return file
    bare = work / "bare.jsonl"
    with file.open() as rows, bare.open("w") as out:
        for row in rows:
            out.write(json.dumps({"persona": json.loads(row)["persona"]}, ensure_ascii=False) + "\n")
    return bare


def main() -> None:
    """Read the command line and measure each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", help="the folder of texts")
    parser.add_argument("--file", type=Path, help="personas that are there, instead of made ones")
    parser.add_argument("-n", type=int, default=100_000)
    parser.add_argument("--no-language", action="store_true")
    args = parser.parse_args()
    if not args.data and not args.file:
        parser.error("give --data or --file")
    with tempfile.TemporaryDirectory(prefix="import-export-") as folder:
        work = Path(folder)
        file = args.file or made(args, work)
        with file.open("rb") as rows:
            count = sum(1 for _ in rows)
        hub = str(work / "hub")
        print(f"{count:,} rows, {file.stat().st_size / 1e6:.0f} MB")
        for name, command in (
            ("import", ["import", str(file), "--hub", hub]),
            ("again", ["import", str(file), "--hub", hub]),
            ("export .jsonl", ["export", "--hub", hub, "--out", str(work / "o.jsonl")]),
            ("export .parquet", ["export", "--hub", hub, "--out", str(work / "o.parquet"), "--lineage"]),
        ):
            cost = run_measured([sys.executable, "-m", "personahub", *command, "--json"], seconds=1800)
            print(
                f"{name:16} {cost.wall:6.1f} s, {cost.cpu:6.1f} s of CPU, {count / cost.wall:9,.0f} rows/s,"
                f" {cost.resident:6,.0f} MB"
            )


if __name__ == "__main__":
    main()

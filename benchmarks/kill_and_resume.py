"""Kill ``curate`` at random moments and go on: is anything that was answered asked again?

    python benchmarks/kill_and_resume.py --source examples/texts --kills 2 --seed 1

Runs the command with the real model, kills it (SIGKILL) at moments drawn by seed, runs it to its end and
compares the journal before and after: every journaled reply must still be there unchanged, no key twice,
and the last run must have asked exactly what was missing.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from personahub import Hub


def lines_of(journal: Path) -> list[str]:
    """The whole lines of the journal."""
    text = journal.read_text() if journal.exists() else ""
    return text.split("\n")[:-1]


def main() -> None:
    """Read the command line, kill and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--source", required=True)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    parser.add_argument("--within", type=float, default=40.0, help="latest moment of a kill, seconds")
    args = parser.parse_args()
    random_ = random.Random(args.seed)
    hub = Path(tempfile.mkdtemp(prefix="kill-and-resume-")) / "hub"
    journal = hub / "journal" / "live.jsonl"  # never long enough here to be sealed
    command = ["-m", "personahub", "curate", args.source, "--hub", str(hub), "--model", args.model, "--json"]
    answered: list[str] = []
    for _ in range(args.kills):
        process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE)
        moment = random_.uniform(5, args.within)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        before, answered = answered, lines_of(journal)
        kept = answered[: len(before)] == before
        print(
            f"killed after {moment:.1f} s: {len(answered)} entries journaled, earlier ones unchanged: {kept}"
        )
    result = subprocess.run([sys.executable, *command], check=True, stdout=subprocess.PIPE)
    end = json.loads(result.stdout)
    final = lines_of(journal)
    entries = [json.loads(line) for line in final]
    keys = [entry["key"] for entry in entries if entry["kind"] == "reply"]
    print(f"run to its end: {end}")
    print(f"journaled entries unchanged: {final[: len(answered)] == answered}")
    print(f"replies in the journal: {len(keys)}, different requests: {len(set(keys))}")
    print(f"asked in the last run: {end['calls']}; the journal grew by {len(final) - len(answered)}")
    print(f"personas in the hub: {Hub(hub).personas.count()}, of the run: {end['personas']}")


if __name__ == "__main__":
    main()

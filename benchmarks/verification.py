"""Do the checks of ``verify`` find the problems that have no answer, or a wrong one?

    python benchmarks/verification.py LABELLED.jsonl --work WORK [--model NAME] [--limit N]
    python benchmarks/verification.py --planted --work WORK [--model NAME] [--limit N]

Both make ``answers`` and ``well-posed`` as the command line does by default (three solutions and a program,
one reading), and print Markdown. A check sets aside what ``verify --reject`` would: the items that fail it.

LABELLED has in each row a problem that a reader has judged: ``id``, ``problem``, ``well_posed`` (true or
false), and where they are known ``answer``, the right answer, which no check sees (the answers that
solutions agree on are compared with it), and ``given``, an answer that came with the problem, which
``answers`` compares. Printed is what each check keeps, how many of these are well-posed (with Wilson's 95 %
interval), how many well-posed ones are lost, what it costs, and how far the verdicts are those of the
reader. What is undecided is kept; it is no part of the agreement.

labels/planted_errors.jsonl has 40 invented problems of school mathematics (28 en, 6 ru, 6 zh), each
``sound``, with its right ``answer``, and ``planted``: the same with one error, such as language models
make. Ten each have lost a condition, contradict themselves, come with a wrong answer (``given``; the sound
side comes with the right one), or tell their answer. Each answer was worked out by hand and by a program,
which also showed that the contradictions have no solution, and that what lost a condition has several.
Printed is how many of each kind are found, in how many pairs the error is found and the sound side kept,
and how many sound ones are set aside: a solver that is not up to a problem finds no error in it.

Replies are kept in WORK, a folder for one file and one model: given again, the command goes on where it was
stopped. Calls and tokens are those of the journal there, which has the same question once and every attempt;
seconds are the model's own, of the calls that it answered. Needs the extra ``verify``.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from personahub import Checks, Hub, verify
from personahub.completion import EntryKind, Journal
from personahub.evaluation.intervals import wilson
from personahub.models import LanguageModel
from personahub.verification.equality import same_answer
from personahub.verification.formulas import FormulaJudge

PLANTED = Path(__file__).parent / "labels" / "planted_errors.jsonl"
KINDS = ("removed", "contradiction", "wrong-answer", "answer-inside")
CHECKS = ("answers", "well-posed")
WAYS = (*CHECKS, "together")
"""The checks, and what is set aside by at least one of them."""


class Verdicts(NamedTuple):
    """What was found of one problem."""

    outcomes: Mapping[str, str]
    """By check and for both: passed, failed or undecided."""
    reasons: Mapping[str, str]
    """By check; empty for what passed."""
    agreed: str
    """The answer that most solutions have; empty where no two agree."""

    def sets_aside(self, way: str) -> bool:
        """Whether the check fails it, or one of both."""
        return self.outcomes[way] == "failed"


class Cost(NamedTuple):
    """What a check has asked."""

    calls: int
    tokens: int
    seconds: float

    def plus(self, other: "Cost") -> "Cost":
        """Both together."""
        return Cost(self.calls + other.calls, self.tokens + other.tokens, self.seconds + other.seconds)

    def cells(self) -> list[str]:
        """As it stands in a table."""
        return [f"{self.calls:,}", f"{self.tokens:,}", f"{self.seconds:,.0f}"]


def judged(
    problems: Sequence[Mapping[str, str]], work: Path, model: str | LanguageModel
) -> tuple[list[Verdicts], dict[str, Cost]]:
    """Verdicts on each problem, and the cost of each check and of both.

    Args:
        problems: ``problem``, and ``answer`` where it comes with one.
        work: keeps what is asked.
        model: solves and judges.
    """
    work.mkdir(parents=True, exist_ok=True)
    file = work / "problems.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in problems), "utf-8")
    found: dict[str, list[dict[str, Any]]] = {}
    costs: dict[str, Cost] = {}
    for check in CHECKS:
        print(f"{check}: {len(problems)} problems", file=sys.stderr, flush=True)
        # A file of its own for each check, so that the journal beside it tells what this one cost.
        out = work / f"{check}.jsonl"
        outcome = verify(file, out=out, checks=Checks((check,)), model=model)
        if outcome.interrupted:
            raise SystemExit("Stopped; the same command goes on.")
        found[check] = [json.loads(line)["verdicts"][check] for line in out.read_text("utf-8").splitlines()]
        costs[check] = _cost(Hub(outcome.hub).journal_path)
    costs["together"] = costs["answers"].plus(costs["well-posed"])
    return [_together(*pair) for pair in zip(*found.values(), strict=True)], costs


def _cost(journal: Path) -> Cost:
    with Journal(journal) as opened:
        # What was given up is told after its attempts, which stand there as wasted.
        paid = [entry for entry in opened.entries() if entry.kind is not EntryKind.FAILURE]
    tokens = sum((entry.prompt_tokens or 0) + (entry.completion_tokens or 0) for entry in paid)
    return Cost(len(paid), tokens, sum(entry.seconds for entry in paid))


def _together(*pair: Mapping[str, Any]) -> Verdicts:
    outcomes = {check: str(found["outcome"]) for check, found in zip(CHECKS, pair, strict=True)}
    decided = [each for each in ("failed", "passed") if each in outcomes.values()]
    return Verdicts(
        {**outcomes, "together": decided[0] if decided else "undecided"},
        {check: str(found["reason"]) for check, found in zip(CHECKS, pair, strict=True)},
        pair[0]["evidence"].get("answer", ""),
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def share(hits: int, tries: int) -> str:
    """A share with its interval."""
    if not tries:
        return "0 of 0"
    low, high = wilson(hits, tries)
    return f"{hits} of {tries}: {hits / tries:.0%} ({low:.0%} to {high:.0%})"


def kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Cohen's kappa (Cohen 1960) of two readers; None where chance alone would have them agree on all."""
    agreed = sum(one == other for one, other in pairs) / len(pairs)
    yes, also = (sum(pair[side] for pair in pairs) / len(pairs) for side in (0, 1))
    by_chance = yes * also + (1 - yes) * (1 - also)
    return (agreed - by_chance) / (1 - by_chance) if by_chance < 1 else None


def labelled(rows: Sequence[Mapping[str, Any]], work: Path, model: str | LanguageModel) -> str:
    """What the checks make of problems that a reader has judged."""
    problems = [
        {"problem": row["problem"], **({"answer": row["given"]} if "given" in row else {})} for row in rows
    ]
    verdicts, costs = judged(problems, work, model)
    good = [bool(row["well_posed"]) for row in rows]
    kept_rows = [["none", str(len(rows)), share(sum(good), len(rows)), f"0 of {sum(good)}", *["0"] * 4]]
    agreement_rows = []
    for way in WAYS:
        kept = [is_good for is_good, each in zip(good, verdicts, strict=True) if not each.sets_aside(way)]
        lost = f"{sum(good) - sum(kept)} of {sum(good)}"
        undecided = sum(each.outcomes[way] == "undecided" for each in verdicts)
        kept_rows.append(
            [way, str(len(kept)), share(sum(kept), len(kept)), lost, str(undecided), *costs[way].cells()]
        )
        pairs = [
            (is_good, not each.sets_aside(way))
            for is_good, each in zip(good, verdicts, strict=True)
            if each.outcomes[way] != "undecided"
        ]
        agreement_rows.append([way, *_agreement(pairs)])
    heads = ["check", "kept", "well-posed of these", "well-posed lost", "undecided", "calls", "tokens"]
    kept_table = table([*heads, "seconds"], kept_rows)
    heads = ["check", "compared", "well-posed: kept", "set aside", "ill-posed: kept", "set aside"]
    agreement_table = table([*heads, "accuracy", "kappa"], agreement_rows)
    return "\n".join([kept_table, agreement_table, _reasons(good, verdicts), _right_answers(rows, verdicts)])


def _agreement(pairs: Sequence[tuple[bool, bool]]) -> list[str]:
    """Cells of how far verdicts (kept or not) are those of the reader (well-posed or not)."""
    matrix = Counter(pairs)
    counts = [matrix[pair] for pair in ((True, True), (True, False), (False, True), (False, False))]
    found = kappa(pairs) if pairs else None
    right = (counts[0] + counts[3]) / len(pairs) if pairs else 0.0
    return [
        str(len(pairs)),
        *map(str, counts),
        f"{right:.0%}" if pairs else "",
        "" if found is None else f"{found:.2f}",
    ]


def _reasons(good: Sequence[bool], verdicts: Sequence[Verdicts]) -> str:
    """Why problems were not passed, and how many of them the reader took for well-posed."""
    counts: Counter[tuple[str, str]] = Counter()
    were_good: Counter[tuple[str, str]] = Counter()
    for is_good, each in zip(good, verdicts, strict=True):
        for check, reason in each.reasons.items():
            if each.outcomes[check] != "passed":
                counts[check, reason] += 1
                were_good[check, reason] += is_good
    rows = [[check, reason, str(n), str(were_good[check, reason])] for (check, reason), n in counts.items()]
    return table(["check", "reason", "problems", "well-posed of these"], sorted(rows))


def _right_answers(rows: Sequence[Mapping[str, Any]], verdicts: Sequence[Verdicts]) -> str:
    """Of the problems that are kept by both, and whose right answer is known: how many got that one."""
    with FormulaJudge() as formulas:
        right = [
            same_answer(str(row["answer"]), each.agreed, formulas) is True
            for row, each in zip(rows, verdicts, strict=True)
            if row.get("answer") and each.agreed and not each.sets_aside("together")
        ]
    return (
        f"Kept by both, and the answer that solutions agree on is right: {share(sum(right), len(right))}.\n"
    )


def planted(rows: Sequence[Mapping[str, str]], work: Path, model: str | LanguageModel) -> str:
    """What the checks make of both sides of each pair."""
    problems = []
    for row in rows:
        # Only a kind with a wrong answer has one beside its problem; there the sound side has the right one.
        given = [{"answer": row["answer"]}, {"answer": row["given"]}] if "given" in row else [{}, {}]
        problems += [{"problem": row["sound"], **given[0]}, {"problem": row["planted"], **given[1]}]
    verdicts, costs = judged(problems, work, model)
    pairs = list(zip(rows, verdicts[::2], verdicts[1::2], strict=True))
    groups = {kind: [pair for pair in pairs if pair[0]["kind"] == kind] for kind in KINDS}
    groups["all"] = pairs
    for pair in pairs:
        groups.setdefault(pair[0]["language"], []).append(pair)
    heads = ["planted", "pairs", *(f"found: {way}" for way in WAYS), "found, sound side kept"]
    heads += [f"sound set aside: {way}" for way in WAYS]
    found = table(heads, ([name, *_found(group)] for name, group in groups.items()))
    spent = table(["check", "calls", "tokens", "seconds"], ([way, *costs[way].cells()] for way in WAYS))
    return "\n".join([found, _reasons_of_pairs(pairs), spent])


Pair = tuple[Mapping[str, str], Verdicts, Verdicts]
"""A row, what was found of its sound side, and of its planted one."""


def _found(pairs: Sequence[Pair]) -> list[str]:
    """How many errors are found, and how many sound ones set aside, by each check and by both."""
    errors = [sum(error.sets_aside(way) for _, _, error in pairs) for way in WAYS]
    sounds = [sum(sound.sets_aside(way) for _, sound, _ in pairs) for way in WAYS]
    told_apart = [
        error.sets_aside("together") and not sound.sets_aside("together") for _, sound, error in pairs
    ]
    return [str(count) for count in (len(pairs), *errors, sum(told_apart), *sounds)]


def _reasons_of_pairs(pairs: Sequence[Pair]) -> str:
    """Why problems were not passed, by kind and side."""
    counts = Counter(
        (row["kind"], side, check, reason)
        for row, sound, error in pairs
        for side, each in (("sound", sound), ("planted", error))
        for check, reason in each.reasons.items()
        if each.outcomes[check] != "passed"
    )
    heads = ["kind", "side", "check", "reason", "problems"]
    return table(heads, ([*names, str(count)] for names, count in sorted(counts.items())))


def main() -> None:
    """Read the command line, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("labelled", type=Path, nargs="?", help="JSONL file of labelled problems")
    parser.add_argument("--planted", action="store_true", help="take the planted errors")
    parser.add_argument("--work", type=Path, required=True, help="folder of what was asked")
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    parser.add_argument("--limit", type=int, help="take only so many rows")
    args = parser.parse_args()
    if bool(args.labelled) == args.planted:
        parser.error("give a file of labelled problems, or --planted")
    file = PLANTED if args.planted else args.labelled
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()][: args.limit]
    needed = {"sound": str, "planted": str} if args.planted else {"problem": str, "well_posed": bool}
    for number, row in enumerate(rows, 1):
        for name, kind in needed.items():
            if not isinstance(row.get(name), kind):
                parser.error(f"{file}, line {number}: {name} is {row.get(name)!r}, no {kind.__name__}")
    print((planted if args.planted else labelled)(rows, args.work, args.model))


if __name__ == "__main__":
    main()

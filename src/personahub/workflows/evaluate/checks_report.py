"""What ``evaluate checks`` tells, as tables."""

from collections.abc import Iterator

from personahub.evaluation.agreement import Agreement
from personahub.evaluation.intervals import wilson
from personahub.workflows.evaluate.checks import TOGETHER, ChecksMeasured
from personahub.workflows.evaluate.section import Section

__all__ = ["notes", "sections"]


def sections(result: ChecksMeasured) -> Iterator[Section]:
    """The tables, in their order."""
    if not result.checks:
        return
    sound = f"{result.sound} of {result.problems} are sound ({result.sound / result.problems:.0%})"
    kept = [
        [
            each.name,
            f"{each.agreement.kept_sound + each.agreement.kept_faulty + each.undecided}",
            _share(each.agreement.kept_sound, each.agreement.kept_sound + each.agreement.kept_faulty),
            f"{each.agreement.lost} of {each.agreement.kept_sound + each.agreement.lost}",
            f"{each.undecided}",
            _kappa(each.agreement),
            f"{each.counts.calls:,}",
            f"{each.counts.tokens:,}",
            "unknown" if each.counts.cost is None else f"${each.counts.cost:,.4f}",
            f"{each.counts.seconds:,.0f}",
        ]
        for each in result.checks
    ]
    headings = ["check", "kept", "sound of these", "sound lost", "undecided", "kappa", "calls", "tokens"]
    yield Section(
        f"Problems that readers judged, checked by {result.model}: {sound}",
        [*headings, "cost", "seconds"],
        kept,
        frozenset({1, 3, 4, 6, 7, 8, 9}),
    )
    faults = list(dict.fromkeys(fault for each in result.checks for fault in each.faults))
    rows = [[fault, *(_found(each.faults.get(fault)) for each in result.checks)] for fault in faults]
    names = [each.name for each in result.checks]
    if any(each.told_apart[1] for each in result.checks):
        told = (f"{hits} of {pairs}" for hits, pairs in (each.told_apart for each in result.checks))
        rows.append(["pairs told apart", *told])
    places = frozenset(range(1, len(names) + 1))
    yield Section("Faulty ones that are set aside, by what is wrong", ["fault", *names], rows, places)
    origins = list(dict.fromkeys(origin for each in result.checks for origin in each.origins))
    if len(origins) > 1:
        cells = [
            [origin, *(_of_origin(each.origins[origin]) for each in result.checks)] for origin in origins
        ]
        yield Section("Sound among the kept, and kappa, by origin", ["origin", *names], cells, frozenset())
    reasons = [
        [each.name, reason, f"{n}", f"{sound}"]
        for each in result.checks
        if each.name != TOGETHER
        for reason, (n, sound) in each.reasons.items()
    ]
    if reasons:
        headings = ["check", "reason", "problems", "sound of these"]
        yield Section("Why problems did not pass", headings, reasons, frozenset({2, 3}))


def notes(result: ChecksMeasured) -> Iterator[str]:
    """What the reader of the tables should know: each thing a line."""
    for each in result.checks:
        hits, known = each.right
        if known:
            yield f"{each.name}: of what it keeps, the answer agreed on is right for {_share(hits, known)}"
    if result.threshold is not None:
        yield (
            f"well-posed: passes from a chance of {result.threshold:.3f} of the judge's yes; unless that was"
            " given, the table has what thresholds say that were chosen without the problem and its pair"
        )
    yield "in brackets 95 % intervals: Wilson's of shares, bootstrap of kappa (0: as chance would, 1: always)"
    if result.rows:
        yield f"problems with verdicts and evidence: {result.rows}"


def _share(hits: int, tries: int) -> str:
    if not tries:
        return "none"
    low, high = wilson(hits, tries)
    return f"{hits} of {tries}: {hits / tries:.0%} ({100 * low:.0f}-{100 * high:.0f})"


def _kappa(found: Agreement) -> str:
    between = found.kappa_interval()
    if found.kappa is None or between is None:
        return "none"
    return f"{found.kappa:.2f} ({between[0]:.2f} to {between[1]:.2f})"


def _found(counts: tuple[int, int] | None) -> str:
    return "" if counts is None else f"{counts[1]} of {counts[0]}"


def _of_origin(found: Agreement) -> str:
    kept = found.kept_sound + found.kept_faulty
    return f"{_share(found.kept_sound, kept)}; {_kappa(found)}"

"""What ``evaluate duplicates`` tells: tables, and a folder with the numbers, the tables and the plot."""

import json
from collections.abc import Iterator
from pathlib import Path

from personahub.dedup import View
from personahub.errors import UserError
from personahub.evaluation.duplicates_plot import plot_duplicates
from personahub.workflows.evaluate.duplicates import Duplicates
from personahub.workflows.evaluate.section import Section, markdown_sections

__all__ = ["notes", "sections", "write_report"]


def sections(result: Duplicates) -> Iterator[Section]:
    """The tables, in their order; those without a row are left out."""
    for method in result.floors:
        rows = [
            [f"{each.threshold:g}", f"{each.leader:,}", f"{each.components:,}"]
            for each in result.stay
            if each.method == method
        ]
        title = f"{method.capitalize()} duplicates alone: how many of {result.personas:,} stay"
        yield Section(title, ["threshold", "greedy leader", "components"], rows, frozenset({0, 1, 2}))
    if result.groups:
        groups = [
            [f"{each.size:,}", each.description, member]
            for each in result.groups
            for member in each.members[:1]
        ]
        title = f"Largest groups of view {result.view}, with the member least like its leader"
        yield Section(title, ["step aside", "for", "such as"], groups, frozenset({0}))
    for method in result.floors:
        for alike in (True, False):
            pairs = [
                [f"{each.similarity:.3f}", *each.descriptions]
                for each in result.pairs
                if each.method == method and each.alike == alike
            ]
            if pairs:
                side = "just alike enough" if alike else "just not alike enough"
                title = f"{method.capitalize()} pairs that are {side} for view {result.view}"
                yield Section(title, ["similarity", "older", "younger"], pairs, frozenset({0}))


def notes(result: Duplicates) -> Iterator[str]:
    """What the reader of the tables should know: each thing a line."""
    yield f"view {result.view} shows {result.shown:,} of {result.personas:,} personas that were compared"
    yield (
        "greedy leader: one steps aside for another that stays, as in every view; components: of all that are"
        " joined by a chain of pairs one stays, which few tools can undo"
    )
    for method, floor in result.floors.items():
        yield f"{method}: pairs are known down to {floor:g}"
    if result.minhash:
        estimated = "" if result.minhash["verify"] else ", and similarities are estimates"
        yield f"surface: pairs were looked for by MinHash, so some are missing{estimated}"


def write_report(result: Duplicates, out: Path) -> None:
    """Write ``duplicates.json``, ``.md``, ``.png`` and ``.svg`` into a folder, made where it is not there.

    Raises:
        UserError: the folder cannot be written.
    """
    view = View.parse(result.view)
    own = {"surface": view.surface, "semantic": view.semantic}
    try:
        out.mkdir(parents=True, exist_ok=True)
        told = json.dumps(result.to_json(), ensure_ascii=False, indent=1)
        (out / "duplicates.json").write_text(f"{told}\n", encoding="utf-8")
        (out / "duplicates.md").write_text("\n".join(_markdown(result)) + "\n", encoding="utf-8")
        plot_duplicates(
            out / "duplicates",
            personas=result.personas,
            leader={
                method: [(each.threshold, each.leader) for each in result.stay if each.method == method]
                for method in result.floors
            },
            components={
                method: [(each.threshold, each.components) for each in result.stay if each.method == method]
                for method in result.floors
            },
            own={method: at for method, at in own.items() if at is not None},
        )
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written ({error.strerror or error})") from error


def _markdown(result: Duplicates) -> Iterator[str]:
    yield "# Duplicates"
    yield ""
    yield f"{result.hub}: {result.personas:,} personas, view {result.view}."
    yield "\n![how many personas stay at each threshold](duplicates.png)"
    yield from markdown_sections(sections(result))
    yield "\n## Notes\n"
    yield from (f"- {line}" for line in notes(result))

"""What ``evaluate diversity`` tells: a table, and a folder with the numbers, the tables and the plots."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from personahub.errors import UserError
from personahub.evaluation.measures import METRICS, Measure
from personahub.workflows.evaluate.diversity import Diversity, Measured

__all__ = ["FORMS", "Form", "cell", "headings", "markdown_line", "notes", "table", "write_report"]

Form = Literal["matched", "raw"]
FORMS: tuple[Form, ...] = ("matched", "raw")


def headings(result: Diversity) -> dict[Form, str]:
    """What each form of the sets is called."""
    count, words = result.matched_texts, result.matched_words
    texts = "1 text" if count == 1 else f"{count:,} texts"
    return {
        "matched": f"Matched: {texts} of each set, cut to {words:,} word{'s' * (words != 1)}",
        "raw": "Raw: all texts as they are",
    }


def table(result: Diversity, form: Form) -> Iterator[list[str]]:
    """The rows of a form's table: the measure and which way is more diverse, then each set's number."""
    measured: list[Measured] = [getattr(each, form) for each in result.sets]
    yield ["texts", *(f"{each.texts:,}" for each in measured)]
    yield ["words a text", *(f"{each.words:.1f}" for each in measured)]
    yield ["compared in meaning", *(f"{each.compared:,}" for each in measured)]
    for name, metric in METRICS.items():
        arrow = "↑" if metric.higher_is_diverse else "↓"
        yield [f"{metric.title} {arrow}", *(cell(each.measures[name]) for each in measured)]


def cell(measure: Measure) -> str:
    """A number with its interval, such as ``0.188 [0.184, 0.193]``; a dash where it was not taken."""
    if measure.value is None:
        return "–"
    if measure.low is None or measure.high is None:
        return _number(measure.value)
    return f"{_number(measure.value)} [{_number(measure.low)}, {_number(measure.high)}]"


def _number(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 20 else f"{value:.3f}"


def notes(result: Diversity) -> Iterator[str]:
    """What the reader of the tables should know of these sets: each thing a line."""
    for each in result.sets:
        if each.not_compared:
            listed = ", ".join(f"{count:,} {language}" for language, count in each.not_compared.items())
            yield f"{each.name}: in languages that the embedding model does not know, not compared: {listed}"
        if each.left_out:
            listed = ", ".join(f"{reason} {count:,}" for reason, count in each.left_out.items())
            yield f"{each.name}: rows without a text: {listed}"
        if each.cut:
            yield f"{each.name}: texts of which only the first 20,000 characters were read: {each.cut:,}"
    for form in FORMS:
        yield from _measure_notes(result, form)


def _measure_notes(result: Diversity, form: Form) -> Iterator[str]:
    """How measures were taken, and why some were not; what is so of all sets is said once."""
    by_text: dict[str, list[str]] = {}
    for each in result.sets:
        titles: dict[str, list[str]] = {}
        for name, measure in getattr(each, form).measures.items():
            if told := measure.note or (measure.reason and f"not done, {measure.reason}"):
                titles.setdefault(told, []).append(METRICS[name].title)
        for told, those in titles.items():
            by_text.setdefault(f"{', '.join(those)}: {told}", []).append(each.name)
    for told, names in by_text.items():
        whose = "" if len(names) == len(result.sets) else f", {', '.join(names)}"
        yield f"{form}{whose}: {told}"


def write_report(result: Diversity, out: Path) -> None:
    """Write ``diversity.json``, ``.md``, ``.png`` and ``.svg`` into a folder, made where it is not there.

    Raises:
        UserError: the folder cannot be written.
    """
    from personahub.evaluation.plots import plot_diversity

    try:
        out.mkdir(parents=True, exist_ok=True)
        told = json.dumps(result.to_json(), ensure_ascii=False, indent=1)
        (out / "diversity.json").write_text(told + "\n", encoding="utf-8")
        (out / "diversity.md").write_text("\n".join(_markdown(result)) + "\n", encoding="utf-8")
        plot_diversity(
            out / "diversity",
            [each.name for each in result.sets],
            [each.matched.measures for each in result.sets],
            [each.matched.cosines for each in result.sets],
            headings(result)["matched"],
        )
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written ({error.strerror or error})") from error


def _markdown(result: Diversity) -> Iterator[str]:
    yield "# Diversity"
    yield ""
    yield (
        f"Embeddings {result.embeddings}, seed {result.seed}; in brackets 95 % intervals; ↑ higher is more"
        " diverse, ↓ lower is."
    )
    for form, heading in headings(result).items():
        yield f"\n## {heading}\n"
        yield markdown_line(
            ["", *(f"{each.name} (set {place})" for place, each in enumerate(result.sets, 1))]
        )
        yield "|---|" + "--:|" * len(result.sets)
        yield from map(markdown_line, table(result, form))
    if told := list(notes(result)):
        yield "\n## Notes\n"
        yield from (f"- {line}" for line in told)
    yield "\n![cosines and measures of the matched sets](diversity.png)"


def markdown_line(cells: list[str]) -> str:
    """A row of a table in Markdown."""
    return "| " + " | ".join(each.replace("|", "\\|") for each in cells) + " |"

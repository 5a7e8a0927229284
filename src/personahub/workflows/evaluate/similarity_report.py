"""What ``evaluate similarity`` tells: tables, notes, and a folder with the numbers, pairs and the plot."""

import json
from collections.abc import Iterator
from pathlib import Path

from personahub.errors import UserError
from personahub.evaluation.similarity import BAND, BAND_LEVEL, PAPER_EMBEDDINGS, Sized, Spread
from personahub.evaluation.similarity_plot import Panel, plot_similarity
from personahub.workflows.evaluate.similarity import Similarity
from personahub.workflows.evaluate.similarity_numbers import Series

__all__ = ["HEADINGS", "notes", "summary", "tables", "write_report"]

HEADINGS = (
    "personas at",
    "prompt",
    "pairs",
    "personas",
    "problems",
    "median",
    "quartiles",
    "min to max",
    f"in {BAND[0]:.2f}–{BAND[1]:.2f}",
)


def tables(result: Similarity) -> Iterator[tuple[str, list[list[str]]]]:
    """A table for each model, or each two: who made the problems, and rows under :data:`HEADINGS`."""
    for models, series in _by_models(result).items():
        rows = [
            [f"{level:g}", each.prompt, *_cells(each.levels[place])]
            for place, level in enumerate(result.levels)
            for each in series
        ]
        rows += [["other pairs", each.prompt, *_cells(each.others)] for each in series]
        yield _title(models), rows


def _by_models(result: Similarity) -> dict[tuple[str, str], list[Series]]:
    found: dict[tuple[str, str], list[Series]] = {}
    for each in result.series:
        found.setdefault(each.models, []).append(each)
    return found


def _title(models: tuple[str, str]) -> str:
    first, second = models
    return first if first == second else f"{first} for one, {second} for the other"


def _cells(spread: Spread) -> list[str]:
    if spread.personas is None or spread.in_band is None:
        return ["0", *["–"] * 6]
    least, lower, median, upper, most = spread.quantiles
    return [
        f"{spread.mean.pairs:,}",
        f"{spread.personas:.3f}",
        _sized(spread.mean),
        f"{median:.3f}",
        f"{lower:.3f} to {upper:.3f}",
        f"{least:.3f} to {most:.3f}",
        f"{spread.in_band:.0%}",
    ]


def _sized(number: Sized, *, signed: bool = False) -> str:
    """Such as ``0.412 [0.380, 0.444]``."""
    sign = "+" if signed else ""
    if number.value is None:
        return "–"
    if number.low is None or number.high is None:
        return f"{number.value:{sign}.3f}"
    return f"{number.value:{sign}.3f} [{number.low:{sign}.3f}, {number.high:{sign}.3f}]"


def summary(result: Similarity) -> Iterator[str]:
    """What the tables come to, each thing a line."""
    for each in result.series:
        told = _sized(each.correlation)
        if each.correlation.value is None:
            told = "– (fewer than three pairs, or all problems equally alike)"
        yield f"Spearman, personas and problems, {_title(each.models)}, {each.prompt}: {told}"
    for narrowing in result.narrowing:
        told = _sized(narrowing.overall, signed=True)
        by_level = ", ".join(
            f"{level:g}: {_sized(each, signed=True)}"
            for level, each in zip(result.levels, narrowing.levels, strict=True)
            if each.pairs
        )
        yield f"narrowed less plain, same pairs, {_title(narrowing.models)}: {told} ({by_level})"
    yield (
        f"the paper: at {BAND_LEVEL:g} most problems lie at {BAND[0]:.2f} to {BAND[1]:.2f}; they follow the"
        " personas and are less alike; a narrower prompt makes them more alike. Its text gives no other"
        f" number. Its embeddings are {PAPER_EMBEDDINGS}, these are {result.embeddings}"
    )


def notes(result: Similarity) -> Iterator[str]:
    """What the reader of the tables should know of this study: each thing a line."""
    if result.outcome.interrupted:
        yield "not finished: these are the numbers of what was answered so far"
    for model, reason in result.not_done.items():
        yield f"{model}: not done ({reason}); the same command asks it again"
    drawn = result.drawn
    for level, pairs, there in zip(result.levels, drawn.pairs, drawn.there, strict=True):
        if len(pairs) < result.wanted:
            yield f"{level:g}: {len(pairs)} of {result.wanted} pairs, since no more were found"
        personas = len({each.id for pair in pairs for each in (pair.left, pair.right)})
        if personas < 2 * len(pairs):
            yield (
                f"{level:g}: {len(pairs)} pairs of only {personas} personas ({there:,} pairs are there), some"
                " of them in several, so its interval is too narrow"
            )
    if drawn.sampled:
        yield f"pairs of {drawn.compared:,} personas drawn from {drawn.personas:,} were gone through"
    if drawn.unknown:
        yield f"personas in languages that the embedding model does not know, left out: {drawn.unknown:,}"
    if drawn.unembedded:
        yield f"personas without an embedding, left out: {drawn.unembedded:,} (personahub hub index HUB)"
    for model, reasons in result.failures.items():
        listed = ", ".join(f"{reason} {count}" for reason, count in reasons.items())
        yield (
            f"{model}: problems that could not be had: {listed}; their pairs are left out, and the same"
            " command asks for them again"
        )


def write_report(result: Similarity, out: Path) -> None:
    """Write ``similarity.json``, ``.md``, ``.png``, ``.svg`` and ``pairs.jsonl`` into a folder.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        told = json.dumps(result.to_json(), ensure_ascii=False, indent=1)
        (out / "similarity.json").write_text(told + "\n", encoding="utf-8")
        (out / "similarity.md").write_text("\n".join(_markdown(result)) + "\n", encoding="utf-8")
        lines = (json.dumps(pair, ensure_ascii=False) + "\n" for pair in result.pairs())
        (out / "pairs.jsonl").write_text("".join(lines), encoding="utf-8")
        plot_similarity(
            out / "similarity",
            result.levels,
            [_panel(models, series) for models, series in _by_models(result).items()],
            {
                prompt: f"problems {about}" if about else "plain prompt"
                for prompt, about in result.prompts.items()
            },
            _plot_notes(result),
        )
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written ({error.strerror or error})") from error


def _panel(models: tuple[str, str], series: list[Series]) -> Panel:
    return Panel(
        models,
        {each.prompt: [[c for c in some if c is not None] for some in each.cosines] for each in series},
        {each.prompt: each.others.mean.value for each in series},
    )


def _plot_notes(result: Similarity) -> list[str]:
    return [
        f"Embeddings {result.embeddings}, seed {result.seed}, greedy decoding. Boxes: quartiles; whiskers: to"
        " 1.5 times their height; bars at the left edge: mean of other pairs.",
        "Yellow: the only numbers that the paper's text gives (arXiv 2406.20094, figure 10), by other models"
        f" and {PAPER_EMBEDDINGS}.",
    ]


def _markdown(result: Similarity) -> Iterator[str]:
    yield "# Similarity of problems by similarity of personas"
    yield ""
    yield (
        f"Embeddings {result.embeddings}, seed {result.seed}, prompt {result.template}, greedy decoding; in"
        " brackets 95 % intervals."
    )
    for title, rows in tables(result):
        yield f"\n## {title}\n"
        yield _line(list(HEADINGS))
        yield "|---|---|" + "--:|" * (len(HEADINGS) - 2)
        yield from map(_line, rows)
    yield "\n## What it comes to\n"
    yield from (f"- {line}" for line in summary(result))
    if told := list(notes(result)):
        yield "\n## Notes\n"
        yield from (f"- {line}" for line in told)
    yield "\n![the problems' cosines by the personas'](similarity.png)"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(each.replace("|", "\\|") for each in cells) + " |"

"""``personahub evaluate similarity``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from personahub.cli.options import Encoder, HubDir, Json, ModelName, Seed, with_calls
from personahub.errors import UserError

if TYPE_CHECKING:
    from personahub.workflows.evaluate.similarity import Similarity

__all__ = ["similarity_command"]

_WIDE = 122
"""Columns of a terminal that all of a table takes."""
_NARROW = (0, 1, 2, 4, 5, 8)
"""The places of what a narrower one shows."""


@with_calls
def similarity_command(
    hub: HubDir,
    pairs: Annotated[int, typer.Option(metavar="N", help="Pairs of personas at each level.")] = 20,
    levels: Annotated[
        str, typer.Option(metavar="A,B,…", help="Cosines of personas, each ± 0.01.")
    ] = ".4,.6,.8,.9",
    narrow: Annotated[
        str,
        typer.Option(metavar="TEXT", help='What the narrowed prompt adds; "" for the plain prompt alone.'),
    ] = "about finance and probability",
    model: ModelName = "qwen2.5-coder-1.5b",
    second_model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Another model that is asked the same.")
    ] = None,
    embeddings: Encoder = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Write similarity.json, .md, .png, .svg and pairs.jsonl there (extra evaluate).",
        ),
    ] = None,
    seed: Seed = 0,
    json: Json = False,
    *,
    calls: dict[str, Any],
) -> None:
    """Measure how alike two personas' math problems are, by how alike the personas are.

    The study of the paper's figure 10: pairs of the hub's personas at given cosines, a problem of each by
    greedy decoding, plain and with a narrowed prompt, by one model or two. The same command asks nothing
    twice.
    """
    from personahub.cli.display import ProgressWatcher
    from personahub.workflows.calls import Calls
    from personahub.workflows.evaluate.similarity import evaluate_similarity

    watcher = ProgressWatcher()
    try:
        result = evaluate_similarity(
            hub,
            pairs=pairs,
            levels=_numbers(levels),
            narrow=narrow,
            model=model,
            second_model=second_model,
            embeddings=embeddings,
            seed=seed,
            out=out,
            calls=Calls(**calls),
            watcher=watcher,
        )
    finally:
        watcher.close()
    _say(result, hub, out, json=json)


def _numbers(listed: str) -> list[float]:
    try:
        return [float(part) for part in listed.split(",") if part.strip()]
    except ValueError:
        raise UserError(f"--levels {listed}: are no numbers parted by commas, such as .4,.6,.8,.9") from None


def _say(result: "Similarity", hub: Path, out: Path | None, *, json: bool) -> None:
    from dataclasses import asdict

    from personahub.cli.display import print_json, say_interrupted
    from personahub.cli.spending import print_estimate, say_calls

    outcome = result.outcome
    if outcome.estimate:
        print_json(asdict(outcome.estimate)) if json else print_estimate(outcome.estimate)
        return
    if json:
        print_json(result.to_json())
    else:
        _print_tables(result)
        say_calls(outcome, hub)
        if out is not None:
            print(f"written: {out / 'similarity.json'}, .md, .png, .svg, {out / 'pairs.jsonl'}")
    if outcome.interrupted:
        raise typer.Exit(say_interrupted(outcome))
    for name, reason in result.not_done.items():
        typer.echo(f"Not done: {name}: {reason}", err=True)
        raise typer.Exit(1)


def _print_tables(result: "Similarity") -> None:
    """Print the tables: on a narrow terminal their main columns, into a file or a pipe all."""
    from personahub.cli.evaluate.tables import print_lines, print_table, table_width
    from personahub.workflows.evaluate.similarity_report import HEADINGS, notes, summary, tables

    chosen = [place for place in range(len(HEADINGS)) if table_width() >= _WIDE or place in _NARROW]
    headings = [HEADINGS[place] for place in chosen]
    for title, rows in tables(result):
        shown = [[row[place] for place in chosen] for row in rows]
        print_table(title, headings, shown, range(2, len(chosen)))
    told = f"In brackets 95 % intervals; embeddings {result.embeddings}, seed {result.seed}"
    print_lines(*summary(result), *notes(result), told)

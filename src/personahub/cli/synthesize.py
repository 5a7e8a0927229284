"""``personahub synthesize``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from personahub.cli.options import HubDir, Json, Language, ModelName, Seed, with_calls

__all__ = ["synthesize_command"]


@with_calls
def synthesize_command(
    task: Annotated[str, typer.Argument(help="What to make: math.")],
    hub: HubDir,
    n: Annotated[int, typer.Option("-n", min=1, help="How many records.")] = 10,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the records there as JSONL.")
    ] = None,
    focus: Annotated[
        str | None, typer.Option(help="Subject, such as geometry or finance; default: any.")
    ] = None,
    difficulty: Annotated[
        str | None,
        typer.Option(metavar="LEVEL", help="school, high-school, university or olympiad; default: school."),
    ] = None,
    model: ModelName = "qwen2.5-coder-1.5b",
    language: Language = None,
    seed: Seed = 0,
    json: Json = False,
    *,
    calls: dict[str, Any],
) -> None:
    """Make synthetic data from a hub's personas.

    Give the same command again after an interrupt or a crash: it goes on where it was and asks nothing
    that was answered. Another --seed or a larger -n makes more.
    """
    from dataclasses import asdict

    from personahub.cli.display import (
        ProgressWatcher,
        counted,
        print_json,
        program,
        say_interrupted,
    )
    from personahub.cli.spending import print_estimate, say_calls
    from personahub.workflows.calls import Calls
    from personahub.workflows.synthesize import synthesize

    watcher = ProgressWatcher()
    given = {"focus": focus, "difficulty": difficulty}
    try:
        outcome = synthesize(
            task,
            hub,
            n=n,
            out=out,
            options={name: value for name, value in given.items() if value is not None},
            model=model,
            language=language,
            seed=seed,
            calls=Calls(**calls),
            watcher=watcher,
        )
    finally:
        watcher.close()
    if outcome.estimate:
        print_json(asdict(outcome.estimate)) if json else print_estimate(outcome.estimate)
        return
    if json:
        print_json(outcome.to_json())
    else:
        print(f"{len(outcome.records)} of {n} {task} records in {out or hub}")
        print(f"set aside: {counted(outcome.set_aside)}")
        say_calls(outcome, hub)
        if outcome.records:
            print(f"next: {program()} show {outcome.records[0].id} --hub {hub}")
    if outcome.interrupted:
        raise typer.Exit(say_interrupted(outcome))
    if len(outcome.records) < n:
        typer.echo(
            f"Only {len(outcome.records)} of {n}: the model's replies were set aside or failed too often; see"
            f" personahub runs set-aside --hub {hub} and personahub runs failures {outcome.run.number}"
            f" --hub {hub}",
            err=True,
        )
        raise typer.Exit(1)

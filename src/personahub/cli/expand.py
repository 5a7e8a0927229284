"""``personahub expand``."""

from typing import Annotated, Any

import typer

from personahub.cli.options import Encoder, HubDir, Json, Language, ModelName, Seed, with_calls

__all__ = ["expand_command"]


@with_calls
def expand_command(
    hub: HubDir,
    model: ModelName = "qwen2.5-coder-1.5b",
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Steps from persona to persona.")] = 6,
    per_persona: Annotated[int, typer.Option(min=1, help="People to ask for about each persona.")] = 3,
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Most personas in all, shared evenly over the rounds."),
    ] = None,
    language: Language = None,
    seed: Seed = 0,
    encoder: Encoder = None,
    json: Json = False,
    *,
    calls: dict[str, Any],
) -> None:
    """Find people in close relationship with the hub's personas (persona-to-persona), round after round.

    Each round goes on from those personas of the round before that are no duplicates. Give the same command
    again after an interrupt or a crash: it goes on where it was and asks nothing that was answered.
    """
    from dataclasses import asdict

    from personahub.cli.display import ProgressWatcher, counted, print_json, program, say_interrupted
    from personahub.cli.spending import print_estimate, say_calls
    from personahub.workflows.calls import Calls
    from personahub.workflows.expand import expand

    watcher = ProgressWatcher()
    try:
        outcome = expand(
            hub,
            rounds=rounds,
            per_persona=per_persona,
            limit=limit,
            model=model,
            language=language,
            seed=seed,
            encoder=encoder,
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
        print(f"{outcome.personas:,} personas in {len(outcome.rounds)} rounds, {outcome.new:,} of them new")
        for each in outcome.rounds:
            share = f" ({each.new / each.personas:.0%})" if each.personas else ""
            print(
                f"  round {each.number}: {each.asked:,} asked, {each.personas:,} made,"
                f" {each.new:,} new{share}"
            )
        print(f"set aside: {counted(outcome.set_aside)}")
        say_calls(outcome, hub)
        if not outcome.interrupted:
            print(f"next: {program()} sample -n 5 --where 'round > 0' --hub {hub}")
            print(f"      {program()} show ID --hub {hub}    # from whom to whom")
    if outcome.interrupted:
        raise typer.Exit(say_interrupted(outcome))

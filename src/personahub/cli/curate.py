"""``personahub curate``."""

from typing import Annotated, Any

import typer

from personahub.cli.options import (
    Encoder,
    HubDir,
    Jobs,
    Json,
    Language,
    ModelName,
    Seed,
    Sources,
    with_calls,
    with_reading,
)

__all__ = ["curate_command"]


@with_calls
@with_reading
def curate_command(
    sources: Sources,
    hub: HubDir,
    model: ModelName = "qwen2.5-coder-1.5b",
    limit: Annotated[int | None, typer.Option(min=1, metavar="DOCS", help="Most documents.")] = None,
    relations: Annotated[
        str, typer.Option(metavar="VERBS", help="Who should …: verbs, parted by commas.")
    ] = "read,write,like,dislike",
    per_relation: Annotated[
        int, typer.Option(min=1, help="Personas for each relation of each document.")
    ] = 1,
    granularity: Annotated[
        str, typer.Option(metavar="fine|coarse", help="How narrow a persona is.")
    ] = "fine",
    language: Language = None,
    document_tokens: Annotated[
        int,
        typer.Option(
            min=50,
            help="Longer texts are cut, at paragraph ends, into documents of about so many tokens.",
        ),
    ] = 250,
    skip_bad_rows: Annotated[
        bool,
        typer.Option(
            "--skip-bad-rows",
            help="Set unreadable rows aside from the start; else one among a file's first 100 stops.",
        ),
    ] = False,
    seed: Seed = 0,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Work on the I-th of N shares of the documents, in a hub of its own: DIR/shards/I-of-N.",
        ),
    ] = None,
    encoder: Encoder = None,
    jobs: Jobs = None,
    json: Json = False,
    *,
    reading: dict[str, Any],
    calls: dict[str, Any],
) -> None:
    """Infer personas from texts (text-to-persona).

    Give the same command again after an interrupt or a crash: it goes on where it was and asks nothing
    that was answered.
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
    from personahub.corpus import ReadOptions
    from personahub.hub import Shard
    from personahub.workflows.calls import Calls
    from personahub.workflows.curate import curate

    watcher = ProgressWatcher()
    try:
        outcome = curate(
            sources,
            hub,
            model=model,
            limit=limit,
            relations=relations.split(","),
            per_relation=per_relation,
            granularity=granularity,
            language=language,
            reading=ReadOptions(**reading),
            document_tokens=document_tokens,
            jobs=jobs,
            skip_bad_rows=skip_bad_rows,
            seed=seed,
            shard=shard,
            encoder=encoder,
            calls=Calls(**calls),
            watcher=watcher,
        )
    finally:
        watcher.close()
    if outcome.estimate:
        print_json(asdict(outcome.estimate)) if json else print_estimate(outcome.estimate)
        return
    own = Shard.parse(shard).hub_of(hub) if shard else hub
    if json:
        print_json(outcome.to_json())
    else:
        print(f"{outcome.personas} personas of {outcome.documents} documents in {own}")
        print(f"set aside: {counted(outcome.set_aside)}")
        say_calls(outcome, own)
        if shard and not outcome.interrupted:
            print(f"next: {program()} hub merge {own.parent.parent}    # when all shards are done")
        elif not outcome.interrupted:
            print(f"next: {program()} sample -n 5 --hub {hub}")
            print(f"      {program()} synthesize math -n 5 --hub {hub} --out problems.jsonl")
    if outcome.interrupted:
        raise typer.Exit(say_interrupted(outcome))

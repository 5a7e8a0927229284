"""``personahub dedup``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from personahub.cli.options import Encoder, HubDir, Json, View

if TYPE_CHECKING:
    from personahub.workflows.dedup import Lookup

__all__ = ["dedup_app"]

dedup_app = typer.Typer(
    invoke_without_command=True, help="Let duplicates step aside; show whom one steps aside for."
)


@dedup_app.callback()
def dedup_command(
    context: typer.Context,
    hub: Annotated[Path | None, typer.Option("--hub", metavar="DIR", help="The hub's directory.")] = None,
    surface: Annotated[
        float,
        typer.Option(metavar="T", help="Share of words in common (Jaccard) that makes two duplicates."),
    ] = 0.9,
    semantic: Annotated[
        float, typer.Option(metavar="T", help="Closeness in meaning (cosine) that makes two duplicates.")
    ] = 0.9,
    no_surface: Annotated[bool, typer.Option("--no-surface", help="Do not compare words.")] = False,
    no_semantic: Annotated[bool, typer.Option("--no-semantic", help="Do not compare meanings.")] = False,
    order: Annotated[
        str, typer.Option(metavar="age|quality", help="Which of two is shown: the older, or the better.")
    ] = "age",
    within_language: Annotated[
        bool,
        typer.Option("--within-language", help="The same in another language is no semantic duplicate."),
    ] = False,
    encoder: Encoder = None,
    memory: Annotated[
        float,
        typer.Option(metavar="GB", min=0.01, help="Memory to compare in; what is more goes to files."),
    ] = 1.0,
    minhash: Annotated[
        bool,
        typer.Option("--minhash", help="Look for pairs of similar words by MinHash: some are missed."),
    ] = False,
    grams: Annotated[
        int | None,
        typer.Option(metavar="N", help="With --minhash: compare runs of N words (1, which is single words)."),
    ] = None,
    recall: Annotated[
        float | None,
        typer.Option(
            metavar="R", help="With --minhash: the least chance to find a pair at the floor of views (0.95)."
        ),
    ] = None,
    estimate_only: Annotated[
        bool,
        typer.Option("--estimate-only", help="With --minhash: take equal hashes for equal words, uncounted."),
    ] = False,
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Compare meanings on a CUDA device (extra gpu): faster.")
    ] = False,
    json: Json = False,
) -> None:
    """Compare all personas, by their words and by their meaning; duplicates step aside, and nothing is lost.

    Only personas that are new since the last time are compared, with all others. Other thresholds are other
    views of the same hub: sample, search and export take --view 0.95/0.85 without comparing anything again.
    """
    if context.invoked_subcommand:
        return
    if hub is None:
        raise typer.BadParameter("name the hub's directory", param_hint="--hub")
    from personahub.cli.display import StepProgress, print_json, program, this_command
    from personahub.dedup import MinHash
    from personahub.errors import UserError
    from personahub.workflows.dedup import deduplicate

    asked = {"grams": grams, "recall": recall, "verify": False if estimate_only else None}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    if given and not minhash:
        option = {"verify": "--estimate-only"}.get(next(iter(given)), f"--{next(iter(given))}")
        raise UserError(f"{option} is about MinHash: give --minhash too, or leave it out")
    way = MinHash(**given) if minhash else None
    progress = StepProgress()
    try:
        outcome = deduplicate(
            hub,
            surface=None if no_surface else surface,
            semantic=None if no_semantic else semantic,
            order=cast(Literal["age", "quality"], order),
            within_language=within_language,
            encoder=encoder,
            memory=int(memory * 10**9),
            minhash=way,
            gpu=gpu,
            watcher=progress,
        )
    except KeyboardInterrupt:
        progress.notice(f"Interrupted; what was embedded and compared is kept. To go on: {this_command()}")
        raise typer.Exit(130) from None
    finally:
        progress.close()
    if json:
        print_json(outcome.to_json())
        return
    print(f"{outcome.kept:,} of {outcome.personas:,} personas are shown (view {outcome.view})")
    print(
        f"step aside: {outcome.surface_duplicates:,} surface duplicates,"
        f" {outcome.semantic_duplicates:,} semantic duplicates"
    )
    if outcome.lookup:
        print(_told(outcome.lookup))
    if outcome.not_compared:
        print(f"not compared: {outcome.not_compared:,} in languages that the embedding model does not know")
    if told := _recall_told(outcome.semantic_recall):
        print(told)
    print(f"next: {program()} sample -n 5 --hub {hub}")
    print(f"      {program()} dedup show ID --hub {hub}    # who steps aside for whom")


def _recall_told(recall: float | None) -> str:
    """What to say of semantic duplicates that were looked for in clusters."""
    if recall is None or recall == 1:
        return ""
    return f"meanings were compared within clusters: about {recall:.1%} of the pairs alike were found"


def _told(lookup: "Lookup") -> str:
    """How MinHash looked for pairs, and what it promises."""
    found = dict.fromkeys((lookup.floor, lookup.threshold))
    chances = " and ".join(f"{lookup.banding.chance(at):.2%} of those at {at:g}" for at in found)
    return (
        f"words compared by MinHash: {lookup.banding.bands} bands of {lookup.banding.rows} of"
        f" {lookup.settings.hashes} hashes meet {chances}"
        + ("" if lookup.settings.verify else "; their similarities are estimates")
    )


@dedup_app.command("show")
def show_group(
    persona_id: Annotated[str, typer.Argument(metavar="ID", help="Of a persona, or its beginning.")],
    hub: HubDir,
    view: View = None,
    json: Json = False,
) -> None:
    """Show a group of duplicates: the persona that is shown and those that step aside for it."""
    from personahub.cli.display import print_json
    from personahub.workflows.dedup import duplicates_of

    group = duplicates_of(hub, persona_id, view=view)
    if json:
        print_json(group.to_json())
        return
    print(f"shown in view {group.view}\n  {group.leader['id']}  {group.leader['description']}")
    if not group.members:
        print("nobody steps aside for it")
        return
    print("step aside for it")
    for member in group.members:
        print(f"  {member['id']}  {member['similarity']:.3f} {member['method']:8}  {member['description']}")

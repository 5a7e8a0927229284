"""``personahub import`` and ``personahub export``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from personahub.cli.options import At, HubDir, Json, View, Where

__all__ = ["export_command", "import_command"]


def import_command(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE…",
            help="Files (.jsonl .parquet .csv .tsv, also compressed), folders, patterns, or addresses:"
            " https://…, s3://…, hf://OWNER/DATASET.",
        ),
    ],
    hub: HubDir,
    field: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Field with the persona; default: that of the known shapes."),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What the data set is called; tells files of one name apart."),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of rows whose source does not tell theirs.")
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="Of all rows; default: what a row says, else what it looks like."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Most personas.")] = None,
    json: Json = False,
) -> None:
    """Add personas of published or own files: Persona Hub's, FinePersonas', Nemotron-Personas', or any.

    The same files again add nothing, a longer one what is new in it.
    """
    from personahub.cli.display import StepProgress, counted, print_json, program, this_command
    from personahub.workflows.add import add

    progress = StepProgress()
    try:
        outcome = add(
            sources,
            hub,
            field=field,
            origin=origin,
            licence=licence,
            language=language,
            limit=limit,
            watcher=progress,
        )
    finally:
        progress.close()
    if json:
        print_json(outcome.to_json())
    else:
        rate = outcome.rows / max(outcome.seconds, 1e-9)
        print(
            f"{outcome.added:,} personas added to {hub}, {outcome.already_there:,} were there already"
            f" ({outcome.rows:,} rows, {rate:,.0f} a second)"
        )
        print(f"set aside: {counted(outcome.set_aside)}")
        if outcome.set_aside:
            print(f"      see {program()} runs set-aside --hub {hub}")
        if not outcome.interrupted:
            print(f"next: {program()} sample -n 5 --hub {hub}")
            print(f"      {program()} dedup --hub {hub}")
    if outcome.interrupted:
        print(f"Interrupted; what was added is kept. To go on: {this_command()}", file=sys.stderr)
        raise typer.Exit(130)


def export_command(
    hub: HubDir,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="PATH", help="A file .jsonl, .jsonl.gz or .parquet; or a new folder."),
    ],
    data_set: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATASET]", help="A data set (personahub datasets list); without one, the personas."
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORM",
            help="Of a data set: records, with all lineage (the default); personahub, the paper's columns;"
            " messages (TRL, Axolotl, LLaMA-Factory), openai, alpaca, sharegpt; preferences; tools; npc;"
            " huggingface, a folder with splits and a card.",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="SHARES",
            help="Of huggingface: train=0.9,test=0.1 is the default; what has a text, a persona or a problem"
            " in common stays together.",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of huggingface: by which it is split.")] = None,
    agreed: Annotated[
        bool,
        typer.Option(
            "--agreed",
            help="Of huggingface: hold out only problems on which two of three solutions agree (verify"
            " --checks answers).",
        ),
    ] = False,
    rejected: Annotated[
        bool,
        typer.Option("--rejected", help="Of a data set: what checks rejected, instead of the others."),
    ] = False,
    manifest: Annotated[
        bool,
        typer.Option(
            "--manifest", help="Of a data set: write what it was made from, and its hash, beside it."
        ),
    ] = False,
    sign: Annotated[
        Path | None,
        typer.Option("--sign", metavar="KEY", help="Your private SSH key, which signs the manifest."),
    ] = None,
    view: View = None,
    where: Where = None,
    lineage: Annotated[
        bool, typer.Option("--lineage", help="Of personas: also where each comes from, and what made it.")
    ] = False,
    at: At = None,
    json: Json = False,
) -> None:
    """Write a data set to a file, as trainers take it, or the personas, which import reads back.

    A data set comes in the order in which it was made, without what checks rejected; personas come the
    oldest first.
    """
    from personahub.errors import UserError

    parts: dict[str, object] = {"--split": split, "--seed": seed, "--agreed": agreed}
    ours = {"--format": form, "--rejected": rejected, "--manifest": manifest, "--sign": sign, **parts}
    theirs = {"--view": view, "--where": where, "--lineage": lineage}
    for option, given in (ours if data_set is None else theirs).items():
        if given is not None and given is not False:
            of = "a data set: name one" if data_set is None else "personas: leave the data set out"
            raise UserError(f"{option}: is for {of}")
    if data_set is None:
        _export_personas(hub, out, view, where, lineage, at, json)
    elif form == "huggingface":
        if rejected:
            raise UserError("--rejected: a folder to give away has what checks kept")
        _export_folder(hub, data_set, out, split, seed or 0, agreed, sign, at, json)
    else:
        for option, given in parts.items():
            if given is not None and given is not False:
                raise UserError(f"{option}: is for --format huggingface")
        _export_data_set(hub, data_set, out, form or "records", rejected, manifest, sign, at, json)


def _export_personas(
    hub: Path, out: Path, view: str | None, where: str | None, lineage: bool, at: int | None, json: bool
) -> None:
    from personahub.cli.display import StepProgress, print_json, program
    from personahub.workflows.export import export

    progress = StepProgress()
    progress.began("personas written", None)
    try:
        outcome = export(hub, out, view=view, where=where, lineage=lineage, at=at, told=progress.advanced)
    finally:
        progress.close()
    if json:
        print_json(outcome.to_json())
        return
    shown = "every persona" if outcome.view == "all" else f"view {outcome.view}"
    rate = outcome.personas / max(outcome.seconds, 1e-9)
    print(f"{outcome.personas:,} personas in {out} ({shown}; {rate:,.0f} a second)")
    if not lineage:
        print(f"next: {program()} export --lineage … tells where each comes from")


def _export_data_set(
    hub: Path,
    name: str,
    out: Path,
    form: str,
    rejected: bool,
    manifest: bool,
    sign: Path | None,
    at: int | None,
    json: bool,
) -> None:
    from personahub.cli.display import StepProgress, counted, print_json, program
    from personahub.workflows.export_dataset import export_dataset

    progress = StepProgress()
    progress.began("records written", None)
    try:
        outcome = export_dataset(
            hub,
            name,
            out,
            form=form,
            rejected=rejected,
            manifest=manifest,
            sign=sign,
            at=at,
            told=progress.advanced,
        )
    finally:
        progress.close()
    if json:
        print_json(outcome.to_json())
        return
    left = f", {outcome.left_out:,} {'others' if rejected else 'rejected ones'} left out"
    what = "pairs" if form == "preferences" else "records"
    print(f"{outcome.records:,} {what} of {name} in {out}{left if outcome.left_out else ''}")
    if outcome.without:
        print(f"not in this form: {counted(outcome.without)}")
    if outcome.manifest:
        print(f"next: {program()} verify-manifest {out}{'' if sign else ' --unsigned'}")
    elif form == "records":
        print(f"next: {program()} trace {out} --hub {hub}")


def _export_folder(
    hub: Path,
    name: str,
    out: Path,
    split: str | None,
    seed: int,
    agreed: bool,
    sign: Path | None,
    at: int | None,
    json: bool,
) -> None:
    from personahub.cli.display import StepProgress, counted, print_json, program
    from personahub.workflows.export_folder import export_folder

    progress = StepProgress()
    progress.began("records written", None)
    try:
        outcome = export_folder(
            hub, name, out, splits=split, seed=seed, agreed=agreed, sign=sign, at=at, told=progress.advanced
        )
    finally:
        progress.close()
    if json:
        print_json(outcome.to_json())
        return
    print(f"{name} in {out}: {counted(outcome.splits)}; licence {outcome.licence}")
    if outcome.left_out or outcome.withheld:
        print(f"left out: rejected {outcome.left_out:,}, withheld from train {outcome.withheld:,}")
    if len(outcome.splits) == 1 and split is None:
        print(f"no test: its records are {outcome.groups:,} groups, none small enough")
    if not outcome.plots:
        print("no plots in the card: pip install 'personahub[evaluate]'")
    print(f"next: read {out / 'README.md'}")
    print(f"      {program()} verify-manifest {out}{'' if sign else ' --unsigned'}")

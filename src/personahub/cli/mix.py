"""``personahub mix``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from personahub.cli.options import Json, Seed

if TYPE_CHECKING:
    from personahub.workflows.mix import MixOutcome

__all__ = ["mix_command"]

_FILE = "A file (.jsonl .parquet .csv, also compressed), folder, pattern or address"
_MOST_STRATA = 20


def mix_command(
    real: Annotated[str, typer.Argument(metavar="REAL", help=f"{_FILE} with the real rows.")],
    synthetic: Annotated[str, typer.Argument(metavar="SYNTHETIC", help="The same with the synthetic ones.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE", help="A new file .jsonl or .jsonl.gz; with --arms a new folder."
        ),
    ],
    ratio: Annotated[
        str, typer.Option(metavar="REAL:SYNTHETIC", help="How much of the mixture is real.")
    ] = "50:50",
    by: Annotated[
        str, typer.Option(metavar="records|tokens", help="What the ratio and -n count.")
    ] = "records",
    n: Annotated[
        int | None,
        typer.Option("-n", min=1, metavar="N", help="Records (or tokens) of the mixture; default: the most."),
    ] = None,
    arms: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENT,…",
            help="Instead of a ratio: one mixture for each share of synthetic data, all of one size, such as"
            " 0,25,50,75,100.",
        ),
    ] = None,
    field: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,…", help="Fields that are trained on; default: those of a usual form, such as text."
        ),
    ] = None,
    stratify: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Keep the ratio in each of this field's values.")
    ] = None,
    origin: Annotated[
        str, typer.Option(metavar="NAME", help="Field that is added, which says where a row is from.")
    ] = "origin",
    threshold: Annotated[
        float, typer.Option(help="Rows this similar in words to an earlier one step aside.")
    ] = 0.9,
    seed: Seed = 1,
    json: Json = False,
) -> None:
    """Mix real and synthetic rows, half and half, without what the two have in common."""
    from personahub.cli.display import StepProgress, print_json
    from personahub.errors import UserError
    from personahub.workflows.mix import mix

    try:
        shares = [float(part) for part in arms.split(",")] if arms else None
    except ValueError:
        raise UserError(f"--arms {arms}: give percents parted by commas, such as 0,25,50,75,100") from None
    progress = StepProgress()
    try:
        outcome = mix(
            real,
            synthetic,
            out,
            ratio=ratio,
            by=by,  # type: ignore[arg-type]
            n=n,
            arms=shares,
            fields=[part.strip() for part in (field or "").split(",") if part.strip()],
            stratify=stratify,
            origin=origin,
            threshold=threshold,
            seed=seed,
            watcher=progress,
        )
    finally:
        progress.close()
    if json:
        print_json(outcome.to_json())
    else:
        _tell(outcome)


def _tell(outcome: "MixOutcome") -> None:
    from personahub.cli.display import counted

    for kind, side in (("real", outcome.real), ("synthetic", outcome.synthetic)):
        across = f", {side.across:,} like a real one" if side.across else ""
        print(f"{kind:9}  {side.rows:,} rows of {side.named}: {side.duplicates:,} duplicates{across}")
        if side.set_aside:
            print(f"           set aside: {counted(side.set_aside)}")
            for reason, first in side.first.items():
                print(f"           {reason}, the first in {first}")
    for mixture in outcome.mixtures:
        records, tokens = mixture.real + mixture.synthetic, mixture.real_tokens + mixture.synthetic_tokens
        print(f"{mixture.out}: {records:,} records, about {tokens:,} tokens")
        for unit, amount, whole in (
            ("records", mixture.real, records),
            ("tokens", mixture.real_tokens, tokens),
        ):
            rest = whole - amount
            print(f"  {unit:7}  {amount:,} real ({_share(amount, whole)}), {rest:,} synthetic")
        for name, (real, synthetic) in list(mixture.strata.items())[:_MOST_STRATA]:
            print(f"  {name}: {real:,} real, {synthetic:,} synthetic")
        if len(mixture.strata) > _MOST_STRATA:
            print(f"  and {len(mixture.strata) - _MOST_STRATA:,} more; --json lists all")
    print(f"seed {outcome.seed}; compared and weighed by {', '.join(outcome.fields)}")


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.2f} %"

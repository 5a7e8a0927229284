"""Options that several verbs have, written once."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    "Agree",
    "At",
    "Encoder",
    "HubDir",
    "Jobs",
    "Json",
    "Language",
    "ModelName",
    "Program",
    "Readings",
    "Samples",
    "SecondModel",
    "Seed",
    "Sources",
    "Threshold",
    "View",
    "Where",
    "checking",
    "with_calls",
    "with_reading",
]

# Written out here because importing the catalogue would slow every --help down.
HubDir = Annotated[Path, typer.Option("--hub", metavar="DIR", help="The hub's directory.")]
At = Annotated[
    int | None,
    typer.Option(
        "--at",
        min=1,
        metavar="RUN",
        help="The hub as it was when this run ended (personahub hub versions DIR); default: as it is.",
    ),
]
ModelName = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A model's name, the path of a GGUF file, openai:NAME, anthropic:NAME, http://HOST:PORT/v1#NAME"
        " (several addresses with commas), unix:/SOCKET#NAME or vllm:NAME.",
    ),
]
Encoder = Annotated[
    str | None,
    typer.Option(
        "--embeddings",
        metavar="MODEL",
        help="What compares meanings: openai:NAME, http://HOST:PORT/v1#NAME or sentence-transformers:NAME (on"
        " a GPU); default: the built-in model.",
    ),
]
Language = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="Output language (en, ru, zh, …); default: the input's own."),
]


def checking(*names: str, **settings: Any) -> Any:
    """An option that says how a check is made."""
    return typer.Option(*names, rich_help_panel="How it is checked", **settings)


Samples = Annotated[int, checking(min=1, metavar="K", help="Solutions of a problem by the model.")]
Program = Annotated[
    bool, checking("--program/--no-program", help="Solve a problem by a program too, in the sandbox.")
]
Agree = Annotated[int, checking(min=2, metavar="N", help="Solutions of a problem that must have one answer.")]
SecondModel = Annotated[
    str | None, checking(metavar="MODEL", help="Another model that solves each problem once.")
]
Readings = Annotated[int, checking(min=1, metavar="K", help="How often the judge is asked.")]
Threshold = Annotated[
    float | None,
    checking(
        min=0,
        max=1,
        metavar="CHANCE",
        help="Chance of the judge's yes from which a problem passes; default: what evaluate checks has found"
        " for the model, else 0.5.",
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]
Jobs = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Processes that read; default: as many as pay.",
    ),
]
Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE…",
        help="Files (.txt .md .html .jsonl .parquet .warc .wet .arc, also compressed), folders, patterns, or"
        " addresses: https://…, s3://…, hf://OWNER/DATASET.",
    ),
]
Where = Annotated[
    str | None,
    typer.Option(
        metavar="SQL",
        help="Only personas that meet the condition, such as \"language = 'en' AND round > 0\".",
    ),
]
View = Annotated[
    str | None,
    typer.Option(
        metavar="S/T",
        help="Without duplicates at these thresholds, such as 0.9/0.9 for surface and semantic; all: with"
        " them; default: those of the last dedup.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")]


def _option(*names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel="Calls to the model", **settings)


def _reading(*names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel="Which texts, and what of them", **settings)


def _calls(
    *,
    batch: Annotated[
        bool,
        _option(
            "--batch", help="Ask through the vendor's batch API: half the price, up to a day of waiting."
        ),
    ] = False,
    concurrency: Annotated[
        int | None,
        _option(
            min=1,
            max=4096,
            help="Requests at a time at each endpoint; default: 1 in this process, else 64. With --batch:"
            " batches at a time; default: 1.",
        ),
    ] = None,
    max_cost: Annotated[
        float | None,
        _option(min=0.0, metavar="DOLLARS", help="Stop before the run costs more, all invocations together."),
    ] = None,
    max_tokens: Annotated[
        int | None, _option(min=1, metavar="N", help="Stop before the run uses more, prompts and replies.")
    ] = None,
    max_calls: Annotated[int | None, _option(min=1, metavar="N", help="Stop before more calls.")] = None,
    requests_per_minute: Annotated[
        float | None, _option(min=0.001, metavar="N", help="Rate to keep at each endpoint.")
    ] = None,
    tokens_per_minute: Annotated[
        float | None, _option(min=1.0, metavar="N", help="Rate to keep at each endpoint.")
    ] = None,
    timeout: Annotated[float, _option(min=0.1, metavar="SECONDS", help="Longest a call may take.")] = 120.0,
    prices: Annotated[
        Path | None,
        _option(
            metavar="FILE", help="Your own prices, in YAML: NAME: {input: 0.15, output: 0.6}, for 1M tokens."
        ),
    ] = None,
    ca_file: Annotated[
        Path | None, _option("--ca-file", metavar="FILE", help="Certificates to trust, in PEM.")
    ] = None,
    fresh: Annotated[bool, _option("--fresh", help="Ask again what earlier runs had answered.")] = False,
    estimate: Annotated[
        bool,
        _option("--estimate", help="Make a few calls only and tell what the whole run will come to."),
    ] = False,
    deterministic: Annotated[
        bool,
        _option("--deterministic", help="Repeat replies bit for bit: one slot, no cache; llama.cpp only."),
    ] = False,
) -> None:
    """The options of :class:`personahub.workflows.calls.Calls`, whose names they have."""


def _read_options(
    *,
    text_field: Annotated[
        str | None,
        _reading(help="Field of JSONL rows, or Parquet column, with the text; default: the usual ones."),
    ] = None,
    where: Annotated[
        list[str] | None,
        _reading(
            metavar="CONDITION",
            help="Only texts of which it holds: 'language=en,de', 'perplexity<300', 'domain!=example.com',"
            " 'date>=2023-05'; several must all hold.",
        ),
    ] = None,
    languages: Annotated[
        str, _reading(metavar="CODES", help="Only texts in these languages, parted by commas.")
    ] = "",
    sample_rate: Annotated[
        float, _reading(metavar="SHARE", help="Draw this share of the texts, such as 0.01.")
    ] = 1.0,
    sample_seed: Annotated[int, _reading(help="Another one draws other texts.")] = 0,
    pii: Annotated[
        str,
        _reading(
            metavar="redact|reject|keep",
            help="Personal data: put placeholders in its place, leave such documents out, or keep it.",
        ),
    ] = "redact",
    licence: Annotated[
        str | None, _reading(metavar="NAME", help="Licence of the texts that do not tell theirs.")
    ] = None,
    require_licence: Annotated[
        str, _reading(metavar="NAMES", help="Only texts under one of these, such as CC0-1.0,CC-BY-4.0.")
    ] = "",
    opt_outs: Annotated[
        bool,
        _reading(
            "--opt-outs/--ignore-opt-outs",
            help="Leave out pages whose publisher does not want them used for machine learning.",
        ),
    ] = True,
    orders: Annotated[
        str,
        _reading(
            metavar="read|reject",
            help="Documents that try to steer the model: read them as data, or leave them out.",
        ),
    ] = "read",
    filters: Annotated[
        bool, _reading("--filters/--no-filters", help="Leave out menus, repeated lines and symbols.")
    ] = True,
    near_identical: Annotated[
        bool,
        _reading(
            "--drop-near-identical/--keep-near-identical",
            help="Leave out pages with nearly the same words as one that came before.",
        ),
    ] = True,
) -> None:
    """The options of :class:`personahub.corpus.ReadOptions`, whose names they have."""


def with_calls(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of its calls; it gets them as ``calls``, a dict of Calls' arguments."""
    return _with(command, "calls", _calls)


def with_reading(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of reading; it gets them as ``reading``, ReadOptions' arguments."""

    @functools.wraps(command)
    def run(**given: Any) -> None:
        reading = given["reading"]
        for name in ("languages", "require_licence"):
            reading[name] = [part.strip() for part in reading[name].split(",") if part.strip()]
        reading["where"] = reading["where"] or []
        command(**given)

    return _with(run, "reading", _read_options)


def _with(command: Callable[..., None], name: str, options_of: Callable[..., None]) -> Callable[..., None]:
    own = inspect.signature(command).parameters.values()
    options = inspect.signature(options_of).parameters.values()

    @functools.wraps(command)
    def run(**given: Any) -> None:
        command(**{name: {option.name: given.pop(option.name) for option in options}}, **given)

    kept = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own if parameter.name != name
    ]
    run.__signature__ = inspect.Signature([*kept, *options])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in [*kept, *options]}
    return run

"""Options that several verbs have, written once."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["HubDir", "Json", "Language", "ModelName", "Seed", "with_calls"]

# Written out here because importing the catalogue would slow every --help down.
HubDir = Annotated[Path, typer.Option("--hub", metavar="DIR", help="The hub's directory.")]
ModelName = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A model's name, the path of a GGUF file, openai:NAME, anthropic:NAME, http://HOST:PORT/v1#NAME"
        " (several addresses with commas), unix:/SOCKET#NAME or vllm:NAME.",
    ),
]
Language = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="Output language (en, ru, zh, …); default: the input's own."),
]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")]

_PANEL = "Calls to the model"


def _option(*names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel=_PANEL, **settings)


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


def with_calls(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of its calls; it gets them as ``calls``, a dict of Calls' arguments."""
    own = inspect.signature(command).parameters.values()
    options = inspect.signature(_calls).parameters.values()

    @functools.wraps(command)
    def run(**given: Any) -> None:
        calls = {option.name: given.pop(option.name) for option in options}
        command(**given, calls=calls)

    kept = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in own
        if parameter.name != "calls"
    ]
    run.__signature__ = inspect.Signature([*kept, *options])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in [*kept, *options]}
    return run

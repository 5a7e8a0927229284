"""``personahub demo``: the whole way, told as it happens."""

import time
from pathlib import Path
from typing import Annotated

import typer

from personahub.cli.options import ModelName

__all__ = ["demo_command"]


def demo_command(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]…", help="Texts of your own instead of the examples."),
    ] = None,
    hub: Annotated[Path, typer.Option("--hub", metavar="DIR", help="The hub's directory.")] = Path(
        "demo-hub"
    ),
    problems: Annotated[int, typer.Option(min=1, help="How many math problems to make.")] = 8,
    model: ModelName = "qwen2.5-coder-1.5b",
) -> None:
    """Watch example texts turn into personas, and personas into math problems."""
    from personahub.cli.display import counted, program, say_interrupted
    from personahub.cli.telling import WIDTH, Teller
    from personahub.workflows.demo import demo

    print("Persona Hub: texts → personas → problems, with a model that runs on this machine.\n")
    start = time.monotonic()
    watcher = Teller()
    outcome = demo(hub, sources=sources, problems=problems, model=model, watcher=watcher)
    curated, synthesized = outcome.curated, outcome.synthesized
    if synthesized is None or synthesized.interrupted:
        raise typer.Exit(say_interrupted(curated))
    calls = curated.totals.calls + synthesized.totals.calls
    prompt, cached = curated.totals.prompt_tokens, curated.totals.cached_tokens
    first = f", the first after {watcher.first:.0f} s" if watcher.first and calls else ""
    print("─" * WIDTH)
    print(
        f"{curated.personas} personas of {curated.documents} texts{first};"
        f" {len(synthesized.ids)} problems; {calls} calls in {time.monotonic() - start:.0f} s"
    )
    if prompt:
        print(f"{cached / prompt:.0%} of the prompts' tokens for personas came from the prefix cache")
    print(f"set aside: {counted(curated.set_aside + synthesized.set_aside)}")
    print("\nWhere everything lies")
    print(f"  {outcome.hub}/: the hub with documents, personas, records and the journal")
    print(f"  {outcome.problems_file}: the problems, each with its persona and source")
    print("\nWhat to try next")
    tries = [(f"sample -n 5 --seed 1 --hub {hub}", "five personas")]
    tries.append((f"runs set-aside --hub {hub}", "what did not pass, and why"))
    tries.append(("curate YOUR_FILES --hub my-hub", "your own texts, web archives, Parquet …"))
    tries.append(("demo", "again: asks nothing twice"))
    if synthesized.ids:
        tries.insert(0, (f"show {synthesized.ids[0]} --hub {hub}", "problem → persona → text"))
    for command, what in tries:
        print(f"  {program()} {command}    # {what}")

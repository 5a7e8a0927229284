"""``personahub task``: the tasks there are, what one of them is and makes, and a new one of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from personahub.cli.options import Json, Language, ModelName, Seed
from personahub.cli.synthesize import OWN_OPTIONS, task_options

if TYPE_CHECKING:
    from personahub.workflows.tasks import TaskDescription, TaskOption

__all__ = ["task_app"]

task_app = typer.Typer(
    no_args_is_help=True, help="Tasks, the kinds of synthetic data: list, show, try and make them."
)

TaskName = Annotated[
    str, typer.Argument(metavar="TASK", help="A task's name (personahub task list) or its folder.")
]


@task_app.command("list")
def list_command(json: Json = False) -> None:
    """List the tasks that come with personahub, and their options."""
    from dataclasses import asdict

    from personahub.cli.display import print_json
    from personahub.workflows.tasks import task_list

    tasks = task_list()
    if json:
        print_json([asdict(task) for task in tasks])
        return
    for task in tasks:
        options = "  ".join(_flag(option) for option in task.options)
        print(f"{task.name:14}  {task.summary}" + (f"\n{'':14}  {options}" if options else ""))


@task_app.command("show")
def show_command(task: TaskName, json: Json = False) -> None:
    """Show all of a task, once it is seen that its parts fit together; else say what does not."""
    from personahub.cli.display import print_json
    from personahub.workflows.tasks import task_show

    description = task_show(task)
    if json:
        print_json(description.to_json())
    else:
        _print(description)


@task_app.command("new")
def new_command(
    name: Annotated[str, typer.Argument(help="Of the task and of its folder.")],
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where the folder is made; default: here.")
    ] = Path(),
    json: Json = False,
) -> None:
    """Make the folder of a new task: a small one that works as it is, to be edited."""
    from personahub.cli.display import print_json, program
    from personahub.workflows.tasks import task_new

    made = task_new(name, folder)
    if json:
        print_json({"task": name, "folder": str(made), "files": sorted(file.name for file in made.iterdir())})
        return
    # With a slash it is a folder to every command, whatever tasks come with later versions.
    path = str(made) if made.is_absolute() or made.parent != Path() else f"./{made}"
    print(f"{path}: a task that makes riddles, until you change it")
    for file, what in (
        ("task.yaml", "what a record is: options, the reply's schema, rules"),
        ("prompt.jinja", "how it is asked for"),
        ("examples.yaml", "records as they should be"),
    ):
        print(f"  {file:14}  {what}")
    print(f"see that it fits together: {program()} task show {path}")
    print(f"see what it asks and gets: {program()} task preview {path}")
    print(f"make records: {program()} synthesize {path} --hub DIR -n 3")


@task_app.command("preview", context_settings=OWN_OPTIONS)
def preview_command(
    context: typer.Context,
    task: TaskName,
    n: Annotated[int, typer.Option("-n", help="How many records.")] = 3,
    hub: Annotated[
        Path | None,
        typer.Option("--hub", metavar="DIR", help="Whose personas; default: some that come with personahub."),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="METHOD",
            help="zero-shot, few-shot or persona-enhanced; default: few-shot where the task has examples.",
        ),
    ] = None,
    model: ModelName = "qwen2.5-coder-1.5b",
    language: Language = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Show what a task asks beside what it gets, for a few personas; options of the task may follow.

    A hub gets nothing but the replies, into its journal: synthesize with the same --seed asks for none of
    them again.
    """
    from personahub.cli.display import ProgressWatcher, console, print_json
    from personahub.cli.preview import print_previews
    from personahub.errors import UserError
    from personahub.workflows.preview import preview
    from personahub.workflows.prompting import Prompting

    options, scenario = task_options(task, context.args, "task preview")
    if method in {"instance-driven", "key-point-driven"}:
        raise UserError(
            f"--method {method}: draws on files, for which task preview has no options; use personahub"
            f" synthesize {task} -n {n} --method {method}"
        )
    watcher = ProgressWatcher()
    try:
        previews = preview(
            task,
            hub=hub,
            n=n,
            options=options,
            prompting=Prompting(method=method, scenario=scenario),  # type: ignore[arg-type]
            model=model,
            language=language,
            seed=seed,
            watcher=watcher,
        )
    except KeyboardInterrupt:
        typer.echo("Interrupted." + (f" What was answered is kept in {hub}." if hub else ""), err=True)
        raise typer.Exit(130) from None
    finally:
        watcher.close()
    if json:
        print_json([each.to_json() for each in previews])
    else:
        print_previews(previews, console())


_VARIATIONS = 3
"""So many of what varies are shown; --json has all."""


def _print(task: "TaskDescription") -> None:
    import json

    print(f"{task.version}: {task.summary}\none record: {task.kind}")
    print(f"folder: {task.folder} ({', '.join(task.files)})")
    print("options:" if task.options else "options: none")
    for option in task.options:
        default = "required" if option.required else f"default: {_shown(option)}"
        print(f"  {_flag(option)}  {option.help} ({default})")
    replies = {"reply": task.declared} | {f"step {n}": each for n, each in task.declared["steps"].items()}
    for what, asked in replies.items():
        print(f"{what}, at most {asked['max_tokens']} tokens:")
        for field, given in asked["schema"]["properties"].items():
            print(f"  {field}: {json.dumps(given, ensure_ascii=False)}")
    if len(replies) > 1:
        print(f"sequence of steps: {task.declared['sequence']}")
    for name in ("text", "derive", "unique", "messages", "personas", "without_personas"):
        if value := task.declared[name]:
            print(f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
    for name, values in task.declared["vary"].items():
        more = f"; … {len(values)} in all" if len(values) > _VARIATIONS else ""
        print(f"vary {name}: {'; '.join(values[:_VARIATIONS])}{more}")
    for name in ("reject", "require"):
        for reason, pattern in task.declared[name].items():
            print(f"{name} {reason}: {pattern}")
    print(f"checks: {', '.join(task.declared['checks']) or 'none'}")
    sampling = task.declared["sampling"]
    print(f"sampling: temperature {sampling['temperature']}, top_p {sampling['top_p']}")
    print(f"\nprompt.jinja:\n{task.files['prompt.jinja'].rstrip()}\n")
    print(f"{len(task.examples)} examples" + (":" if task.examples else ""))
    for number, example in enumerate(task.examples, 1):
        given = json.dumps({**example["options"], **example["variables"]}, ensure_ascii=False)
        print(f"{number}. {example['language']} {given}\n   " + example["text"].replace("\n", "\n   "))


def _flag(option: "TaskOption") -> str:
    name = "--" + option.name.replace("_", "-")
    if option.type == "flag":
        return name
    return f"{name} {'|'.join(option.choices) or {'integer': 'N', 'text': 'TEXT'}.get(option.type, 'FILE')}"


def _shown(option: "TaskOption") -> str:
    if option.type == "flag":
        return "yes" if option.default else "no"
    return str(option.default) if option.default != "" else "none"

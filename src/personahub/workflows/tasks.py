"""``task``: the tasks there are, what one of them is, and a new one to make one's own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from personahub.errors import UserError
from personahub.languages import language_name
from personahub.synthesis import Task, task_folders, task_names
from personahub.synthesis.declaration import Option
from personahub.synthesis.examples import Example

__all__ = ["TaskDescription", "TaskOption", "TaskSummary", "task_list", "task_new", "task_show"]

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,49}")
_EXAMPLE_PERSONA = "A lighthouse keeper who mends the lamps at dawn"
_BESIDE = frozenset({"item", "other", "relation"})
"""Variables of an example that neither the task's options nor what it varies name."""


@dataclass(frozen=True)
class TaskOption:
    """Something of a task that the user may set: ``--name`` on the command line."""

    name: str
    type: str
    help: str
    default: str | int | bool | None
    choices: Sequence[str]
    required: bool


@dataclass(frozen=True)
class TaskSummary:
    """What a list of tasks tells of one."""

    name: str
    kind: str
    summary: str
    options: Sequence[TaskOption]


@dataclass(frozen=True)
class TaskDescription:
    """All that a task's folder declares.

    Attributes:
        name: the folder's.
        folder: where it is.
        version: the name and a hash of the folder's files, which every record of it keeps as ``template``.
        summary: what it makes.
        kind: what one record is called.
        options: what the user may set.
        declared: everything of ``task.yaml`` but summary, kind and options, with its defaults.
        examples: each with its language, options, variables, reply and the text of the record it would be.
        files: the texts of the folder's files, by name.
    """

    name: str
    folder: str
    version: str
    summary: str
    kind: str
    options: Sequence[TaskOption]
    declared: Mapping[str, Any]
    examples: Sequence[Mapping[str, Any]]
    files: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """The contract of ``task show --json``."""
        return asdict(self)


def task_list() -> list[TaskSummary]:
    """The tasks that come with the package, by name."""
    tasks = (Task.load(name) for name in task_names())
    return [TaskSummary(task.name, task.declaration.kind, task.summary, _options(task)) for task in tasks]


def task_show(task: str | Path) -> TaskDescription:
    """All of one task, after seeing that its parts fit together and its prompt can be filled in.

    Args:
        task: the name of one that comes with the package, or a folder.

    Raises:
        UserError: there is none, or the first thing in its folder that is not right.
    """
    loaded = Task.load(task)
    declared = loaded.declaration.model_dump(mode="json", by_alias=True)
    loaded.steps({name: loaded.default(name) for name in loaded.options}, "en")
    for number, example in enumerate(loaded.examples, 1):
        _check_rendered(loaded, example, number)
    return TaskDescription(
        name=loaded.name,
        folder=str(loaded.folder),
        version=loaded.version,
        summary=declared.pop("summary"),
        kind=declared.pop("kind"),
        options=_options(loaded),
        declared={name: value for name, value in declared.items() if name != "options"},
        examples=[_told(example) for example in loaded.examples],
        files=loaded.texts,
    )


def task_new(name: str, folder: Path | str = ".") -> Path:
    """Make the folder of a new task: a small one that works as it is, to be edited.

    Args:
        name: of the task and its folder.
        folder: what it is made in.

    Returns:
        The folder of the task.

    Raises:
        UserError: the name is none, or that of a task that comes with the package; something is there
            already, or it cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name!r}: is no name for a task; take small letters, digits, - and _, and begin with a letter,"
            " such as riddles (--dir says where its folder is made)"
        )
    if name in task_folders():
        raise UserError(f"{name}: a task of this name comes with personahub; choose another one")
    made = Path(folder) / name
    texts = {
        file.name: file.read_text("utf-8")
        for file in (files("personahub.synthesis") / "new_task").iterdir()
        if file.is_file()
    }
    try:
        made.mkdir(parents=True)
        for file, text in texts.items():
            (made / file).write_text(text, encoding="utf-8")
    except FileExistsError as error:
        raise UserError(f"{made}: is there already; choose another name, or another --dir") from error
    except OSError as error:
        raise UserError(f"{made}: cannot be made ({error.strerror})") from error
    return made


def _options(task: Task) -> list[TaskOption]:
    return [_option(name, option) for name, option in task.options.items()]


def _option(name: str, option: Option) -> TaskOption:
    default: str | int | bool | None = option.default
    if default is None and not option.required:
        # What a task is given where the user gives nothing.
        default = {"integer": 0, "flag": False}.get(option.type, "")
    return TaskOption(name, option.type, option.help, default, option.choices, option.required)


def _told(example: Example) -> dict[str, Any]:
    return {
        "language": example.language,
        "options": dict(example.options),
        "variables": dict(example.variables),
        "reply": dict(example.reply),
        "text": example.text,
    }


def _check_rendered(task: Task, example: Example, number: int) -> None:
    """See that an example's question can be asked, with a persona and, as when it is shown, without one.

    Raises:
        UserError: it cannot, or the example gives a variable that the prompt does not have.
    """
    where = f"{task.folder / 'examples.yaml'}, example {number}"
    vary = task.declaration.vary
    there = {*vary, *task.options, *_BESIDE}
    if unknown := sorted(set(example.variables) - there):
        raise UserError(
            f"{where}: the prompt has no variable {unknown[0]} to give; there are: {', '.join(sorted(there))}"
        )
    variables = {
        **{name: task.default(name) for name in task.options},
        **{name: values[0] for name, values in vary.items()},
        **{"other": "", "relation": "", "item": "", "guided": False, "drawn": {}, "reply": {}},
        **{"language_name": language_name(example.language)},
        **example.options,
        **example.variables,
    }
    for persona in ("", _EXAMPLE_PERSONA):
        try:
            task.messages({**variables, "persona": persona})
        except UserError as error:
            raise UserError(f"{where}: {error}") from error

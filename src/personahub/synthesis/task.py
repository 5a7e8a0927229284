"""A task: one kind of synthetic data, declared in a folder of this package.

The folder's name is the task's. It holds ``task.yaml`` (options, the reply's JSON schema, which field is the
text, sampling, what to reject) and ``prompt.jinja`` (two macros, ``system`` and ``user``, whose variables are
``persona``, ``language_name`` and the options). A new task is a new folder; no code names one.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any, Self

import jinja2
import yaml

from personahub.errors import UserError
from personahub.models import Message

__all__ = ["Option", "Task", "task_names"]

_TASKS = files("personahub.synthesis") / "tasks"


def task_names() -> list[str]:
    """The names of all tasks."""
    return sorted(folder.name for folder in _TASKS.iterdir() if (folder / "task.yaml").is_file())


@dataclass(frozen=True, slots=True)
class Option:
    """Something of a task that the user may set."""

    help: str
    default: str
    choices: tuple[str, ...] = ()
    """The values there are; any value where empty."""


@dataclass(frozen=True)
class Task:
    """One kind of synthetic data, read from its folder by :meth:`load`."""

    name: str
    version: str
    """The name and a hash of the folder's wording; stored with every record."""
    declaration: Mapping[str, Any]
    prompt: str

    @classmethod
    def load(cls, name: str) -> Self:
        """The task of this name.

        Raises:
            UserError: there is none.
        """
        if name not in task_names():
            raise UserError(f"unknown task {name!r}; known: {', '.join(task_names())}")
        folder = _TASKS / name
        declaration = (folder / "task.yaml").read_text("utf-8")
        prompt = (folder / "prompt.jinja").read_text("utf-8")
        digest = hashlib.sha256((declaration + "\0" + prompt).encode()).hexdigest()[:8]
        return cls(name, f"{name}@{digest}", yaml.safe_load(declaration), prompt)

    @property
    def summary(self) -> str:
        """What the task makes, in a few words."""
        return str(self.declaration["summary"])

    @cached_property
    def options(self) -> Mapping[str, Option]:
        """What the user may set."""
        return {
            name: Option(given["help"], given["default"], tuple(given.get("choices", ())))
            for name, given in self.declaration["options"].items()
        }

    def settings(self, given: Mapping[str, str]) -> dict[str, str]:
        """Every option's value: the given one, else its default.

        Raises:
            UserError: an option or a value that the task does not have.
        """
        for name, value in given.items():
            if name not in self.options:
                known = ", ".join(self.options) or "none"
                raise UserError(f"the task {self.name} has no option {name!r}; its options: {known}")
            choices = self.options[name].choices
            if choices and value not in choices:
                raise UserError(f"{name} {value!r} is not one of {', '.join(choices)}")
        return {name: given.get(name, option.default) for name, option in self.options.items()}

    @property
    def schema(self) -> Mapping[str, object]:
        """The JSON schema of a reply."""
        schema: Mapping[str, object] = self.declaration["schema"]
        return schema

    @property
    def text_field(self) -> str:
        """The field of a reply that is the record's text."""
        return str(self.declaration["text"])

    @cached_property
    def _prompt(self) -> jinja2.Template:
        # The templates are this package's own; the persona goes in as a value and is never a template.
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701
        return environment.from_string(self.prompt)

    def messages(self, persona: str, language_name: str, settings: Mapping[str, str]) -> tuple[Message, ...]:
        """The chat that asks this persona for one item, zero-shot."""
        variables = {**settings, "persona": persona, "language_name": language_name}
        macros: Any = self._prompt.make_module(variables)
        return Message("system", macros.system()), Message("user", macros.user())

    def find_fault(self, text: str) -> tuple[str, str] | None:
        """The reason why a text does not pass and what was seen, or None."""
        for reason, pattern in self.declaration.get("reject", {}).items():
            if match := re.search(pattern, text):
                return reason, f"holds {match[0]!r}"
        for reason, pattern in self.declaration.get("require", {}).items():
            if not re.search(pattern, text):
                return reason, "holds nothing of what the task asks for"
        return None

"""A task's examples: records as they should be, shown by the few-shot methods."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from personahub.config import canonical_json
from personahub.errors import UserError
from personahub.languages import LANGUAGES
from personahub.synthesis.declaration import read_yaml
from personahub.synthesis.schemas import reply_schema

if TYPE_CHECKING:
    from personahub.synthesis.task import Settings, Task

__all__ = ["Example", "read_examples"]

_PARTS = {"language", "options", "variables", "reply"}


@dataclass(frozen=True)
class Example:
    """A question's variables and the reply to it."""

    language: str
    options: Mapping[str, Any]
    """Options of the task that it was made with; the others are as in the run that shows it."""
    variables: Mapping[str, Any]
    """Other variables of its question: ``item``, ``other``, ``relation``, and those that vary."""
    reply: Mapping[str, Any]
    text: str
    """What the record's text would be."""

    @cached_property
    def key(self) -> str:
        """What it is known by."""
        return canonical_json(self.reply)

    @cached_property
    def written(self) -> str:
        """What a model would have written of it: without the words that the task itself puts around them."""
        return "\n".join(_texts(self.reply))

    def fits(self, settings: "Settings") -> bool:
        """Whether it was made with options that are the run's; a file is known by its name."""
        return all(_named(settings.get(name)) == value for name, value in self.options.items())

    def reply_for(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The reply with the properties that the run's schema has, in its order."""
        return {name: self.reply[name] for name in schema["properties"] if name in self.reply}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(part)


def _named(value: Any) -> Any:
    # A character of one world shown as an example for another would take its places there.
    return getattr(value, "name", value)


def read_examples(file: Path, text: str, task: "Task") -> list[Example]:
    """The examples that a text of YAML lists.

    Raises:
        UserError: it is no such list, or an example does not fit the task's schema.
    """
    listed = read_yaml(file, text)
    if not isinstance(listed, list) or not listed:
        raise UserError(f"{file}: holds no list of examples, each with language and reply")
    return [_read_one(f"{file}, example {number}", entry, task) for number, entry in enumerate(listed, 1)]


def _read_one(where: str, entry: Any, task: "Task") -> Example:
    if not isinstance(entry, dict) or not {"language", "reply"} <= set(entry) <= _PARTS:
        raise UserError(f"{where}: must have language and reply, and may have options and variables")
    if entry["language"] not in LANGUAGES:
        raise UserError(f"{where}: {entry['language']!r} is no language's code")
    options, variables = entry.get("options", {}), entry.get("variables", {})
    if unknown := sorted(set(options) - set(task.options)):
        raise UserError(f"{where}: the task has no option {unknown[0]}")
    for name, value in options.items():
        if (choices := task.options[name].choices) and value not in choices:
            raise UserError(f"{where}: {name} {value}: is not one of {', '.join(choices)}")
    settings = {name: task.default(name) for name in task.options} | options | variables
    # Properties of other options may be there as well: they are shown where these are on.
    # Those of further questions too: the whole record is what an example's text is made of.
    declared = task.declaration.schema_
    everything = {**declared, "required": list(reply_schema(declared, settings)["required"])}
    for given in (properties := dict(everything.get("properties", {}))):
        properties[given] = {key: value for key, value in properties[given].items() if key != "when"}
    for step in task.declaration.steps.values():
        properties |= {
            name: given for name, given in step.schema_["properties"].items() if name not in properties
        }
    everything["properties"] = properties
    fault = next(iter(jsonschema_rs.iter_errors(reply_schema(everything, settings), entry["reply"])), None)
    if fault:
        raise UserError(f"{where}: the reply does not fit the task's schema: {fault.message}")
    try:
        text, _ = task.finish(entry["reply"], {**settings, "language": entry["language"], "guided": False})
    except ValueError as error:
        raise UserError(f"{where}: the record's text cannot be made of it ({error})") from error
    return Example(entry["language"], options, variables, entry["reply"], text)

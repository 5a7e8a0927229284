"""A task: one kind of synthetic data, declared in a folder.

The folder's name is the task's. It holds ``task.yaml`` (see :mod:`personahub.synthesis.declaration`),
``prompt.jinja`` (its wording) and, for the methods that show examples, ``examples.yaml``. A new task is a new
folder, in this package or anywhere else; no code names one.
"""

import ast
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from personahub.config import canonical_json, read_json
from personahub.errors import UserError
from personahub.models import Message
from personahub.synthesis.declaration import TAKEN, Declaration, Option, read_declaration
from personahub.synthesis.examples import Example, read_examples
from personahub.synthesis.rules import RulesByLanguage, split_rules
from personahub.synthesis.schemas import reply_schema
from personahub.synthesis.wording import Wording, check_template, evaluate, fill_in

__all__ = ["GivenFile", "Settings", "Task", "task_folders", "task_names"]

_TASKS = Path(str(files("personahub.synthesis") / "tasks"))
_OWN_VARIABLES = frozenset(
    {"persona", "other", "relation", "language_name", "item", "guided", "drawn", "reply"}
)
"""What every prompt may use beside the task's options and what it varies."""
_CHARACTERS = 20_000
"""Of a file that goes into every prompt, unless its option says otherwise: about 5,000 tokens."""

_NUMBER = re.compile(r"\d{1,3}(?:[\u00a0\u202f ]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)*")
_GROUPS = re.compile(r"(?<=\d)[,\u00a0\u202f ](?=\d{3}(?!\d))")
"""What stands between the thousands of a number."""

Settings = Mapping[str, Any]
"""The value of every option of a task: a text, a number, yes or no, or a :class:`GivenFile`."""


def task_names() -> list[str]:
    """The names of the tasks that come with the package."""
    return sorted(task_folders())


def task_folders() -> Mapping[str, Path]:
    """The folders of the tasks that come with the package, by name."""
    return {folder.name: folder for folder in _TASKS.iterdir() if (folder / "task.yaml").is_file()}


class GivenFile(NamedTuple):
    """A file that an option names: its text goes into the prompt."""

    name: str = ""
    text: str = ""
    """Without the rules at its end."""
    digest: str = ""
    """What records and runs know it by: the name and a hash of all that it holds."""
    rules: RulesByLanguage = MappingProxyType({})

    def __str__(self) -> str:
        """What the prompt shows of it."""
        return self.text


@dataclass(frozen=True)
class Task:
    """One kind of synthetic data, read from its folder by :meth:`load`."""

    name: str
    folder: Path
    version: str
    """The name and a hash of all files of the folder; stored with every record."""
    declaration: Declaration
    wording: Wording
    texts: Mapping[str, str]
    """Of the folder's files, by name."""

    @classmethod
    def load(cls, name: str | Path) -> Self:
        """The task of this name, or in this folder.

        Raises:
            UserError: there is none, or its files are not what a task's should be.
        """
        folder = _find_folder(str(name))
        texts = {file.name: _read(file) for file in sorted(folder.iterdir()) if _belongs(file)}
        if "prompt.jinja" not in texts:
            raise UserError(f"{folder}: has no prompt.jinja, which holds the wording of the request")
        declaration = read_declaration(folder / "task.yaml", texts["task.yaml"])
        _check_templates(folder / "task.yaml", declaration)
        variables = _OWN_VARIABLES | set(declaration.options) | set(declaration.vary)
        macros = {"system", "user", *declaration.steps}
        wording = Wording.read(folder / "prompt.jinja", texts["prompt.jinja"], variables, macros)
        digest = hashlib.sha256(canonical_json(texts).encode()).hexdigest()[:8]
        name_ = folder.resolve().name
        return cls(name_, folder, f"{name_}@{digest}", declaration, wording, texts)

    @property
    def summary(self) -> str:
        """What the task makes, in a few words."""
        return self.declaration.summary

    @property
    def options(self) -> Mapping[str, Option]:
        """What the user may set."""
        return self.declaration.options

    @property
    def makes_chats(self) -> bool:
        """Whether records of it can be something asked and answered, which :meth:`chat` gives."""
        return self.declaration.chat != "[]"

    @property
    def items_option(self) -> str | None:
        """The option that names what is asked about; None where the task asks about nothing but personas."""
        return next((name for name, option in self.options.items() if option.type == "items"), None)

    @cached_property
    def examples(self) -> Sequence[Example]:
        """Records as they should be; none where the folder has no examples.yaml.

        Raises:
            UserError: the file does not hold examples of the task.
        """
        file = self.folder / "examples.yaml"
        return read_examples(file, _read(file), self) if file.is_file() else []

    def settings(self, given: Mapping[str, Any]) -> Settings:
        """Every option's value: the given one, else its default.

        Raises:
            UserError: an option or a value that the task does not have, a required one is not given, or a
                file that cannot be read or is too long.
        """
        for name in given:
            if name not in self.options:
                known = ", ".join(f"--{_dashed(option)}" for option in self.options) or "none"
                raise UserError(f"the task {self.name} has no option --{_dashed(name)}; its options: {known}")
        return {name: self._value(name, option, given.get(name)) for name, option in self.options.items()}

    def default(self, name: str) -> Any:
        """An option's value where none is given; of a required one the empty text."""
        option = self.options[name]
        return "" if option.required else self._value(name, option, None)

    def _value(self, name: str, option: Option, given: Any) -> Any:
        shown = f"--{_dashed(name)}"
        if given is None and option.required:
            raise UserError(f"the task {self.name} needs {shown}: {option.help}")
        if option.type == "file":
            return self._given_file(shown, option, given)
        value = option.default if given is None else given
        if option.type == "flag":
            return bool(value)
        if option.type == "integer":
            return _whole_number(shown, option, value or 0)
        if option.choices and value not in option.choices:
            raise UserError(f"{shown} {value}: is not one of {', '.join(option.choices)}")
        return str(value or "")

    def _given_file(self, shown: str, option: Option, given: Any) -> GivenFile:
        if given is None and option.default is None:
            return GivenFile()
        file = Path(str(given)) if given is not None else self.folder / str(option.default)
        if given is None and not file.resolve().is_relative_to(self.folder.resolve()):
            raise UserError(f"{self.folder}: the default of {shown} lies outside of the task's folder")
        most = min(option.most, _CHARACTERS) if option.most == 1_000_000 else option.most
        try:
            size = file.stat().st_size
            # In any script, with rules twice as long as what is shown.
            whole = file.read_text("utf-8") if size <= 12 * most else ""
        except UnicodeDecodeError as error:
            raise UserError(f"{shown} {file}: is no text in UTF-8") from error
        except OSError as error:
            raise UserError(f"{shown} {file}: cannot be read ({error.strerror})") from error
        text, rules = split_rules(f"{shown} {file}", whole, self._ruled_fields)
        if size > 12 * most or len(text) > most:
            raise UserError(
                f"{shown} {file}: is too long for a prompt ({size:,} bytes; {most:,} characters fit):"
                " give the part that matters"
            )
        if not text.strip():
            raise UserError(f"{shown} {file}: is empty")
        digest = f"{file.name}@{hashlib.sha256(whole.strip().encode()).hexdigest()[:12]}"
        return GivenFile(file.name, text.strip(), digest, rules)

    @property
    def _ruled_fields(self) -> Sequence[str]:
        """What rules can be about: the texts that the first question is answered with."""
        properties = self.declaration.schema_["properties"]
        return [name for name, given in properties.items() if given.get("type") == "string"]

    def rules(self, settings: Settings) -> RulesByLanguage:
        """The rules that come with a given file.

        Raises:
            UserError: two files have some.
        """
        ruling = [value for value in settings.values() if isinstance(value, GivenFile) and value.rules]
        if len(ruling) > 1:
            raise UserError(f"{ruling[1].name}: has rules, as {ruling[0].name} has; keep them in one file")
        return ruling[0].rules if ruling else {}

    def described(self, settings: Settings) -> dict[str, Any]:
        """The settings as records and runs keep them: of a file its name and a hash."""
        return {
            name: value.digest if isinstance(value, GivenFile) else value for name, value in settings.items()
        }

    def schema(self, settings: Settings, step: str = "") -> dict[str, Any]:
        """The JSON schema of a reply to the first question, or to that of a further step."""
        declared = self.declaration.steps[step].schema_ if step else self.declaration.schema_
        return reply_schema(declared, settings)

    def steps(self, settings: Settings, language: str) -> tuple[str, ...]:
        """The further questions about one record in this language, in their order.

        Raises:
            UserError: the declaration's sequence gives no such names.
        """
        found = evaluate(
            self.folder / "task.yaml",
            "sequence",
            self.declaration.sequence,
            {**settings, "language": language},
        )
        if not isinstance(found, list) or not set(found) <= set(self.declaration.steps):
            raise UserError(
                f"{self.folder / 'task.yaml'}: sequence: gives {found!r}, which is no list of its steps"
            )
        return tuple(found)

    def messages(self, variables: Mapping[str, Any], step: str = "") -> tuple[Message, Message]:
        """The system's and the user's part of a question."""
        system = f"{step}_system" if f"{step}_system" in self.wording.macros else "system"
        said = self.wording.say(variables, system, step or "user")
        return Message("system", said[0]), Message("user", said[1])

    def finish(self, fields: Mapping[str, Any], settings: Settings) -> tuple[str, dict[str, Any]]:
        """A record's text, and its fields with those that are derived from them.

        Raises:
            ValueError: the text or a derived field cannot be made of what the model replied.
        """
        variables, derived = {**settings, **fields}, dict[str, Any]()
        for name, template in self.declaration.derive.items():
            derived[name] = read_json(fill_in(template, {**variables, **derived}))
        return fill_in(self.declaration.text, {**variables, **derived}).strip(), {**fields, **derived}

    def chat(self, variables: Mapping[str, Any], settings: Settings) -> list[dict[str, str]]:
        """The turns of a record that a model can be trained on; empty where it has none.

        Args:
            variables: the record's ``fields``, and ``item``, ``persona`` and ``text``.
            settings: those that it was made with.

        Returns:
            Each with ``role`` (system, user or assistant) and ``content``.

        Raises:
            ValueError: they cannot be made of this record, such as one of an earlier version of the task.
        """
        turns = read_json(fill_in(self.declaration.chat, {**settings, **variables}))
        roles = {"system", "user", "assistant"}
        if not isinstance(turns, list) or not all(
            isinstance(turn, dict)
            and turn.keys() == {"role", "content"}
            and turn["role"] in roles
            and isinstance(turn["content"], str)
            for turn in turns
        ):
            raise ValueError("chat gives no list of turns, each with role and content")
        return turns

    def name_of(self, fields: Mapping[str, Any], settings: Settings) -> str:
        """What must not come twice in a data set, in one form for all ways to write it; empty: anything."""
        unique = self.declaration.unique
        return " ".join(fill_in(unique, {**settings, **fields}).casefold().split()) if unique else ""

    def find_fault_of_fields(self, fields: Mapping[str, Any]) -> tuple[str, str] | None:
        """A number that is given and not stated, or code that is none; else None."""
        for name in self.declaration.python:
            if error := _syntax_error(fields.get(name)):
                return "no_python", f"{name}: {error}"
        for name, givers in self.declaration.states.items():
            stated = _numbers(fields.get(name))
            for value in (each for giver in givers for each in _texts(fields.get(giver))):
                if missing := _numbers(value) - stated:
                    return "number_left_out", f"{name} does not state the {min(missing)} of {value[:80]!r}"
        return None

    def find_fault(self, text: str) -> tuple[str, str] | None:
        """The reason why a text does not pass and what was seen, or None."""
        for reason, pattern in self.declaration.reject.items():
            if match := re.search(pattern, text):
                return reason, f"holds {match[0][:80]!r}"
        for reason, pattern in self.declaration.require.items():
            if not re.search(pattern, text):
                return reason, "holds nothing of what the task asks for"
        return None


def _syntax_error(code: Any) -> str:
    try:
        ast.parse(code if isinstance(code, str) else "")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"{error}"[:120]
    return ""


def _texts(value: Any) -> Sequence[str]:
    return [str(each) for each in (value if isinstance(value, list) else [value]) if each is not None]


def _numbers(value: Any) -> set[str]:
    """The numbers in digits, in one form: 1,000 and 1 000 are 1000, 0,5 is 0.5."""
    found = (match[0] for text in _texts(value) for match in _NUMBER.finditer(text))
    return {_GROUPS.sub("", number).replace(",", ".") for number in found}


def _check_templates(file: Path, declaration: Declaration) -> None:
    """See that what makes records of replies uses only what there will be.

    Raises:
        UserError: a name that is taken, a template that is none, or one with an unknown variable.
    """
    for name in (*declaration.options, *declaration.vary):
        if name in _OWN_VARIABLES or (name in declaration.options and name in declaration.vary):
            raise UserError(f"{file}: {name}: is the name of another variable; choose another one")
    if taken := sorted(TAKEN & set(declaration.options)):
        raise UserError(f"{file}: {taken[0]}: is an option of synthesize itself; choose another name")
    options = set(declaration.options)
    check_template(file, "sequence", f"{{{{ {declaration.sequence} }}}}", options | {"language"})
    asked = (declaration.schema_, *(step.schema_ for step in declaration.steps.values()))
    replied = {"language", "guided", *options, *declaration.vary}.union(
        *(schema["properties"] for schema in asked)
    )
    replied |= {"messages"} if declaration.messages else set()
    before = set(replied)
    for name, template in declaration.derive.items():
        check_template(file, f"derive.{name}", template, before)
        before.add(name)
    made = replied | set(declaration.derive)
    for name, text in (("text", declaration.text), ("unique", declaration.unique or "")):
        check_template(file, name, text, made)
    check_template(file, "chat", declaration.chat, made | {"item", "persona", "text"})


def _find_folder(name: str) -> Path:
    if name in (known := task_folders()):
        return known[name]
    folder = Path(name)
    if (folder / "task.yaml").is_file():
        return folder
    if folder.is_dir() or "/" in name:
        raise UserError(f"{name}: is no task's folder (no task.yaml); personahub task new NAME makes one")
    raise UserError(
        f"unknown task {name!r}; known: {', '.join(sorted(known))}; of your own: personahub task new NAME"
    )


def _belongs(file: Path) -> bool:
    return file.is_file() and not file.name.startswith(".") and not file.name.endswith("~")


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: is no text in UTF-8; a task's folder holds only texts") from error
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror})") from error


def _whole_number(shown: str, option: Option, value: Any) -> int:
    try:
        number = int(value)
    except ValueError:
        raise UserError(f"{shown} {value}: is no whole number") from None
    if not option.least <= number <= option.most:
        raise UserError(f"{shown} {number}: must be {option.least} to {option.most}")
    return number


def _dashed(name: str) -> str:
    return name.replace("_", "-")

"""What a task's ``task.yaml`` may say, checked when it is read."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema_rs
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from personahub.errors import UserError

__all__ = ["CHECKS", "TAKEN", "Declaration", "Option", "Sampling", "Step", "read_declaration", "read_yaml"]

CHECKS = ("answers", "well-posed", "schema", "language", "fidelity", "repetition", "copying", "tool")
"""What a task may want of its records to be verified."""

_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
TAKEN = frozenset(
    [
        "against",
        "batch",
        "ca_file",
        "checks",
        "concurrency",
        "dataset",
        "deterministic",
        "embeddings",
        "estimate",
        "field",
        "format",
        "fresh",
        "help",
        "hub",
        "json",
        "key_points",
        "key_points_from",
        "language",
        "max_calls",
        "max_cost",
        "max_tokens",
        "method",
        "model",
        "n",
        "out",
        "per_persona",
        "persona_query",
        "points",
        "prices",
        "repetition",
        "requests_per_minute",
        "samples",
        "scenario",
        "seed",
        "seeds",
        "select",
        "shots",
        "timeout",
        "tokens_per_minute",
        "verbalized",
        "view",
        "where",
    ]
)
"""Names of options that the command line itself has, so that no task's option can have them."""
_KEYWORDS = frozenset(
    [
        "$schema",
        "$id",
        "$ref",
        "$defs",
        "title",
        "description",
        "default",
        "examples",
        "const",
        "enum",
        "type",
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
        "propertyNames",
        "minProperties",
        "maxProperties",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "uniqueItems",
        "contains",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "anyOf",
        "allOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "when",
    ]
)


def _schema_of_fields(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if schema.get("type") != "object" or not isinstance(schema.get("properties"), Mapping):
        raise ValueError("must be an object with properties, such as {type: object, properties: {text: …}}")
    try:
        jsonschema_rs.meta.validate(_plain(schema))
    except (jsonschema_rs.ValidationError, ValueError) as error:
        raise ValueError(f"is no JSON schema ({getattr(error, 'message', error)})") from None
    if unknown := next(_unknown_keywords(schema), None):
        raise ValueError(f"{unknown} is nothing that JSON Schema has{_meant(unknown, _KEYWORDS)}")
    return schema


def _unknown_keywords(schema: Any) -> Iterator[str]:
    """What JSON Schema would pass over in silence: mostly a keyword that is misspelt."""
    if not isinstance(schema, Mapping):
        return
    for name, given in schema.items():
        if name not in _KEYWORDS:
            yield str(name)
        elif name == "properties" and isinstance(given, Mapping):
            for part in given.values():
                yield from _unknown_keywords(part)
        elif name in {"items", "contains", "not", "additionalProperties"}:
            yield from _unknown_keywords(given)


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def _plain(schema: Any) -> Any:
    """The schema without bounds that are expressions over the options."""
    if not isinstance(schema, Mapping):
        return schema
    bounds = {"minItems", "maxItems"}
    return {
        name: {each: _plain(part) for each, part in given.items()}
        if name == "properties" and isinstance(given, Mapping)
        else _plain(given)
        for name, given in schema.items()
        if not (name in bounds and isinstance(given, str))
    }


def _patterns(patterns: Mapping[str, str]) -> Mapping[str, str]:
    for reason, pattern in patterns.items():
        if any(ord(char) < 32 for char in pattern):  # "\b" in double quotes is a backspace.
            raise ValueError(f"{reason} holds a control character; write patterns in single quotes")
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{reason} is no regular expression ({error})") from None
    return patterns


_Schema = Annotated[Mapping[str, Any], AfterValidator(_schema_of_fields)]
_Patterns = Annotated[Mapping[str, str], AfterValidator(_patterns)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Option(_Strict):
    """Something of a task that the user may set; it becomes a variable of the prompt."""

    help: str
    type: Literal["text", "integer", "flag", "file", "items"] = "text"
    """``file``: the variable is the file's text. ``items``: a file of items, or a data set of the hub, each
    of which is asked about; the variable ``item`` is one of them."""
    default: str | int | bool | None = None
    """Of a ``file``, its path within the task's folder. Without one: "", 0 or no."""
    choices: tuple[str, ...] = ()
    """The values of a text; any where empty."""
    required: bool = False
    least: int = 0
    most: int = 1_000_000
    """Bounds of an integer; of a file, ``most`` is how many characters it may have."""

    @model_validator(mode="after")
    def _fits_together(self) -> "Option":
        if self.choices and self.type != "text":
            raise ValueError("choices go with the type text")
        if self.choices and not self.required and self.default not in self.choices:
            raise ValueError(f"the default {self.default!r} is not one of its choices")
        if self.required and self.default is not None:
            raise ValueError("what is required has no default")
        return self


class Step(_Strict):
    """A further question about the same record, asked after the first is answered."""

    schema_: _Schema = Field(alias="schema")
    max_tokens: int = Field(gt=0)


class Sampling(_Strict):
    """How freely replies are drawn."""

    temperature: float = Field(default=0.7, ge=0, le=2)
    top_p: float = Field(default=0.9, gt=0, le=1)
    dry: float = Field(default=0.0, ge=0, le=5)
    """Against loops and copies, where the model is llama.cpp's: :attr:`personahub.models.Sampling.dry`."""


class Declaration(_Strict):
    """The content of ``task.yaml``; docs/tasks/README.md says what each part is for."""

    summary: str
    kind: str
    """What one record is called: "math problem"."""
    options: Mapping[_Name, Option] = {}
    personas: Literal[1, 2] = 1
    without_personas: Literal["never", "possible", "usual"] = "never"
    vary: Mapping[_Name, Annotated[tuple[str, ...], Field(min_length=1)]] = {}
    schema_: _Schema = Field(alias="schema")
    text: str
    derive: Mapping[_Name, str] = {}
    unique: str | None = None
    messages: Mapping[_Name, Literal["user", "assistant"]] = {}
    chat: str = "[]"
    """What a model is trained on, where a record is something asked and answered: a template of JSON."""
    steps: Mapping[_Name, Step] = {}
    sequence: str = "[]"
    sampling: Sampling = Sampling()
    max_tokens: int = Field(gt=0)
    checks: tuple[Literal[CHECKS], ...] = ()  # type: ignore[valid-type]
    states: Mapping[_Name, tuple[_Name, ...]] = {}
    python: tuple[_Name, ...] = ()
    distinct: float = Field(default=0.0, ge=0, le=1)
    """Least share of different ones among a text's runs of words; 0 lets every text pass."""
    reject: _Patterns = {}
    require: _Patterns = {}

    @model_validator(mode="after")
    def _one_kind_of_items(self) -> "Declaration":
        if sum(option.type == "items" for option in self.options.values()) > 1:
            raise ValueError("only one option can be of the type items")
        return self

    @model_validator(mode="after")
    def _rules_name_what_is_replied(self) -> "Declaration":
        schemas = (self.schema_, *(step.schema_ for step in self.steps.values()))
        replied = [name for schema in schemas for name in schema["properties"]]
        replied += self.derive
        stated = (*self.states, *(name for given in self.states.values() for name in given))
        for key, names in (("states", stated), ("python", self.python)):
            if unknown := [name for name in names if name not in replied]:
                known = ", ".join(dict.fromkeys(replied))
                raise ValueError(f"{key}: {unknown[0]} is no field of the schema; there are {known}")
        return self

    @model_validator(mode="after")
    def _conditions_are_met_by_options(self) -> "Declaration":
        for schema in (self.schema_, *(step.schema_ for step in self.steps.values())):
            for name, value in _conditions(schema):
                option = self.options.get(name)
                if not option or (option.choices and value not in option.choices):
                    raise ValueError(f"when: {{{name}: {value}}} is nothing that an option can be")
        return self


def _conditions(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The options, each with its value, under which parts of a schema are there."""
    yield from dict(schema.get("when", {})).items()
    for part in (*dict(schema.get("properties", {})).values(), schema.get("items")):
        if isinstance(part, Mapping):
            yield from _conditions(part)


def read_declaration(file: Path, text: str) -> Declaration:
    """The declaration that a text of YAML is.

    Args:
        file: where the text is from, for what is said of it.
        text: the YAML.

    Raises:
        UserError: it is none; the first fault is told, with its place.
    """
    content = read_yaml(file, text)
    if not isinstance(content, dict):
        raise UserError(f"{file}: holds no mapping; it begins with lines such as summary: a math problem")
    if "schema" not in content:
        raise UserError(
            f"{file}: has no schema; say what a reply looks like, such as"
            " schema: {type: object, properties: {text: {type: string}}}"
        )
    try:
        return Declaration.model_validate(content)
    except ValidationError as error:
        # A misspelt key is also one that is missing: the first says more.
        faults = sorted(error.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden")
        raise UserError(f"{file}: {_told(faults[0])}") from error


def _told(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"] if part != "[key]") or "task.yaml"
    if fault["type"] == "extra_forbidden":
        known = {field.alias or name for model in _PARTS for name, field in model.model_fields.items()}
        meant = _meant(str(fault["loc"][-1]), known) or "; leave it out"
        return f"{place}: is nothing that a task has{meant}"
    if fault["type"] in {"dict_type", "mapping_type", "model_type"}:
        return f"{place}: must be a mapping: names, each with a colon and what it stands for"
    return f"{place}: {fault['msg'].removeprefix('Value error, ')}"


_PARTS = (Declaration, Option, Step, Sampling)


def read_yaml(file: Path, text: str) -> Any:
    """What a text of YAML says.

    Raises:
        UserError: it is none; the line is told.
    """
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f", line {place.line + 1}" if place else ""
        problem = getattr(error, "problem", None) or error
        # What is never closed is missed on the line after the last.
        faulty = "".join(text.splitlines()[place.line : place.line + 1]) if place else ""
        if "unhashable" in str(problem) or "{{" in faulty:
            problem = "a template stands in quotes: '{{ … }}'"
        raise UserError(f"{file}{line}: is no YAML ({problem}); mend it there") from error

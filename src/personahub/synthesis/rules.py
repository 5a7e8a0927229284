"""Rules at the end of a file that goes into every prompt: what a game's world names, and what it never has.

A text that is asked for by a file alone breaks it: of twenty characters by a small model seventeen had a name
that their people does not give. What a rule lists, a reply's schema holds the model to.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from personahub.errors import UserError
from personahub.languages import LANGUAGES
from personahub.synthesis.declaration import read_yaml

__all__ = ["Rules", "RulesByLanguage", "bound_schema", "split_rules"]

_BLOCK = re.compile(r"^```rules[ \t]*\n(?P<rules>.*?)^```[ \t]*\s*\Z", re.MULTILINE | re.DOTALL)
_NEVER = "never"
_SPACELESS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of scripts that put no spaces between words."""


@dataclass(frozen=True)
class Rules:
    """What a file asks of the records in one language.

    Attributes:
        never: words that a record does not hold; one that ends with ``*`` stands for all that begin so.
        values: by field of the reply, the values that it can have.
        forms: by field, its values, one of which is drawn for each record; of each, by the name of another
            field, the regular expression that this one has to match as a whole.
    """

    never: Sequence[str] = ()
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    forms: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)

    def find_forbidden(self, text: str) -> str | None:
        """The first place in the text that holds one of the words that never occur."""
        if not self.never:
            return None
        match = re.search("|".join(map(_pattern, self.never)), text, re.IGNORECASE)
        return match[0] if match else None


RulesByLanguage = Mapping[str, Rules]
"""By ISO 639-1 code; a language that is not there has no rules."""


def split_rules(where: str, text: str, fields: Collection[str]) -> tuple[str, RulesByLanguage]:
    """A file's text without the fenced block ``rules`` at its end, and the rules.

    Args:
        where: the file, for what is said of it.
        text: its text.
        fields: names of the fields that rules can be about.

    Raises:
        UserError: the block holds no rules; the place is told.
    """
    if not (block := _BLOCK.search(text)):
        return text, {}
    content = read_yaml(Path(f"{where}, rules"), block["rules"])
    if not isinstance(content, Mapping) or not content:
        raise UserError(f"{where}, rules: holds no mapping; it begins with a language, such as en:")
    rules = {}
    for language, given in content.items():
        if language not in LANGUAGES:
            raise UserError(f"{where}, rules: {language!r} is no language's code, such as en")
        rules[str(language)] = _read(f"{where}, rules, {language}", given, fields)
    return text[: block.start()], rules


def bound_schema(schema: Mapping[str, Any], rules: Rules, drawn: Mapping[str, str]) -> dict[str, Any]:
    """The schema of a reply whose fields have only the values and forms that the rules give them.

    Args:
        schema: an object's schema.
        rules: the rules of the record's language.
        drawn: by field of ``rules.forms`` the value of this record.
    """
    bound: dict[str, Any] = {name: {"enum": list(values)} for name, values in rules.values.items()}
    for name, value in drawn.items():
        bound[name] = {"enum": [value]}
        bound |= {
            other: {"pattern": f"^(?:{pattern})$"} for other, pattern in rules.forms[name][value].items()
        }
    properties = {
        name: {"type": "string", **bound[name]} if name in bound else given
        for name, given in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def _pattern(word: str) -> str:
    stem = word.removesuffix("*")
    found = re.escape(stem)
    if _SPACELESS.search(stem):
        return found
    return rf"(?<!\w){found}" + (r"\w*" if word.endswith("*") else r"(?!\w)")


def _read(where: str, given: Any, fields: Collection[str]) -> Rules:
    if not isinstance(given, Mapping):
        raise UserError(f"{where}: holds no mapping; name a field of the reply, or {_NEVER}")
    values, forms = {}, {}
    for name, allowed in given.items():
        if name == _NEVER:
            continue
        if name not in fields:
            known = ", ".join([_NEVER, *sorted(fields)])
            raise UserError(f"{where}: {name}: is nothing that rules are about; there are {known}")
        if isinstance(allowed, Mapping):
            forms[name] = {
                value: _forms(f"{where}: {name}: {value}", name, asked, fields)
                for value, asked in zip(_texts(f"{where}: {name}", [*allowed]), allowed.values(), strict=True)
            }
        else:
            values[name] = _texts(f"{where}: {name}", allowed)
    never = _texts(f"{where}: {_NEVER}", given[_NEVER]) if _NEVER in given else []
    if short := next((word for word in never if not word.removesuffix("*")), None):
        raise UserError(f"{where}: {_NEVER}: {short!r} would forbid every word")
    return Rules(never, values, forms)


def _texts(where: str, given: Any) -> list[str]:
    if not isinstance(given, list) or not given or not all(isinstance(each, str) and each for each in given):
        raise UserError(f"{where}: must be a list of texts; put quotes around what YAML takes for a number")
    return given


def _forms(where: str, name: str, given: Any, fields: Collection[str]) -> Mapping[str, str]:
    if not isinstance(given, Mapping):
        raise UserError(
            f"{where}: must say which field has which form, such as {{name: '[A-Z][a-z]+'}}, or {{}}"
        )
    for other, pattern in given.items():
        if other not in fields or other == name:
            raise UserError(f"{where}: {other}: is no other field; there are {', '.join(sorted(fields))}")
        try:
            re.compile(str(pattern))
        except re.error as error:
            raise UserError(f"{where}: {other}: is no regular expression ({error})") from None
    return {str(other): str(pattern) for other, pattern in given.items()}

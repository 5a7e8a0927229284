"""Checks of an item's form: does it fit its schema, is it in its language."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs

from personahub.languages import language_name, script_share
from personahub.safeguards.code import without_code
from personahub.verification.findings import Finding, Item

__all__ = ["LanguageCheck", "SchemaCheck"]

_LEAST_SCRIPT = 0.4
_LEAST_LETTERS = 80
"""From so many on a language is told from others of its script; shorter texts are too easily mistaken."""


@dataclass
class SchemaCheck:
    """Fields against a JSON schema, and the interface of a tool against the meta-schema.

    Attributes:
        schema_of: the schema of an item; None where there is none to check it by.
    """

    schema_of: Callable[[Item], Mapping[str, Any] | None]
    name: str = field(default="schema", init=False)

    def judge(self, items: Sequence[Item]) -> list[Finding]:
        """What is found of each item."""
        return [self._judge(item) for item in items]

    def _judge(self, item: Item) -> Finding:
        found = self.schema_of(item)
        if found is None:
            return Finding("undecided", "no_schema")
        try:
            errors = [error.message for error in jsonschema_rs.iter_errors(dict(found), dict(item.fields))]
        except (jsonschema_rs.ValidationError, ValueError) as error:
            return Finding("undecided", "no_schema", None, {"error": str(error)[:200]})
        if errors:
            return Finding("failed", "misfits_schema", None, {"errors": errors[:5]})
        function = item.fields.get("function")
        if isinstance(function, Mapping):
            interface = function.get("function")
            parameters = interface.get("parameters") if isinstance(interface, Mapping) else None
            try:
                jsonschema_rs.meta.validate(parameters)  # type: ignore[arg-type]
            except (jsonschema_rs.ValidationError, TypeError, ValueError) as error:
                told = getattr(error, "message", str(error))
                return Finding("failed", "no_function_schema", None, {"errors": [told]})
        return Finding("passed", "")


@dataclass
class LanguageCheck:
    """Whether a text is in the language it is said to be in: by its script, and long ones by their words.

    Attributes:
        detect: tells a text's language, ISO 639-1.
    """

    detect: Callable[[str], str]
    name: str = field(default="language", init=False)

    def judge(self, items: Sequence[Item]) -> list[Finding]:
        """What is found of each item."""
        return [self._judge(item) for item in items]

    def _judge(self, item: Item) -> Finding:
        if item.language in {"", "und"} or not item.language_is_told:
            return Finding("undecided", "no_language")
        text = without_code(item.text)
        share = script_share(text, item.language)
        if share is not None and share < _LEAST_SCRIPT:
            told = {"of_script": round(share, 3), "language": language_name(item.language)}
            return Finding("failed", "wrong_language", share, told)
        if sum(map(str.isalpha, text)) >= _LEAST_LETTERS and (seen := self.detect(text)) != item.language:
            return Finding("failed", "wrong_language", None, {"seen": seen, "language": item.language})
        return Finding("passed", "", share)

"""Conditions on what a source says of its texts: ``language=en,de``, ``perplexity<300``, ``date>=2023``."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from personahub.errors import UserError

__all__ = ["Condition", "parse_condition", "value_of"]

_CONDITION = re.compile(r"\s*([\w.:/-]+?)\s*(!=|<=|>=|=|<|>)\s*(.*?)\s*", re.DOTALL)
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Condition(NamedTuple):
    """One condition; a text whose source does not tell the field meets none but ``!=``."""

    field: str
    comparison: str
    values: tuple[str, ...]

    def holds(self, metadata: Mapping[str, Any]) -> bool:
        """Whether a text with this metadata meets it."""
        found = value_of(metadata, self.field)
        if found is None and self.field == "domain":
            found = _domain_of(str(value_of(metadata, "url"))) or value_of(metadata, "source_domain")
        if found is None and self.field == "date":
            found = value_of(metadata, "date_download") or value_of(metadata, "created")
        if self.comparison in {"=", "!="}:
            return (found is not None and _is_one_of(found, self.values)) == (self.comparison == "=")
        if found is None:
            return False
        holds, value = _ORDERS[self.comparison], self.values[0]
        if isinstance(found, int | float):
            number = _number(value)
            return number is not None and holds(found, number)
        return holds(str(found)[: len(value)] if self.field == "date" else str(found), value)


def value_of(metadata: Mapping[str, Any], field: str) -> Any:
    """What a source says in a field; None where that is no single value, or nothing.

    Lists and objects may be nested deeper than Python can write out.
    """
    value = metadata.get(field)
    return None if isinstance(value, list | dict) else value


def parse_condition(text: str) -> Condition:
    """The condition that a text such as ``language=en,de`` stands for.

    ``=`` and ``!=`` take several values, parted by commas. Numbers compare as numbers where the source has
    numbers, dates by as much of them as is given.

    Raises:
        UserError: it is none.
    """
    found = _CONDITION.fullmatch(text)
    if not found or not found[3]:
        raise UserError(
            f"no condition: {text!r}; give a field, one of = != < <= > >= and a value, such as"
            " 'language=en,de', 'domain!=example.com' or 'ccnet_perplexity<300'"
        )
    field, comparison, value = found.groups()
    values = tuple(part.strip() for part in value.split(",")) if comparison in {"=", "!="} else (value,)
    return Condition(field, comparison, values)


def _domain_of(url: str) -> str:
    """The host of an address, without ``www.``; empty where there is none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _is_one_of(found: Any, values: tuple[str, ...]) -> bool:
    if isinstance(found, bool):
        return str(found).lower() in {value.lower() for value in values}
    if isinstance(found, int | float):
        return any(found == _number(value) for value in values)
    return str(found) in values


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

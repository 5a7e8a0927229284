"""Conditions in SQL on a table's rows, looked at before anything is read."""

import re
from functools import cache
from typing import Any

import pyarrow as pa

from personahub.errors import UserError

__all__ = ["check_where"]

_NO_COLUMN = re.compile(r"No field named ([^ ]+?)\.(?:\s|$)")
_WHAT_WRAPS = re.compile(
    r"^(?:Invalid user input|Error resolving filter expression .*?|Error parsing function|Schema error"
    r"|Error during planning): |^Error \w+ (?:statement|sql filter): .* \((?=.*\)$)"
)


def check_where(schema: pa.Schema, where: str, what: str) -> None:
    """See that a condition can be asked of a table of this schema, be the table there or not.

    Args:
        schema: the table's columns.
        where: a condition in SQL, such as ``language = 'en' AND round > 0``.
        what: the table's name, for the message.

    Raises:
        UserError: it names a column that is not there, is no SQL, or compares what cannot be compared.
    """
    try:
        _planner(schema).scanner(columns=[schema.names[0]], filter=where).explain_plan()
    except (ValueError, OSError) as error:
        columns = ", ".join(schema.names)
        message = " ".join(str(error).split())
        if found := _NO_COLUMN.search(message):
            raise UserError(
                f"the condition {where!r}: {what} has no column {_bare(found[1])};"
                f" the columns there: {columns} (texts stand in single quotes: language = 'en')"
            ) from error
        raise UserError(
            f"the condition {where!r} cannot be read ({_reason(message)}); write SQL such as"
            f" \"language = 'en' AND round > 0\"; the columns there: {columns}"
        ) from error


@cache
def _planner(schema: pa.Schema) -> Any:
    """A table without rows in memory: Lance plans a condition on it as on any other."""
    import lance

    return lance.write_dataset(schema.empty_table(), "memory://where")


def _bare(name: str) -> str:
    return name.strip("\"'`")


def _reason(message: str) -> str:
    """The innermost of the sentences that Lance wraps in one another, without places in its source."""
    reason = re.sub(r",? \S+\.rs:\d+(?::\d+)?.*", "", message)
    while (bare := _WHAT_WRAPS.sub("", reason)) != reason:
        reason = bare
    return reason.strip(" .()")

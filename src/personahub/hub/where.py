"""Conditions in SQL on a table's rows, looked at before anything is read."""

import re
from functools import cache
from typing import Any

import pyarrow as pa

from personahub.errors import UserError

__all__ = ["check_evaluated", "check_where"]

_NO_COLUMN = re.compile(r"No field named ([^ ]+?)\.(?:\s|$)")
_WHAT_WRAPS = re.compile(
    r"^(?:Invalid user input|Error resolving filter expression .*?|Error parsing function|Schema error"
    r"|Error during planning): |^Error \w+ (?:statement|sql filter): .* \((?=.*\)$)"
)
_TEXTS = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL)
"""What is no SQL of its own: texts, names in quotes, comments."""
_LANCE_S_OWN = re.compile(r"\b_row(?:id|addr|offset)\b", re.IGNORECASE)
_IN_A_ROW = re.compile(
    r"(?:applying filter expression to batch|LanceError\(Arrow\)): (?:Arrow error: )?"
    r"((?:Cast|Compute|Parser|Divide by zero|Arithmetic overflow|Invalid argument)\b.*)"
)
"""What Lance says where a condition that it understands has no value for some row."""
_MOST_CHARACTERS = 200


def check_where(schema: pa.Schema, where: str, what: str) -> None:
    """See that a condition can be asked of a table of this schema, be the table there or not.

    Args:
        schema: the table's columns.
        where: a condition in SQL, such as ``language = 'en' AND round > 0``.
        what: the table's name, for the message.

    Raises:
        UserError: it names a column that is not there, is no SQL, or compares what cannot be compared.
    """
    columns = ", ".join(schema.names)
    own = _TEXTS.sub("''", where)
    if found := _LANCE_S_OWN.search(own):
        raise UserError(
            f"the condition {where!r}: {what} has no column {found[0]}; the columns there: {columns}"
        )
    # Lance reads on to the first parenthesis that closes nothing, and leaves out what stands after it.
    if not _closes_what_it_opens(own):
        raise UserError(f"the condition {where!r} cannot be read: a ) closes none that is open; take it out")
    try:
        _planner(schema).scanner(columns=[schema.names[0]], filter=where).explain_plan()
    except (ValueError, OSError) as error:
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


def check_evaluated(where: str | None, error: Exception) -> None:
    """See whether it is the condition that has no value for some row; return where something else is wrong.

    Args:
        where: the condition that was asked, None for none.
        error: what Lance raised at reading.

    Raises:
        UserError: it is, as ``CAST(description AS INT) > 1`` for a text that is no number.
    """
    if where is None or not (found := _IN_A_ROW.search(" ".join(str(error).split()))):
        return
    raise UserError(
        f"the condition {where!r} has no value for some row ({_reason(found[1])[:_MOST_CHARACTERS]});"
        " write one that has for each, such as TRY_CAST(… AS INT), which gives null instead of an error"
    ) from error


def _closes_what_it_opens(where: str) -> bool:
    """Whether every closing parenthesis has its opening one; one left open is for Lance to tell."""
    depth = 0
    for sign in re.findall(r"[()]", where):
        depth += 1 if sign == "(" else -1
        if depth < 0:
            return False
    return True


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

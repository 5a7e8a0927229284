"""Records as the rows that trainers, callers of functions and games take."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from personahub.config import canonical_json, read_json
from personahub.hub import Hub
from personahub.records import Record
from personahub.release.trainer_forms import CHAT_FORMS, Turns, ends_with_answer, preference_row
from personahub.synthesis import Task

__all__ = ["NOT_TRAINED_ON", "STRICT", "TRAINER_FORMS", "Chats", "preferences"]

TRAINER_FORMS = (*CHAT_FORMS, "preferences", "tools", "npc")
STRICT = frozenset({"openai", "tools"})
"""Forms whose takers refuse, or show to a model, any field that they do not know."""
NOT_TRAINED_ON: Mapping[str, tuple[str, str]] = {
    "no_answer": (
        "without an answer",
        "to have them answered: personahub synthesize solution --problems {dataset}",
    ),
    "no_task": (
        "whose task is not there any more",
        "give the task's folder its old place, or --format records",
    ),
    "not_fitting": ("that the task as it is now cannot read", "--format records has all that they hold"),
    "no_function": ("that are no function's interface", "tools are what the task tool makes"),
    "no_character": ("that are no character", "characters are what the task npc makes"),
    "one_answer": (
        "without both an answer that was kept and one that a check took out",
        "to have more of both: personahub synthesize solution --samples, then personahub verify",
    ),
}
"""Why a form has no row for a record: how that is said, and what to do."""
_PAIRS = 256


class Chats:
    """Makes rows of records.

    Args:
        task_of: the task that made a record; None where it is gone.
    """

    def __init__(self, task_of: Callable[[Record], Task | None]) -> None:
        """Take the tasks."""
        self._task_of = task_of

    def row(self, form: str, record: Record) -> Mapping[str, Any] | str:
        """The record in a form, or the reason why it has none."""
        fields = read_json(record.fields)
        if form == "tools":
            function = fields.get("function")
            is_one = isinstance(function, dict) and function.get("type") == "function"
            return function if is_one else "no_function"
        if form == "npc":
            return _marked(record, fields) if record.task == "npc" else "no_character"
        turns = self.turns(record)
        if isinstance(turns, str):
            return turns
        row = CHAT_FORMS[form](turns)
        return row if form in STRICT else _marked(record, row)

    def turns(self, record: Record) -> Turns | str:
        """What was asked and answered, or the reason why it is nothing to train on."""
        if (task := self._task_of(record)) is None:
            return "no_task"
        inputs = read_json(record.inputs)
        settings = {**{name: task.default(name) for name in task.options}, **inputs.get("options", {})}
        about = {
            "item": inputs.get("item", {}).get("text", ""),
            "persona": record.persona,
            "text": record.text,
        }
        varied = dict.fromkeys(task.declaration.vary, "") | inputs.get("varied", {})
        fields = {"language": record.language, "guided": False, **varied, **read_json(record.fields), **about}
        try:
            turns = task.chat(fields, settings)
        except ValueError:
            return "not_fitting"
        return turns if ends_with_answer(turns) else "no_answer"


def _marked(record: Record, row: Mapping[str, Any]) -> dict[str, Any]:
    told = {"id": record.id, "language": record.language, "licence": record.licence, "synthetic": True}
    return {**row, **told}


def preferences(
    hub: Hub, records: Iterable[tuple[Record, bool]], chats: Chats
) -> Iterator[Mapping[str, Any] | str]:
    """Two answers to the same, of which checks kept one and took one out; else why there are none.

    Of several the first of each is taken. Some 200 bytes are held for each thing that was asked.

    Args:
        hub: where the records are.
        records: each, and whether checks rejected it.
        chats: makes chats of them.
    """
    found: dict[bytes, dict[bool, str]] = {}
    for record, rejected in records:
        turns = chats.turns(record)
        if isinstance(turns, str):
            yield turns
            continue
        asked = hashlib.sha256(canonical_json(list(turns[:-1])).encode()).digest()[:16]
        answers = found.setdefault(asked, {})
        answers.setdefault(rejected, record.id)
    pairs = [(both[False], both[True]) for both in found.values() if len(both) == 2]
    for _ in range(len(found) - len(pairs)):
        yield "one_answer"
    waiting = iter(pairs)
    while some := list(islice(waiting, _PAIRS)):
        rows = hub.records.get([id_ for pair in some for id_ in pair])
        for pair in some:
            chosen, rejected_one = (_record(rows[id_]) for id_ in pair)
            both = (chats.turns(chosen), chats.turns(rejected_one))
            better, worse = (turns for turns in both if not isinstance(turns, str))
            row = preference_row(better, worse)
            yield {**_marked(chosen, row), "rejected_id": rejected_one.id}


def _record(row: Mapping[str, Any]) -> Record:
    return Record(**{name: value for name, value in row.items() if name != "id"})

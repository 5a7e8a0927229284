"""The prompts behind records and personas, built again from what the hub keeps of them.

The journal keeps replies under the hashes of requests, not the requests, which would be most of its size. A
prompt that is built again is shown only where its hash is the one that the reply is kept under, so it is the
one that was sent, byte for byte.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from personahub.completion import Journal
from personahub.completion.output import read_again
from personahub.config import read_json
from personahub.errors import UserError
from personahub.hub import Hub, Run
from personahub.models import Request
from personahub.personas import TextToPersona
from personahub.personas.persona_to_persona import PersonaToPersona
from personahub.records import Document, Kind, Record
from personahub.synthesis import Brief, GivenItem, Synthesizer, Task
from personahub.workflows.judged import TasksOf

__all__ = ["Asked", "Prompts"]

_CHANGED = "the prompt is worded otherwise today than it was then ({then}), so it cannot be built again"
_NOT_ASKED = "nobody was asked: it was imported"


@dataclass(frozen=True)
class Asked:
    """One question to a model and its answer.

    Attributes:
        request: the hash of the request, under which the journal keeps the reply.
        messages: role and content of each message; empty where they cannot be built again.
        sampling: temperature, top_p, seed and so on; empty likewise.
        reply: what the model said; None where the journal has nothing.
        tokens: of prompt and completion, as far as they were told.
        why_not: why there are no messages; empty where there are.
    """

    request: str
    messages: Sequence[Mapping[str, str]]
    sampling: Mapping[str, Any]
    reply: str | None
    tokens: Mapping[str, int | None]
    why_not: str

    def to_json(self) -> dict[str, Any]:
        """Part of what ``show --json`` prints."""
        return {**vars(self), "messages": [dict(each) for each in self.messages]}


class Prompts:
    """Finds what was asked for the things of a hub.

    Args:
        hub: the hub.
        journal: its journal; None where it cannot be read now.
    """

    def __init__(self, hub: Hub, journal: Journal | None) -> None:
        """Nothing is read until it is asked for."""
        self._hub = hub
        self._journal = journal

    def of(self, row: Mapping[str, Any]) -> list[Asked]:
        """The questions that led to a record or a persona, the first one first.

        Args:
            row: of the table of records or of personas.
        """
        if not row["request"]:
            return [Asked("", (), {}, None, {}, _NOT_ASKED)]
        kind = Kind(str(row["id"])[0])
        requests: list[Request] = []
        # What lacks a part, such as a run's file or an example that is gone, cannot be built again.
        with suppress(UserError, KeyError, IndexError, ValueError, TypeError):
            found = self._of_record(row) if kind is Kind.RECORD else self._of_persona(row)
            requests = list(found)
        if requests and requests[-1].key == row["request"]:
            return [self._asked(request.key, request, "") for request in requests]
        return [self._asked(row["request"], None, _CHANGED.format(then=row["template"]))]

    def _asked(self, key: str, request: Request | None, why_not: str) -> Asked:
        entry = self._journal.get(key) if self._journal else None
        sampling = request.sampling if request else None
        told = ("temperature", "top_p", "max_tokens", "seed", "dry")
        return Asked(
            request=key,
            messages=[{"role": m.role, "content": m.content} for m in request.messages] if request else [],
            sampling={name: getattr(sampling, name) for name in told} if sampling else {},
            reply=entry.text if entry else None,
            tokens={
                "prompt": entry.prompt_tokens if entry else None,
                "completion": entry.completion_tokens if entry else None,
            },
            why_not=why_not,
        )

    @cached_property
    def _runs(self) -> Mapping[int, Run]:
        return {run.number: run for run in self._hub.runs()}

    @cached_property
    def _tasks(self) -> TasksOf:
        return TasksOf(self._hub)

    def _of_persona(self, row: Mapping[str, Any]) -> Iterator[Request]:
        """The question whose answer a persona is, from its text or from another persona."""
        settings = self._runs[row["run"]].configuration
        parent_id = str(row["parent_id"])
        if Kind(parent_id[0]) is Kind.PERSONA:
            parent = self._hub.personas.get([parent_id])[parent_id]
            near = PersonaToPersona(row["model"], row["language"], row["seed"])
            questions = near.ask(parent, len(near.relations(parent_id)), used=(), first_position=0)
            yield next(each.request for each in questions if each.request.key == row["request"])
            return
        document = self._hub.documents.get([parent_id])[parent_id]
        document.pop("id", None)
        asker = TextToPersona(
            row["model"],
            [row["relation"]],
            settings["per_relation"],
            row["granularity"],
            row["language"],
            settings["seed"],
        )
        asked = asker.ask(Document(**document), 0)
        yield next(each.request for each in asked if each.request.key == row["request"])

    def _of_record(self, row: Mapping[str, Any]) -> Iterator[Request]:
        """The questions whose answers a record is."""
        record = Record(**{name: value for name, value in row.items() if name != "id"})
        task = self._tasks.of(record)
        if task is None:
            return
        run, inputs = self._runs[record.run], read_json(record.inputs)
        seed = int(run.configuration["seed"])
        synthesizer = Synthesizer(
            task=task,
            settings=_settings(task, inputs["options"], run),
            model=record.model,
            dataset=record.dataset,
            method=record.method,  # type: ignore[arg-type]
            seed=seed,
            candidates=int(inputs.get("candidates") or 1),
            example_personas={
                task.examples[each["number"] - 1].key: each["persona"]
                for each in inputs.get("examples", ())
                if "persona" in each
            },
        )
        brief = self._brief(record, inputs, record.seed - seed)
        replies: list[Any] = []
        for _ in synthesizer.steps(brief):
            request = synthesizer.ask(brief, replies)
            yield request
            if request.key == record.request or self._journal is None:
                return
            entry = self._journal.get(request.key)
            if entry is None:
                return
            replies.append(read_again(request, entry.text))

    def _brief(self, record: Record, inputs: Mapping[str, Any], sample: int) -> Brief:
        ids = [record.persona_id, inputs.get("other", {}).get("id", "")]
        people = self._hub.personas.get([id_ for id_ in ids if id_])
        return Brief(
            position=record.position,
            language=record.language,
            persona=people.get(ids[0]),
            other=people.get(ids[1]),
            relation=inputs.get("relation", ""),
            item=_item(inputs.get("item")),
            seed_item=_item(inputs.get("seed_item")),
            key_points=tuple(inputs.get("key_points", ())),
            scenario=inputs.get("scenario", ""),
            varied=inputs.get("varied", {}),
            drawn=inputs.get("drawn", {}),
            shown=tuple(each["number"] - 1 for each in inputs.get("examples", ())),
            sample=sample,
        )


def _item(told: Mapping[str, Any] | None) -> GivenItem | None:
    return GivenItem(told["text"], {}) if told else None


def _settings(task: Task, options: Mapping[str, Any], run: Run) -> Mapping[str, Any]:
    """A task's settings as they were; a file is read again, and if it has changed the hash tells."""
    given = dict(run.given.get("options", {}))
    told = {name: value for name, value in options.items() if task.options[name].type != "file"}
    files = {name: value for name, value in given.items() if task.options[name].type == "file"}
    return task.settings({**told, **files})

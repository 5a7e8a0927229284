"""``task preview``: what a task asks and what comes of the replies, before records are made."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from personahub.errors import UserError
from personahub.hub import Hub
from personahub.languages import check_language
from personahub.models import EmbeddingModel, LanguageModel
from personahub.models.opening import DEFAULT_MODEL
from personahub.records import SetAside
from personahub.synthesis import Synthesizer, Task
from personahub.workflows.asking import Exchange, converse, numbering
from personahub.workflows.briefs import Plan
from personahub.workflows.calls import Calls
from personahub.workflows.given import add_shipped
from personahub.workflows.preparing import prepare
from personahub.workflows.prompting import Prompting, load_material
from personahub.workflows.repetition import Repetition, RepetitionFilter
from personahub.workflows.running import Outcome, Watcher, Work, journaling, run_async
from personahub.workflows.selection import (
    Selection,
    asks_personas,
    related_only,
    select_personas,
    wants_related,
)

__all__ = ["Preview", "Question", "preview"]


@dataclass(frozen=True)
class Question:
    """One question about a record.

    Attributes:
        step: its name; empty for the first.
        messages: of the prompt, each with ``role`` and ``content``.
        reply: the value that the model replied; where the call failed, the text that did not fit, if any.
    """

    step: str
    messages: Sequence[Mapping[str, str]]
    reply: Any


@dataclass(frozen=True)
class Preview:
    """A record as it would be made, with what was asked for it.

    Attributes:
        persona: the persona's description; empty where none has a part.
        questions: all that was asked, in order.
        text: the record's; of one that is set aside what there is of it.
        fields: the whole reply with what is derived from it; None where it gives no record.
        set_aside: ``reason`` and ``detail`` where the record would be set aside, or a call failed.
    """

    persona: str
    questions: Sequence[Question]
    text: str
    fields: Mapping[str, Any] | None
    set_aside: Mapping[str, str] | None

    def to_json(self) -> dict[str, Any]:
        """An entry of what ``task preview --json`` prints."""
        first, *steps = self.questions
        return {
            "persona": self.persona,
            "messages": list(first.messages),
            "reply": first.reply,
            "steps": [asdict(question) for question in steps],
            "text": self.text,
            "fields": self.fields,
            "set_aside": self.set_aside,
        }


def preview(
    task: str | Path,
    *,
    hub: Path | str | None = None,
    n: int = 3,
    options: Mapping[str, Any] | None = None,
    prompting: Prompting | None = None,
    model: str | LanguageModel | Sequence[LanguageModel] = DEFAULT_MODEL,
    language: str | None = None,
    seed: int = 0,
    calls: Calls | None = None,
    watcher: Watcher | None = None,
) -> list[Preview]:
    """Ask for ``n`` records of a task, and give the prompts and what would be made of the replies.

    A hub gets nothing but the replies, into its journal, so that :func:`~.synthesize.synthesize` with the
    same seed asks for none of them again. Each record is looked at as there: by the task's rules, and for
    copies of the examples and, by words alone, of the data set of the task's name.

    Args:
        task: the task's name, or the folder of one's own.
        hub: whose personas are asked; None for some that come with the package.
        n: how many records.
        options: the task's options.
        prompting: the method, and what it draws on.
        model: a model's name, or model objects.
        language: of the records, ISO 639-1; None for each persona's own.
        seed: of all that is drawn, and of the sampling.
        calls: how the calls are made.
        watcher: is told how it goes.

    Raises:
        UserError: whatever the user can mend.
        KeyboardInterrupt: it was interrupted; a hub's journal keeps what was answered.
    """
    if n < 1:
        raise UserError(f"-n {n}: at least one record must be asked for")
    prompting, calls = prompting or Prompting(), calls or Calls()
    declared = Task.load(task)
    settings = declared.settings(options or {})
    language = check_language(language) if language else None
    related = wants_related(declared, settings)
    if related and hub is None:
        raise UserError(
            "--partner related: needs a hub that knows who is related to whom; give it with --hub"
        )
    with _opened(hub) as target:
        material = load_material(target, declared, settings, prompting)
        selection = related_only(Selection()) if related else Selection()
        # One more than are asked, so that the last of them has a partner that is not the first.
        asked = asks_personas(declared, selection)
        plan = Plan(
            hub=target,
            task=declared,
            prompting=prompting,
            material=material,
            personas=select_personas(target, selection, n + 1, seed=seed) if asked else [],
            per_persona=1,
            samples=1,
            language=language,
            seed=seed,
            rules=declared.rules(settings),
            related=related,
        )
        models = calls.open(model)
        name = models[0].name
        synthesizer = Synthesizer(
            declared,
            settings,
            name,
            declared.name,
            prompting.method_for(declared),
            seed,
            prompting.candidates,
        )
        with journaling(target, "task preview", models=models, calls=calls, watcher=watcher) as work:
            return run_async(_preview(work, plan, synthesizer, n))


@contextmanager
def _opened(hub: Path | str | None) -> Iterator[Hub]:
    """The hub; one with the package's personas that is gone at the end where there is none."""
    if hub is not None:
        yield Hub(hub)
        return
    with TemporaryDirectory(prefix="personahub-") as folder:
        made = Hub.create(Path(folder) / "hub")
        add_shipped(made)
        yield made


async def _preview(work: Work[Outcome], plan: Plan, synthesizer: Synthesizer, n: int) -> list[Preview]:
    asked: dict[int, Exchange] = {}
    async with work.engaged():
        synthesizer = await prepare(work, plan, synthesizer)
        briefs = list(map(numbering(synthesizer), plan.briefs(n)))
        work.watcher.started("records", len(briefs), work.outcome.run, False)
        done = 0
        async for _, exchanges in converse(work.engine, synthesizer, briefs):
            for exchange in exchanges:
                asked[exchange.brief.position] = exchange
                done += bool(exchange.failure or exchange.is_whole(synthesizer))
            work.watcher.advanced(done, done, 0, work.engine.totals)
    if work.outcome.interrupted:
        raise KeyboardInterrupt
    how: Repetition = "surface" if "repetition" in plan.task.declaration.checks else "off"
    with RepetitionFilter(work.hub, synthesizer, how, _no_encoder) as repetition:
        return [_told(asked[position], synthesizer, repetition) for position in sorted(asked)]


def _no_encoder() -> EmbeddingModel:
    raise AssertionError("meanings are not compared here")


def _told(exchange: Exchange, synthesizer: Synthesizer, repetition: RepetitionFilter) -> Preview:
    brief, failure = exchange.brief, exchange.failure
    replies = [*exchange.replies, *([failure.text] if failure else [])]
    questions = [
        Question(step, [message._asdict() for message in request.messages], reply)
        for step, request, reply in zip(synthesizer.steps(brief), exchange.requests, replies, strict=False)
    ]
    persona = brief.persona["description"] if brief.persona else ""
    if failure:
        return Preview(persona, questions, "", None, _fault(failure.reason, failure.detail))
    made = synthesizer.answer(brief, exchange.replies, request=exchange.requests[-1].key, run=0)
    if isinstance(made, SetAside):
        return Preview(persona, questions, made.text, None, _fault(made.reason, made.detail))
    (fault,) = repetition.judge([(brief, made)])
    fields = json.loads(made.fields)
    return Preview(persona, questions, made.text, fields, _fault(*fault) if fault else None)


def _fault(reason: str, detail: str) -> dict[str, str]:
    return {"reason": reason, "detail": detail}

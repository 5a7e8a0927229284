"""``synthesize``: one kind of synthetic data, from a hub's personas."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from personahub.errors import UserError
from personahub.hub import Hub
from personahub.languages import check_language
from personahub.models import LanguageModel
from personahub.models.opening import DEFAULT_MODEL
from personahub.records import Record
from personahub.synthesis import Question, Synthesizer, Task
from personahub.workflows.calls import Calls
from personahub.workflows.estimate import Range, spread
from personahub.workflows.running import Outcome, Watcher, Work, run_async, working
from personahub.workflows.sample import draw
from personahub.workflows.views import open_view

__all__ = ["SynthesizeOutcome", "synthesize"]

_ATTEMPTS = 4
"""Questions for each record asked for, before a run gives up on a model that cannot do the task."""


@dataclass
class SynthesizeOutcome(Outcome):
    """What a ``synthesize`` came to."""

    wanted: int = 0
    records: list[Record] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """What ``synthesize --json`` prints."""
        return {"records": len(self.records), **super().to_json()}


def synthesize(
    task: str,
    hub: Path | str,
    *,
    n: int = 10,
    out: Path | str | None = None,
    options: Mapping[str, str] | None = None,
    model: str | LanguageModel | Sequence[LanguageModel] = DEFAULT_MODEL,
    language: str | None = None,
    seed: int = 0,
    calls: Calls | None = None,
    watcher: Watcher | None = None,
) -> SynthesizeOutcome:
    """Make ``n`` records of a task, each from a persona drawn from the hub.

    Personas are drawn without repetition until all have been asked, then again in the same order. What is
    set aside is made up for by the next personas, up to four questions for each record asked for.

    Args:
        task: the task's name.
        hub: the hub's directory.
        n: how many records.
        out: a JSONL file for them, written whole at the end (or at an interrupt).
        options: the task's options, such as focus and difficulty.
        model: a model's name (:mod:`personahub.models.opening` says which there are), or model objects.
        language: of the records, ISO 639-1; None for each persona's own.
        seed: of the draw and the sampling.
        calls: how the calls are made and what they may cost.
        watcher: is told how it goes.

    Raises:
        UserError: whatever the user can mend.
    """
    if n < 1:
        raise UserError(f"-n {n}: at least one record must be asked for")
    declared = Task.load(task)
    settings = declared.settings(options or {})
    language = check_language(language) if language else None
    target = Hub(hub)
    personas = target.personas.count()
    if not personas:
        raise UserError(f"{hub}: holds no personas yet; personahub curate SOURCE --hub {hub} makes some")
    view = open_view(target)
    out = _checked_out(out)
    calls = calls or Calls()
    models = calls.open(model)
    synthesizer = Synthesizer(declared, settings, models[0].name, language, seed)
    configuration = {
        "task": task,
        "template": declared.version,
        "options": settings,
        "method": synthesizer.method,
        "n": n,
        "model": models[0].name,
        "language": language,
        "seed": seed,
        "personas": personas,
        "view": view.name if view else None,
    }
    with working(
        target,
        "synthesize",
        configuration,
        model=model,
        models=models,
        calls=calls,
        outcome=SynthesizeOutcome,
        watcher=watcher,
        given={"out": str(out) if out else None},
    ) as work:
        outcome = work.outcome
        outcome.wanted = n
        work.watcher.started("records", n, outcome.run, work.resumed)
        if calls.estimate:
            work.estimating("records", n)
        run_async(_make(work, synthesizer))
        if calls.estimate:
            asked = max(len(outcome.records) + outcome.set_aside.total() + outcome.failures.total(), 1)
            kept = max(len(outcome.records) / asked, 1 / _ATTEMPTS)
            # The share kept is known from a few only, so the high end allows for half as many again.
            work.estimated(Range(1 / kept, min(1.5 / kept, _ATTEMPTS) if kept < 1 else 1.0))
        elif out:
            write_jsonl(target, outcome.records, out)
        work.ended({"records": len(outcome.records)})
        return outcome


def _checked_out(out: Path | str | None) -> Path | None:
    """The file to write, which must be possible before anything is paid for."""
    if out is None:
        return None
    file = Path(out)
    if file.is_dir() or not file.parent.is_dir():
        raise UserError(f"{file}: cannot be written; name a file in a folder that is there")
    return file


async def _make(work: Work[SynthesizeOutcome], synthesizer: Synthesizer) -> None:
    outcome = work.outcome
    questions = _questions(work.hub, synthesizer, limit=_ATTEMPTS * outcome.wanted)
    try:
        async with work.engaged():
            # As many questions as records are missing, then again for those set aside: so none is asked
            # in vain, and which records come does not depend on which reply arrives first.
            while (missing := outcome.wanted - len(outcome.records)) and not work.engine.stopping:
                asked = list(islice(questions, missing))
                if work.estimator:
                    places = spread(outcome.wanted)
                    asked = [asked[place] for place in sorted(places) if place < len(asked)]
                    await _answer(asked, work, synthesizer)
                    break
                if not asked:
                    break
                await _answer(asked, work, synthesizer)
    finally:
        outcome.records.sort(key=lambda record: record.position)


def _questions(hub: Hub, synthesizer: Synthesizer, limit: int) -> Iterator[Question]:
    ids = draw(hub, limit, seed=synthesizer.seed, view=open_view(hub))
    # By description, not by persona: the same sentence from two texts is two personas and would be one
    # request, so the second of them gets the next sample.
    samples: Counter[str] = Counter()
    for position in range(limit):
        place = position % len(ids)
        if place % 100 == 0:
            rows = hub.personas.get(ids[place : place + 100])
        persona = rows[ids[place]]
        yield synthesizer.ask(persona, position, samples[persona["description"]])
        samples[persona["description"]] += 1


async def _answer(asked: Sequence[Question], work: Work[SynthesizeOutcome], synthesizer: Synthesizer) -> None:
    outcome = work.outcome
    waiting = {question.request.key: question for question in asked}
    async for completion in work.engine.complete(question.request for question in asked):
        if work.estimator:
            work.estimator.add(completion.request.key, completion)
        if completion.failure:
            work.failed(completion.failure)
        else:
            question = waiting[completion.request.key]
            answer = synthesizer.answer(question, completion, run=outcome.run.number)
            work.buffer.add(answer)
            if isinstance(answer, Record):
                outcome.records.append(answer)
                work.watcher.record_done(answer)
            else:
                outcome.set_aside[answer.reason] += 1
        made = len(outcome.records)
        work.advanced(made, made, {"records": made})


def write_jsonl(hub: Hub, records: Sequence[Record], out: Path) -> None:
    """Write the records with their lineage, a line each; the file is there whole or not at all.

    Raises:
        UserError: the file cannot be written; the records are in the hub all the same.
    """
    documents = hub.documents.get(list({record.document_id for record in records}))
    draft = out.with_name(f".{out.name}.draft")
    try:
        with draft.open("w", encoding="utf-8") as lines:
            for record in records:
                lines.write(json.dumps(_line(record, documents), ensure_ascii=False) + "\n")
        draft.replace(out)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UserError(
            f"{out}: cannot be written ({error.strerror}); the records are safe in {hub.path}:"
            " run the same command again with another --out"
        ) from error


def _line(record: Record, documents: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    document = documents.get(record.document_id, {})
    return {
        "id": record.id,
        "task": record.task,
        "method": record.method,
        "persona": record.persona,
        "persona_id": record.persona_id,
        "text": record.text,
        "language": record.language,
        "document_id": record.document_id,
        "source": document.get("source"),
        "row": document.get("row"),
        "model": record.model,
        "template": record.template,
        "seed": record.seed,
        "run": record.run,
        "fields": json.loads(record.fields),
    }

"""``expand``: persona-to-persona, in rounds, from a hub's personas to those they have to do with."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from personahub.completion import Completion
from personahub.dedup import View
from personahub.errors import UserError
from personahub.hub import Hub
from personahub.languages import check_language
from personahub.models import EmbeddingModel, LanguageModel
from personahub.models.opening import DEFAULT_MODEL
from personahub.personas import PersonaToPersona, RelationQuestion
from personahub.records import Persona
from personahub.workflows.calls import Calls
from personahub.workflows.comparing import surface_way
from personahub.workflows.dedup import bring_up_to_date
from personahub.workflows.estimate import SAMPLED
from personahub.workflows.running import Outcome, Watcher, Work, run_async, working
from personahub.workflows.steps import StepWatcher
from personahub.workflows.views import open_view

__all__ = ["ExpandOutcome", "Round", "expand"]

_DRAWN = 500
"""Parents read at a time."""


@dataclass
class Round:
    """What a round came to."""

    number: int
    """Of this command, from 1."""
    asked: int = 0
    personas: int = 0
    """How many were made and passed the filter."""
    new: int = 0
    """How many of them are no duplicates: the parents of the next round."""


@dataclass
class ExpandOutcome(Outcome):
    """What an ``expand`` came to."""

    rounds: list[Round] = field(default_factory=list)

    @property
    def personas(self) -> int:
        """How many were made in all rounds."""
        return sum(each.personas for each in self.rounds)

    @property
    def new(self) -> int:
        """How many of them are no duplicates."""
        return sum(each.new for each in self.rounds)

    def to_json(self) -> dict[str, Any]:
        """The contract of ``expand --json``."""
        rounds = [asdict(each) for each in self.rounds]
        return {"personas": self.personas, "new": self.new, "rounds": rounds, **super().to_json()}


def expand(
    hub: Path | str,
    *,
    rounds: int = 6,
    per_persona: int = 3,
    limit: int | None = None,
    model: str | LanguageModel | Sequence[LanguageModel] = DEFAULT_MODEL,
    language: str | None = None,
    seed: int = 0,
    encoder: str | EmbeddingModel | None = None,
    calls: Calls | None = None,
    watcher: Watcher | None = None,
) -> ExpandOutcome:
    """Ask who is in close relationship with each persona, and of these again, round after round.

    The first round begins with the personas of texts and imports that the hub's view shows, each later one
    with those of the round before that are new: no duplicates of any other. An unfinished run of the same is
    gone on with.

    Args:
        hub: the hub's directory.
        rounds: how many steps to go.
        per_persona: how many people to ask for about each persona.
        limit: most personas to make; what is left of it is shared evenly over the rounds left. A round that
            may not ask as often as it could asks about all its personas before it asks about one again.
        model: a model's name (:mod:`personahub.models.opening` says which there are), or model objects.
        language: of the personas, ISO 639-1; None for each persona's own.
        seed: of the sampling.
        encoder: finds semantic duplicates: a server's embedding model, as for :func:`personahub.curate`; by
            default the built-in one.
        calls: how the calls are made and what they may cost.
        watcher: is told how it goes.

    Raises:
        UserError: whatever the user can mend.
    """
    language = check_language(language) if language else None
    target = Hub(hub)
    if not target.personas.count("round = 0"):
        raise UserError(
            f"{hub}: holds no personas to begin with; personahub curate SOURCE --hub {hub} makes some"
        )
    calls = calls or Calls()
    models = calls.open(model)
    asker = PersonaToPersona(model=models[0].name, language=language, seed=seed)
    view = View.parse(target.duplicates.now().view or str(View()))
    configuration = {
        "rounds": rounds,
        "per_persona": per_persona,
        "limit": limit,
        "model": models[0].name,
        "template": asker.template.version,
        "language": language,
        "seed": seed,
        "view": str(view),
    }
    with working(
        target,
        "expand",
        configuration,
        model=model,
        models=models,
        calls=calls,
        outcome=ExpandOutcome,
        watcher=watcher,
    ) as work:
        opened = calls.open_encoder(encoder) if encoder else None
        expansion = _Expansion(work, asker, opened, view, per_persona)
        run_async(expansion.run(rounds, limit, estimate=calls.estimate))
        target.personas.index_text()
        work.estimated()
        work.ended(expansion.counts())
        return work.outcome


class _Expansion:
    """One run: joins the hub's personas, the asker, the engine and deduplication."""

    def __init__(
        self,
        work: Work[ExpandOutcome],
        asker: PersonaToPersona,
        encoder: EmbeddingModel | None,
        view: View,
        per_persona: int,
    ) -> None:
        self._work = work
        self._hub = work.hub
        self._asker = asker
        self._encoder = encoder
        self._view = view
        self._per_persona = per_persona
        self._questions: dict[str, RelationQuestion] = {}

    def counts(self) -> dict[str, Any]:
        return {
            "personas": self._work.outcome.personas,
            "rounds": {str(each.number): asdict(each) for each in self._work.outcome.rounds},
        }

    async def run(self, rounds: int, limit: int | None, *, estimate: bool) -> None:
        work = self._work
        async with work.engaged():
            try:
                await self._deduplicate()
                # Personas of later runs are no parents, so a run that is gone on with begins with the same.
                parents = self._shown(f"round = 0 AND run < {work.outcome.run.number}")
                for number in range(1, rounds + 1):
                    quota = len(parents) * self._per_persona
                    if limit is not None:
                        quota = min(quota, -(-(limit - work.outcome.personas) // (rounds - number + 1)))
                    if estimate:
                        work.estimating("personas", _most(len(parents), self._per_persona, rounds, limit))
                        await self._round(parents, min(quota, SAMPLED), number)
                        return
                    if not quota:
                        break
                    this = await self._round(parents, quota, number)
                    if work.engine.stopping:
                        break
                    await self._deduplicate()
                    parents = self._shown(f"round = {number} AND run = {work.outcome.run.number}")
                    this.new = len(parents)
            finally:
                if self._encoder:
                    await asyncio.to_thread(self._encoder.close)

    async def _round(self, parents: Sequence[str], quota: int, number: int) -> Round:
        work = self._work
        this = Round(number)
        work.outcome.rounds.append(this)
        work.watcher.started(f"answers of round {number}", quota, work.outcome.run, work.resumed)
        async for completion in work.engine.complete(
            question.request for question in self._ask(parents, quota, number)
        ):
            this.asked += 1
            self._answer(completion, this)
            work.advanced(this.asked, work.outcome.personas, self.counts())
        work.buffer.flush()
        return this

    def _ask(self, parents: Sequence[str], quota: int, number: int) -> Iterator[RelationQuestion]:
        each, more = divmod(quota, len(parents))
        position = 0
        for start in range(0, len(parents), _DRAWN):
            ids = parents[start : start + _DRAWN] if each else parents[start : min(start + _DRAWN, more)]
            rows = self._hub.personas.get(ids)
            used = self._used(ids) if number == 1 else {}
            for place, parent_id in enumerate(ids, start):
                count = each + (place < more)
                for question in self._asker.ask(
                    rows[parent_id], count, used=used.get(parent_id, set()), first_position=position
                ):
                    self._questions[question.request.key] = question
                    yield question
                position += count

    def _used(self, ids: Sequence[str]) -> Mapping[str, set[str]]:
        """The relations that earlier runs asked about these personas.

        They are asked for in an order that is fixed for each persona, so those whose answers were set aside
        are known by their number.
        """
        run = self._work.outcome.run.number
        used: defaultdict[str, set[str]] = defaultdict(set)
        for child in self._hub.personas.children(ids, ["parent_id", "relation", "run"]):
            if child["run"] < run:
                used[child["parent_id"]].add(child["relation"])
        refused = Counter(
            case["parent_id"]
            for case in self._hub.set_aside.children(ids, ["parent_id", "run"])
            if case["run"] < run
        )
        for parent_id, count in refused.items():
            asked = count + len(used[parent_id])
            used[parent_id].update(map(str, self._asker.relations(parent_id)[:asked]))
        return used

    def _answer(self, completion: Completion, this: Round) -> None:
        work = self._work
        question = self._questions.pop(completion.request.key)
        if work.estimator:
            work.estimator.add(completion.request.key, completion)
        if completion.failure:
            work.failed(completion.failure)
            return
        answer = self._asker.answer(question, completion, run=work.outcome.run.number)
        work.buffer.add(answer)
        if isinstance(answer, Persona):
            this.personas += 1
        else:
            work.outcome.set_aside[answer.reason] += 1

    async def _deduplicate(self) -> None:
        # In the way in which the hub's words were compared before, so that only new personas are.
        await asyncio.to_thread(
            bring_up_to_date,
            self._hub,
            self._view,
            self._encoder,
            _Told(self._work.watcher),
            minhash=surface_way(self._hub),
        )

    def _shown(self, where: str) -> list[str]:
        """Ids of the personas that meet the condition and are no duplicates, in their order."""
        shown = open_view(self._hub, str(self._view))
        found: list[str] = []
        for batch in self._hub.personas.read(["id"], where):
            found += (batch["id"].filter(shown.shows(batch["id"])) if shown else batch["id"]).to_pylist()
        return sorted(found)


def _most(parents: int, per_persona: int, rounds: int, limit: int | None) -> int:
    """The personas that all rounds could make."""
    most = parents * sum(int(per_persona**number) for number in range(1, rounds + 1))
    return most if limit is None else min(most, limit)


class _Told(StepWatcher):
    """Tells a run's watcher of the long steps of a deduplication."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def began(self, step: str, total: int | None) -> None:
        if (total or 0) >= _LONG:
            self._watcher.notice(f"{step}, {total:,} in all …")

    def notice(self, text: str) -> None:
        self._watcher.notice(text)


_LONG = 10_000

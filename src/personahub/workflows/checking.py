"""Checks at work: a batch through those that need no model, then rounds of questions for the others."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from personahub.completion import BatchEngine, Completion, Engine
from personahub.verification import AskingCheck, Checking, Finding, Item, LocalCheck, Question

__all__ = ["Checker", "Judged"]

_THREADS = 4
"""Checks that go on at a time between two rounds: they run programs and compare formulas."""


class Judged(NamedTuple):
    """A finding with what it cost."""

    finding: Finding
    model: str = ""
    """Who was asked, two with a comma."""
    calls: int = 0
    tokens: int = 0
    cost: float | None = 0.0
    """US dollars; None where a price is not known."""
    seconds: float = 0.0
    """The model's own, of all calls."""


@dataclass
class _Running:
    """One item in one check that asks."""

    place: int
    check: AskingCheck
    course: Checking
    pending: Sequence[Question] = ()
    found: Judged = field(default_factory=lambda: Judged(Finding("undecided", "stopped")))
    over: bool = False

    def advance(self, completions: Sequence[Completion] | None) -> None:
        """Hand over what came; the check says what it asks next, or what it found."""
        try:
            # A generator begins with None.
            self.pending = self.course.send(completions)  # type: ignore[arg-type]
        except StopIteration as end:
            self.found, self.over = self.found._replace(finding=end.value), True

    def pay(self, completions: Sequence[Completion]) -> None:
        """Count what the completions cost."""
        found = self.found
        for completion in completions:
            usage = completion.usage
            found = Judged(
                found.finding,
                _named(found.model, completion.request.model),
                found.calls + 1,
                found.tokens + (usage.prompt_tokens or 0) + (usage.completion_tokens or 0),
                _with(found.cost, completion),
                found.seconds + completion.seconds,
            )
        self.found = found


def _with(cost: float | None, completion: Completion) -> float | None:
    """The cost with that of a completion; what was given up has none of its own."""
    if completion.failure:
        return cost
    return None if cost is None or completion.cost is None else cost + completion.cost


@dataclass
class Checker:
    """Runs checks over batches of items.

    Args:
        local: checks that need no model.
        asking: checks that ask one.
        engine: asks the model; None where no check asks.
        second: asks the second model, where one was given.
        notices: what the user should know before it begins.
    """

    local: Sequence[LocalCheck]
    asking: Sequence[AskingCheck]
    engine: Engine | BatchEngine | None = None
    second: Engine | None = None
    notices: Sequence[str] = ()

    async def check(self, items: Sequence[Item], wanted: Sequence[Sequence[str]]) -> list[dict[str, Judged]]:
        """What each check finds of each item, by the check's name.

        Where the engine is stopped, what was not finished has no finding.

        Args:
            items: what is checked.
            wanted: for each of them the checks that it gets.
        """
        found: list[dict[str, Judged]] = [{} for _ in items]
        for check in self.local:
            places = [place for place, names in enumerate(wanted) if check.name in names]
            if places:
                # In a thread, so that calls that are in flight go on.
                findings = await asyncio.to_thread(check.judge, [items[place] for place in places])
                for place, finding in zip(places, findings, strict=True):
                    found[place][check.name] = Judged(finding)
        running = [
            _Running(place, check, check.check(item))
            for place, (item, names) in enumerate(zip(items, wanted, strict=True))
            for check in self.asking
            if check.name in names
        ]
        await self._ask(running)
        for each in running:
            if each.over:
                found[each.place][each.check.name] = each.found
        return found

    async def _ask(self, running: Sequence[_Running]) -> None:
        with ThreadPoolExecutor(_THREADS) as threads:
            loop = asyncio.get_running_loop()

            async def advance(each: _Running, completions: Sequence[Completion] | None) -> None:
                await loop.run_in_executor(threads, each.advance, completions)

            await asyncio.gather(*(advance(each, None) for each in running))
            while alive := [each for each in running if not each.over]:
                completions = await self._complete(alive)
                if self.engine and self.engine.stopping:
                    return
                replies = [[completions[_key(question)] for question in each.pending] for each in alive]
                for each, got in zip(alive, replies, strict=True):
                    each.pay(got)
                await asyncio.gather(*(advance(each, got) for each, got in zip(alive, replies, strict=True)))

    async def _complete(self, alive: Sequence[_Running]) -> Mapping[tuple[str, bool], Completion]:
        """The completions of all that is asked now; the same question is asked once."""
        questions = [question for each in alive for question in each.pending]
        found: dict[tuple[str, bool], Completion] = {}
        for engine, second in ((self.engine, False), (self.second, True)):
            requests = {
                question.request.key: question.request for question in questions if question.second == second
            }
            if engine and requests:
                async for completion in engine.complete(iter(requests.values())):
                    found[completion.request.key, second] = completion
            if second and engine and engine.stopping and self.engine and not self.engine.stopping:
                self.engine.stop()
                self.engine.over_budget = engine.over_budget
        return found


def _named(known: str, model: str) -> str:
    """The models that were asked, each once."""
    return model if not known else known if model in known.split(", ") else f"{known}, {model}"


def _key(question: Question) -> tuple[str, bool]:
    return question.request.key, question.second

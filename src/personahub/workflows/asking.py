"""All questions about records, asked in turn: the first of each, then those that go on from the replies."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from personahub.completion import BatchEngine, Completion, Engine, Failure
from personahub.models import Request
from personahub.synthesis import Brief, Synthesizer

__all__ = ["Exchange", "converse", "numbering"]


@dataclass
class Exchange:
    """What was asked and replied about one record so far.

    Attributes:
        brief: what the record is made from.
        requests: the questions, in their order.
        replies: the values that the model replied to them; one fewer than questions where one failed.
        failure: why the last question was given up.
    """

    brief: Brief
    requests: list[Request] = field(default_factory=list)
    replies: list[Any] = field(default_factory=list)
    failure: Failure | None = None

    def is_whole(self, synthesizer: Synthesizer) -> bool:
        """Whether everything is replied."""
        return len(self.replies) == len(synthesizer.steps(self.brief))


def numbering(synthesizer: Synthesizer) -> Callable[[Brief], Brief]:
    """What makes each brief the n-th sample of its question: the same sentence may be two personas'."""
    seen: Counter[int] = Counter()

    def number(brief: Brief) -> Brief:
        key = int(synthesizer.ask(brief).key[:15], 16)
        sample = seen[key]
        seen[key] += 1
        return replace(brief, sample=sample) if sample else brief

    return number


async def converse(
    engine: Engine | BatchEngine, synthesizer: Synthesizer, briefs: Sequence[Brief]
) -> AsyncIterator[tuple[Completion, list[Exchange]]]:
    """Each completion, as it comes, with those whose question it answers: two may have the same one.

    The next question about any record is asked when all have a reply to the one before. What failed is asked
    no further. Ends early where the engine is stopped.

    Args:
        engine: asks the model.
        synthesizer: makes the questions.
        briefs: what the records are made from.
    """
    alive = [Exchange(brief) for brief in briefs]
    while alive:
        asked: defaultdict[str, list[Exchange]] = defaultdict(list)
        requests = []
        for exchange in alive:
            request = _request(synthesizer, exchange)
            if request.key not in asked:
                requests.append(request)
            exchange.requests.append(request)
            asked[request.key].append(exchange)
        alive = []
        async for completion in engine.complete(requests):
            exchanges = asked.pop(completion.request.key)
            for exchange in exchanges:
                exchange.failure = completion.failure
                if not completion.failure:
                    exchange.replies.append(completion.value)
                    if not exchange.is_whole(synthesizer):
                        alive.append(exchange)
            yield completion, exchanges
        if engine.stopping:
            return
        alive.sort(key=lambda exchange: exchange.brief.position)


def _request(synthesizer: Synthesizer, exchange: Exchange) -> Request:
    brief = exchange.brief
    request = synthesizer.ask(brief, exchange.replies)
    # What shows the same examples shares a long beginning.
    return replace(request, group=f"examples {brief.shown}") if brief.shown else request

"""What a run has had answered and what it paid: the journal, the sums and the budget, kept together."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any

from personahub.completion.budget import Budget, Ceiling, Most, most_tokens
from personahub.completion.completions import Completion, Failure, Totals
from personahub.completion.in_flight import journal_killed
from personahub.completion.journal import Entry, EntryKind, Journal
from personahub.completion.output import read_again
from personahub.completion.prices import Price
from personahub.errors import UserError
from personahub.models import Reply, Request, RequestError, Usage

__all__ = ["Ledger"]


@dataclass
class Ledger:
    """One run's side of the journal.

    Attributes:
        journal: holds what was answered.
        run: number of the run that pays.
        model: the model's name.
        price: of the calls; None where it is unknown.
        ceiling: the most that the run may spend.
        fresh: ask again what earlier runs had answered.
        retrying: reasons for which requests that this run gave up are asked again.
        held: keys of requests that are in a batch at a vendor, where they were paid for.

    Raises:
        UserError: there is a ceiling for the cost and no price.
    """

    journal: Journal
    run: int
    model: str
    price: Price | None
    ceiling: Ceiling
    fresh: bool
    retrying: frozenset[str]
    held: Container[str] = frozenset()
    totals: Totals = field(default_factory=Totals)
    budget: Budget | None = None

    def __post_init__(self) -> None:
        """Count what the run spent before."""
        if self.ceiling.cost is not None and self.price is None:
            raise UserError(
                f"the price of {self.model} is not known, so a ceiling for its cost cannot be kept:"
                " give the price in a file (--prices), or a ceiling in tokens (--max-tokens)"
            )
        journal_killed(self.journal, self.run, self.model)
        if not self.ceiling:
            return
        self.budget = Budget(self.ceiling, self.price)
        for (run, _), spent in self.journal.spent(self.run).items():
            if run == self.run:
                self.budget.spend(
                    cost=spent.cost + spent.most_cost,
                    tokens=spent.prompt_tokens + spent.completion_tokens + spent.most_tokens,
                    calls=spent.replies + spent.wasted,
                )

    def known(self, requests: Sequence[Request]) -> list[Completion | None]:
        """What the journal knows of each request.

        Raises:
            UserError: a request waits in a batch at a vendor, or the journal cannot be read.
        """
        entries = self.journal.get_many([request.key for request in requests])
        found = list(map(self._remembered, requests, entries))
        if self.held and any(
            request.key in self.held
            for request, completion in zip(requests, found, strict=True)
            if completion is None
        ):
            raise UserError(
                "some of these requests are in a batch at the vendor already, where they are paid for:"
                " give --batch and the same model to fetch it (or cancel it there first)"
            )
        return found

    def _remembered(self, request: Request, entry: Entry | None) -> Completion | None:
        if entry is None:
            return None
        if entry.kind is EntryKind.FAILURE:
            if entry.run != self.run or entry.reason in self.retrying:
                return None
            failure = Failure(entry.reason, entry.detail, entry.attempts, entry.text)
            self.totals.failures += 1
            return Completion(request, failure=failure, asked=False)
        if self.fresh and entry.run != self.run:
            return None
        self.totals.answered_before += 1
        usage = Usage(entry.prompt_tokens, entry.cached_tokens, entry.completion_tokens)
        value = read_again(request, entry.text)
        return Completion(request, value, None, False, usage, entry.cost, entry.seconds)

    def most(self, request: Request) -> Most:
        """What a call can come to at most."""
        prompt, completion = most_tokens(request)
        return Most(prompt + completion, self.price.most(prompt, completion) if self.price else 0.0)

    def reply(self, reply: Reply, *, key: str, about: str, attempts: int, most: Callable[[], Most]) -> Entry:
        """The entry of a reply.

        Args:
            reply: what came.
            key: the request's.
            about: what it is about.
            attempts: how often it was sent.
            most: what the call can have come to at most.
        """
        return Entry(
            key=key,
            kind=EntryKind.REPLY,
            run=self.run,
            model=self.model,
            text=reply.text,
            finish_reason=reply.finish_reason,
            about=about,
            attempts=attempts,
            seconds=reply.seconds,
            **self._paid(reply.usage, most),
        )

    def fault(
        self,
        kind: EntryKind,
        error: RequestError,
        *,
        key: str,
        about: str,
        attempts: int,
        most: Callable[[], Most],
    ) -> Entry:
        """The entry of a wasted attempt, or of a request that is given up (which costs nothing more)."""
        usage = error.usage if kind is EntryKind.WASTED else None
        return Entry(
            key=key,
            kind=kind,
            run=self.run,
            model=self.model,
            text=error.text,
            reason=error.reason,
            detail=str(error),
            about=about,
            attempts=attempts,
            **(self._paid(usage, most) if usage else {}),
        )

    def _paid(self, usage: Usage, most: Callable[[], Most]) -> dict[str, Any]:
        untold = {}
        if usage.prompt_tokens is None or usage.completion_tokens is None:
            at_most = most()
            untold = {"most_tokens": at_most.tokens, "most_cost": at_most.cost}
        return {
            **untold,
            "prompt_tokens": usage.prompt_tokens,
            "cached_tokens": usage.cached_tokens,
            "completion_tokens": usage.completion_tokens,
            "cost": self.price.cost(usage) if self.price else None,
        }

    def pay(self, entry: Entry, most: Most | None) -> None:
        """Count what a reply or a wasted attempt came to, in the place of what was set aside for it."""
        usage = Usage(entry.prompt_tokens, entry.cached_tokens, entry.completion_tokens)
        totals = self.totals
        totals.prompt_tokens += usage.prompt_tokens or 0
        totals.cached_tokens += usage.cached_tokens or 0
        totals.completion_tokens += usage.completion_tokens or 0
        totals.untold += usage.prompt_tokens is None or usage.completion_tokens is None
        totals.cost += entry.cost or 0.0
        totals.unpriced += entry.cost is None
        if most and self.budget:
            self.budget.settle(most, usage, entry.cost)

    def give_back(self, most: Most | None) -> None:
        """Free what was set aside for a call that cost nothing."""
        if most and self.budget:
            self.budget.settle(most, None, None)

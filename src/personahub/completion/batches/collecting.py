"""The results of a batch, on their way into the journal."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from personahub.completion.batches.files import Asked
from personahub.completion.batches.log import BatchLog, OpenBatch
from personahub.completion.budget import Most
from personahub.completion.completions import Failure
from personahub.completion.journal import Entry, EntryKind
from personahub.completion.ledger import Ledger
from personahub.completion.output import read_output
from personahub.completion.retries import Tries
from personahub.errors import UserError
from personahub.models import NOTHING_TOLD, Reply, RequestError, Usage
from personahub.models.batches import BatchModel, BatchState, BatchStatus
from personahub.models.choices import with_chances

__all__ = ["Collecting", "Result", "outcomes"]

_Outcome = Reply | RequestError | UserError


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a request, for good."""

    value: Any = None
    failure: Failure | None = None
    usage: Usage = NOTHING_TOLD
    cost: float | None = None
    """US dollars."""


@dataclass
class Collecting:
    """One batch's results, written once each, also where a crash has left some of them in the journal.

    Attributes:
        batch: which.
        ledger: the journal, and the sums and the budget of the run that collects.
        model: whose batch it is.
        again: what the requests that shall be asked again have met so far, by key.
        fields: of those requests that the model was found to refuse.
        wrong: why no request of this model can be answered, where some were not.
        answered: how many have a reply that fits.
    """

    batch: OpenBatch
    ledger: Ledger
    model: BatchModel
    again: dict[str, Counter[str]] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)
    wrong: UserError | None = None
    answered: int = 0
    _already: dict[str, set[EntryKind]] = field(default_factory=dict)
    _chance: Random = field(default_factory=lambda: Random(0))

    @property
    def own(self) -> bool:
        """Whether the run that collects is the one that pays."""
        return self.batch.intent.run == self.ledger.run

    def begin(self, log: BatchLog) -> None:
        """Note where in the journal the results begin, or see which of them are there.

        Raises:
            UserError: the journal or the log cannot be written.
        """
        journal, run = self.ledger.journal, self.batch.intent.run
        if self.batch.entries is None:
            journal.sync()
            sums = [spent for (paying, _), spent in journal.spent(run).items() if paying == run]
            log.collecting(self.batch, sum(spent.replies + spent.wasted + spent.failures for spent in sums))
            return
        for entry in islice(journal.entries(run=run), self.batch.entries, None):
            self._already.setdefault(entry.key, set()).add(entry.kind)

    def take(self, asked: Asked, outcome: _Outcome) -> Result | None:
        """Write down what came of a request; None where nothing did, for now or at all.

        Raises:
            UserError: the journal cannot be written.
        """
        most = asked.most(self.ledger.price) if self.own else None
        if isinstance(outcome, Reply):
            form = asked.form(self.model.name)
            outcome = with_chances(form, outcome)
            try:
                value = read_output(form, outcome)
            except RequestError as error:
                return self._fault(asked, error, most)
            entry = self.ledger.reply(outcome, **self._of(asked))
            self._write(entry, most)
            self.answered += 1
            return Result(value, None, outcome.usage, entry.cost)
        if isinstance(outcome, RequestError):
            return self._fault(asked, outcome, most)
        self.wrong = self.wrong or outcome
        self.ledger.give_back(most)
        return None

    def _of(self, asked: Asked) -> dict[str, Any]:
        """What the ledger keeps of it."""
        return {
            "key": asked.key,
            "about": asked.about,
            "attempts": asked.attempts,
            "most": lambda: asked.most(self.ledger.price),
        }

    def _fault(self, asked: Asked, error: RequestError, most: Most | None) -> Result | None:
        if error.usage is None:
            self.ledger.give_back(most)
        else:
            self._write(self.ledger.fault(EntryKind.WASTED, error, **self._of(asked)), most)
        if error.reason == "refused" and (
            fields := self.model.refused(error) - set(self.batch.intent.without)
        ):
            self.fields |= fields
            self.again[asked.key] = Counter(asked.faults)
            return None
        tries = Tries(asked.attempts, Counter(asked.faults))
        if tries.again(error, self._chance) is not None:
            self.again[asked.key] = tries.faults
            return None
        # Where the user has it asked again, it begins anew.
        self.again[asked.key] = Counter()
        self._write(self.ledger.fault(EntryKind.FAILURE, error, **self._of(asked)), None)
        self.ledger.totals.failures += self.own
        return Result(failure=Failure(error.reason, str(error), asked.attempts, error.text))

    def _write(self, entry: Entry, most: Most | None) -> None:
        if entry.kind in self._already.get(entry.key, ()):
            self.ledger.give_back(most)
            return
        if self.own and entry.kind is not EntryKind.FAILURE:
            self.ledger.pay(entry, most)
        self.ledger.journal.append(entry._replace(run=self.batch.intent.run))


def outcomes(
    results: Path, asked: Mapping[str, Asked], model: BatchModel, state: BatchState
) -> Iterator[tuple[Asked, _Outcome]]:
    """Each request of a batch with what came of it: first those with a result, then the rest."""
    missing = dict(asked)
    with results.open("rb") as lines:
        for line in lines:
            answer = model.read(line) if line.strip() else None
            if answer and (found := missing.pop(answer.key, None)):
                yield found, answer.outcome
    rest = _nothing_came(model, state)
    for left in missing.values():
        yield left, rest


def _nothing_came(model: BatchModel, state: BatchState) -> RequestError | UserError:
    if state.status is BatchStatus.CANCELLED:
        return UserError(
            f"{model.provider}: batch {state.id} was cancelled there; what it had answered is kept: give the"
            " same command again to ask for the rest"
        )
    if state.status is BatchStatus.EXPIRED:
        return RequestError("expired", "the batch's day was over")
    # It was answered, and billed, and the line was lost.
    return RequestError("malformed_reply", "no readable result came", usage=NOTHING_TOLD)

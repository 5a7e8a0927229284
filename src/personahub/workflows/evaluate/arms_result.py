"""What ``evaluate arms`` comes to: for each method what its calls gave, what it cost, how diverse it is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from personahub.completion import Spent
from personahub.evaluation.intervals import wilson
from personahub.workflows.evaluate.diversity import Diversity
from personahub.workflows.running import Outcome

__all__ = ["Arm", "Arms", "CheckFound"]


@dataclass(frozen=True)
class CheckFound:
    """What one check found of an arm's accepted records.

    Attributes:
        passed: how many passed.
        failed: how many did not, by reason.
        undecided: of how many it cannot tell, by reason; the check was not done on them.
        calls: replies that it took.
        tokens: of prompts and replies.
        cost: US dollars; None where that of a reply is not known, also of one that could not be used.
    """

    passed: int
    failed: Mapping[str, int]
    undecided: Mapping[str, int]
    calls: int
    tokens: int
    cost: float | None


@dataclass(frozen=True)
class Arm:
    """What one method came to.

    Attributes:
        name: the method.
        dataset: the data set of the hub that has its accepted records.
        runs: the run that made them, then that which checked them, where one did.
        spent: what the calls that made them came to, in all invocations.
        prepared: replies among them that went into what the method needs before the first record.
        asked: how many records were made or failed.
        accepted: how many of them the task's own rules accepted, each text of a persona once.
        set_aside: how many were set aside, by reason.
        checks: what each check found of the accepted ones, by name.
        checks_spent: what the calls of the run that checked them came to, without replies it knew.
        kept: how many of the accepted ones no check failed.
    """

    name: str
    dataset: str
    runs: tuple[int, ...]
    spent: Spent
    prepared: int
    asked: int
    accepted: int
    set_aside: Mapping[str, int]
    checks: Mapping[str, CheckFound]
    checks_spent: Spent
    kept: int

    @property
    def calls(self) -> int:
        """Calls that were answered or may have been billed."""
        return self.spent.replies + self.spent.wasted

    @property
    def tokens(self) -> int:
        """Of prompts and replies, as far as they were told."""
        return self.spent.prompt_tokens + self.spent.completion_tokens

    @property
    def cost(self) -> float | None:
        """US dollars; None where the price of a call is not known."""
        return None if self.spent.unpriced else self.spent.cost

    def share(self, count: int) -> tuple[float, float, float] | None:
        """Of so many records the share of the calls, with its 95 % interval; None where no call was made."""
        if not self.calls:
            return None
        # A call makes one record at most; an item that one call makes twice is none.
        hits = min(count, self.calls)
        return hits / self.calls, *wilson(hits, self.calls)

    def for_each_kept(self, *, checked: bool) -> dict[str, float | None] | None:
        """Calls, tokens and dollars for each record that is kept; None where none is.

        Args:
            checked: count the calls of the checks too.
        """
        if not self.kept:
            return None
        checks = self.checks.values() if checked else ()
        costs = (self.cost, self._checks_cost() if checked else 0.0)
        known = [cost for cost in costs if cost is not None]
        return {
            "calls": (self.calls + sum(check.calls for check in checks)) / self.kept,
            "tokens": (self.tokens + sum(check.tokens for check in checks)) / self.kept,
            "cost": sum(known) / self.kept if len(known) == len(costs) else None,
        }

    def _checks_cost(self) -> float | None:
        """What the checks' replies cost; where a check does not know it, what was paid for them."""
        known = [found.cost for found in self.checks.values() if found.cost is not None]
        if len(known) == len(self.checks):
            return sum(known)
        return None if self.checks_spent.unpriced else self.checks_spent.cost

    def to_json(self) -> dict[str, Any]:
        """Part of the contract of ``evaluate arms --json``."""
        spent = self.spent
        return {
            "name": self.name,
            "dataset": self.dataset,
            "runs": list(self.runs),
            "calls": self.calls,
            "prepared": self.prepared,
            "prompt_tokens": spent.prompt_tokens,
            "completion_tokens": spent.completion_tokens,
            "cost": self.cost,
            "seconds": round(spent.seconds, 3),
            "failures": spent.failures_by_reason,
            "asked": self.asked,
            "accepted": self.accepted,
            "accepted_share": _share_told(self.share(self.accepted)),
            "set_aside": dict(self.set_aside),
            "checks": {name: asdict(found) for name, found in self.checks.items()},
            "kept": self.kept,
            "kept_share": _share_told(self.share(self.kept)),
            "for_each_kept": self.for_each_kept(checked=False),
            "for_each_kept_with_checks": self.for_each_kept(checked=True),
            "seconds_for_each_kept": spent.seconds / self.kept if self.kept else None,
        }


def _share_told(share: tuple[float, float, float] | None) -> dict[str, float] | None:
    if share is None:
        return None
    return {name: round(number, 6) for name, number in zip(("value", "low", "high"), share, strict=True)}


@dataclass(frozen=True)
class Arms:
    """Several methods of one task with the same number of calls to the same model.

    Attributes:
        task: the task.
        model: the model.
        calls: how many each method was given.
        seed: of everything that is drawn.
        personas: how many different personas the methods began with, the same ones in the same order.
        checks: names of the checks.
        arms: what each method came to.
        accepted: how diverse the accepted records are; None where too few methods have enough.
        kept: the same of the kept records.
        not_measured: why a method's records are not in either, by "accepted" or "kept", then by method.
        stopped: the run that an interrupt or a ceiling cut off; the same call goes on with it.
    """

    task: str
    model: str
    calls: int
    seed: int
    personas: int
    checks: tuple[str, ...]
    arms: tuple[Arm, ...]
    accepted: Diversity | None = None
    kept: Diversity | None = None
    not_measured: Mapping[str, Mapping[str, str]] | None = None
    stopped: Outcome | None = None

    def to_json(self) -> dict[str, Any]:
        """The contract of ``evaluate arms --json``."""
        return {
            "task": self.task,
            "model": self.model,
            "calls": self.calls,
            "seed": self.seed,
            "personas": self.personas,
            "checks": list(self.checks),
            "finished": self.stopped is None,
            "arms": [arm.to_json() for arm in self.arms],
            "diversity": {
                "accepted": self.accepted and self.accepted.to_json(),
                "kept": self.kept and self.kept.to_json(),
                "not_measured": {form: dict(why) for form, why in (self.not_measured or {}).items()},
            },
        }

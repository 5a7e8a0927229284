"""Which faults are worth another try, how many, and after what wait."""

import random
from collections import Counter
from dataclasses import dataclass, field

from personahub.models import RequestError

__all__ = ["REFUSALS", "Tries"]

REFUSALS = frozenset({"rate_limited", "overloaded"})
"""The server would not take the call now; nothing was done and nothing billed."""

_LIMITS = {
    "rate_limited": 30,
    "overloaded": 30,
    "connection": 12,
    "server_error": 5,
    "timeout": 3,
    "malformed_reply": 3,
    "empty_reply": 2,
    "cut_off": 1,
    "whitespace_loop": 2,
    "invalid_output": 1,
    "expired": 3,
}
"""Further tries after the first, each kind counted alone; a fault that is not here is final."""

_FIRST_WAIT = {"rate_limited": 1.0, "overloaded": 1.0, "connection": 0.5, "server_error": 0.2, "timeout": 0.2}
_LONGEST_WAIT = 30.0
_LONGEST_ASKED = 300.0


@dataclass(slots=True)
class Tries:
    """The faults that one request has met so far."""

    made: int = 0
    """Calls sent for it."""
    faults: Counter[str] = field(default_factory=Counter)
    """How many of each kind."""

    def again(self, error: RequestError, chance: random.Random) -> float | None:
        """Seconds to wait before the next try, or None where there shall be none.

        The wait doubles with each fault of the kind and is drawn from its upper half, so that requests that
        failed together do not come back together; a wait that the server asks for is kept, and up to a tenth
        is added.
        """
        self.faults[error.reason] += 1
        count = self.faults[error.reason]
        if count > _LIMITS.get(error.reason, 0):
            return None
        if error.retry_after is not None:
            return min(error.retry_after, _LONGEST_ASKED) * chance.uniform(1.0, 1.1)
        wait = min(_FIRST_WAIT.get(error.reason, 0.0) * 2.0 ** (count - 1), _LONGEST_WAIT)
        return wait * chance.uniform(0.5, 1.0)

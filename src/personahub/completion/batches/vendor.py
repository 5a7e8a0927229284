"""A vendor's batch API, asked patiently: faults are tried again, and what was created is found again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from personahub.completion.batches.files import BatchFiles
from personahub.completion.batches.log import OpenBatch
from personahub.completion.retries import Tries
from personahub.errors import UserError
from personahub.models import RequestError
from personahub.models.batches import BatchModel, BatchState, BatchStatus

__all__ = ["NotCreatedError", "Polling", "StoppedError", "Vendor"]

_T = TypeVar("_T")

_PATIENCE = 3600.0
"""Seconds without one answer about a running batch after which a run gives up; the batch goes on."""
_SKEW = 3600.0
"""Seconds by which a vendor's clock may be behind ours."""
_CLEAN = frozenset({"rate_limited", "refused", "prompt_too_long"})
"""Faults after which nothing can have been created."""
_TOLD_EACH = 600.0


@dataclass(frozen=True, slots=True)
class Polling:
    """Seconds between two questions about a batch: these at first, then more and more."""

    first: float = 5.0
    longest: float = 60.0

    def after(self, wait: float) -> float:
        """The wait that follows one of so many seconds."""
        return min(1.5 * wait, self.longest)


class StoppedError(Exception):
    """The user interrupted; what the vendor holds goes on there."""


class NotCreatedError(Exception):
    """A batch was surely not created.

    Attributes:
        why: what to raise once that is written down.
    """

    def __init__(self, why: UserError | StoppedError) -> None:
        """Keep the reason."""
        super().__init__(str(why))
        self.why = why


class Vendor:
    """One model's batch API, for the time of one event loop.

    Args:
        model: how to speak with it.
        polling: how often to ask it.
        notice: is told what the user should know.
    """

    def __init__(self, model: BatchModel, polling: Polling, notice: Callable[[str], None]) -> None:
        """Nothing is asked yet."""
        self.model = model
        self._polling = polling
        self._notice = notice
        self._stop = asyncio.Event()
        self._chance = random.Random(0)
        self._told = -_TOLD_EACH

    def stop(self) -> None:
        """End every wait, now and later."""
        self._stop.set()

    async def pause(self, seconds: float) -> None:
        """Wait.

        Raises:
            StoppedError: the user interrupted, before or meanwhile.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        if self._stop.is_set():
            raise StoppedError

    async def insist(self, step: Callable[[], Awaitable[_T]], *, patience: float = 0.0) -> _T:
        """Do a step that may be done again, until it succeeds.

        Args:
            step: what to do.
            patience: seconds to go on with after the usual number of tries.

        Raises:
            UserError: it did not succeed, or cannot.
            StoppedError: the user interrupted.
        """
        tries, start = Tries(), time.monotonic()
        while True:
            try:
                return await self._unless_stopped(step())
            except RequestError as error:
                wait = tries.again(error, self._chance)
                if wait is None and time.monotonic() - start < patience:
                    wait = self._polling.longest
                if wait is None:
                    raise self._given_up(error) from error
                if wait > 1 and time.monotonic() - self._told > _TOLD_EACH:
                    self._told = time.monotonic()
                    self._notice(f"{self.model.provider}: {error}; trying again")
            await self.pause(wait)

    def _given_up(self, error: RequestError) -> UserError:
        return UserError(
            f"{self.model.provider}: {error}; what the vendor holds already goes on there: give the same"
            " command again"
        )

    async def _unless_stopped(self, step: Awaitable[_T]) -> _T:
        done, stop = asyncio.ensure_future(step), asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait([done, stop], return_when=asyncio.FIRST_COMPLETED)
            if not done.done():
                raise StoppedError
            return done.result()
        finally:
            for task in (done, stop):
                task.cancel()
            await asyncio.gather(done, stop, return_exceptions=True)

    async def state(self, batch: str) -> BatchState:
        """How far a batch is; raises as :meth:`insist` does, after an hour without an answer."""
        return await self.insist(lambda: self.model.state(batch), patience=_PATIENCE)

    async def create(self, batch: OpenBatch, files: BatchFiles, ids: Collection[str]) -> BatchState:
        """Have a batch created whose intent is written down; after an unclear fault it is looked for first.

        Args:
            batch: which.
            files: where its body is.
            ids: the vendor's ids of the batches that are known.

        Raises:
            NotCreatedError: it was not; nothing was paid.
            UserError: nobody knows whether it was.
            StoppedError: the user interrupted, and nobody knows whether it was.
        """
        body = files.body(batch.intent.id)
        try:
            uploaded = await self.insist(lambda: self.model.upload(body))
        except (UserError, StoppedError) as error:
            raise NotCreatedError(error) from error
        tries = Tries()
        while True:
            try:
                return await self.model.create(body, uploaded, batch.intent.id)
            except UserError as error:
                raise NotCreatedError(error) from error
            except RequestError as error:
                fault, wait = error, tries.again(error, self._chance)
            if fault.reason not in _CLEAN and (fault.reason != "connection" or fault.usage is not None):
                await self.pause(self._polling.first)
                if (found := await self.find(batch, files, ids)) is not None:
                    return found
            if wait is None:
                raise NotCreatedError(self._given_up(fault))
            try:
                await self.pause(wait)
            except StoppedError as error:
                raise NotCreatedError(error) from error

    async def find(self, batch: OpenBatch, files: BatchFiles, ids: Collection[str]) -> BatchState | None:
        """The vendor's batch that was created for an intent, or None where none was.

        Where the vendor knows no marks on batches, those are candidates that nobody here knows, of about that
        time and of as many requests; the marks on their results decide, once they are over.

        Raises:
            UserError: the vendor cannot be asked.
            StoppedError: the user interrupted.
        """
        intent, candidates, after = batch.intent, [], ""
        while True:
            states, after = await self.insist(lambda after=after: self.model.page(after))  # type: ignore[misc]
            for state in states:
                if state.intent == intent.id:
                    return state
                unknown = state.intent is None and state.id not in ids
                if unknown and state.requests == intent.requests and state.created >= intent.time - _SKEW:
                    candidates.append(state)
            if not after or states[-1].created < intent.time - _SKEW:
                break
        for state in candidates:
            if (found := await self._checked(state, intent.id, files.results(intent.id))) is not None:
                return found
        return None

    async def _checked(self, state: BatchState, mark: str, results: Path) -> BatchState | None:
        """The candidate, over by now, if its results carry the mark; they are kept then."""
        wait = self._polling.first
        if state.status is BatchStatus.RUNNING:
            self._notice(f"waiting for batch {state.id}, which may be the one that was being created")
        while state.status is BatchStatus.RUNNING:
            await self.pause(wait)
            wait = self._polling.after(wait)
            state = await self.state(state.id)
        await self.fetch(state, results)
        return state if self._carry(mark, results) else None

    def _carry(self, mark: str, results: Path) -> bool:
        """Whether the results carry the mark; else they are another's and are deleted."""
        with results.open("rb") as lines:
            answer = next(filter(None, map(self.model.read, lines)), None)
        ours = answer is not None and answer.intent == mark
        if not ours:
            results.unlink()
        return ours

    async def fetch(self, state: BatchState, results: Path) -> None:
        """Bring the results of a batch that is over to disk, whole or not at all.

        Raises:
            UserError: the disk is full, or the vendor cannot be asked.
            StoppedError: the user interrupted.
        """
        draft = results.with_suffix(".draft")

        async def step() -> None:
            with draft.open("wb") as into:
                await self.model.fetch(state, into)

        try:
            await self.insist(step, patience=_PATIENCE)
            draft.replace(results)
        except OSError as error:
            raise UserError(
                f"{draft}: cannot be written ({error.strerror}); free some space, then give the same"
                " command again"
            ) from error

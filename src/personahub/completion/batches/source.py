"""The input of a batch engine, drawn a stretch at a time."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from itertools import islice

from personahub.models import Request

__all__ = ["Source"]


class Source:
    """Requests as they are wanted.

    Args:
        requests: the input.
        quiet: seconds without a request after which there is none for now; an input may wait for answers to
            what it gave before.
    """

    def __init__(self, requests: Iterable[Request] | AsyncIterable[Request], quiet: float) -> None:
        """Nothing is drawn yet."""
        self.exhausted = False
        self._quiet = quiet
        self._coming: asyncio.Future[Request] | None = None
        self._there: Iterator[Request] | None = None
        self._later: AsyncIterator[Request] | None = None
        if isinstance(requests, AsyncIterable):
            self._later = aiter(requests)
        else:
            self._there = iter(requests)

    async def next(self, most: int) -> list[Request]:
        """The next requests, up to ``most`` of them; none at the end, and where there are none for now."""
        if self._there is not None:
            drawn = list(islice(self._there, most))
            self.exhausted = len(drawn) < most
            return drawn
        drawn = []
        while len(drawn) < most and (request := await self._one()) is not None:
            drawn.append(request)
        return drawn

    async def _one(self) -> Request | None:
        if self.exhausted or self._later is None:
            return None
        coming = self._coming = self._coming or asyncio.ensure_future(anext(self._later))
        await asyncio.wait([coming], timeout=self._quiet)
        if not coming.done():
            return None
        self._coming = None
        try:
            return coming.result()
        except StopAsyncIteration:
            self.exhausted = True
            return None

    def close(self) -> None:
        """Wait for no more."""
        if self._coming:
            self._coming.cancel()

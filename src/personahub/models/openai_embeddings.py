"""The embeddings endpoint of the OpenAI protocol."""

import asyncio
import json
import random
import threading
import time
from collections.abc import Coroutine
from itertools import chain
from typing import TYPE_CHECKING, Any

from personahub.config import json_bytes
from personahub.errors import UserError
from personahub.languages import LANGUAGES
from personahub.models.http import HttpClient, Server
from personahub.models.openai import raise_for_status
from personahub.models.protocols import RequestError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]

__all__ = ["OpenAIEmbeddings"]

_BATCH = 256
"""Texts of one call."""
_AT_A_TIME = 8
"""Calls."""
_TRIES = 3
_BUSY = frozenset({"rate_limited", "overloaded"})
"""Waited out for ``_PATIENCE`` seconds."""
_GONE = frozenset({"connection", "timeout", "server_error"})
"""Waited out too, once the endpoint has answered."""
_LASTING = frozenset({"refused", "prompt_too_long", "too_large"})
"""What another try would meet again."""
_PATIENCE = 600.0
_LONGEST_WAIT = 30.0


class OpenAIEmbeddings:
    """An :class:`~personahub.models.EmbeddingModel` behind an HTTP endpoint.

    Args:
        server: where it is.
        model: the model's name there.

    Raises:
        UserError: the address is none.
    """

    slots = 16
    languages = LANGUAGES
    """All that this package names, since the endpoint does not tell which it knows."""

    def __init__(self, server: Server, model: str) -> None:
        """Check the address; nothing is sent yet."""
        self.name = model
        self._server = server
        self._client = HttpClient(server)
        self._dimensions: int | None = None
        self._answered = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread()

    @property
    def dimensions(self) -> int:
        """Length of a vector; asks for one where none came yet."""
        if self._dimensions is None:
            self.embed(["."])
        return self._dimensions or 0

    def embed(self, texts: list[str]) -> "Vectors":
        """Vectors of unit length, shape (len(texts), dimensions).

        Raises:
            UserError: the endpoint cannot be used, or fails again and again.
        """
        import numpy as np

        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        batches = [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]
        found: list[Vectors] = self._run(self._embed(batches))
        lengths = {vectors.shape[1] for vectors in found} | {self._dimensions or found[0].shape[1]}
        if len(lengths) > 1:
            raise UserError(
                f"{self._server.url}: the embeddings of {self.name} are not of one length: {sorted(lengths)}"
            )
        (self._dimensions,) = lengths
        matrix = np.concatenate(found)
        norms = np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
        return np.asarray(matrix / norms, np.float32)

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """On a thread of its own, so that connections last and a caller's event loop does not matter."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="embeddings", daemon=True)
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _embed(self, batches: list[list[str]]) -> list["Vectors"]:
        places = asyncio.Semaphore(_AT_A_TIME)

        async def one(batch: list[str]) -> "Vectors":
            async with places:
                return await self._ask(batch)

        tasks = [asyncio.create_task(one(batch)) for batch in batches]
        try:
            return await asyncio.gather(*tasks)
        finally:
            # Where one has failed for good, the others need not go on.
            for task in tasks:
                task.cancel()

    async def _ask(self, texts: list[str]) -> "Vectors":
        body = json_bytes({"model": self.name, "input": texts, "encoding_format": "float"})
        start, tries = time.monotonic(), 0
        while True:
            try:
                reply = await self._client.post("/embeddings", body)
                raise_for_status(reply, self._server, self.name)
                vectors = _vectors(reply.body, len(texts))
            except RequestError as error:
                tries += 1
                if self._is_over(error, tries, time.monotonic() - start):
                    raise UserError(f"{self._server.url}: no embeddings from {self.name} ({error})") from None
                backoff = random.uniform(0.5, 1.0) * 2.0 ** min(tries - 1, 10)
                await asyncio.sleep(min(error.retry_after or backoff, _LONGEST_WAIT))
            else:
                self._answered = True
                return vectors

    def _is_over(self, error: RequestError, tries: int, seconds: float) -> bool:
        if error.reason in _BUSY or (error.reason in _GONE and self._answered):
            return seconds > _PATIENCE
        return error.reason in _LASTING or tries == _TRIES

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        if self._loop is None:
            return
        self._run(self._client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = None


def _vectors(body: bytes, wanted: int) -> "Vectors":
    """The vectors, in the order of the texts.

    Raises:
        RequestError: "malformed_reply".
    """
    import numpy as np

    try:
        rows = sorted(json.loads(body)["data"], key=lambda row: int(row["index"]))
        values = [row["embedding"] for row in rows]
        flat = np.fromiter(chain.from_iterable(values), np.float32)
        lengths = set(map(len, values))
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise RequestError("malformed_reply", f"no embeddings: {error}") from None
    if len(values) != wanted or len(lengths) != 1 or not flat.size:
        raise RequestError("malformed_reply", f"{len(values)} embeddings came for {wanted} texts")
    if not np.isfinite(flat).all():
        raise RequestError("malformed_reply", "an embedding has a value that is no number")
    return flat.reshape(wanted, -1)

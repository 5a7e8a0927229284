"""The embeddings endpoint of the OpenAI protocol."""

import asyncio
import json
import random
import threading
from collections.abc import Coroutine
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

__all__ = ["OpenAIEmbeddings"]

_BATCH = 256
_TRIES = 6


class OpenAIEmbeddings:
    """An :class:`~personahub.models.EmbeddingModel` behind an HTTP endpoint.

    Args:
        server: where it is.
        model: the model's name there.
    """

    languages = LANGUAGES
    """All that this package names, since the endpoint does not tell which it knows."""

    def __init__(self, server: Server, model: str) -> None:
        """Check the address; nothing is sent yet."""
        self.name = model
        self._server = server
        self._client = HttpClient(server)
        self._dimensions: int | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="embeddings", daemon=True)
        self._started = False

    @property
    def dimensions(self) -> int:
        """Length of a vector; asks for one where none came yet."""
        if self._dimensions is None:
            self.embed(["."])
        return self._dimensions or 0

    def embed(self, texts: list[str]) -> "npt.NDArray[np.float32]":
        """Vectors of unit length, shape (len(texts), dimensions).

        Raises:
            UserError: the endpoint cannot be used, or fails again and again.
        """
        import numpy as np

        vectors = [
            vector
            for start in range(0, len(texts), _BATCH)
            for vector in self._ask(texts[start : start + _BATCH])
        ]
        matrix = np.asarray(vectors, dtype=np.float32).reshape(len(texts), -1)
        self._dimensions = matrix.shape[1] if len(texts) else self._dimensions
        lengths = np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
        return np.asarray(matrix / lengths, dtype=np.float32)

    def _ask(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self._run(self._embed(texts))
        return vectors

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """On a thread of its own, so that connections last and a caller's event loop does not matter."""
        if not self._started:
            self._started = True
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _embed(self, texts: list[str]) -> list[list[float]]:
        body = json_bytes({"model": self.name, "input": texts, "encoding_format": "float"})
        for attempt in range(_TRIES):
            try:
                reply = await self._client.post("/embeddings", body)
                raise_for_status(reply, self._server, self.name)
                return _vectors(reply.body, len(texts))
            except RequestError as error:
                if attempt + 1 == _TRIES or error.reason in {"refused", "prompt_too_long"}:
                    raise UserError(f"{self._server.url}: no embeddings from {self.name} ({error})") from None
                await asyncio.sleep(error.retry_after or random.uniform(0.5, 1.0) * 2.0**attempt)
        raise AssertionError

    def close(self) -> None:
        """Close the connections."""
        if self._started:
            self._run(self._client.close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()


def _vectors(body: bytes, wanted: int) -> list[list[float]]:
    try:
        rows = sorted(json.loads(body)["data"], key=lambda row: row["index"])
        vectors = [[float(value) for value in row["embedding"]] for row in rows]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RequestError("malformed_reply", f"no embeddings: {error}") from None
    if len(vectors) != wanted or len({len(vector) for vector in vectors}) > 1:
        raise RequestError("malformed_reply", f"{len(vectors)} embeddings came for {wanted} texts")
    return vectors

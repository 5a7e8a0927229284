"""Embedding the personas of a hub: each once, kept beside them."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from personahub.hub import Hub
from personahub.hub.known import KnownIds
from personahub.hub.tables import gathered
from personahub.models import EmbeddingModel
from personahub.models.encoder_processes import EncoderProcesses
from personahub.models.sentence_encoder import SentenceEncoder

__all__ = ["EmbedOutcome", "embed_in_order", "embed_personas", "embedding_model_for", "languages_where"]

_BATCH = 256
"""Texts embedded at a time; longer batches are no faster."""
_COMMIT = 10_000
"""Vectors added at a time: ten seconds of work, which is what a kill loses."""
_WORTH = 2_000
"""Texts for a process of its own: under this many, it takes longer to start than it saves."""
_MOST_PROCESSES = 8
"""Each holds about 150 MB."""

_Kept = TypeVar("_Kept")
Progress = Callable[[int, int], None]
"""Is told how many personas are embedded, and of how many."""


@dataclass(frozen=True)
class EmbedOutcome:
    """What an embedding of a hub's personas came to.

    Attributes:
        embedded: how many got a vector now.
        not_compared: how many of the hub have none because the model does not know their language.
    """

    embedded: int
    not_compared: int


def embed_personas(
    hub: Hub,
    encoder: EmbeddingModel | None = None,
    progress: Progress | None = None,
) -> EmbedOutcome:
    """Embed every persona that has no vector yet and whose language the model knows.

    The caller holds ``hub.writing()``. Vectors are added ten thousand at a time; an interrupt keeps those
    that are done, and the next call goes on with the rest.

    Args:
        hub: the hub.
        encoder: the embedding model; None for the built-in one, by several processes where that pays.
        progress: is told how far it is.

    Raises:
        UserError: the hub holds another model's embeddings, or the model cannot be used.
    """
    known = languages_where(encoder or SentenceEncoder())
    total = hub.personas.count(known)
    missing = max(total - hub.embeddings.count(), 0)
    outcome = EmbedOutcome(0, hub.personas.count() - total)
    hub.embeddings.check(encoder or SentenceEncoder())
    if not missing:
        return outcome
    used = encoder if encoder is not None else embedding_model_for(missing)
    try:
        embedded = _embed(hub, used, known, missing, progress)
        hub.embeddings.index()
        return EmbedOutcome(embedded, outcome.not_compared)
    finally:
        if encoder is None:
            used.close()


def languages_where(encoder: EmbeddingModel) -> str:
    """The SQL condition that a persona's language is one the model knows."""
    listed = ", ".join(f"'{language}'" for language in sorted(encoder.languages))
    return f"language IN ({listed})"


def embedding_model_for(texts: int) -> EmbeddingModel:
    """The built-in model, by several processes where so many texts are worth that."""
    processes = min(len(os.sched_getaffinity(0)), texts // _WORTH, _MOST_PROCESSES)
    return EncoderProcesses(processes) if processes > 1 else SentenceEncoder()


def _embed(hub: Hub, encoder: EmbeddingModel, where: str, total: int, progress: Progress | None) -> int:
    """Embed what has no vector, and add the vectors in the personas' order."""
    waiting: list[tuple[list[str], npt.NDArray[np.float32]]] = []
    added = 0

    def commit() -> None:
        nonlocal added
        if waiting:
            ids = [id_ for some, _ in waiting for id_ in some]
            hub.embeddings.add(ids, np.concatenate([vectors for _, vectors in waiting]), encoder.name)
            added += len(ids)
            waiting.clear()

    try:
        batches = (
            (batch["id"].to_pylist(), batch["description"].to_pylist())
            for batch in _without_vector(hub, where)
        )
        for ids, vectors in embed_in_order(batches, encoder):
            waiting.append((ids, vectors))
            done = sum(len(some) for some, _ in waiting)
            if done >= _COMMIT:
                commit()
                done = 0
            if progress:
                progress(added + done, total)
    finally:
        commit()
    return added


def _without_vector(hub: Hub, where: str) -> Iterator[pa.RecordBatch]:
    """Ids and descriptions of the personas to embed, in batches of the model's size."""
    embedded = KnownIds(hub.embeddings.ids().chunks)
    for rows in gathered(hub.personas.read(["id", "description"], where)):
        new = rows.filter(pa.array(~embedded.holds(rows["id"].combine_chunks())))
        yield from new.combine_chunks().to_batches(_BATCH)


def embed_in_order(
    batches: Iterable[tuple[_Kept, list[str]]], encoder: EmbeddingModel
) -> Iterator[tuple[_Kept, npt.NDArray[np.float32]]]:
    """The vectors of each batch of texts, in the batches' order, by as many threads as the model takes.

    Args:
        batches: of each something that is given back with its vectors, such as ids, and its texts.
        encoder: the embedding model.

    Raises:
        UserError: the model cannot be used.
    """
    begun: deque[tuple[_Kept, Future[npt.NDArray[np.float32]]]] = deque()
    pool = ThreadPoolExecutor(encoder.slots, thread_name_prefix="embed")
    try:
        for kept, texts in batches:
            begun.append((kept, pool.submit(_embed_distinct, encoder, texts)))
            if len(begun) > 2 * encoder.slots:
                first, vectors = begun.popleft()
                yield first, vectors.result()
        while begun:
            first, vectors = begun.popleft()
            yield first, vectors.result()
    finally:
        # After an interrupt or a fault nobody waits for these.
        pool.shutdown(wait=False, cancel_futures=True)


def _embed_distinct(encoder: EmbeddingModel, texts: list[str]) -> npt.NDArray[np.float32]:
    """The vectors of the texts, each distinct one embedded once."""
    distinct = list(dict.fromkeys(texts))
    places = {text: place for place, text in enumerate(distinct)}
    return encoder.embed(distinct)[[places[text] for text in texts]]

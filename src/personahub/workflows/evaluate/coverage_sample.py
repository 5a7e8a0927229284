"""The personas of a hub that its coverage is measured of: their texts, languages and vectors, on disk."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from personahub.evaluation.heads import find_head
from personahub.evaluation.stored import StoredTexts, StoredVectors
from personahub.hub import Hub
from personahub.models import EmbeddingModel
from personahub.models.sentence_encoder import SentenceEncoder
from personahub.workflows.embed import embed_in_order, embedding_model_for
from personahub.workflows.sample import draw_places
from personahub.workflows.steps import StepWatcher
from personahub.workflows.views import OpenView

__all__ = ["Drawn", "Vectors", "count_languages", "draw_personas", "embed_drawn"]

_READ = 4096
_EMBEDDED = 256
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Drawn:
    """Personas that were drawn.

    Attributes:
        ids: of each.
        texts: the description of each.
        languages: the language of each.
    """

    ids: Sequence[str]
    texts: StoredTexts
    languages: Sequence[str]

    def known_to(self, encoder: EmbeddingModel) -> _Ints:
        """The places of those whose language the embedding model knows."""
        return np.array(
            [place for place, code in enumerate(self.languages) if code in encoder.languages], np.int64
        )

    def described(self, places: Sequence[int] | None = None) -> Iterator[tuple[str, str]]:
        """Description and language of those at these places (None: of all), in their order."""
        chosen = range(len(self.ids)) if places is None else places
        for start in range(0, len(chosen), _READ):
            some = chosen[start : start + _READ]
            yield from zip(self.texts.take(some), (self.languages[place] for place in some), strict=True)


def count_languages(hub: Hub, where: str | None, view: OpenView | None) -> dict[str, int]:
    """How many of the hub's personas (that fit and are shown) each language has, the most first."""
    counts: Counter[str] = Counter()
    for batch in hub.personas.read(["id", "language"], where):
        shown = batch["language"].filter(view.shows(batch["id"])) if view else batch["language"]
        counts.update(shown.to_pylist())
    return dict(counts.most_common())


def draw_personas(hub: Hub, n: int, seed: int, where: str | None, view: OpenView | None) -> Drawn:
    """Draw personas as ``sample`` does, but keep their texts on disk."""
    ids, offsets = draw_places(hub, n, seed, where, view)
    named: list[str] = ids.to_pylist()
    texts, languages = StoredTexts(), list[str]()
    for start in range(0, len(named), _READ):
        some = named[start : start + _READ]
        rows = {row["id"]: row for row in hub.personas.at(offsets[start : start + _READ].tolist())}
        # Where the table was written anew in the meantime, they lie elsewhere.
        rows |= hub.personas.get([id_ for id_ in some if id_ not in rows])
        texts.extend(rows[id_]["description"] for id_ in some)
        languages += [rows[id_]["language"] for id_ in some]
    return Drawn(named, texts, languages)


class Vectors:
    """Vectors of personas and of what they say they are, on disk; closed, the space is free again.

    Attributes:
        model: the embedding model, which may embed more.
    """

    def __init__(self, model: EmbeddingModel) -> None:
        """Nothing is embedded yet."""
        self.model = model
        self._held = ExitStack()
        self._wholes = self._held.enter_context(StoredVectors(model.dimensions))
        self._heads = self._held.enter_context(StoredVectors(model.dimensions))
        self._head_of: list[int] = []

    def __enter__(self) -> Self:
        """Nothing more is needed."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the disk space and the model's processes back."""
        self._held.close()

    def wholes(self) -> npt.NDArray[np.float16]:
        """Of the whole descriptions, shape (n, dimensions)."""
        return self._wholes.array()

    def heads(self) -> tuple[npt.NDArray[np.float16], _Ints]:
        """Of the different heads, shape (heads, dimensions), and which each persona has, shape (n,)."""
        return self._heads.array(), np.array(self._head_of, np.int64)

    def fill(self, hub: Hub, drawn: Drawn, places: Sequence[int], watcher: StepWatcher) -> None:
        """Take the stored vectors of the personas at these places, and embed what has none and all heads.

        Raises:
            UserError: the model cannot be used.
        """
        stored = _stored(hub, [drawn.ids[place] for place in places], self.model.dimensions)
        heads: dict[str, int] = {}
        for text, language in drawn.described(places):
            self._head_of.append(heads.setdefault(find_head(text, language).strip(), len(heads)))
        lacking = [place for place, row in zip(places, stored.rows, strict=True) if row < 0]
        watcher.began("personas and who they are embedded", len(lacking) + len(heads))
        model = self.model
        if isinstance(model, SentenceEncoder):
            model = self._held.enter_context(closing(embedding_model_for(len(lacking) + len(heads))))
            self.model = model
        with stored.vectors, StoredVectors(model.dimensions) as new:
            texts = (text for text, _ in drawn.described(lacking))
            _embed_into(new, texts, model, watcher, 0)
            _embed_into(self._heads, iter(heads), model, watcher, len(lacking))
            self._join(stored.vectors.array(), new.array(), stored.rows)

    def _join(
        self, stored: npt.NDArray[np.float16], new: npt.NDArray[np.float16], rows: Sequence[int]
    ) -> None:
        """Put stored and new vectors into the personas' order."""
        at = np.array(rows, np.int64)
        fresh = np.cumsum(at < 0) - 1
        for start in range(0, len(at), _READ):
            block = slice(start, start + _READ)
            joined = np.empty((len(at[block]), self._wholes.dimensions), np.float32)
            here = at[block] >= 0
            joined[here] = stored[at[block][here]]
            joined[~here] = new[fresh[block][~here]]
            self._wholes.extend(joined)


@dataclass(frozen=True)
class _Stored:
    """The vectors that the hub has of some personas, and the row of each persona's; -1 where it has none."""

    vectors: StoredVectors
    rows: Sequence[int]


def _stored(hub: Hub, ids: list[str], dimensions: int) -> _Stored:
    import pyarrow as pa

    vectors = StoredVectors(dimensions)
    rows = np.full(len(ids), -1, np.int64)
    for places, found in hub.embeddings.of(pa.array(ids, pa.string())):
        rows[places] = np.arange(len(vectors), len(vectors) + len(places))
        vectors.extend(found.astype(np.float32))
    return _Stored(vectors, rows.tolist())


def _embed_into(
    vectors: StoredVectors, texts: Iterator[str], model: EmbeddingModel, watcher: StepWatcher, before: int
) -> None:
    for _, some in embed_in_order(_batches(texts), model):
        vectors.extend(some)
        watcher.advanced(before + len(vectors))


def _batches(texts: Iterator[str]) -> Iterator[tuple[None, list[str]]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == _EMBEDDED:
            yield None, batch
            batch = []
    if batch:
        yield None, batch


def embed_drawn(
    hub: Hub, drawn: Drawn, places: Sequence[int], model: EmbeddingModel, watcher: StepWatcher
) -> Vectors:
    """The vectors of the drawn personas at these places; the caller closes them.

    Raises:
        UserError: the model cannot be used.
    """
    vectors = Vectors(model)
    try:
        vectors.fill(hub, drawn, places, watcher)
    except BaseException:
        vectors.__exit__(None, None, None)
        raise
    return vectors

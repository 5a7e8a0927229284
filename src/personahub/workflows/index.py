"""``hub index``: everything that makes a hub quick to search, brought up to date."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from personahub.hub import Hub
from personahub.models import EmbeddingModel
from personahub.models.opening import open_embedding_model
from personahub.workflows.embed import Progress, embed_personas

__all__ = ["IndexOutcome", "index"]


@dataclass(frozen=True)
class IndexOutcome:
    """What an indexing came to.

    Attributes:
        personas: how many the hub holds; all of them are found by their words.
        embedded: how many were embedded now.
        embeddings: how many have an embedding, and are found by their meaning.
        not_compared: how many have none because the model does not know their language; None where
            embeddings were not asked for.
        model: the embedding model; None where the hub has no embeddings.
    """

    personas: int
    embedded: int
    embeddings: int
    not_compared: int | None
    model: str | None

    def to_json(self) -> dict[str, Any]:
        """What ``hub index --json`` prints."""
        return asdict(self)


def index(
    hub: Path | str,
    *,
    embeddings: bool = True,
    encoder: str | EmbeddingModel | None = None,
    progress: Progress | None = None,
) -> IndexOutcome:
    """Bring the indexes of words, ids and filters up to date, and embed the personas that are not yet.

    Interrupted, it keeps what is done; the next call goes on.

    Args:
        hub: the hub's directory.
        embeddings: embed too.
        encoder: the embedding model, where it is not the built-in one.
        progress: is told how many personas are embedded, and of how many.

    Raises:
        UserError: no hub, another process is writing it, or its embeddings are another model's.
    """
    opened = Hub(hub)
    with opened.writing():
        opened.personas.index_text()
        embedded, not_compared = 0, None
        if embeddings:
            model = None if encoder is None else open_embedding_model(encoder)
            try:
                outcome = embed_personas(opened, model, progress)
            finally:
                if model is not None and isinstance(encoder, str):
                    model.close()
            opened.embeddings.index()
            embedded, not_compared = outcome.embedded, outcome.not_compared
        return IndexOutcome(
            opened.personas.count(),
            embedded,
            opened.embeddings.count(),
            not_compared,
            opened.embeddings.model,
        )

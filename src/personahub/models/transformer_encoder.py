"""Embedding models of the library sentence-transformers, on a GPU of this machine (extra ``gpu``)."""

from typing import TYPE_CHECKING, Any

from personahub.errors import UserError
from personahub.kernels.cuda import find_torch
from personahub.languages import LANGUAGES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["TransformerEncoder"]


class TransformerEncoder:
    """An :class:`~personahub.models.EmbeddingModel`; its weights are loaded when it is made.

    Args:
        name: a model's name on the model hub, or its folder.
        device: of PyTorch's; "cpu" runs it without a GPU, slowly.

    Raises:
        UserError: there is no such model, no GPU, or the extra ``gpu`` is not installed.
    """

    slots = 1
    languages = LANGUAGES
    """All that this package names, since a model does not tell which it knows."""

    def __init__(self, name: str, device: str = "cuda") -> None:
        """Load the weights."""
        if not name:
            raise UserError("sentence-transformers: names no model; give sentence-transformers:NAME")
        self._torch = find_torch(device)
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise UserError(
                f"{name}: cannot be used ({error}): install it with pip install 'personahub[gpu]'"
            ) from error
        try:
            self._model: Any = SentenceTransformer(name, device=device)
        except (OSError, ValueError, RuntimeError) as error:
            said = " ".join(str(error).split())[:300]
            raise UserError(f"{name}: sentence-transformers cannot load this model ({said})") from error
        self.name = name
        self.dimensions: int = self._model.get_embedding_dimension()

    def embed(self, texts: list[str]) -> "npt.NDArray[np.float32]":
        """Vectors of unit length, shape (len(texts), dimensions); a text is cut at the model's limit.

        Raises:
            UserError: the GPU has too little memory.
        """
        import numpy as np

        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        try:
            vectors = self._model.encode(
                texts, batch_size=len(texts), normalize_embeddings=True, show_progress_bar=False
            )
        except self._torch.OutOfMemoryError as error:
            said = " ".join(str(error).split())[:200]
            raise UserError(f"{self.name}: the GPU has too little memory ({said})") from error
        return np.asarray(vectors, np.float32)

    def close(self) -> None:
        """Nothing but memory is held, and that goes with the object."""

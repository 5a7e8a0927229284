"""From the one string that names a model to the model."""

from personahub.models.catalog import DEFAULT_MODEL
from personahub.models.llamacpp import LlamaCpp
from personahub.models.protocols import LanguageModel
from personahub.models.store import ModelStore

__all__ = ["DEFAULT_MODEL", "open_language_model"]


def open_language_model(
    model: str | LanguageModel, *, slots: int = 1, deterministic: bool = False
) -> LanguageModel:
    """The model of this name; a model object is given back as it is.

    Args:
        model: a name of the model store, a path of a GGUF file, or a model.
        slots: how many requests at a time.
        deterministic: one slot and no prefix cache, so that a request repeats its reply bit for bit.

    Raises:
        UserError: no such model, its weights are not there, or its backend is not installed.
    """
    if not isinstance(model, str):
        return model
    store = ModelStore()
    path = store.path(model)
    return LlamaCpp(path, name=store.identity(path), slots=slots, deterministic=deterministic)

"""Models: list those that can be named, fetch their weights, find their files."""

from pathlib import Path

from personahub.models.files import Progress
from personahub.models.store import ModelStore, Notice, StoredModel

__all__ = ["list_models", "model_path", "pull_model"]


def list_models() -> list[StoredModel]:
    """Every model that can be named, with its licence, its origin and where its weights lie."""
    return ModelStore().list()


def pull_model(name: str, progress: Progress | None = None, *, notice: Notice | None = None) -> Path:
    """Fetch a model's weights, unless they are there, and return the verified file.

    Args:
        name: A name in the catalogue.
        progress: Called with the bytes that are there and the bytes of the whole.
        notice: Called with a line about a wait or about a source that failed.

    Raises:
        UserError: The name is unknown, no source gave the right bytes, or the disk is full.
    """
    return ModelStore().pull(name, progress, notice=notice)


def model_path(name_or_file: str) -> Path:
    """The file that a model's name or the path of a GGUF file stands for.

    Raises:
        UserError: The name is unknown or not fetched yet, or the path is not a GGUF file.
    """
    return ModelStore().path(name_or_file)

"""Personas by their descriptions alone, and hubs that hold them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from personahub import Hub
from personahub.records import Persona

_FIELDS: dict[str, Any] = {
    "language": "en",
    "relation": "read",
    "parent_id": "d" + "0" * 20,
    "document_id": "d" + "0" * 20,
    "source": "texts/a.txt",
    "row": 1,
    "date": "",
    "licence": "unknown",
    "round": 0,
    "granularity": "fine",
    "closeness": None,
    "model": "scripted",
    "template": "t",
    "seed": 0,
    "run": 1,
    "position": 0,
    "request": "",
}


def persona(description: str, **fields: Any) -> Persona:
    """A persona of which only this is of interest."""
    return Persona(description=description, **{**_FIELDS, **fields})


def hub_of(path: Path, personas: Iterable[Persona]) -> Hub:
    """A hub that holds them."""
    hub = Hub.create(path)
    hub.personas.add(list(personas))
    return hub


class CountingEncoder:
    """An EmbeddingModel whose vectors are drawn by the text, and which remembers what it was asked."""

    dimensions = 8
    slots = 1
    languages = frozenset(["en", "ru", "zh"])

    def __init__(self, name: str = "counting", interrupted_at: int | None = None) -> None:
        """Interrupt at this call, the first being 0."""
        self.name = name
        self.asked: list[list[str]] = []
        self._interrupted_at = interrupted_at

    def embed(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Vectors of unit length."""
        if len(self.asked) == self._interrupted_at:
            raise KeyboardInterrupt
        self.asked.append(texts)
        drawn = np.array([np.random.default_rng(list(text.encode())).standard_normal(8) for text in texts])
        return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)

    def close(self) -> None:
        """Nothing is held."""

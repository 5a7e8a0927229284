"""Sets of texts of files or data sets, read once and kept on disk with their languages and their vectors."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from personahub.corpus import detect_languages
from personahub.corpus.language import UNDETERMINED
from personahub.evaluation.stored import StoredTexts, StoredVectors
from personahub.hub import Hub
from personahub.languages import language_name
from personahub.models import EmbeddingModel
from personahub.workflows.embed import embed_in_order
from personahub.workflows.items import TEXT_FIELDS, Items, read_items
from personahub.workflows.steps import StepWatcher

__all__ = ["MOST_CHARACTERS", "TextSet", "embed_texts", "open_sets", "set_names"]

MOST_CHARACTERS = 20_000
"""Of a text, of which only so much is looked at."""
_FIELDS = (*TEXT_FIELDS, "persona", "description")
"""Where a row's text is looked for: a record's before its persona's."""
_READ = 1000
_EMBEDDED = 256


@dataclass(frozen=True)
class TextSet:
    """One set of texts, on disk.

    Attributes:
        name: what it is called in tables.
        named: the file, folder, pattern or data set.
        texts: its texts.
        languages: the language of each, a place in ``codes``.
        codes: ISO 639-1 codes, or "und".
        left_out: how many rows gave no text, by reason.
        cut: how many texts were longer than is looked at.
    """

    name: str
    named: str
    texts: StoredTexts
    languages: npt.NDArray[np.uint8]
    codes: tuple[str, ...]
    left_out: Mapping[str, int]
    cut: int

    def known_to(self, encoder: EmbeddingModel) -> npt.NDArray[np.bool_]:
        """Which of the texts the embedding model can compare, by their languages."""
        known = np.array([code in encoder.languages for code in self.codes], dtype=bool)
        return known[self.languages]

    def unknown_to(self, encoder: EmbeddingModel) -> dict[str, int]:
        """How many texts it cannot compare, by the language's name."""
        counts = Counter(
            {
                "without letters" if code == UNDETERMINED else language_name(code): int(count)
                for code, count in zip(
                    self.codes, np.bincount(self.languages, minlength=len(self.codes)), strict=True
                )
                if code not in encoder.languages
            }
        )
        return dict(counts.most_common())


def set_names(named: Sequence[str | Path]) -> list[str]:
    """What sets are called: by the file's name, or as given where two have the same, numbered if need be."""
    places: dict[str, set[str]] = {}
    for name in named:
        places.setdefault(Path(name).name, set()).add(str(name))
    names = [str(name) if len(places[last := Path(name).name]) > 1 else last or str(name) for name in named]
    return [
        f"{name} ({names[: place + 1].count(name)})" if name in names[:place] else name
        for place, name in enumerate(names)
    ]


def open_sets(
    named: Sequence[str | Path], hub: Hub | None, field: str | None, watcher: StepWatcher
) -> list[TextSet]:
    """Read the sets.

    Raises:
        UserError: one cannot be read, is empty, or has no such field.
    """
    sources = [
        read_items(str(name), hub, field, "", fields=_FIELDS, longest=None) for name in named
    ]  # All are looked through before the first is read, so that a wrong one is told soon.
    watcher.began("texts read", sum(items.count for items in sources))
    sets: list[TextSet] = []
    for name, items in zip(set_names(named), sources, strict=True):
        sets.append(_read(name, items, watcher, sum(len(each.texts) for each in sets)))
    return sets


def _read(name: str, items: Items, watcher: StepWatcher, before: int) -> TextSet:
    texts, codes = StoredTexts(), dict[str, int]()
    languages: list[npt.NDArray[np.uint8]] = []
    cut = 0
    given = items.as_given()
    while batch := list(islice(given, _READ)):
        whole = [item.text for item in batch]
        cut += sum(len(text) > MOST_CHARACTERS for text in whole)
        shown = [text[:MOST_CHARACTERS] for text in whole]
        texts.extend(shown)
        found = detect_languages(shown)
        told = [item.language or code for item, code in zip(batch, found, strict=True)]
        languages.append(np.array([codes.setdefault(code, len(codes)) for code in told], np.uint8))
        watcher.advanced(before + len(texts))
    return TextSet(name, items.named, texts, np.concatenate(languages), tuple(codes), items.unusable, cut)


def embed_texts(
    texts: StoredTexts,
    places: Sequence[int],
    encoder: EmbeddingModel,
    watcher: StepWatcher,
    before: int = 0,
) -> StoredVectors:
    """The vectors of the texts at these places, in their order, on disk.

    Args:
        texts: the texts.
        places: of those to embed.
        encoder: the embedding model.
        watcher: is told how many are embedded.
        before: how many others were embedded before.

    Raises:
        UserError: the model cannot be used.
    """
    vectors = StoredVectors(encoder.dimensions)
    for _, some in embed_in_order(_batches(texts, places), encoder):
        vectors.extend(some)
        watcher.advanced(before + len(vectors))
    return vectors


def _batches(texts: StoredTexts, places: Sequence[int]) -> Iterator[tuple[None, list[str]]]:
    for start in range(0, len(places), _EMBEDDED):
        yield None, texts.take(places[start : start + _EMBEDDED])

"""What a data set does not need twice: texts that say again what one of its records says.

First by words, then by meaning, at the thresholds of the project's deduplication; and names that a task wants
to be unique. Order decides, never time: each record is compared with those before it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from personahub.config import read_json
from personahub.dedup.pages import PageFilter
from personahub.hub import Hub
from personahub.hub.tables import quoted
from personahub.kernels.words import find_words
from personahub.models import EmbeddingModel
from personahub.records import Record
from personahub.synthesis import Brief, Synthesizer

__all__ = ["REPETITIONS", "SEMANTIC", "SURFACE", "Meanings", "Repetition", "RepetitionFilter"]

Repetition = Literal["semantic", "surface", "off"]
REPETITIONS: tuple[Repetition, ...] = ("semantic", "surface", "off")

SURFACE = 0.9
"""Jaccard similarity of words from which a text repeats another."""
SEMANTIC = 0.9
"""The same for the cosine of meanings."""
_COPIED = 0.7
"""Share of common words from which a text is a copy of what the prompt showed."""
_RUN = 6
_COPIED_RUN = 10
"""Words in a row with which a text copies an example, or its persona's description."""
_LONG = 40
"""Runs of words from which a text is looked at for going in circles."""
_TAKEN_OVER = 0.3
"""Share of a text that may stand, in runs of six words and more, in what the prompt showed."""
_READ = 1000
_Vectors = npt.NDArray[np.float32]


class Meanings:
    """The vectors of the kept records, and which of them are near a new one."""

    def __init__(self) -> None:
        """None is kept yet."""
        self._blocks: list[_Vectors] = []
        self._ids: list[str] = []

    def keep(self, id_: str, vector: _Vectors) -> None:
        """Compare later ones with this one."""
        place = len(self._ids) % _READ
        if place == 0:
            self._blocks.append(np.zeros((_READ, len(vector)), np.float32))
        self._blocks[-1][place] = vector
        self._ids.append(id_)

    def nearest(self, vectors: _Vectors, since: int = 0) -> list[tuple[str, float] | None]:
        """For each vector the kept record that is nearest, where it is near enough to say the same.

        Args:
            vectors: shape (new records, dimensions).
            since: only those kept after so many.
        """
        best = np.full(len(vectors), -1.0, np.float32)
        places = np.zeros(len(vectors), np.int64)
        for number in range(since // _READ, len(self._blocks)):
            cosines = self._blocks[number] @ vectors.T
            cosines[: max(since - number * _READ, 0)] = -1
            rows = cosines.argmax(axis=0)
            here = cosines[rows, np.arange(len(vectors))]
            better = here > best
            best[better], places[better] = here[better], rows[better] + number * _READ
        return [
            (self._ids[place], float(cosine)) if cosine >= SEMANTIC else None
            for place, cosine in zip(places.tolist(), best.tolist(), strict=True)
        ]

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._ids)


@dataclass
class RepetitionFilter:
    """Says of record after record whether the data set has it already.

    What it holds of each record: its id, its words in a file, and its vector, 2 kB. Meanings are compared all
    with all.

    Args:
        hub: holds the data set's records.
        synthesizer: makes the new ones.
        how: "semantic" compares words and meanings, "surface" words alone, "off" nothing but unique names
            and copies of what a prompt showed.
        encoder: compares meanings; asked for only where they are.
    """

    hub: Hub
    synthesizer: Synthesizer
    how: Repetition
    encoder: Callable[[], EmbeddingModel]
    _ids: set[str] = field(default_factory=set)
    _names: dict[str, str] = field(default_factory=dict)
    _surface: PageFilter = field(default_factory=lambda: PageFilter(SURFACE))
    _worded: list[str] = field(default_factory=list)
    """Ids of what the surface filter holds, in its order."""
    _meanings: Meanings = field(default_factory=Meanings)
    _unsaved: dict[str, _Vectors] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Take in the data set as it is.

        Raises:
            UserError: its vectors are another model's.
        """
        waiting: list[Record] = []
        for row in self.hub.records.rows(f"dataset = {quoted(self.synthesizer.dataset)}"):
            row.pop("id")
            waiting.append(Record(**row))
            if len(waiting) >= _READ:
                self._take_in(waiting)
                waiting = []
        self._take_in(waiting)
        return self

    def __exit__(self, *_: object) -> None:
        """Save the new vectors and free what is held."""
        self._surface.close()
        self._save()

    def _take_in(self, records: Sequence[Record]) -> None:
        kept = self._known_vectors(records)
        missing = [record for record in records if record.id not in kept]
        for record, vector in zip(missing, self._embed(missing), strict=True):
            if vector is not None:
                kept[record.id] = self._unsaved[record.id] = vector
        for record in records:
            self._keep(record, kept.get(record.id))
        self._save()

    def _known_vectors(self, records: Sequence[Record]) -> dict[str, _Vectors]:
        if self.how != "semantic" or not records:
            return {}
        self.hub.record_embeddings.check(self.encoder())
        found = self.hub.record_embeddings.vectors([record.id for record in records])
        return {id_: vector.astype(np.float32) for id_, vector in found.items()}

    def judge(self, records: Sequence[tuple[Brief, Record]]) -> list[tuple[str, str] | None]:
        """For each new record the reason why it is not needed and what was seen, or None: it is kept.

        A record that the data set has already, with its id, is kept: the same command was given before.
        """
        new = [record for _, record in records if record.id not in self._ids]
        vectors = dict(zip([record.id for record in new], self._embed(new), strict=True))
        compared = {id_: vector for id_, vector in vectors.items() if vector is not None}
        near = {}
        before = len(self._meanings)
        if compared:
            near = dict(zip(compared, self._meanings.nearest(np.stack(list(compared.values()))), strict=True))
        found: list[tuple[str, str] | None] = []
        for brief, record in records:
            vector = compared.get(record.id)
            fault = None
            if record.id not in self._ids:
                fault = self._fault(brief, record) or self._semantic(near.get(record.id), vector, before)
                if not fault:
                    self._keep(record, vector)
                    if vector is not None:
                        self._unsaved[record.id] = vector
            found.append(fault)
        if len(self._unsaved) >= _READ:
            self._save()
        return found

    def _fault(self, brief: Brief, record: Record) -> tuple[str, str] | None:
        if copied := self._copied(brief, record.text):
            return copied
        name = self._name(record)
        if name and name in self._names:
            return "name_taken", f"{name!r} is that of {self._names[name]}"
        if self.how != "off" and (match := self._surface.find(find_words(record.text))):
            return "repeats_record", f"words alike {match.similarity:.2f} with {self._worded[match.place]}"
        return None

    def _semantic(
        self, near: tuple[str, float] | None, vector: _Vectors | None, before: int
    ) -> tuple[str, str] | None:
        if vector is not None and not near and len(self._meanings) > before:
            near = self._meanings.nearest(vector[np.newaxis], before)[0]
        return ("repeats_meaning", f"meaning alike {near[1]:.2f} with {near[0]}") if near else None

    def _copied(self, brief: Brief, text: str) -> tuple[str, str] | None:
        words = find_words(text)
        share = _distinct(words)
        if share < self.synthesizer.task.declaration.distinct:
            return "goes_in_circles", f"{share:.0%} of its runs of words are different"
        examples = self.synthesizer.task.examples if brief.shown else ()
        shown = [("copies_example", examples[place].written) for place in brief.shown]
        if brief.seed_item:
            shown.append(("copies_seed", brief.seed_item.text))
        for reason, original in shown:
            there = find_words(original)
            alike = len(set(words) & set(there)) / max(len(set(words) | set(there)), 1)
            if alike >= _COPIED:
                return reason, f"words alike {alike:.2f} with {original[:80]!r}"
            taken = _taken_over(words, there)
            if taken >= _TAKEN_OVER:
                return reason, f"{taken:.0%} of it is word for word that of {original[:80]!r}"
            if reason == "copies_example" and (run := _copied_run(words, there)):
                return reason, f"takes over {run!r}"
        persona = find_words(brief.persona["description"]) if brief.persona else []
        if run := _copied_run(words, persona):
            return "copies_persona", f"takes over {run!r}"
        return None

    def _name(self, record: Record) -> str:
        if record.task != self.synthesizer.task.name:
            return ""
        return self.synthesizer.task.name_of(read_json(record.fields), self.synthesizer.settings)

    def _keep(self, record: Record, vector: _Vectors | None) -> None:
        self._ids.add(record.id)
        if name := self._name(record):
            self._names.setdefault(name, record.id)
        if self.how != "off" and self._surface.add(find_words(record.text)) is None:
            self._worded.append(record.id)
        if vector is not None:
            self._meanings.keep(record.id, vector)

    def _embed(self, records: Sequence[Record]) -> list[_Vectors | None]:
        """The records' vectors as they will be kept; None where the model does not know the language."""
        if self.how != "semantic" or not records:
            return [None] * len(records)
        encoder = self.encoder()
        known = [record.text for record in records if record.language in encoder.languages]
        made = iter(encoder.embed(known).astype(np.float16).astype(np.float32) if known else ())
        return [next(made) if record.language in encoder.languages else None for record in records]

    def _save(self) -> None:
        if self._unsaved:
            vectors = np.stack(list(self._unsaved.values()))
            self.hub.record_embeddings.add(list(self._unsaved), vectors, self.encoder().name)
            self._unsaved.clear()


def _distinct(words: Sequence[str]) -> float:
    """The share of different ones among runs of four words, or six Chinese characters; 1 for short texts."""
    size = 6 if _is_of_characters(words) else 4
    runs = [tuple(words[start : start + size]) for start in range(len(words) - size + 1)]
    return len(set(runs)) / len(runs) if len(runs) >= _LONG else 1.0


def _is_of_characters(words: Sequence[str]) -> bool:
    """Whether each character is a word here, as in Chinese and Japanese."""
    return any("\u3040" <= word[0] <= "\u9fff" for word in words)


def _copied_run(words: Sequence[str], original: Sequence[str]) -> str:
    """The first words that stand in a row in the original too, where they are enough to be a copy."""
    # Ten words are about sixteen Chinese characters, each of which is a word here.
    length = 16 if _is_of_characters(original) else _COPIED_RUN
    runs = {tuple(original[start : start + length]) for start in range(len(original) - length + 1)}
    for start in range(len(words) - length + 1 if runs else 0):
        if (run := tuple(words[start : start + length])) in runs:
            return " ".join(run)
    return ""


def _taken_over(words: Sequence[str], original: Sequence[str]) -> float:
    """How much of the words stands in the original in runs of at least six."""
    runs = {tuple(original[start : start + _RUN]) for start in range(len(original) - _RUN + 1)}
    taken = bytearray(len(words))
    for start in range(len(words) - _RUN + 1):
        if tuple(words[start : start + _RUN]) in runs:
            taken[start : start + _RUN] = b"\x01" * _RUN
    return sum(taken) / max(len(words), 1)

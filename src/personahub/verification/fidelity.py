"""Whether an item fits its persona: nearer to it in meaning than to other people's personas."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from personahub.models import EmbeddingModel
from personahub.verification.findings import Finding, Item

__all__ = ["Fidelity"]

_Vector = npt.NDArray[np.float32]
_LEAST = 0.5
"""Share of other personas that must be farther from the text than its own: half is what chance gives."""
_OTHERS = 200


@dataclass
class Fidelity:
    """Compares a text with its persona and with the personas of other items of its batch and those before.

    A cosine alone says little, since long texts are near to nothing and some personas to everything. The
    score is the share of other personas that the text is farther from: 1 where its own is the nearest.

    Attributes:
        encoder: compares meanings, across languages.
    """

    encoder: Callable[[], EmbeddingModel]
    name: str = field(default="fidelity", init=False)
    _others: dict[str, _Vector] = field(default_factory=dict)

    def judge(self, items: Sequence[Item]) -> list[Finding]:
        """What is found of each item; those without a persona, or in an unknown language, are undecided."""
        encoder = self.encoder()
        known = [item for item in items if item.persona and item.language in encoder.languages]
        if not known:
            return [self._undecided(item) for item in items]
        new = [text for text in dict.fromkeys(item.persona for item in known) if text not in self._others]
        personas = {**self._others, **dict(zip(new, encoder.embed(new) if new else (), strict=True))}
        # The first stand for all, so that what is found of an item does not depend on how many come after.
        self._others = dict(list(personas.items())[:_OTHERS])
        texts = iter(encoder.embed([item.text for item in known]))
        findings = []
        for item in items:
            if item.persona and item.language in encoder.languages:
                findings.append(self._finding(item, next(texts), personas[item.persona]))
            else:
                findings.append(self._undecided(item))
        return findings

    def _finding(self, item: Item, text: _Vector, own: _Vector) -> Finding:
        cosine = float(text @ own)
        others = [float(text @ vector) for persona, vector in self._others.items() if persona != item.persona]
        if not others:
            return Finding("undecided", "no_other_personas", None, {"cosine": round(cosine, 3)})
        score = float(np.mean([cosine > other for other in others]))
        mean = round(float(np.mean(others)), 3)
        evidence = {"cosine": round(cosine, 3), "others": len(others), "mean_other": mean}
        if score < _LEAST:
            return Finding("failed", "not_its_persona", score, evidence)
        return Finding("passed", "", score, evidence)

    @staticmethod
    def _undecided(item: Item) -> Finding:
        return Finding("undecided", "not_compared" if item.persona else "no_persona")

"""Pairs of a hub's personas at given cosines, for the similarity study."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from personahub.errors import UserError
from personahub.evaluation.pairs import WITHIN, draw_pairs
from personahub.evaluation.vectors import pair_cosines
from personahub.hub import Hub
from personahub.hub.nearest import by_meaning
from personahub.models import EmbeddingModel
from personahub.models.sentence_encoder import SentenceEncoder
from personahub.workflows.embed import embed_personas, languages_where
from personahub.workflows.running import Watcher

__all__ = ["Asked", "Drawn", "Pair", "draw_persona_pairs"]

_MOST = 20_000
"""Personas of which all pairs are gone through: 200 million, 15 seconds."""
_EMBEDDED_AT_ONCE = 5_000
"""So many personas are embedded here where they have no vector: seconds of work."""
_LOOKED_AROUND = 300
"""Personas whose neighbours are looked at where all those pairs gave too few."""
_NEIGHBOURS = 200


@dataclass(frozen=True)
class Asked:
    """A persona that is asked for problems.

    Attributes:
        id: its id in the hub.
        text: its description.
        language: ISO 639-1.
    """

    id: str
    text: str
    language: str


@dataclass(frozen=True)
class Pair:
    """Two personas at a level.

    Attributes:
        level: the cosine around which theirs lies.
        left: one of them.
        right: the other.
        cosine: of their embeddings.
    """

    level: float
    left: Asked
    right: Asked
    cosine: float


@dataclass(frozen=True)
class Drawn:
    """The pairs, and what they were drawn from.

    Attributes:
        pairs: those of each level, in the levels' order.
        there: how many pairs there are at each level among those gone through.
        personas: how many the hub has.
        compared: how many distinct ones' pairs were gone through.
        sampled: whether those were drawn from more.
        unknown: how many are in languages that the embedding model does not know.
        unembedded: how many could have a vector and have none.
        gone_through: pairs.
        least: the least cosine of these.
        most: the largest.
    """

    pairs: tuple[tuple[Pair, ...], ...]
    there: tuple[int, ...]
    personas: int
    compared: int
    sampled: bool
    unknown: int
    unembedded: int
    gone_through: int
    least: float
    most: float


def draw_persona_pairs(
    hub: Hub, encoder: EmbeddingModel, levels: Sequence[float], wanted: int, seed: int, watcher: Watcher
) -> Drawn:
    """Draw pairs of personas of one language whose cosine is within 0.01 of a level.

    Up to 20,000 personas, drawn where there are more, are compared with each other in all pairs; the same
    description twice counts once. Where a level has too few pairs then and the hub has more personas, those
    nearest to some hundreds of them are looked at too. Up to 5,000 personas without an embedding get it here.

    Args:
        hub: the hub.
        encoder: the embedding model.
        levels: cosines.
        wanted: pairs at each level.
        seed: of the draw.
        watcher: is told what takes its time.

    Raises:
        UserError: no two personas can be compared, no pair lies at any level, or the hub's embeddings are
            another model's.
    """
    personas = hub.personas.count()
    known = hub.personas.count(languages_where(encoder))
    _embed_missing(hub, encoder, known, watcher)
    embedded = hub.embeddings.count()
    asked, vectors = _candidates(hub, embedded, seed)
    if len(asked) < 2:
        raise UserError(
            f"{hub.path}: has {len(asked)} of {personas:,} personas with an embedding, and two are needed;"
            f" personahub hub index {hub.path} embeds those in languages that {encoder.name} knows"
        )
    codes: dict[str, int] = {}
    groups = np.array([codes.setdefault(each.language, len(codes)) for each in asked])
    found = draw_pairs(vectors, groups, levels, wanted, seed)
    pairs = [
        [
            Pair(each.level, asked[left], asked[right], _rounded(cosine))
            for (left, right), cosine in zip(each.pairs.tolist(), each.cosines.tolist(), strict=True)
        ]
        for each in found.levels
    ]
    there = [each.there for each in found.levels]
    if embedded > _MOST:
        for place, some in enumerate(pairs):
            near = _near_pairs(hub, asked, vectors, levels[place], wanted - len(some), some, seed)
            some.extend(near)
            there[place] += len(near)
    if not any(pairs):
        told = f"their cosines go from {found.least:.2f} to {found.most:.2f}; give --levels among these"
        raise UserError(
            f"{hub.path}: no two of its {len(asked):,} personas that can be compared lie within {WITHIN} of"
            f" {', '.join(f'{level:g}' for level in levels)}: "
            + (told if found.pairs else "no two are of one language")
        )
    return Drawn(
        pairs=tuple(map(tuple, pairs)),
        there=tuple(there),
        personas=personas,
        compared=len(asked),
        sampled=embedded > _MOST,
        unknown=personas - known,
        unembedded=max(known - embedded, 0),
        gone_through=found.pairs,
        least=found.least,
        most=found.most,
    )


def _embed_missing(hub: Hub, encoder: EmbeddingModel, known: int, watcher: Watcher) -> None:
    hub.embeddings.check(encoder)
    missing = known - hub.embeddings.count()
    if 0 < missing <= _EMBEDDED_AT_ONCE:
        watcher.notice(f"embedding {missing:,} personas …")
        with hub.writing():
            embed_personas(hub, None if isinstance(encoder, SentenceEncoder) else encoder)


def _candidates(hub: Hub, embedded: int, seed: int) -> tuple[list[Asked], npt.NDArray[np.float16]]:
    """The personas whose pairs are gone through, each description once, and their vectors."""
    if embedded <= _MOST:
        ids, vectors = hub.embeddings.load()
    else:
        places = np.random.default_rng(seed).choice(embedded, _MOST, replace=False)
        ids, vectors = hub.embeddings.at(np.sort(places))
    rows = _rows(hub, ids.to_pylist())
    first: dict[str, int] = {}
    for place, id_ in enumerate(ids.to_pylist()):
        if id_ in rows:
            first.setdefault(rows[id_].text, place)
    kept = list(first.values())
    return [rows[ids[place].as_py()] for place in kept], vectors[kept]


def _rows(hub: Hub, ids: Sequence[str]) -> dict[str, Asked]:
    rows = hub.personas.get(ids, ["id", "description", "language"])
    return {id_: Asked(id_, row["description"], row["language"]) for id_, row in rows.items()}


def _near_pairs(
    hub: Hub,
    asked: Sequence[Asked],
    vectors: npt.NDArray[np.float16],
    level: float,
    wanted: int,
    known: Sequence[Pair],
    seed: int,
) -> list[Pair]:
    """More pairs at a level, of some drawn personas with those nearest to them in the whole hub."""
    used = {persona.text for pair in known for persona in (pair.left, pair.right)}
    found: list[Pair] = []
    for place in np.random.default_rng(seed).permutation(len(asked))[:_LOOKED_AROUND].tolist():
        persona, vector = asked[place], vectors[place]
        if len(found) >= wanted:
            break
        if persona.text in used:
            continue
        near = by_meaning(hub, vector.astype(np.float32), _NEIGHBOURS, None, _anyone)
        those = hub.embeddings.vectors(list(near))
        cosines = dict(
            zip(
                those,
                pair_cosines(np.stack(list(those.values())), np.stack([vector] * len(those))),
                strict=True,
            )
        )
        others = _rows(hub, [id_ for id_, cosine in cosines.items() if abs(cosine - level) <= WITHIN])
        for other in others.values():
            if other.language == persona.language and other.text not in used | {persona.text}:
                found.append(Pair(level, persona, other, _rounded(float(cosines[other.id]))))
                used |= {persona.text, other.text}
                break
    return found


def _anyone(ids: pa.Array) -> pa.BooleanArray:
    return pa.array(np.ones(len(ids), np.bool_))


def _rounded(cosine: float) -> float:
    """Four digits, like the cosines of deduplication: a vector kept in half precision has no more."""
    return round(cosine, 4)

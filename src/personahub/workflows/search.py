"""``search``: personas found by their words and their meaning together.

The score is (cosine + 0.3 · BM25 / the best BM25) / 1.3: a convex combination, which needs less tuning and
finds more than ranks put together (Bruch, Gai, Ingber 2023, "An Analysis of Fusion Functions for Hybrid
Retrieval"). Mean reciprocal rank, benchmarks/search_fusion.py: of 400 occupations' descriptions by their
titles 0.53, by reciprocal rank fusion 0.52, by words alone 0.47, by meaning alone 0.45; of 208 paraphrases
in Russian 0.90, 0.89, 0.85 and 0.92.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from personahub.errors import UserError
from personahub.hub import Hub
from personahub.hub.indexes import open_indexed, unindexed_rows
from personahub.hub.nearest import by_meaning, by_words, cosines_of
from personahub.hub.tables import quoted
from personahub.hub.where import check_evaluated
from personahub.languages import check_language
from personahub.models import EmbeddingModel
from personahub.models.opening import open_embedding_model
from personahub.records import Kind
from personahub.workflows.embed import embed_personas, languages_where
from personahub.workflows.views import open_view

__all__ = ["Found", "condition", "search"]

_WORDS = 0.3
"""What words weigh beside meaning: 0.2 to 0.5 are about as good."""
_DEPTH = 200
"""How many are looked for by each: fixed, so that a smaller limit finds the first of a larger one."""
_EMBEDDED_AT_ONCE = 5_000
"""So many personas are embedded by a search that finds them without a vector: seconds of work."""
_LEFT_UNINDEXED = 5_000
"""So many rows are looked through without an index: 15 ms."""
_SHORTEST_ID = 5
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")

Told = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """A persona that was found.

    Attributes:
        id: the persona's.
        description: the persona's.
        score: 1.0 for the same words and meaning; about the cosine, and more where words agree. Where a hub
            has no embeddings, its BM25 as a share of the best.
    """

    id: str
    description: str
    score: float

    def to_json(self) -> dict[str, Any]:
        """A line of what ``search --json`` prints."""
        return asdict(self)


def search(
    hub: Path | str,
    query: str | None = None,
    *,
    like: str | None = None,
    limit: int = 10,
    language: str | None = None,
    relation: str | None = None,
    round: int | None = None,  # noqa: A002  The column's name.
    source: str | None = None,
    date: str | None = None,
    since: str | None = None,
    until: str | None = None,
    where: str | None = None,
    view: str | None = None,
    encoder: str | EmbeddingModel | None = None,
    told: Told | None = None,
) -> list[Found]:
    """Find the personas nearest to a question, or to one of them, the best first.

    Duplicates that step aside in the view are not found. Where personas were added since the indexes were
    built and nobody writes the hub, the indexes are brought up to date first, and up to 5,000 personas
    embedded; else those are found by their words alone.

    Args:
        hub: the hub's directory.
        query: words or a sentence, in any language.
        like: instead, the id (or its beginning) of a persona; it is not found itself.
        limit: most personas to find.
        language: only personas in it, ISO 639-1.
        relation: only personas of this relation, or of this kind or role of relations: "care" and "patient"
            each find "care/patient".
        round: only personas of this round.
        source: only personas from this file: its path, its name, or a folder it is in.
        date: only personas whose text is of this date: a year, a month or a day, such as "2023-05".
        since: only of this date or later.
        until: only of this date or earlier.
        where: only personas that meet this condition, in SQL.
        view: see :func:`personahub.workflows.views.open_view`.
        encoder: the embedding model, where it is not the built-in one.
        told: is told what the user should know, such as that there are no embeddings.

    Raises:
        UserError: no hub, nothing or two things to search for, no such persona, column, language or view, a
            condition that has no value for some row, or the hub's embeddings are another model's.
    """
    if query is not None and like is not None:
        raise UserError(
            f"search: words ({query!r}) and --like {like} are both given, and only one may be;"
            " leave one of them out"
        )
    if not (query or like or "").strip():
        raise UserError('search: say what to look for: words, such as "a nurse on an island", or --like ID')
    if limit < 1:
        raise UserError(f"--limit {limit}: at least one persona must be asked for")
    opened = Hub(hub)
    meets = condition(opened, language, relation, round, source, date, since, until, where)
    shown = open_view(opened, view)
    itself = _persona(opened, like) if like else None

    def shows(ids: pa.Array) -> pa.BooleanArray:
        visible = shown.shows(ids) if shown else pa.array(np.ones(len(ids), np.bool_))
        return pc.and_(visible, pc.not_equal(ids, itself["id"])) if itself else visible

    text = itself["description"] if itself else query or ""
    depth = max(_DEPTH, limit)
    cosines: dict[str, float] = {}
    with _opened_encoder(encoder) as model:
        opened.embeddings.check(model)
        _get_ready(opened, model, told or _ignore)
        try:
            words = by_words(opened, text, depth, meets, shows)
            if opened.embeddings.model is not None:
                vector = _vector(opened, itself, text, model)
                cosines = by_meaning(opened, vector, depth, meets, shows)
                cosines |= cosines_of(opened, vector, [id_ for id_ in words if id_ not in cosines])
        except (OSError, ValueError) as error:
            check_evaluated(where, error)
            raise
    scores = _scores(words, cosines)
    best = sorted(scores, key=lambda id_: (-scores[id_], id_))[:limit]
    descriptions = _descriptions(opened, best)
    return [Found(id_, descriptions[id_], _rounded(scores[id_])) for id_ in best]


def _rounded(score: float) -> float:
    """Four digits: more of them say nothing."""
    return float(f"{score:.4f}")


def _scores(words: Mapping[str, float], cosines: Mapping[str, float]) -> dict[str, float]:
    """The scores of all that either found.

    A persona in a language that the embedding model does not know has no cosine: it gets the best one as far
    as its words are the best.
    """
    best_words = max(words.values(), default=1.0)
    best_cosine = max(cosines.values(), default=1.0)
    scores = {}
    for id_ in {**words, **cosines}:
        share = words.get(id_, 0.0) / best_words
        scores[id_] = (cosines.get(id_, share * best_cosine) + _WORDS * share) / (1 + _WORDS)
    return scores


def condition(
    hub: Hub,
    language: str | None = None,
    relation: str | None = None,
    round: int | None = None,  # noqa: A002  The column's name.
    source: str | None = None,
    date: str | None = None,
    since: str | None = None,
    until: str | None = None,
    where: str | None = None,
) -> str | None:
    """The filters of :func:`search` as one SQL condition; None where there are none.

    Raises:
        UserError: a filter is none.
    """
    parts = []
    if language is not None:
        parts.append(f"language = '{language if language == 'und' else check_language(language)}'")
    if relation is not None:
        asked = quoted(relation)
        parts.append(
            f"(relation = {asked} OR starts_with(relation, {quoted(relation + '/')})"
            f" OR ends_with(relation, {quoted('/' + relation)}))"
        )
    if round is not None:
        parts.append(f"round = {int(round)}")
    if source is not None:
        bare = source.rstrip("/")
        parts.append(
            f"(source = {quoted(source)} OR starts_with(source, {quoted(bare + '/')})"
            f" OR ends_with(source, {quoted('/' + bare)}))"
        )
    if date is not None:
        parts.append(f"starts_with(date, '{_date('--date', date)}')")
    if since is not None:
        parts.append(f"date >= '{_date('--since', since)}'")
    if until is not None:
        last = _date("--until", until)
        parts.append(f"(date != '' AND (date <= '{last}' OR starts_with(date, '{last}')))")
    if where is not None:
        hub.personas.check_where(where)
        # On a line of its own, since the condition may end in a comment.
        parts.append(f"({where}\n)")
    return " AND ".join(parts) or None


def _date(option: str, given: str) -> str:
    if not _DATE.fullmatch(given):
        raise UserError(f"{option} {given}: is no date; give a year, a month or a day, such as 2023-05-17")
    return given


def _persona(hub: Hub, id_: str) -> dict[str, Any]:
    """The persona whose id is or begins with this.

    Raises:
        UserError: there is none, or several.
    """
    if not id_.startswith(Kind.PERSONA) or len(id_) < _SHORTEST_ID:
        raise UserError(
            f"--like {id_}: is no persona's id; give {Kind.PERSONA} and at least"
            f" {_SHORTEST_ID - 1} more characters of it"
        )
    found = hub.personas.find(id_)
    if len(found) > 1:
        raise UserError(f"--like {id_}: {len(found)} ids begin so; give more of it")
    if not found:
        raise UserError(f"--like {id_}: no such persona in the hub {hub.path}")
    return found[0]


def _vector(
    hub: Hub, itself: dict[str, Any] | None, text: str, model: EmbeddingModel
) -> npt.NDArray[np.float32]:
    if itself and (kept := hub.embeddings.vectors([itself["id"]])):
        return kept[itself["id"]].astype(np.float32)
    vector: npt.NDArray[np.float32] = model.embed([text])[0]
    return vector


def _descriptions(hub: Hub, ids: Sequence[str]) -> dict[str, str]:
    table = open_indexed(hub.personas.path)
    if table is None or not ids:
        return {}
    listed = ", ".join(f"'{id_}'" for id_ in ids)
    rows = table.to_table(columns=["id", "description"], filter=f"id IN ({listed})")
    return dict(zip(rows["id"].to_pylist(), rows["description"].to_pylist(), strict=True))


def _get_ready(hub: Hub, model: EmbeddingModel, told: Told) -> None:
    """Bring the indexes and embeddings up to date where that is needed, quick, and nobody writes the hub."""
    unindexed, unembedded = _behind(hub, model)
    quick = unembedded <= _EMBEDDED_AT_ONCE
    is_behind = unindexed is None or unindexed > _LEFT_UNINDEXED
    if is_behind or (unembedded and quick):
        with ExitStack() as held:
            try:
                held.enter_context(hub.writing())
            except (UserError, OSError):
                told(f"{hub.path} is being written or cannot be: what it has no index for is found in part")
                return
            if is_behind:
                told("indexing the personas' words …")
                hub.personas.index_text()
            if unembedded and quick:
                told(f"embedding {unembedded:,} personas …")
                embed_personas(hub, model)
    if unembedded and not quick:
        told(
            f"{unembedded:,} personas have no embedding, so they are found by their words alone;"
            f" personahub hub index {hub.path} embeds them"
        )


def _behind(hub: Hub, model: EmbeddingModel) -> tuple[int | None, int]:
    """How many personas the index of words does not know, and how many have no vector but could have one.

    None where there is no index.

    Raises:
        UserError: there are no personas.
    """
    personas, embeddings = open_indexed(hub.personas.path), hub.embeddings.open()
    if personas is None:
        raise UserError(f"{hub.path}: holds no personas yet; personahub curate SOURCE --hub {hub.path}")
    versions = (personas.version, embeddings.version if embeddings else 0)
    return _behind_at(hub.path.resolve(), hub.id, versions, languages_where(model))


@lru_cache(maxsize=16)
def _behind_at(path: Path, hub_id: str, versions: tuple[int, int], known: str) -> tuple[int | None, int]:
    """Counted once for each version of the tables."""
    hub = Hub(path)
    unindexed = unindexed_rows(hub.personas.path, "description")
    return unindexed, max(hub.personas.count(known) - hub.embeddings.count(), 0)


@contextmanager
def _opened_encoder(encoder: str | EmbeddingModel | None) -> Iterator[EmbeddingModel]:
    """The model, closed at the end where it was opened for this."""
    model = _built_in() if encoder is None else open_embedding_model(encoder)
    try:
        yield model
    finally:
        if isinstance(encoder, str):
            model.close()


@cache
def _built_in() -> EmbeddingModel:
    """The built-in model, whose weights this process loads once."""
    return open_embedding_model(None)


def _ignore(_: str) -> None:
    pass

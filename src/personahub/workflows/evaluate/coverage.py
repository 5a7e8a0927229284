"""``evaluate coverage``: what a hub holds and what it lacks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from personahub.errors import UserError
from personahub.evaluation.clusters import assign, evenness, find_clusters
from personahub.evaluation.matching import (
    ListVectors,
    Matches,
    forms_to_compare,
    match_list,
    nearest_rows,
)
from personahub.evaluation.stated import GENDERS, find_stated
from personahub.evaluation.stated_words import BANDS
from personahub.evaluation.stated_words import WOMAN as _READ_LANGUAGES
from personahub.evaluation.titles import Entry, built_in_occupations, no_occupations, title_forms
from personahub.evaluation.topics import name_clusters
from personahub.evaluation.vectors import unit
from personahub.hub import Hub
from personahub.models.opening import open_embedding_model
from personahub.models.protocols import EmbeddingModel
from personahub.models.sentence_encoder import SentenceEncoder
from personahub.workflows.evaluate.coverage_lists import read_list
from personahub.workflows.evaluate.coverage_result import (
    Coverage,
    EntryCoverage,
    ListCoverage,
    Topic,
    Topics,
    named_language,
)
from personahub.workflows.evaluate.coverage_sample import (
    Drawn,
    Vectors,
    count_languages,
    draw_personas,
    embed_drawn,
)
from personahub.workflows.evaluate.folders import check_plotting
from personahub.workflows.steps import StepWatcher
from personahub.workflows.views import open_view

__all__ = ["BUILT_IN", "NOT_READ", "NOT_STATED", "THRESHOLD", "TOPIC_THRESHOLD", "evaluate_coverage"]

THRESHOLD = 0.65
"""The cosine from which a persona is an entry of a list; of labelled pairs: ``docs/coverage.md``."""
TOPIC_THRESHOLD = 0.22
"""The same for topics, which are compared with all that a persona says."""
BUILT_IN = "built in"
NOT_STATED = "not stated"
NOT_READ = "language not read"
_LOOKED_AT = 100_000
_EMBEDDED = 256
_NAMED = 20_000
"""Texts that the clusters are named by."""
_CLUSTERED = 20
"""Fewer personas make no clusters."""


def evaluate_coverage(
    hub: Path | str,
    *,
    occupations: Path | str | None = None,
    topics: Path | str | None = None,
    where: str | None = None,
    view: str | None = None,
    threshold: float = THRESHOLD,
    looked_at: int = _LOOKED_AT,
    embeddings: str | EmbeddingModel | None = None,
    seed: int = 0,
    out: Path | str | None = None,
    watcher: StepWatcher | None = None,
) -> Coverage:
    """Measure what a hub holds and what it lacks: occupations, languages, stated gender and age, topics.

    Languages are counted of all personas; the rest of a drawn sample, whose texts and vectors lie on disk
    meanwhile. Stored vectors are used; nothing is written into the hub.

    Args:
        hub: the hub's directory.
        occupations: a file of occupations (:func:`~.coverage_lists.read_list`); None for the built-in list.
        topics: a file of topics; None for clusters of the personas' meanings.
        where: only personas that meet this condition, in SQL.
        view: see :func:`personahub.workflows.views.open_view`.
        threshold: the cosine from which a persona is an entry of a list; measured for the built-in model.
        looked_at: personas to draw at most.
        embeddings: what compares meanings, a name or a model; None for the built-in model.
        seed: of everything that is drawn.
        out: a folder for ``coverage.json``, ``.md``, ``.png`` and ``.svg``.
        watcher: is told how it goes.

    Raises:
        UserError: no hub, no personas in it that fit, a list that cannot be used, embeddings of another
            model in the hub, or there is a folder to write and no matplotlib.
    """
    if out is not None:
        check_plotting(Path(out))
    if not 0 < threshold <= 1:
        raise UserError(f"--threshold {threshold:g}: give a cosine above 0, up to 1")
    if looked_at < 1:
        raise UserError(f"--looked-at {looked_at}: at least one persona must be looked at")
    watcher = watcher or StepWatcher()
    opened = Hub(hub)
    if where is not None:
        opened.personas.check_where(where)
    jobs = list(built_in_occupations()) if occupations is None else read_list(occupations, "--occupations")
    themes = None if topics is None else read_list(topics, "--topics")
    model = open_embedding_model(embeddings)
    opened.embeddings.check(model)
    shown = open_view(opened, view)
    languages = count_languages(opened, where, shown)
    total = sum(languages.values())
    if not total:
        fits = " that meets the condition" if where else ""
        raise UserError(f"{hub}: has no persona{fits}; personahub stats {hub} tells what it holds")
    drawn = draw_personas(opened, looked_at, seed, where, shown)
    gender, age = _stated(drawn, watcher)
    known = drawn.known_to(model)
    with drawn.texts, embed_drawn(opened, drawn, known.tolist(), model, watcher) as vectors:
        compared = _Compared(drawn, known.tolist(), vectors)
        named = BUILT_IN if occupations is None else str(occupations)
        by_occupation = compared.with_occupations(named, jobs, threshold)
        by_topic = compared.clusters(seed) if themes is None else compared.with_topics(str(topics), themes)
    unknown = Counter(named_language(code) for code in drawn.languages if code not in model.languages)
    result = Coverage(
        hub=str(hub),
        view=shown.name if shown else None,
        where=where,
        personas=total,
        looked_at=len(drawn.ids),
        seed=seed,
        embeddings=SentenceEncoder.name if embeddings is None else model.name,
        not_compared=dict(unknown.most_common()),
        languages=languages,
        gender=gender,
        age=age,
        occupations=by_occupation,
        topics=by_topic,
    )
    if out is not None:
        from personahub.workflows.evaluate.coverage_report import write_report

        write_report(result, Path(out))
    return result


def _stated(drawn: Drawn, watcher: StepWatcher) -> tuple[dict[str, int], dict[str, int]]:
    """How many state each gender and each age; those that state none come last."""
    genders, ages = Counter[str](), Counter[str]()
    watcher.began("personas read for gender and age", len(drawn.ids))
    for done, (text, language) in enumerate(drawn.described(), 1):
        if language not in _READ_LANGUAGES:
            genders[NOT_READ] += 1
            ages[NOT_READ] += 1
            continue
        stated = find_stated(text, language)
        genders[stated.gender or NOT_STATED] += 1
        ages[stated.age or NOT_STATED] += 1
        watcher.advanced(done)
    return _ordered(genders, GENDERS), _ordered(ages, BANDS)


def _ordered(counts: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    told = {name: counts.get(name, 0) for name in (*names, NOT_STATED)}
    return told | ({NOT_READ: counts[NOT_READ]} if counts.get(NOT_READ) else {})


class _Compared:
    """The drawn personas that can be compared, with their vectors."""

    def __init__(self, drawn: Drawn, places: Sequence[int], vectors: Vectors) -> None:
        self._drawn = drawn
        self._places = places
        self._vectors = vectors

    def with_occupations(self, named: str, entries: Sequence[Entry], threshold: float) -> ListCoverage | None:
        """Which occupations of a list they have, by who they say they are; None of no personas."""
        if not self._places:
            return None
        # The built-in list says "a nurse" as personas do.
        forms = [[each.title] if named == BUILT_IN else title_forms(each.title) for each in entries]
        heads, head_of = self._vectors.heads()
        listed = self._embedded(forms, no_occupations())
        matches = match_list(heads, head_of, self._vectors.wholes(), listed)
        return self._told(named, entries, matches, threshold)

    def with_topics(self, named: str, entries: Sequence[Entry]) -> ListCoverage | None:
        """Which topics of a list they are about, by all that they say; None of no personas."""
        if not self._places:
            return None
        wholes = self._vectors.wholes()
        listed = self._embedded([[each.title] for each in entries], ())
        matches = match_list(wholes, np.arange(len(wholes)), wholes, listed)
        return self._told(named, entries, matches, TOPIC_THRESHOLD)

    def _embedded(self, forms: Sequence[Sequence[str]], others: Sequence[str]) -> ListVectors:
        flat, starts = forms_to_compare(forms)
        embed = self._vectors.model.embed
        vectors = np.concatenate([embed(flat[at : at + _EMBEDDED]) for at in range(0, len(flat), _EMBEDDED)])
        none = embed(list(others)) if others else np.empty((0, vectors.shape[1]), np.float32)
        return ListVectors(unit(vectors), starts, unit(none))

    def _told(self, named: str, entries: Sequence[Entry], matches: Matches, threshold: float) -> ListCoverage:
        counts = np.bincount(matches.entry[matches.holds(threshold)], minlength=len(entries))
        nearest = [self._places[place] for place in matches.nearest.tolist()]
        found = zip(
            entries,
            counts.tolist(),
            [self._drawn.ids[place] for place in nearest],
            self._drawn.texts.take(nearest),
            matches.nearness.tolist(),
            strict=True,
        )
        return ListCoverage(
            named=named,
            threshold=threshold,
            compared=len(self._places),
            entries=tuple(EntryCoverage(entry.title, entry.group, *told) for entry, *told in found),
        )

    def clusters(self, seed: int) -> Topics | None:
        """What they are about; None for too few of them."""
        if len(self._places) < _CLUSTERED:
            return None
        vectors = self._vectors.wholes()
        centres = find_clusters([vectors], seed)
        labels = assign(vectors, centres)
        sizes = np.bincount(labels, minlength=len(centres))
        named = self._places[:_NAMED]
        words = name_clusters(self._drawn.described(named), labels[:_NAMED].tolist(), len(centres))
        examples = self._drawn.texts.take(self._places[place] for place in nearest_rows(centres, vectors))
        topics = [
            Topic(some, int(size), example)
            for some, size, example in zip(words, sizes, examples, strict=True)
        ]
        return Topics(
            len(labels),
            evenness(labels, len(centres)),
            tuple(sorted(topics, key=lambda each: -each.personas)),
        )

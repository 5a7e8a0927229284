"""``curate``: text-to-persona, from sources to a hub."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from personahub.completion import Completion
from personahub.corpus import (
    LeftOut,
    ReadOptions,
    Sources,
    check_first_rows,
    detect_language,
    find_sources,
)
from personahub.errors import UserError
from personahub.hub import WHOLE, Hub, Shard
from personahub.hub.forgotten import Known
from personahub.languages import check_language
from personahub.models import EmbeddingModel, LanguageModel, Request
from personahub.models.opening import DEFAULT_MODEL
from personahub.personas import (
    DEFAULT_RELATIONS,
    GRANULARITIES,
    Question,
    TextToPersona,
    closeness,
    not_grounded,
)
from personahub.records import Document, Persona, SetAside
from personahub.workflows.calls import Calls
from personahub.workflows.estimate import spread
from personahub.workflows.pages import read_pages
from personahub.workflows.running import Outcome, Watcher, Work, run_async, working

__all__ = ["CurateOutcome", "curate"]

_COUNTED_BYTES = 4 * 2**20
"""Sources up to this size are read once more, to know how many documents there will be."""
_DRAWN = 32
"""Documents read at a time."""


@dataclass
class CurateOutcome(Outcome):
    """What a ``curate`` came to."""

    documents: int = 0
    """Documents all of whose questions are answered."""
    personas: int = 0

    def to_json(self) -> dict[str, Any]:
        """The contract of ``curate --json``."""
        return {"documents": self.documents, "personas": self.personas, **super().to_json()}


def curate(
    sources: Sequence[str | Path],
    hub: Path | str,
    *,
    model: str | LanguageModel | Sequence[LanguageModel] = DEFAULT_MODEL,
    limit: int | None = None,
    relations: Sequence[str] = DEFAULT_RELATIONS,
    per_relation: int = 1,
    granularity: str = "fine",
    language: str | None = None,
    reading: ReadOptions | None = None,
    document_tokens: int = 250,
    jobs: int | None = None,
    skip_bad_rows: bool = False,
    seed: int = 0,
    shard: str | None = None,
    calls: Calls | None = None,
    encoder: str | EmbeddingModel | None = None,
    watcher: Watcher | None = None,
) -> CurateOutcome:
    """Infer personas from texts and keep them in a hub; an unfinished run of the same is gone on with.

    Args:
        sources: files, folders, glob patterns, or addresses of files elsewhere.
        hub: the hub's directory, made where there is none.
        model: a model's name (:mod:`personahub.models.opening` says which there are), or model objects.
        limit: most documents to read, those of other shards included.
        relations: how the personas stand to a text: read, write, like, dislike or any other verb.
        per_relation: personas for each relation of each document.
        granularity: "fine" or "coarse".
        language: of the personas, ISO 639-1; None for each text's own.
        reading: which texts are taken, and what is taken out of them.
        document_tokens: longer texts are cut into documents of about this many tokens.
        jobs: processes that read; None for as many as are worth it.
        skip_bad_rows: set rows that cannot be read aside from the start; else one among the first 100 of
            a file is an error.
        seed: of the sampling.
        shard: work only on this share of the documents, such as ``"2/8"``, in a hub of its own:
            ``hub/shards/2-of-8``; :func:`personahub.merge` brings the shards together.
        calls: how the calls are made and what they may cost.
        encoder: measures how close personas are to their texts: a server's embedding model, such as
            ``openai:text-embedding-3-small``; by default the built-in one.
        watcher: is told how it goes.

    Raises:
        UserError: whatever the user can mend; nothing was written then but what is whole.
    """
    if granularity not in GRANULARITIES:
        raise UserError(f"unknown granularity {granularity!r}; known: {', '.join(GRANULARITIES)}")
    verbs = _checked_relations(relations)
    language = check_language(language) if language else None
    reading = reading or ReadOptions()
    files = find_sources([str(source) for source in sources])
    if not skip_bad_rows:
        check_first_rows(files, text_field=reading.text_field)
    calls = calls or Calls()
    models = calls.open(model)
    asker = TextToPersona(
        model=models[0].name,
        relations=verbs,
        per_relation=per_relation,
        granularity=granularity,
        language=language,
        seed=seed,
    )
    configuration = {
        "sources": [str(source) for source in sources],
        "limit": limit,
        "reading": reading.to_json(),
        "document_tokens": document_tokens,
        "model": models[0].name,
        "template": asker.template.version,
        "relations": verbs,
        "per_relation": per_relation,
        "granularity": granularity,
        "language": language,
        "seed": seed,
    }
    share = Shard.parse(shard) if shard else WHOLE
    target = Hub.create_shard(hub, share) if shard else Hub.create(hub)
    with working(
        target,
        "curate",
        configuration,
        model=model,
        models=models,
        calls=calls,
        outcome=CurateOutcome,
        watcher=watcher,
        given={"skip_bad_rows": skip_bad_rows, **({"shard": str(share)} if shard else {})},
        # All shards' commands are given again to go on with the few that stopped; the others stay one run.
        once=bool(shard),
    ) as work:
        documents = _count(files, reading, document_tokens, limit)
        total = None if documents is None else share.count(documents)
        work.watcher.started("documents", total, work.outcome.run, work.resumed)
        curation = _Curation(work, asker, calls.open_encoder(encoder), share)
        if calls.estimate:
            work.estimating("documents", total)
            curation.only = {share.place(position) for position in spread(total)}
        with closing(read_pages(files, reading, document_tokens=document_tokens, jobs=jobs)) as found:
            run_async(curation.run(found, limit))
        if curation.outcome.personas:
            target.personas.index_text()
        work.estimated()
        work.ended(curation.counts())
        return curation.outcome


def _checked_relations(relations: Sequence[str]) -> list[str]:
    """Verbs without repetition.

    Raises:
        UserError: there is none, or one that cannot be a verb.
    """
    cleaned = list(dict.fromkeys(relation.strip() for relation in relations))
    for relation in cleaned:
        if len(relation) > 60 or not any(char.isalpha() for char in relation) or "\n" in relation:
            raise UserError(
                f"unknown relation {relation!r}: a relation is a verb that a person does with a text,"
                f" such as {', '.join(DEFAULT_RELATIONS)}, 'translate' or 'argue with'"
            )
    if not cleaned:
        raise UserError(f"no relation is given; the usual ones are {', '.join(DEFAULT_RELATIONS)}")
    return cleaned


def _count(files: Sources, reading: ReadOptions, document_tokens: int, limit: int | None) -> int | None:
    """How many documents there will be: counted where the files are small, else the limit or None."""
    if sum(file.size for file in files) > _COUNTED_BYTES:
        return limit
    found = read_pages(files, reading, document_tokens=document_tokens, jobs=1)
    return sum(1 for _ in islice((item for item in found if isinstance(item, Document)), limit))


@dataclass
class _Pending:
    """A document whose questions are being answered."""

    document: Document
    missing: int
    answers: dict[int, Persona | SetAside] = field(default_factory=dict)


class _Curation:
    """One run: joins the corpus, the asker, the engine and the hub."""

    def __init__(
        self, work: Work[CurateOutcome], asker: TextToPersona, encoder: EmbeddingModel, share: Shard
    ) -> None:
        self.outcome = work.outcome
        self._work = work
        self._asker = asker
        self._encoder = encoder
        self._share = share
        self._questions: dict[str, Question] = {}
        self._pending: dict[str, _Pending] = {}
        self._keeping: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(encoder.slots, thread_name_prefix="encoder")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._forgotten = Known(work.hub.path)
        self.only: set[int] | None = None
        """The places of the documents to ask about, where not about all."""

    async def run(self, documents: Iterator[Document | LeftOut], limit: int | None) -> None:
        async with self._work.engaged():
            try:
                async for completion in self._work.engine.complete(self._ask(documents, limit)):
                    await self._answer(completion)
                await self._kept(0)
            finally:
                # One's fault ends the run; nobody asks for those of the others.
                await asyncio.gather(*self._keeping, return_exceptions=True)
                await asyncio.to_thread(self._threads.shutdown)
                await asyncio.to_thread(self._reader.shutdown)
                await asyncio.to_thread(self._encoder.close)

    def counts(self) -> dict[str, int]:
        return {"documents": self.outcome.documents, "personas": self.outcome.personas}

    async def _ask(
        self, documents: Iterator[Document | LeftOut], limit: int | None
    ) -> AsyncIterator[Request]:
        place = 0
        async for item in self._read(documents):
            if isinstance(item, LeftOut):
                # One shard sets it aside: that of the document that comes next.
                if self._share.takes(place):
                    self._set_aside(item)
                continue
            if (limit is not None and place >= limit) or (self.only is not None and place > max(self.only)):
                return
            if self._share.takes(place) and (self.only is None or place in self.only):
                if item in self._forgotten:
                    self.outcome.set_aside["forgotten"] += 1
                    place += 1
                    continue
                for request in self._ask_about(item, place):
                    yield request
            place += 1

    async def _read(self, documents: Iterator[Document | LeftOut]) -> AsyncIterator[Document | LeftOut]:
        """What is read, by a thread: to extract the text of a page would hold up all calls."""
        loop = asyncio.get_running_loop()
        while items := await loop.run_in_executor(self._reader, lambda: list(islice(documents, _DRAWN))):
            for item in items:
                yield item

    def _ask_about(self, found: Document, place: int) -> Iterator[Request]:
        document = replace(found, language=detect_language(found.text))
        questions = list(self._asker.ask(document, place))
        self._pending[document.id] = _Pending(document, len(questions))
        for question in questions:
            self._questions[question.request.key] = question
            yield question.request

    def _set_aside(self, item: LeftOut) -> None:
        self.outcome.set_aside[item.reason] += 1
        if item.reason == "where":
            return  # The user's choice; it may be most of the web.
        self._work.buffer.add(
            SetAside(
                kind="document",
                reason=item.reason,
                detail=f"{item.detail} (at byte {item.offset})" if item.broken else item.detail,
                text=item.text,
                parent_id="",
                source=item.source,
                row=item.row,
                run=self.outcome.run.number,
                request="",
            )
        )

    async def _answer(self, completion: Completion) -> None:
        question = self._questions.pop(completion.request.key)
        if self._work.estimator:
            self._work.estimator.add(question.document.id, completion)
        pending = self._pending[question.document.id]
        if completion.failure:
            self._work.failed(completion.failure)
        else:
            answer = self._asker.answer(question, completion, run=self.outcome.run.number)
            pending.answers[question.position] = answer
        pending.missing -= 1
        if not pending.missing:
            await self._finish(self._pending.pop(question.document.id))

    async def _finish(self, pending: _Pending) -> None:
        """Have a document kept, in the background: its embeddings may come from a server far away."""
        self._keeping.add(asyncio.create_task(self._keep(pending)))
        await self._kept(4 * self._encoder.slots)

    async def _kept(self, most: int) -> None:
        """Wait until no more than so many documents are still to be kept.

        Raises:
            UserError: one cannot be kept.
        """
        while True:
            done = {task for task in self._keeping if task.done()}
            self._keeping -= done
            for task in done:
                task.result()
            if len(self._keeping) <= most:
                return
            await asyncio.wait(self._keeping, return_when=asyncio.FIRST_COMPLETED)

    async def _keep(self, pending: _Pending) -> None:
        answers = [pending.answers[position] for position in sorted(pending.answers)]
        personas = [answer for answer in answers if isinstance(answer, Persona)]
        set_aside = [answer for answer in answers if isinstance(answer, SetAside)]
        if personas:
            descriptions = [persona.description for persona in personas]
            cosines = await asyncio.get_running_loop().run_in_executor(
                self._threads,
                closeness,
                pending.document,
                descriptions,
                personas[0].language,
                self._encoder,
            )
            measured = [
                replace(persona, closeness=cosine) for persona, cosine in zip(personas, cosines, strict=True)
            ]
            faults = {persona.position: not_grounded(persona, pending.document) for persona in measured}
            personas = [persona for persona in measured if not faults[persona.position]]
            set_aside += [fault for fault in faults.values() if fault]
        self._work.buffer.add(pending.document, *personas, *set_aside)
        self.outcome.documents += 1
        self.outcome.personas += len(personas)
        self.outcome.set_aside.update(answer.reason for answer in set_aside)
        self._work.watcher.document_done(pending.document, personas, set_aside)
        self._work.advanced(self.outcome.documents, self.outcome.personas, self.counts())

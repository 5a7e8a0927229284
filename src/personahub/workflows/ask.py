"""``ask``: one question, many personas, an answer each; the short form of the task ``perspective``."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from personahub.config import read_json
from personahub.corpus import detect_language
from personahub.errors import UserError
from personahub.hub import Hub
from personahub.languages import LANGUAGES, check_language
from personahub.models import EmbeddingModel, LanguageModel
from personahub.models.opening import DEFAULT_MODEL
from personahub.workflows.calls import Calls
from personahub.workflows.given import add_given
from personahub.workflows.running import Watcher
from personahub.workflows.search import search
from personahub.workflows.selection import Selection, select_personas
from personahub.workflows.synthesize import SynthesizeOutcome, synthesize

__all__ = ["ASK_HUB", "Answer", "Answers", "ask"]

ASK_HUB = Path("ask-hub")
"""The hub of personas that are given as they stand, in the working folder."""
_TASK = "perspective"
_DATASET = "ask"
_SOURCE = "ask"
_FEW = 3
"""Answers where no number is asked for and the kinds of personas do not say it."""


@dataclass(frozen=True)
class Answer:
    """What one persona said.

    Attributes:
        persona: the persona's description.
        persona_id: its id in the hub.
        record_id: of the record that holds the answer, for ``show``.
        answer: the answer.
        fields: the model's whole reply.
    """

    persona: str
    persona_id: str
    record_id: str
    answer: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Answers:
    """What came of a question.

    Attributes:
        question: it.
        answers: one of each persona, in the order in which these were found or given.
        hub: where the answers are, in the data set "ask".
        outcome: of the run that asked.
    """

    question: str
    answers: Sequence[Answer]
    hub: Path
    outcome: SynthesizeOutcome

    def to_json(self) -> dict[str, Any]:
        """What ``ask --json`` prints."""
        names = ("persona", "persona_id", "record_id", "answer", "fields")
        answers = [{name: getattr(each, name) for name in names} for each in self.answers]
        return {
            "question": self.question,
            "answers": answers,
            "hub": str(self.hub),
            **self.outcome.to_json(),
        }


def ask(
    question: str,
    personas: Sequence[str] | str | None = None,
    *,
    hub: Path | str | None = None,
    n: int | None = None,
    out: Path | str | None = None,
    model: str | LanguageModel | Sequence[LanguageModel] = DEFAULT_MODEL,
    language: str | None = None,
    seed: int = 0,
    encoder: str | EmbeddingModel | None = None,
    calls: Calls | None = None,
    watcher: Watcher | None = None,
) -> Answers:
    """Ask personas a question: those that the hub has of some kinds, or some given in words.

    With a hub, each of ``personas`` is looked for in it, by words and meaning, and ``n`` answers are shared
    evenly among them, the nearest personas first and none twice; without ``personas`` they are drawn. Without
    a hub, each of them is a persona as it stands, and is kept in the hub ``ask-hub`` of the working folder.
    There the answers are kept too, so that the same call asks nothing twice. An answer that is set aside is
    asked for again, of the same persona.

    Args:
        question: the question or the topic.
        personas: kinds of personas, or personas; in one text they are separated by semicolons, or where it
            has none by commas.
        hub: whose personas are asked.
        n: how many answers; by default one for each of ``personas``, and three where that is one or none.
        out: a file for the records: .jsonl, .jsonl.gz or .parquet.
        model: a model's name, or model objects.
        language: of the answers, ISO 639-1; None for the question's own.
        seed: of the draw, and of the sampling.
        encoder: looks for personas by meaning, where it is not the built-in model.
        calls: how the calls are made and what they may cost.
        watcher: is told how it goes.

    Raises:
        UserError: whatever the user can mend; nothing was asked then.
    """
    question = " ".join(question.split())
    if not question:
        raise UserError('ask: the question is empty; say what to ask, such as "Is it right to eat meat?"')
    parts = _parts(personas)
    if n is not None and n < 1:
        raise UserError(f"-n {n}: at least one answer must be asked for")
    if n is not None and n < len(parts):
        raise UserError(
            f"-n {n}: fewer answers than the {len(parts)} kinds of personas; leave some of them out"
        )
    spoken = check_language(language) if language else _language(question, parts if hub is None else ())
    if hub is not None:
        found = _found(Hub(hub), parts, n, seed, encoder, watcher or Watcher())
    else:
        found = _given(parts, n, spoken)
    target = Path(hub or ASK_HUB)
    outcome = synthesize(
        _TASK,
        target,
        dataset=_DATASET,
        out=out,
        options={"question": question},
        selection=Selection(ids=found),
        # Two personas may well say the same.
        repetition="off",
        model=model,
        language=spoken,
        seed=seed,
        calls=calls,
        watcher=watcher,
    )
    return Answers(question, _answers(outcome, found), target, outcome)


def _parts(personas: Sequence[str] | str | None) -> list[str]:
    """The personas or kinds of them, each once.

    Raises:
        UserError: some are given, and they say nothing.
    """
    if personas is None:
        return []
    if isinstance(personas, str):
        between = r"[;；]" if re.search(r"[;；]", personas) else r"[,，、]"
        personas = re.split(between, personas)
    told = (" ".join(part.split()) for part in personas)
    parts = list(dict.fromkeys(part for part in told if any(map(str.isalnum, part))))
    if not parts:
        raise UserError('--personas: is empty; say who is asked, such as "a biologist, a teacher, a priest"')
    return parts


def _language(question: str, personas: Sequence[str]) -> str | None:
    """The question's language; a few words alone tell little, so what is said with it counts too."""
    language = detect_language("\n".join([question, *personas]))
    return language if language in LANGUAGES else None


def _given(parts: Sequence[str], n: int | None, spoken: str | None) -> list[str]:
    """Ids of the personas that are given in words, in the hub of such."""
    if not parts:
        raise UserError(
            'ask: nobody is asked; say who, with --personas "a biologist, a teacher", or with --hub DIR'
        )
    if n not in (None, len(parts)):
        raise UserError(
            f"-n {n}: the {len(parts)} personas that are given answer once each; to ask more of a kind, give"
            " --hub DIR, where they are looked for"
        )
    return add_given(Hub.create(ASK_HUB), [(part, spoken or "und") for part in parts], _SOURCE)


def _found(
    hub: Hub,
    parts: Sequence[str],
    n: int | None,
    seed: int,
    encoder: str | EmbeddingModel | None,
    watcher: Watcher,
) -> list[str]:
    """Ids of the hub's personas of these kinds; of any where there are none."""
    if not parts:
        return select_personas(hub, Selection(), n or _FEW, seed=seed)
    wanted = n or (_FEW if len(parts) == 1 else len(parts))
    taken: dict[str, str] = {}
    for part, share in zip(parts, _shares(wanted, len(parts)), strict=True):
        nearest = _nearest(hub, part, share, taken, encoder, watcher)
        if len(nearest) < share:
            watcher.notice(f"{hub.path}: has {len(nearest)} more personas for {part!r}, and not {share}")
        taken |= nearest
    if not taken:
        raise UserError(f"{hub.path}: none of its personas fits {' or '.join(map(repr, parts))}")
    return list(taken.values())


def _nearest(
    hub: Hub,
    kind: str,
    share: int,
    taken: Mapping[str, str],
    encoder: str | EmbeddingModel | None,
    watcher: Watcher,
) -> dict[str, str]:
    """Descriptions with ids of the personas nearest to this kind, without those that are taken.

    One sentence of two texts is two personas, who would say the same: it is taken once.
    """
    limit = share + len(taken)
    while True:
        found = search(hub.path, kind, limit=limit, encoder=encoder, told=watcher.notice)
        new: dict[str, str] = {}
        for each in found:
            if each.description not in taken:
                new.setdefault(each.description, each.id)
        if len(new) >= share or len(found) < limit:
            return dict(islice(new.items(), share))
        limit *= 4


def _shares(wanted: int, parts: int) -> Iterator[int]:
    """How many each part gets: as many as any other, or one more."""
    least, more = divmod(wanted, parts)
    yield from (least + (place < more) for place in range(parts))


def _answers(outcome: SynthesizeOutcome, ids: Sequence[str]) -> list[Answer]:
    order = {id_: place for place, id_ in enumerate(ids)}
    records = sorted(outcome.records, key=lambda record: order[record.persona_id])
    return [
        Answer(record.persona, record.persona_id, record.id, record.text, read_json(record.fields))
        for record in records
    ]

"""What some methods need before the first record: key points of texts, personas of examples."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from personahub.corpus import find_sources, read_documents
from personahub.errors import UserError
from personahub.languages import language_name
from personahub.models import Message, Request, Sampling
from personahub.personas import TextToPersona
from personahub.records import Document, Persona
from personahub.synthesis import Synthesizer
from personahub.synthesis.examples import Example
from personahub.synthesis.synthesizer import added_wording
from personahub.workflows.briefs import Plan
from personahub.workflows.estimate import SAMPLED
from personahub.workflows.running import Work

__all__ = ["prepare"]

_TOKENS = 400
"""Of a text whose key points are asked for."""
_POINTS = {
    "type": "object",
    "properties": {
        "key_points": {
            "type": "array",
            "items": {"type": "string", "minLength": 4, "maxLength": 100},
            "minItems": 3,
            "maxItems": 8,
        }
    },
    "required": ["key_points"],
    "additionalProperties": False,
}
_RELATIONS = ("write", "like")
"""Who is asked for about an example: its author, or where that is no good persona, who likes it."""


async def prepare(work: Work[Any], plan: Plan, synthesizer: Synthesizer) -> Synthesizer:
    """Ask for what the plan's method needs: the plan gets its key points, the examples their personas.

    Returns:
        The synthesizer, with the examples' personas where the method shows them.
    """
    if plan.prompting.key_points_from:
        plan.material.key_points = await _key_points_of(work, plan.prompting.key_points_from, synthesizer)
    if plan.prompting.method != "persona-enhanced":
        return synthesizer
    shown = [plan.task.examples[place] for place in plan.material.examples]
    return replace(synthesizer, example_personas=await _example_personas(work, shown, synthesizer))


async def _key_points_of(work: Work[Any], named: Sequence[str], synthesizer: Synthesizer) -> list[str]:
    """The key points of texts, in the texts' order, each once.

    Args:
        work: the run; its journal keeps the replies.
        named: the texts' files, folders or addresses.
        synthesizer: whose model and seed are used.

    Raises:
        UserError: no such texts, or none has key points.
    """
    sources = find_sources(list(named))
    found: dict[str, list[str]] = {}
    read = read_documents(sources, document_tokens=_TOKENS)
    documents = (each for each in read if isinstance(each, Document))
    some = islice(documents, SAMPLED) if work.estimator else documents
    requests = {}

    def asked() -> Iterator[Request]:
        for document in some:
            request = _points_request(document, synthesizer)
            requests[request.key] = document.id
            found[document.id] = []
            yield request

    async for completion in work.engine.complete(asked()):
        if completion.failure:
            work.failed(completion.failure)
        else:
            found[requests[completion.request.key]] = completion.value["key_points"]
    points = list(dict.fromkeys(" ".join(point.split()) for each in found.values() for point in each))
    if not points and not work.engine.stopping:
        raise UserError(
            f"--key-points-from {' '.join(named)}: gave no key points ({len(found)} texts were asked about)"
        )
    return points


def _points_request(document: Document, synthesizer: Synthesizer) -> Request:
    wording: Any = added_wording().template.module
    said = str(wording.extract(document.text, language_name(document.language)))
    return Request(
        model=synthesizer.model,
        messages=(Message("system", str(wording.extract_system())), Message("user", said)),
        sampling=Sampling(temperature=0.3, top_p=0.9, max_tokens=300, seed=synthesizer.seed),
        schema=_POINTS,
    )


async def _example_personas(
    work: Work[Any], examples: Sequence[Example], synthesizer: Synthesizer
) -> Mapping[str, str]:
    """For each example, by its key, the persona that text-to-persona infers from it.

    The replies are in the journal, so that the next run with these examples asks nothing. An example whose
    replies the filter refuses is shown without a persona.
    """
    asker = TextToPersona(synthesizer.model, relations=_RELATIONS, seed=synthesizer.seed)
    questions = {}
    for number, example in enumerate(examples):
        source = str(synthesizer.task.folder / "examples.yaml")
        document = Document(example.text, example.language, source, number + 1)
        for question in asker.ask(document, number):
            questions[question.request.key] = example, question
    found: dict[str, dict[str, str]] = {}
    refused: Counter[str] = Counter()
    async for completion in work.engine.complete(question.request for _, question in questions.values()):
        example, question = questions[completion.request.key]
        if completion.failure:
            work.failed(completion.failure)
            continue
        answer = asker.answer(question, completion, run=work.outcome.run.number)
        if isinstance(answer, Persona):
            found.setdefault(example.key, {})[answer.relation] = answer.description
        else:
            refused[answer.reason] += 1
    if bare := [example for example in examples if example.key not in found]:
        work.watcher.notice(
            f"{len(bare)} of {len(examples)} examples have no persona"
            f" ({', '.join(refused) or 'the calls failed'}) and are shown without"
        )
    return {
        key: next(personas[relation] for relation in _RELATIONS if relation in personas)
        for key, personas in found.items()
    }

"""Requests from briefs, records from replies."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from personahub.config import canonical_json
from personahub.languages import language_name, mixed_word, script_share, stray_word
from personahub.models import Message, Request, Sampling
from personahub.records import Record, SetAside
from personahub.safeguards.code import without_code
from personahub.synthesis.brief import Brief, GivenItem
from personahub.synthesis.rules import RulesByLanguage, bound_schema
from personahub.synthesis.schemas import candidates_schema
from personahub.synthesis.task import Settings, Task
from personahub.synthesis.wording import Wording

__all__ = ["METHODS", "Method", "Synthesizer", "added_wording"]

_LEAST_SCRIPT = 0.4
Method = Literal["zero-shot", "few-shot", "persona-enhanced", "instance-driven", "key-point-driven"]
METHODS: tuple[Method, ...] = (
    "zero-shot",
    "few-shot",
    "persona-enhanced",
    "instance-driven",
    "key-point-driven",
)


def added_wording() -> Wording:
    """What the methods say beside the task's own wording."""
    file = Path(str(files("personahub.synthesis") / "methods.jinja"))
    return Wording.read(file, file.read_text("utf-8"), (), ())


@dataclass(frozen=True)
class Synthesizer:
    """How one task's records are asked for and judged; knows no hub.

    Attributes:
        task: what is made.
        settings: the task's options, whole.
        model: identity of the language model.
        dataset: the name of the data set that the records belong to.
        method: how the prompt is built.
        seed: of a question's first sample; its n-th uses ``seed + n``.
        candidates: replies that are asked for at once, of which one is drawn by the probability that the
            model gives it (verbalized sampling: Zhang et al. 2025, arXiv 2510.01171); 1 asks for it alone.
        example_personas: by an example's key its persona, for the persona-enhanced method.
    """

    task: Task
    settings: Settings
    model: str
    dataset: str
    method: Method = "zero-shot"
    seed: int = 0
    candidates: int = 1
    example_personas: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _steps(self) -> dict[str, tuple[str, ...]]:
        return {}

    def steps(self, brief: Brief) -> tuple[str, ...]:
        """The questions about a record: the first, whose name is empty, and the further ones."""
        if (known := self._steps.get(brief.language)) is not None:
            return known
        further = self.task.steps(self.settings, brief.language)
        return self._steps.setdefault(brief.language, ("", *further))

    @cached_property
    def _schemas(self) -> Mapping[str, Mapping[str, Any]]:
        # One object each, so that what is worked out from a schema is found again.
        return {step: self.task.schema(self.settings, step) for step in ("", *self.task.declaration.steps)}

    @cached_property
    def _rules(self) -> RulesByLanguage:
        return self.task.rules(self.settings)

    @cached_property
    def _first_schemas(self) -> dict[str, Mapping[str, Any]]:
        return {}

    def _first_schema(self, brief: Brief) -> Mapping[str, Any]:
        rules = self._rules.get(brief.language)
        key = canonical_json([brief.language, brief.drawn]) if rules else ""
        if key not in self._first_schemas:
            schema = self._schemas[""]
            schema = bound_schema(schema, rules, brief.drawn) if rules else schema
            schema = candidates_schema(schema, self.candidates) if self.candidates > 1 else schema
            self._first_schemas[key] = schema
        return self._first_schemas[key]

    @cached_property
    def _added(self) -> Any:
        return added_wording().template.module

    def ask(self, brief: Brief, replies: Sequence[Any] = ()) -> Request:
        """The next question about a record.

        Args:
            brief: what it is made from.
            replies: the values that the model replied to the questions before.
        """
        step = self.steps(brief)[len(replies)]
        declaration = self.task.declaration
        messages = self._first(brief) if not replies else self._further(brief, replies, step)
        most = declaration.steps[step].max_tokens if step else declaration.max_tokens * self.candidates
        return Request(
            model=self.model,
            messages=messages,
            sampling=Sampling(
                temperature=declaration.sampling.temperature,
                top_p=declaration.sampling.top_p,
                dry=declaration.sampling.dry,
                max_tokens=most,
                seed=self.seed + brief.sample,
            ),
            schema=self._schemas[step] if replies else self._first_schema(brief),
            sample=brief.sample,
        )

    def _first(self, brief: Brief) -> tuple[Message, ...]:
        """What is fixed stands first, then the examples, then what differs."""
        system, asked = self.task.messages(self._variables(brief))
        said = system.content
        if self.candidates > 1:
            said += str(self._added.candidates_system(self.candidates))
        seed = brief.seed_item.text if brief.seed_item else ""
        before = str(self._added.before(seed, brief.key_points))
        after = str(self._added.after(brief.scenario, brief.persona is not None, self.candidates))
        shown = [turn for place in brief.shown for turn in self._example(brief, place)]
        return (Message("system", said), *shown, Message("user", before + asked.content + after))

    def _example(self, brief: Brief, place: int, step: str = "") -> tuple[Message, Message]:
        example = self.task.examples[place]
        varied = {name: values[0] for name, values in self.task.declaration.vary.items()}
        variables = {
            **self._variables(brief),
            **{"persona": self.example_personas.get(example.key, ""), "other": "", "relation": ""},
            **{"item": "", "guided": False, "language_name": language_name(example.language)},
            "drawn": {name: example.reply[name] for name in brief.drawn if name in example.reply},
            **varied,
            **example.options,
            **example.variables,
            **({"reply": example.reply} if step else {}),
        }
        _, asked = self.task.messages(variables, step)
        reply: Any = example.reply_for(self._schemas[step])
        if self.candidates > 1 and not step:
            # One candidate is enough to show the form.
            reply = {"candidates": [{"reply": reply, "probability": 30}]}
        return asked, Message("assistant", json.dumps(reply, ensure_ascii=False))

    def _further(self, brief: Brief, replies: Sequence[Any], step: str) -> tuple[Message, ...]:
        reply = self._joined(brief, replies)
        system, asked = self.task.messages({**self._variables(brief), "reply": reply}, step)
        # An example answers a further question where it holds that question's fields; of a conversation it
        # holds the first turn alone.
        wanted = set() if self.task.declaration.messages else set(self._schemas[step]["properties"])
        shown = [place for place in brief.shown if wanted and wanted <= set(self.task.examples[place].reply)]
        return (system, *(turn for place in shown for turn in self._example(brief, place, step)), asked)

    def _variables(self, brief: Brief) -> dict[str, Any]:
        return {
            **self.settings,
            **brief.varied,
            "persona": brief.persona["description"] if brief.persona else "",
            "other": brief.other["description"] if brief.other else "",
            "relation": brief.relation,
            "item": brief.item.text if brief.item else "",
            "guided": brief.is_guided,
            "drawn": brief.drawn,
            "language_name": language_name(brief.language),
            "reply": {},
        }

    def _joined(self, brief: Brief, replies: Sequence[Any]) -> dict[str, Any]:
        """The fields of all replies so far: the first value of each name, and the turns of a conversation."""
        fields: dict[str, Any] = {}
        turns: list[dict[str, str]] = []
        first = self._chosen(brief, replies[0])[0]
        for reply in (first, *replies[1:]):
            for name, value in reply.items():
                fields.setdefault(name, value)
                if role := self.task.declaration.messages.get(name):
                    turns.append({"role": role, "content": value})
        return fields | ({"messages": turns} if self.task.declaration.messages else {})

    def _chosen(self, brief: Brief, value: Any) -> tuple[Any, int | None]:
        """The first question's reply, or the candidate drawn from it with its probability in percent."""
        if self.candidates == 1:
            return value, None
        weights = [candidate["probability"] for candidate in value["candidates"]]
        draw = random.Random(f"{self.seed} {brief.position} {brief.sample}")
        drawn = draw.choices(value["candidates"], weights)[0]
        return drawn["reply"], drawn["probability"]

    def answer(self, brief: Brief, replies: Sequence[Any], *, request: str, run: int) -> Record | SetAside:
        """The record that the replies make, or why they make none.

        Args:
            brief: what it is made from.
            replies: the values that the model replied, one for each step.
            request: key of the last of them in the journal.
            run: number of the run.
        """
        fields = self._joined(brief, replies)
        try:
            known = {
                **self.settings,
                **brief.varied,
                "language": brief.language,
                "guided": brief.is_guided,
            }
            text, fields = self.task.finish(fields, known)
        except ValueError as error:
            return self._set_aside(brief, "unusable", str(error), canonical_json(fields), request, run)
        fault = self.task.find_fault(text) or self.task.find_fault_of_fields(fields)
        rules = self._rules.get(brief.language)
        if not fault and rules and (word := rules.find_forbidden(text)):
            fault = "forbidden_word", f"holds {word!r}, which the rules of the given file say never occurs"
        if fault := fault or _fault_of_script(without_code(text), brief.language):
            return self._set_aside(brief, *fault, text, request, run)
        persona = brief.persona or {}
        root = persona or (brief.item.lineage if brief.item else {})
        return Record(
            dataset=self.dataset,
            task=self.task.name,
            method=self.method,
            persona=persona.get("description", ""),
            persona_id=persona.get("id", ""),
            document_id=root.get("document_id", ""),
            source=root.get("source", ""),
            row=root.get("row", 0),
            date=root.get("date", ""),
            licence=root.get("licence", "unknown"),
            text=text,
            language=brief.language,
            fields=json.dumps(fields, ensure_ascii=False),
            inputs=canonical_json(self._inputs(brief, replies)),
            model=self.model,
            template=self.task.version,
            seed=self.seed + brief.sample,
            run=run,
            position=brief.position,
            request=request,
        )

    def _inputs(self, brief: Brief, replies: Sequence[Any]) -> dict[str, Any]:
        """What the record was made from beside its persona; only what there is of it."""
        probability = self._chosen(brief, replies[0])[1]
        other = brief.other
        inputs: dict[str, Any] = {
            "options": self.task.described(self.settings),
            "other": {"id": other["id"], "description": other["description"]} if other else None,
            "relation": brief.relation,
            "item": _told(brief.item),
            "seed_item": _told(brief.seed_item),
            "key_points": list(brief.key_points),
            "scenario": brief.scenario,
            "varied": dict(brief.varied),
            "drawn": dict(brief.drawn),
            "examples": [self._example_told(place) for place in brief.shown],
            "candidates": self.candidates if probability else None,
            "probability": probability,
        }
        return {name: value for name, value in inputs.items() if value}

    def _example_told(self, place: int) -> dict[str, Any]:
        persona = self.example_personas.get(self.task.examples[place].key)
        return {"number": place + 1} | ({"persona": persona} if persona else {})

    def set_aside(self, brief: Brief, reason: str, detail: str, record: Record) -> SetAside:
        """A record that its data set does not need, set aside."""
        return self._set_aside(brief, reason, detail, record.text, record.request, record.run)

    @staticmethod
    def _set_aside(brief: Brief, reason: str, detail: str, text: str, request: str, run: int) -> SetAside:
        root: Mapping[str, Any] = brief.persona or (brief.item.origin if brief.item else {})
        return SetAside(
            kind="record",
            reason=reason,
            detail=detail,
            text=text,
            parent_id=brief.persona["id"] if brief.persona else "",
            source=str(root.get("source", "")),
            row=int(root.get("row", 0)),
            run=run,
            request=request,
        )


def _fault_of_script(text: str, language: str) -> tuple[str, str] | None:
    """A text in another script than its language's, or a word whose letters are of two."""
    share = script_share(text, language)
    if share is not None and share < _LEAST_SCRIPT:
        return "wrong_language", f"only {share:.0%} of its letters are of {language_name(language)}"
    if word := mixed_word(text):
        return "mixed_scripts", f"the word {word[:40]!r} has letters of two scripts"
    if word := stray_word(text, language):
        return "mixed_languages", f"the word {word[:40]!r} is not of the language"
    return None


def _told(item: GivenItem | None) -> dict[str, Any] | None:
    return {"text": item.text, **item.origin} if item else None

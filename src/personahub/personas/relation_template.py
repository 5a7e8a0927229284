"""The persona-to-persona prompt: its wording lives in a YAML file beside this one, its shape here.

What is fixed comes first (instructions, examples), then the person, who was asked for already, and last who
is asked for now. The list of those asked for only grows from one question about a person to the next, so a
prefix cache serves all that stands before its newest entry.

The role is given and not chosen by the model, so relations are typed for certain and spread evenly. Where a
role names heads ("a miner, a quarry worker or a woodcutter"), a grammar has the description begin with one:
asked in words alone, a 1.5B model gave somebody else in 7 of 21 answers, a carpenter for the miner.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Self

import yaml

from personahub.languages import language_name
from personahub.models import Message
from personahub.personas.prompt import reply_schema, template_text
from personahub.personas.template import Example
from personahub.safeguards.fence import fenced

__all__ = ["PersonaToPersonaTemplate", "Relation"]

_HEAD = re.compile(r"\[([^\]]+)\]")
_HEADS = re.compile(r"\[[^\]]+\](?:(?:, | or |、|或)\[[^\]]+\])*")
_ARTICLE = re.compile(r"^an? ")


class Relation(NamedTuple):
    """What one person is to another: the kind of relationship, and the role within it."""

    kind: str
    role: str

    def __str__(self) -> str:
        """As it is stored: ``care/patient``, in English for personas of any language."""
        return f"{self.kind}/{self.role}"


class PersonaToPersonaTemplate:
    """The wording of the persona-to-persona prompt.

    Args:
        content: the parsed YAML; ``templates/persona_to_persona.yaml`` says what stands where.
        version: identifies the wording; stored with every persona.
    """

    def __init__(self, content: Mapping[str, Any], version: str) -> None:
        """Keep the wording."""
        self._content = content
        self.version = version
        # One object each, so that what is worked out from a schema is found again.
        self._schemas: dict[tuple[str, tuple[str, ...]], Mapping[str, object]] = {}

    @classmethod
    def load(cls) -> Self:
        """The template that comes with this package; its version is a hash of its wording."""
        text = template_text("persona_to_persona.yaml")
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return cls(yaml.safe_load(text), f"persona-to-persona@{digest}")

    @cached_property
    def seldom_seen(self) -> Mapping[str, Sequence[str]]:
        """Kinds that lead to people who leave few traces on the web, with their roles."""
        kinds: Mapping[str, Sequence[str]] = self._content["kinds"]["seldom_seen"]
        return kinds

    @cached_property
    def others(self) -> Mapping[str, Sequence[str]]:
        """The other kinds, with their roles."""
        kinds: Mapping[str, Sequence[str]] = self._content["kinds"]["others"]
        return kinds

    @cached_property
    def _relations(self) -> Mapping[str, Relation]:
        """By their roles, of which no two kinds share one."""
        kinds = {**self.seldom_seen, **self.others}
        return {role: Relation(kind, role) for kind, roles in kinds.items() for role in roles}

    @cached_property
    def _examples(self) -> Mapping[str, Example]:
        return {
            name: Example(
                entry["person"], {"fine": {role: other["persona"] for role, other in entry["others"].items()}}
            )
            for name, entry in self._content["examples"].items()
        }

    def _wording(self, language: str) -> Mapping[str, Any]:
        """What stands under the language, or under ``other``."""
        languages: Mapping[str, Mapping[str, Any]] = self._content["languages"]
        return languages.get(language, languages["other"])

    def _shown(self, language: str) -> Mapping[str, Any]:
        """The wording that the examples are in."""
        wording = self._wording(language)
        return wording if wording["sets"] else self._wording("en")

    def examples(self, person_id: str, language: str) -> list[Example]:
        """The examples that the prompts about this person show."""
        return [self._examples[name] for name in self._example_names(person_id, language)]

    def shown_roles(self, person_id: str) -> frozenset[str]:
        """The roles of those examples, which are the same in every language."""
        return frozenset(
            role for example in self.examples(person_id, "en") for role in example.personas["fine"]
        )

    def _example_names(self, person_id: str, language: str) -> Sequence[str]:
        sets: Sequence[Sequence[str]] = self._shown(language)["sets"]
        # By the person's hash: the same for all questions about them, and whatever was asked before.
        return sets[drawn(len(sets), person_id)]

    def messages(
        self, person_id: str, description: str, relation: Relation, *, used: Sequence[Relation], language: str
    ) -> tuple[Message, ...]:
        """The chat that asks for one person who stands in this relation to another.

        Args:
            person_id: id of the persona from whom the relation goes out.
            description: of that persona.
            relation: what the one who is asked for is to them.
            used: who was asked for already, in that order.
            language: the language of the answer, ISO 639-1.
        """
        wording, shown = self._wording(language), self._shown(language)
        messages = [Message("system", wording["instructions"])]
        for name in self._example_names(person_id, language):
            example = self._content["examples"][name]
            before: list[Relation] = []
            for role, other in example["others"].items():
                asked = self._relations[role]
                question = self._question(
                    shown, asked, _role_of(shown, asked, other["persona"]), before, other["aspect"]
                )
                if not before:
                    question = self._about(shown, example["person"], question)
                before.append(asked)
                answer = {"persona": other["persona"]}
                messages.append(Message("user", question))
                messages.append(Message("assistant", json.dumps(answer, ensure_ascii=False)))
        question = self._question(
            wording,
            relation,
            _role(wording, relation, person_id),
            used,
            self._aspect(person_id, relation),
            language_name(language),
        )
        messages.append(Message("user", self._about(wording, description, question)))
        return tuple(messages)

    def _question(
        self,
        wording: Mapping[str, Any],
        relation: Relation,
        role: str,
        used: Sequence[Relation],
        aspect: str,
        language: str = "",
    ) -> str:
        kinds = wording["kinds"]
        question = wording["question"].format(
            kind=kinds[relation.kind],
            role=_HEAD.sub(r"\1", role),
            aspect=wording["aspects"][aspect],
            language=language,
        )
        if not used:
            return str(question)
        # By their kinds: of roles, which are people, a small model takes the last one for the person at hand.
        before = wording["between"].join(dict.fromkeys(kinds[other.kind] for other in used))
        return f"{wording['used'].format(kinds=before)}\n{question}"

    def _aspect(self, person_id: str, relation: Relation) -> str:
        """What of their life the answer should tell: small models describe everybody alike without it."""
        aspects = list(self._wording("en")["aspects"])
        return str(aspects[drawn(len(aspects), person_id, str(relation))])

    def _about(self, wording: Mapping[str, Any], person: str, question: str) -> str:
        """Fenced, so that the model can tell the person from what is asked of it."""
        block = self._content["person_block"]
        return str(block.format(label=wording["label"], person=fenced(person), question=question))

    def asked(self, person_id: str, relation: Relation, language: str) -> str:
        """How the prompt words the role: in what it says, an answer does not follow the examples."""
        return _HEAD.sub(r"\1", _role(self._wording(language), relation, person_id))

    def schema(self, person_id: str, relation: Relation, language: str) -> Mapping[str, object]:
        """The JSON schema of a reply: an object with the persona, its form fixed where it can be."""
        wording = self._wording(language)
        heads = tuple(_HEAD.findall(_role(wording, relation, person_id)))
        if (known := self._schemas.get((language, heads))) is not None:
            return known
        pattern = wording["pattern"]
        if heads and wording["headed"]:
            as_start = "|".join(head[0].upper() + head[1:] for head in heads)
            inside = "|".join(_ARTICLE.sub("", head) for head in heads)
            pattern = wording["headed"].replace("<HEADS>", as_start).replace("<heads>", inside)
        return self._schemas.setdefault((language, heads), reply_schema(persona=pattern))

    def max_tokens(self, language: str) -> int:
        """Room for a reply."""
        return int(self._wording(language)["max_tokens"])

    @property
    def temperature(self) -> float:
        """How freely the reply is drawn."""
        return float(self._content["sampling"]["temperature"])

    @property
    def top_p(self) -> float:
        """Share of the probability that the reply is drawn from."""
        return float(self._content["sampling"]["top_p"])


def _role(wording: Mapping[str, Any], relation: Relation, person_id: str) -> str:
    """The role's wording, its heads in brackets.

    Of several heads one is drawn where the language's grammar lets it stand alone: left to choose, a small
    model took the fisherman for eight harvesters of eight.
    """
    role: str = wording["roles"][relation.role]
    heads = _HEAD.findall(role)
    if len(heads) < 2 or not wording["heads_take_turns"]:
        return role
    head = heads[drawn(len(heads), person_id, str(relation), "head")]
    return _HEADS.sub(f"[{head}]", role, count=1)


def _role_of(wording: Mapping[str, Any], relation: Relation, persona: str) -> str:
    """The role's wording with the head that an example's persona has."""
    role: str = wording["roles"][relation.role]
    own = [head for head in _HEAD.findall(role) if _ARTICLE.sub("", head) in persona]
    return _HEADS.sub(f"[{own[0]}]", role, count=1) if own and wording["heads_take_turns"] else role


def drawn(count: int, *of: str) -> int:
    """A number under ``count`` that these texts fix and nothing else: the same on every machine and run."""
    return int.from_bytes(hashlib.sha256("\n".join(of).encode()).digest()[:8], "big") % count

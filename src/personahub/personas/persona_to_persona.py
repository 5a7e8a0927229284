"""Persona-to-persona: requests for the people around a persona, personas from replies.

One call asks for one person. Each persona has a fixed sequence of relations, drawn from its id, in which
people who leave few traces on the web come early; who asks again goes on in it where the last call ended.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import Any

from personahub.completion import Completion
from personahub.models import Request, Sampling
from personahub.personas.quality import find_fault_of_relative
from personahub.personas.relation_template import PersonaToPersonaTemplate, Relation, drawn
from personahub.records import Persona, SetAside

__all__ = ["PersonaToPersona", "RelationQuestion"]


@dataclass(frozen=True, slots=True)
class RelationQuestion:
    """A request together with what it asks about."""

    request: Request
    parent: Mapping[str, Any]
    """The row of the personas table from whom the relation goes out."""
    relation: Relation
    """What the one who is asked for is to the parent."""
    language: str
    position: int
    """Place of the answer among those of the run and round."""

    @property
    def kind(self) -> str:
        """The kind of relationship, such as ``care``."""
        return self.relation.kind


@dataclass(frozen=True)
class PersonaToPersona:
    """How the people around a persona are asked for and judged; knows no hub.

    They are always asked for as specific people, however broad the parent is.

    Attributes:
        model: identity of the language model.
        language: of the new personas, ISO 639-1; None for each parent's own.
        seed: of the sampling.
    """

    model: str
    language: str | None = None
    seed: int = 0
    template: PersonaToPersonaTemplate = field(default_factory=PersonaToPersonaTemplate.load)

    def kinds(self, parent_id: str) -> list[str]:
        """The kinds of relationship in the order in which this persona is asked about them.

        By the id's hash, so that over many personas each kind comes equally often at each turn; kinds that
        lead to people who are seldom seen have every second turn, beginning with the first.
        """
        seldom = _shuffled(self.template.seldom_seen, parent_id)
        others = _shuffled(self.template.others, parent_id)
        return [kind for pair in zip_longest(seldom, others) for kind in pair if kind]

    def relations(self, parent_id: str) -> list[Relation]:
        """All relations in the order in which this persona is asked about them.

        A kind comes again only when all others that still have a role have come as often. Roles that the
        prompt shows examples of come last in their kind: a small model answers with the example.
        """
        shown = self.template.shown_roles(parent_id)
        roles = {**self.template.seldom_seen, **self.template.others}
        by_kind = [
            [
                Relation(kind, role)
                for role in sorted(_shuffled(roles[kind], f"{parent_id} {kind}"), key=shown.__contains__)
            ]
            for kind in self.kinds(parent_id)
        ]
        return [relation for turn in zip_longest(*by_kind) for relation in turn if relation]

    def ask(
        self, parent: Mapping[str, Any], count: int, *, used: Collection[str], first_position: int
    ) -> Iterator[RelationQuestion]:
        """Questions about one persona, each for another relation; fewer where not so many are left.

        The order in which ``used`` comes does not matter: the same persona with the same relations used is
        asked the same.

        Args:
            parent: a row of the personas table.
            count: how many people to ask for.
            used: the relations that were asked for before, as they are stored.
            first_position: place of the first answer among those of the run and round.
        """
        language = self.language or parent["language"]
        known = set(used)
        order = self.relations(parent["id"])
        before = [relation for relation in order if str(relation) in known]
        left = (relation for relation in order if str(relation) not in known)
        for position, relation in enumerate(islice(left, count), first_position):
            request = Request(
                model=self.model,
                messages=self.template.messages(
                    parent["id"], parent["description"], relation, used=before, language=language
                ),
                sampling=Sampling(
                    temperature=self.template.temperature,
                    top_p=self.template.top_p,
                    max_tokens=self.template.max_tokens(language),
                    seed=self.seed,
                ),
                schema=self.template.schema(parent["id"], relation, language),
                group=parent["id"],
            )
            yield RelationQuestion(request, parent, relation, language, position)
            before.append(relation)

    def answer(self, question: RelationQuestion, completion: Completion, *, run: int) -> Persona | SetAside:
        """The persona of a completion that is no failure, or why it is none.

        What leads back to the root (document, file, row, date, licence) is the parent's. There is no
        closeness: who stands near a person need not be like them.
        """
        parent, request = question.parent, question.request
        description = " ".join(completion.value["persona"].split())
        fault = find_fault_of_relative(
            description,
            parent=parent["description"],
            examples=self.template.examples(parent["id"], question.language),
            relation=str(question.relation),
            asked=self.template.asked(parent["id"], question.relation, question.language),
            language=question.language,
        )
        if fault:
            return SetAside(
                kind="persona",
                reason=fault.reason,
                detail=fault.detail,
                text=description,
                parent_id=parent["id"],
                source=parent["source"],
                row=parent["row"],
                run=run,
                request=request.key,
            )
        return Persona(
            description=description,
            language=question.language,
            relation=str(question.relation),
            parent_id=parent["id"],
            document_id=parent["document_id"],
            source=parent["source"],
            row=parent["row"],
            date=parent["date"],
            licence=parent["licence"],
            round=parent["round"] + 1,
            granularity="fine",
            closeness=None,
            model=self.model,
            template=self.template.version,
            seed=request.sampling.seed,
            run=run,
            position=question.position,
            request=request.key,
        )


def _shuffled(names: Collection[str], by: str) -> list[str]:
    """The names in an order that ``by`` fixes and nothing else."""
    left, found = sorted(names), []
    while left:
        found.append(left.pop(drawn(len(left), by, str(len(left)))))
    return found

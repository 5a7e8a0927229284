"""The briefs of a run: for each question the persona, the item, and whatever its method draws on."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any

from personahub.errors import UserError
from personahub.hub import Hub
from personahub.records import Record
from personahub.synthesis import Brief, GivenItem, Task
from personahub.synthesis.rules import RulesByLanguage
from personahub.workflows.prompting import Material, Prompting, in_turn, shown_examples

__all__ = ["Plan"]

_READ = 200
"""Personas read at a time."""
_Row = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """Says what each record is made from; the same for the same hub and settings.

    Attributes:
        hub: the hub.
        task: what is made.
        prompting: how prompts are built.
        material: what they draw on.
        personas: ids in the order in which they are asked; empty where none has a part.
        per_persona: records in a row from each persona.
        samples: records in a row about each item.
        language: of all records; None for each persona's or item's own.
        seed: of all that is drawn.
        rules: by language, what a given file asks of the records.
        related: pairs are personas that the hub knows to be related.
        once: a persona whose record was accepted is not asked again; else all are, for other records, when
            all were asked.
    """

    hub: Hub
    task: Task
    prompting: Prompting
    material: Material
    personas: Sequence[str]
    per_persona: int
    samples: int
    language: str | None
    seed: int
    rules: RulesByLanguage
    related: bool
    once: bool = False
    _done: set[str] = field(default_factory=set)

    def accepted(self, record: Record) -> None:
        """Tell that a record was accepted, before more briefs are asked for than records are missing."""
        self._done.add(record.persona_id)

    def briefs(self, limit: int) -> Iterator[Brief]:
        """The first ``limit`` of them; fewer where the items end before."""
        # All of them, since they are drawn in any order.
        seeds = list(self.material.seeds or ())
        points, scenarios = self.material.key_points, self.material.scenarios
        vary = self.task.declaration.vary
        turns = {name: in_turn(len(values), self.seed, name) for name, values in vary.items()}
        next_seed = in_turn(len(seeds), self.seed, "seeds")
        next_scenario = in_turn(len(scenarios), self.seed, "scenarios")
        shown = shown_examples(self.task, self.material.examples, self.prompting.shots, self.seed)
        asked = zip(range(limit), self._people(), self._items(), strict=False)
        for position, (persona, other, relation), item in asked:
            own = (persona["language"] if persona else "") or (item.language if item else "")
            language = self.language or own or "en"
            draw = random.Random(f"{self.seed} points {position}")
            yield Brief(
                position=position,
                language=language,
                persona=persona,
                other=other,
                relation=relation,
                item=item,
                seed_item=seeds[next_seed(position)] if seeds else None,
                key_points=tuple(draw.sample(points, min(self.prompting.points, len(points)))),
                scenario=scenarios[next_scenario(position)] if scenarios else "",
                varied={name: vary[name][turn(position)] for name, turn in turns.items()},
                drawn=self._drawn(position, language),
                shown=shown(position, language) if self.material.examples else (),
            )

    def _drawn(self, position: int, language: str) -> Mapping[str, str]:
        forms = self.rules[language].forms if language in self.rules else {}
        return {
            name: [*values][in_turn(len(values), self.seed, f"{language} {name}")(position)]
            for name, values in forms.items()
        }

    def _items(self) -> Iterator[GivenItem | None]:
        if self.material.items is None:
            while True:
                yield None
        for item in self.material.items:
            for _ in range(self.samples):
                yield item

    def _people(self) -> Iterator[tuple[_Row | None, _Row | None, str]]:
        """For each position the persona, the second one, and how they stand to each other."""
        if not self.personas:
            while True:
                yield None, None, ""
        turns = self._turns()
        while lot := list(islice(turns, _READ)):
            rows = self.hub.personas.get(list(dict.fromkeys(id_ for pair in lot for id_ in pair if id_)))
            if self.related:
                rows |= self.hub.personas.get([rows[first]["parent_id"] for first, _ in lot])
            for first, second in lot:
                if self.once and first in self._done:
                    continue
                persona = rows[first]
                if self.related:
                    yield rows[persona["parent_id"]], persona, persona["relation"]
                else:
                    yield persona, rows.get(second), ""

    def _turns(self) -> Iterator[tuple[str, str]]:
        """Ids of the personas, each so many times in a row; and of their partners, other ones each time."""
        ids = self.personas
        pairs = self.task.declaration.personas == 2 and not self.related
        if pairs and len(ids) < 2:
            raise UserError(
                f"{self.hub.path}: the task {self.task.name} needs two personas, and one alone fits"
            )
        for around in count():
            for place, id_ in enumerate(ids):
                for again in range(self.per_persona):
                    step = around * self.per_persona + again
                    # Never itself: a step of 1 to one less than there are.
                    partner = ids[(place + 1 + step % (len(ids) - 1)) % len(ids)] if pairs else ""
                    yield id_, partner

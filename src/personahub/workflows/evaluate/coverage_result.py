"""What ``evaluate coverage`` finds, and what can be asked of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from personahub.languages import language_name

__all__ = [
    "Coverage",
    "EntryCoverage",
    "GroupCoverage",
    "ListCoverage",
    "Topic",
    "Topics",
    "named_language",
]

_THIN = 0.25
"""A cluster is thin that has less than this share of an even one's personas."""


@dataclass(frozen=True)
class EntryCoverage:
    """One occupation or topic of a list.

    Attributes:
        title: as the list has it.
        group: as the list has it; empty where it has none.
        personas: how many of those looked at it is the nearest entry of, and near enough.
        nearest_id: the persona that is nearest to it.
        nearest: that persona's description.
        cosine: of that persona's head with the title.
    """

    title: str
    group: str
    personas: int
    nearest_id: str
    nearest: str
    cosine: float


@dataclass(frozen=True)
class GroupCoverage:
    """A group of a list's entries: how many there are, how many are reached, and by how many personas."""

    group: str
    entries: int
    reached: int
    personas: int


@dataclass(frozen=True)
class ListCoverage:
    """How far personas reach the entries of a list.

    Attributes:
        named: the file; "built in" for the list that comes with this program.
        threshold: the cosine from which a persona is an entry.
        compared: how many personas were compared.
        entries: the list's, in its order.
    """

    named: str
    threshold: float
    compared: int
    entries: tuple[EntryCoverage, ...]

    @property
    def found(self) -> int:
        """How many personas are one of the entries."""
        return sum(each.personas for each in self.entries)

    @property
    def reached(self) -> int:
        """How many entries some persona is."""
        return sum(each.personas > 0 for each in self.entries)

    @property
    def groups(self) -> tuple[GroupCoverage, ...]:
        """The groups, in the list's order; none where the list has none."""
        found: dict[str, list[EntryCoverage]] = {}
        for each in self.entries:
            found.setdefault(each.group, []).append(each)
        if not any(found):
            return ()
        return tuple(
            GroupCoverage(
                group or "without a group",
                len(those),
                sum(each.personas > 0 for each in those),
                sum(each.personas for each in those),
            )
            for group, those in found.items()
        )

    def most(self, n: int = 20) -> list[EntryCoverage]:
        """The entries that the most personas are."""
        return sorted((each for each in self.entries if each.personas), key=lambda each: -each.personas)[:n]

    def missing(self, n: int = 20) -> list[EntryCoverage]:
        """The entries that no persona is, those first that are furthest from all personas."""
        return sorted((each for each in self.entries if not each.personas), key=lambda each: each.cosine)[:n]

    def to_json(self) -> dict[str, Any]:
        """Part of the contract of ``evaluate coverage --json``."""
        return {
            "list": self.named,
            "threshold": self.threshold,
            "compared": self.compared,
            "found": self.found,
            "reached": self.reached,
            "groups": [asdict(each) for each in self.groups],
            "entries": [asdict(each) | {"cosine": round(each.cosine, 4)} for each in self.entries],
        }


@dataclass(frozen=True)
class Topic:
    """A cluster of personas.

    Attributes:
        words: up to three that its personas have and others have not.
        personas: how many of those looked at it has.
        example: the persona nearest to its middle.
    """

    words: tuple[str, ...]
    personas: int
    example: str


@dataclass(frozen=True)
class Topics:
    """What personas are about, in clusters.

    Attributes:
        compared: how many personas were clustered.
        evenness: how many clusters of one size would be as even, as a share of all.
        topics: the clusters, the largest first.
    """

    compared: int
    evenness: float
    topics: tuple[Topic, ...]

    @property
    def thin(self) -> tuple[Topic, ...]:
        """Those with less than a quarter of the personas that each would have if all had as many."""
        return tuple(each for each in self.topics if each.personas < _THIN * self.compared / len(self.topics))

    def to_json(self) -> dict[str, Any]:
        """Part of the contract of ``evaluate coverage --json``."""
        return {
            "compared": self.compared,
            "evenness": round(self.evenness, 4),
            "thin": len(self.thin),
            "clusters": [asdict(each) | {"words": list(each.words)} for each in self.topics],
        }


@dataclass(frozen=True)
class Coverage:
    """What a hub holds and what it lacks.

    Attributes:
        hub: its directory.
        view: whose personas were counted; None for all.
        where: the condition that they meet; None for none.
        personas: how many those are.
        looked_at: how many of them were drawn for all but the languages; all of them where they are few.
        seed: of what was drawn.
        embeddings: the embedding model's name.
        not_compared: how many of those looked at are in languages that it does not know, by language.
        languages: how many of all personas each language has.
        gender: how many of those looked at state each gender, or none.
        age: how many of those looked at state each age, or none.
        occupations: None where no persona could be compared.
        topics: of a list where one was given; None where too few personas could be compared.
    """

    hub: str
    view: str | None
    where: str | None
    personas: int
    looked_at: int
    seed: int
    embeddings: str
    not_compared: Mapping[str, int]
    languages: Mapping[str, int]
    gender: Mapping[str, int]
    age: Mapping[str, int]
    occupations: ListCoverage | None
    topics: Topics | ListCoverage | None

    def to_json(self) -> dict[str, Any]:
        """The contract of ``evaluate coverage --json``."""
        return {
            "hub": self.hub,
            "view": self.view,
            "where": self.where,
            "personas": self.personas,
            "looked_at": self.looked_at,
            "seed": self.seed,
            "embeddings": self.embeddings,
            "not_compared": dict(self.not_compared),
            "languages": {
                code: {"name": named_language(code), "personas": n} for code, n in self.languages.items()
            },
            "gender": dict(self.gender),
            "age": dict(self.age),
            "occupations": self.occupations and self.occupations.to_json(),
            "topics": self.topics and self.topics.to_json(),
        }


def named_language(code: str) -> str:
    """A language's name in English, or what there is to say instead."""
    return "not told" if code in {"und", ""} else language_name(code)

"""What one record is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["Brief", "GivenItem"]


class GivenItem(NamedTuple):
    """A text that a record is about or a variation of: a problem, a seed."""

    text: str
    origin: Mapping[str, Any]
    """Where it is from: ``source`` and ``row`` of a file, or ``record`` of the hub."""
    language: str = ""
    lineage: Mapping[str, Any] = {}
    """What stands at the root of its lineage: of a row ``source``, ``row``, ``date`` and ``licence``, of a
    record of the hub its ``persona_id`` and ``document_id`` as well."""


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything that decides one record.

    Attributes:
        position: its place among the questions of the run.
        language: of the record, ISO 639-1.
        persona: a row of the personas' table; None where no persona has a part in it.
        other: the second persona, for tasks of two.
        relation: how the two stand to each other, where the hub knows.
        item: what it is asked about.
        seed_item: what it is a variation of.
        key_points: what it is built on.
        scenario: the situation that it belongs to.
        varied: the values of what the task varies.
        drawn: by field of the reply, the value that is drawn for it from the rules of a given file.
        shown: places of the examples it is shown.
        sample: which sample of the same question this is.
    """

    position: int
    language: str
    persona: Mapping[str, Any] | None = None
    other: Mapping[str, Any] | None = None
    relation: str = ""
    item: GivenItem | None = None
    seed_item: GivenItem | None = None
    key_points: tuple[str, ...] = ()
    scenario: str = ""
    varied: Mapping[str, str] = field(default_factory=dict)
    drawn: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[int, ...] = ()
    sample: int = 0

    @property
    def is_guided(self) -> bool:
        """Whether a seed or key points say what it is about, so that the task itself need not."""
        return self.seed_item is not None or bool(self.key_points)

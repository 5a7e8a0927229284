"""A shard: one machine's share of a source, worked on in a hub of its own."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from personahub.errors import UserError

__all__ = ["SHARDS", "WHOLE", "Shard"]

SHARDS = "shards"
"""The folder of a hub that holds the hubs of its shards."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Every ``of``-th document of the whole source, beginning with the ``number``-th."""

    number: int
    """From 1."""
    of: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The shard that ``2/8`` names.

        Raises:
            UserError: it names none.
        """
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        if not found:
            raise UserError(f"shard {text!r}: is none; give the second of eight as 2/8")
        number, of = int(found[1]), int(found[2])
        if not 1 <= number <= of:
            raise UserError(f"shard {text!r}: is none; of {of} there are 1/{of} to {of}/{of}")
        return cls(number, of)

    def __str__(self) -> str:
        """The shard as it is named: ``2/8``."""
        return f"{self.number}/{self.of}"

    def takes(self, place: int) -> bool:
        """Whether the document at this place of the whole source (from 0) is of this shard."""
        return place % self.of == self.number - 1

    def place(self, position: int) -> int:
        """Where in the whole source the shard's own document number ``position`` stands, both from 0."""
        return position * self.of + self.number - 1

    def count(self, documents: int) -> int:
        """How many of the source's documents are of this shard."""
        return len(range(self.number - 1, documents, self.of))

    def hub_of(self, hub: Path) -> Path:
        """Where the shard's hub lies in the hub; a folder that is the shard's own already stays as it is."""
        own = Path(SHARDS, f"{self.number}-of-{self.of}")
        return hub if hub.absolute().parts[-2:] == own.parts else hub / own


WHOLE = Shard(1, 1)
"""All of a source."""

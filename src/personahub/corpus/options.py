"""What is read, what is left out, and what is taken out of a text before anything else sees it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from personahub.corpus.where import Condition, parse_condition
from personahub.errors import UserError
from personahub.languages import check_language
from personahub.safeguards.rights import licence_name

__all__ = ["ReadOptions"]

_PII = ("redact", "reject", "keep")
_ORDERS = ("read", "reject")


@dataclass(frozen=True)
class ReadOptions:
    """How sources are read.

    Attributes:
        text_field: the field of JSON Lines rows, or the column of Parquet files, that holds the text; None
            looks for the usual ones.
        where: conditions on what the source says of a text, all of which must hold, such as
            ``"language=en,de"`` or ``"ccnet_perplexity<300"``.
        languages: ISO 639-1 codes of the languages to take; empty for all.
        sample_rate: the share of texts to take, drawn by ``sample_seed`` and the text's place.
        sample_seed: the same seed draws the same texts, whatever else is read.
        pii: what to do with personal data: "redact" puts placeholders in its place, "reject" leaves documents
            out that hold some, "keep" leaves it.
        licence: of all texts whose source does not tell theirs.
        require_licence: take only texts under one of these licences; empty for any, unknown ones too.
        opt_outs: leave out what its publisher does not want used for machine learning.
        orders: "reject" leaves documents out that try to steer the model; "read" takes them as data.
        filters: leave out texts that are no prose: menus, repeated lines, symbols.
        near_identical: leave out pages that have nearly the same words as one that came before.

    Raises:
        UserError: a value is none of those that there are.
    """

    text_field: str | None = None
    where: Sequence[str] = ()
    languages: Sequence[str] = ()
    sample_rate: float = 1.0
    sample_seed: int = 0
    pii: str = "redact"
    licence: str | None = None
    require_licence: Sequence[str] = ()
    opt_outs: bool = True
    orders: str = "read"
    filters: bool = True
    near_identical: bool = True

    def __post_init__(self) -> None:
        """Check the values."""
        for name, value, known in (("pii", self.pii, _PII), ("orders", self.orders, _ORDERS)):
            if value not in known:
                raise UserError(f"unknown value {value!r} for {name}; known: {', '.join(known)}")
        if not 0 < self.sample_rate <= 1:
            raise UserError(f"the sample rate is {self.sample_rate:g}; give a share above 0 and up to 1")
        object.__setattr__(self, "languages", tuple(check_language(code) for code in self.languages))
        object.__setattr__(self, "where", tuple(self.where))
        object.__setattr__(self, "require_licence", tuple(map(licence_name, self.require_licence)))
        _ = self.conditions

    @property
    def conditions(self) -> list[Condition]:
        """The conditions, parsed."""
        return [parse_condition(text) for text in self.where]

    def to_json(self) -> dict[str, Any]:
        """The values that are not the usual ones, for a run's configuration."""
        values = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, (value, default) in values.items()
            if value != default
        }

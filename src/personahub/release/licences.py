"""The licence of a data set: computed from its sources' and the terms of the models, never assumed."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from personahub.models.terms import Outputs

__all__ = ["Licence", "licence_of"]


class Licence(NamedTuple):
    """A licence as the metadata of a card have it."""

    name: str
    """An identifier of the Hugging Face Hub; "other" where none fits, "unknown" where one is not known."""
    why: str
    """How it comes about, in one sentence."""


_PUBLIC, _PERMISSIVE, _NAMING, _ALIKE, _NO_TRADE, _ALIKE_NO_TRADE = range(6)
_KNOWN: Mapping[str, tuple[str, int]] = {
    "cc0-1.0": ("cc0-1.0", _PUBLIC),
    "pddl": ("pddl", _PUBLIC),
    "pddl-1.0": ("pddl", _PUBLIC),
    "mit": ("mit", _PERMISSIVE),
    "apache-2.0": ("apache-2.0", _PERMISSIVE),
    "bsd-2-clause": ("bsd-2-clause", _PERMISSIVE),
    "bsd-3-clause": ("bsd-3-clause", _PERMISSIVE),
    "odc-by": ("odc-by", _NAMING),
    "odc-by-1.0": ("odc-by", _NAMING),
    "cc-by-2.0": ("cc-by-2.0", _NAMING),
    "cc-by-2.5": ("cc-by-2.5", _NAMING),
    "cc-by-3.0": ("cc-by-3.0", _NAMING),
    "cc-by-4.0": ("cc-by-4.0", _NAMING),
    "cc-by-sa-3.0": ("cc-by-sa-3.0", _ALIKE),
    "cc-by-sa-4.0": ("cc-by-sa-4.0", _ALIKE),
    "cc-by-nc-2.0": ("cc-by-nc-2.0", _NO_TRADE),
    "cc-by-nc-3.0": ("cc-by-nc-3.0", _NO_TRADE),
    "cc-by-nc-4.0": ("cc-by-nc-4.0", _NO_TRADE),
    "cc-by-nc-sa-3.0": ("cc-by-nc-sa-3.0", _ALIKE_NO_TRADE),
    "cc-by-nc-sa-4.0": ("cc-by-nc-sa-4.0", _ALIKE_NO_TRADE),
}
"""What is known of names that SPDX gives: the Hub's identifier, and how strict it is."""
_UNSAID = {"", "unknown", "other"}


def licence_of(sources: Collection[str], outputs: Outputs | None) -> Licence:
    """The licence that a data set can have.

    The strictest of its sources' where each of the others allows it, and only where the models' makers set no
    conditions on outputs. Nothing here is advice by a lawyer.

    Args:
        sources: the licences of the texts, by SPDX's names.
        outputs: the strictest terms of the models; None where none made it.
    """
    named = sorted({source.strip().lower() for source in sources})
    unsaid = [name for name in named if name in _UNSAID]
    if not named or unsaid:
        return Licence("unknown", "the licence of some of the source texts is not known")
    if outputs is Outputs.UNKNOWN:
        return Licence("unknown", "it is not known what the maker of a model allows to be done with outputs")
    if outputs not in {None, Outputs.FREE, Outputs.NAMING}:
        return Licence("other", f"the terms of a model set conditions on outputs ({outputs})")
    if strange := [name for name in named if name not in _KNOWN]:
        return Licence("other", f"a source has a licence of its own ({strange[0]})")
    levels = {_KNOWN[name] for name in named}
    strictest = max(level for _, level in levels)
    ids = sorted(id_ for id_, level in levels if level == strictest)
    binding = {id_ for id_, level in levels if level in {_ALIKE, _ALIKE_NO_TRADE}}
    if len(binding) > 1 or (binding and strictest == _NO_TRADE) or (binding and binding != set(ids)):
        return Licence("other", f"sources have licences that exclude each other ({', '.join(named)})")
    several = f"the strictest of the sources' ({', '.join(named)})"
    return Licence(ids[-1], several if len(named) > 1 else "that of all sources")

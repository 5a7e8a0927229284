"""Personas from text, and diverse, traceable synthetic data from personas.

The verbs of the command line are functions here, under the same names, but for two: ``import`` is
:func:`add` and ``dedup`` is :func:`deduplicate`. :func:`hub_versions`, :func:`check_hub`,
:func:`compact_hub` and :func:`migrate_hub` keep a hub in order. :class:`ReadOptions` says which texts are
taken, :class:`Calls` how models are called and what that may cost. All are loaded when first used, so
importing the package is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from personahub.corpus import ReadOptions
    from personahub.errors import UserError
    from personahub.hub import Hub
    from personahub.workflows.add import add
    from personahub.workflows.calls import Calls
    from personahub.workflows.check import check as check_hub
    from personahub.workflows.curate import curate
    from personahub.workflows.dedup import deduplicate, duplicates_of
    from personahub.workflows.expand import expand
    from personahub.workflows.export import export
    from personahub.workflows.merge import merge
    from personahub.workflows.read import read
    from personahub.workflows.sample import sample
    from personahub.workflows.search import search
    from personahub.workflows.show import show
    from personahub.workflows.stats import stats
    from personahub.workflows.synthesize import synthesize
    from personahub.workflows.upkeep import compact as compact_hub
    from personahub.workflows.upkeep import migrate as migrate_hub
    from personahub.workflows.upkeep import versions as hub_versions

__all__ = [
    "Calls",
    "Hub",
    "ReadOptions",
    "UserError",
    "__version__",
    "add",
    "check_hub",
    "compact_hub",
    "curate",
    "deduplicate",
    "duplicates_of",
    "expand",
    "export",
    "hub_versions",
    "merge",
    "migrate_hub",
    "read",
    "sample",
    "search",
    "show",
    "stats",
    "synthesize",
]

__version__ = "0.1.0"

_HOMES = {
    "Calls": "personahub.workflows.calls",
    "Hub": "personahub.hub",
    "ReadOptions": "personahub.corpus",
    "UserError": "personahub.errors",
    "add": "personahub.workflows.add",
    "check_hub": "personahub.workflows.check:check",
    "compact_hub": "personahub.workflows.upkeep:compact",
    "curate": "personahub.workflows.curate",
    "deduplicate": "personahub.workflows.dedup",
    "duplicates_of": "personahub.workflows.dedup",
    "expand": "personahub.workflows.expand",
    "export": "personahub.workflows.export",
    "hub_versions": "personahub.workflows.upkeep:versions",
    "merge": "personahub.workflows.merge",
    "migrate_hub": "personahub.workflows.upkeep:migrate",
    "read": "personahub.workflows.read",
    "sample": "personahub.workflows.sample",
    "search": "personahub.workflows.search",
    "show": "personahub.workflows.show",
    "stats": "personahub.workflows.stats",
    "synthesize": "personahub.workflows.synthesize",
}


def __getattr__(name: str) -> Any:
    """Load a public name's module when the name is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'personahub' has no attribute {name!r}")
    module, _, own_name = _HOMES[name].partition(":")
    return getattr(importlib.import_module(module), own_name or name)

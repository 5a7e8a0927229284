"""Personas from text, and diverse, traceable synthetic data from personas.

The verbs of the command line are functions here: :func:`read`, :func:`curate`, :func:`merge`,
:func:`sample`, :func:`show`, :func:`stats`, :func:`synthesize`. :class:`ReadOptions` says which texts are
taken, :class:`Calls` how models are called and what that may cost. They are loaded when first used, so
importing the package is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from personahub.corpus import ReadOptions
    from personahub.errors import UserError
    from personahub.hub import Hub
    from personahub.workflows.calls import Calls
    from personahub.workflows.curate import curate
    from personahub.workflows.merge import merge
    from personahub.workflows.read import read
    from personahub.workflows.sample import sample
    from personahub.workflows.show import show
    from personahub.workflows.stats import stats
    from personahub.workflows.synthesize import synthesize

__all__ = [
    "Calls",
    "Hub",
    "ReadOptions",
    "UserError",
    "__version__",
    "curate",
    "merge",
    "read",
    "sample",
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
    "curate": "personahub.workflows.curate",
    "merge": "personahub.workflows.merge",
    "read": "personahub.workflows.read",
    "sample": "personahub.workflows.sample",
    "show": "personahub.workflows.show",
    "stats": "personahub.workflows.stats",
    "synthesize": "personahub.workflows.synthesize",
}


def __getattr__(name: str) -> Any:
    """Load a public name's module when the name is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'personahub' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)

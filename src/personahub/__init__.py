"""Personas from text, and diverse, traceable synthetic data from personas.

The verbs of the command line are functions here, under the same names, but for two: ``import`` is
:func:`add` and ``dedup`` is :func:`deduplicate`. :func:`hub_versions`, :func:`check_hub`,
:func:`compact_hub` and :func:`migrate_hub` keep a hub in order. :func:`list_tasks`, :func:`show_task`,
:func:`new_task` and :func:`preview_task` are the tasks; :func:`list_datasets`, :func:`show_dataset` and
:func:`export_dataset` the data sets that they make. :class:`ReadOptions` says which texts are taken,
:class:`Selection` which personas, :class:`Prompting` how prompts are built, :class:`Calls` how models are
called and what that may cost. All are loaded when first used, so
importing the package is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from personahub.corpus import ReadOptions
    from personahub.errors import UserError
    from personahub.hub import Hub
    from personahub.workflows.add import add
    from personahub.workflows.ask import ask
    from personahub.workflows.calls import Calls
    from personahub.workflows.check import check as check_hub
    from personahub.workflows.checks import Checks
    from personahub.workflows.curate import curate
    from personahub.workflows.datasets import list_datasets, show_dataset
    from personahub.workflows.dedup import deduplicate, duplicates_of
    from personahub.workflows.evaluate.arms import evaluate_arms
    from personahub.workflows.evaluate.checks import evaluate_checks
    from personahub.workflows.evaluate.coverage import evaluate_coverage
    from personahub.workflows.evaluate.diversity import evaluate_diversity
    from personahub.workflows.evaluate.duplicates import evaluate_duplicates
    from personahub.workflows.evaluate.similarity import evaluate_similarity
    from personahub.workflows.expand import expand
    from personahub.workflows.export import export
    from personahub.workflows.export_dataset import export_dataset
    from personahub.workflows.export_folder import export_folder
    from personahub.workflows.forget import forget
    from personahub.workflows.manifest import verify_manifest
    from personahub.workflows.merge import merge
    from personahub.workflows.mix import mix
    from personahub.workflows.preview import preview as preview_task
    from personahub.workflows.prompting import Prompting
    from personahub.workflows.push import push
    from personahub.workflows.read import read
    from personahub.workflows.sample import sample
    from personahub.workflows.search import search
    from personahub.workflows.selection import Selection
    from personahub.workflows.show import show
    from personahub.workflows.stats import stats
    from personahub.workflows.synthesize import synthesize
    from personahub.workflows.tasks import task_list as list_tasks
    from personahub.workflows.tasks import task_new as new_task
    from personahub.workflows.tasks import task_show as show_task
    from personahub.workflows.trace import trace
    from personahub.workflows.upkeep import compact as compact_hub
    from personahub.workflows.upkeep import migrate as migrate_hub
    from personahub.workflows.upkeep import versions as hub_versions
    from personahub.workflows.verify import verify

__all__ = [
    "Calls",
    "Checks",
    "Hub",
    "MinHash",
    "Prompting",
    "ReadOptions",
    "Selection",
    "UserError",
    "__version__",
    "add",
    "ask",
    "check_hub",
    "compact_hub",
    "curate",
    "deduplicate",
    "duplicates_of",
    "evaluate_arms",
    "evaluate_checks",
    "evaluate_coverage",
    "evaluate_diversity",
    "evaluate_duplicates",
    "evaluate_similarity",
    "expand",
    "export",
    "export_dataset",
    "export_folder",
    "forget",
    "hub_versions",
    "list_datasets",
    "list_tasks",
    "merge",
    "migrate_hub",
    "mix",
    "new_task",
    "preview_task",
    "push",
    "read",
    "sample",
    "search",
    "show",
    "show_dataset",
    "show_task",
    "stats",
    "synthesize",
    "trace",
    "verify",
    "verify_manifest",
]

__version__ = "0.1.0"

_HOMES = {
    "Calls": "personahub.workflows.calls",
    "Checks": "personahub.workflows.checks",
    "Hub": "personahub.hub",
    "MinHash": "personahub.dedup",
    "Prompting": "personahub.workflows.prompting",
    "ReadOptions": "personahub.corpus",
    "Selection": "personahub.workflows.selection",
    "UserError": "personahub.errors",
    "add": "personahub.workflows.add",
    "ask": "personahub.workflows.ask",
    "check_hub": "personahub.workflows.check:check",
    "compact_hub": "personahub.workflows.upkeep:compact",
    "curate": "personahub.workflows.curate",
    "deduplicate": "personahub.workflows.dedup",
    "duplicates_of": "personahub.workflows.dedup",
    "evaluate_arms": "personahub.workflows.evaluate.arms",
    "evaluate_checks": "personahub.workflows.evaluate.checks",
    "evaluate_coverage": "personahub.workflows.evaluate.coverage",
    "evaluate_diversity": "personahub.workflows.evaluate.diversity",
    "evaluate_duplicates": "personahub.workflows.evaluate.duplicates",
    "evaluate_similarity": "personahub.workflows.evaluate.similarity",
    "expand": "personahub.workflows.expand",
    "export": "personahub.workflows.export",
    "export_dataset": "personahub.workflows.export_dataset",
    "export_folder": "personahub.workflows.export_folder",
    "forget": "personahub.workflows.forget",
    "hub_versions": "personahub.workflows.upkeep:versions",
    "list_datasets": "personahub.workflows.datasets",
    "list_tasks": "personahub.workflows.tasks:task_list",
    "merge": "personahub.workflows.merge",
    "migrate_hub": "personahub.workflows.upkeep:migrate",
    "mix": "personahub.workflows.mix",
    "new_task": "personahub.workflows.tasks:task_new",
    "preview_task": "personahub.workflows.preview:preview",
    "push": "personahub.workflows.push",
    "read": "personahub.workflows.read",
    "sample": "personahub.workflows.sample",
    "search": "personahub.workflows.search",
    "show": "personahub.workflows.show",
    "show_dataset": "personahub.workflows.datasets",
    "show_task": "personahub.workflows.tasks:task_show",
    "stats": "personahub.workflows.stats",
    "synthesize": "personahub.workflows.synthesize",
    "trace": "personahub.workflows.trace",
    "verify": "personahub.workflows.verify",
    "verify_manifest": "personahub.workflows.manifest",
}


def __getattr__(name: str) -> Any:
    """Load a public name's module when the name is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'personahub' has no attribute {name!r}")
    module, _, own_name = _HOMES[name].partition(":")
    return getattr(importlib.import_module(module), own_name or name)

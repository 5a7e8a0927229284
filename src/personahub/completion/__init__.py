"""Requests in, completions out: every call to a language model goes through here and its journal."""

from personahub.completion.batches import BatchEngine
from personahub.completion.budget import Ceiling
from personahub.completion.completions import Completion, Failure, Totals
from personahub.completion.engine import Engine
from personahub.completion.journal import Entry, EntryKind, Journal, Spent, merge_journal
from personahub.completion.pacing import Limits
from personahub.completion.prices import Price, find_price

__all__ = [
    "BatchEngine",
    "Ceiling",
    "Completion",
    "Engine",
    "Entry",
    "EntryKind",
    "Failure",
    "Journal",
    "Limits",
    "Price",
    "Spent",
    "Totals",
    "find_price",
    "merge_journal",
]

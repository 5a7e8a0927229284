"""Requests in, completions out: every call to a language model goes through here and its journal."""

from personahub.completion.engine import Completion, Engine, Totals
from personahub.completion.journal import Journal

__all__ = ["Completion", "Engine", "Journal", "Totals"]

"""Requests in, completions out: every call to a language model goes through here and its journal."""

from personahub.completion.engine import Completion, Engine, Totals
from personahub.completion.journal import Journal
from personahub.completion.structured import Fault, read_fields

__all__ = ["Completion", "Engine", "Fault", "Journal", "Totals", "read_fields"]

"""Detectors and policies on text: what must not reach a model or a disk."""

from personahub.safeguards.personal_data import Span, find_personal_data, redact

__all__ = ["Span", "find_personal_data", "redact"]

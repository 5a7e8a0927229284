"""Items in, findings out: what a check says of each, with its evidence. Nothing here knows a hub."""

from personahub.verification.findings import (
    AskingCheck,
    Checking,
    Finding,
    Item,
    LocalCheck,
    Outcome,
    Question,
)

__all__ = ["AskingCheck", "Checking", "Finding", "Item", "LocalCheck", "Outcome", "Question"]

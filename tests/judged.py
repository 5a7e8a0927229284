"""What tests of the checks share: items, completions, and checks that are answered by a script."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from personahub.completion import Completion, Failure
from personahub.models import Request, Usage
from personahub.verification import AskingCheck, Finding, Item, Question

__all__ = ["FAILED", "Script", "asked_about", "completion", "in_turn", "item", "judged"]

FAILED = "failed"
"""In the place of a reply: the call was given up."""
Script = Callable[[Question], Mapping[str, Any] | str]


def item(text: str = "How many?", **given: Any) -> Item:
    """An item in English, unless told otherwise."""
    return Item(**{"name": "r1", "text": text, "language": "en", **given})


def completion(request: Request, value: Mapping[str, Any] | str) -> Completion:
    """A completion with this value, or a failed one."""
    if value == FAILED:
        return Completion(request, failure=Failure("timeout", "no reply", 3, ""))
    return Completion(request, value, None, True, Usage(10, 0, 5), 0.0, 0.0)


def judged(check: AskingCheck, about: Item, script: Script) -> tuple[Finding, list[list[Question]]]:
    """What the check finds where questions are answered so, and what it asked, round by round."""
    course, rounds = check.check(about), []
    completions: list[Completion] | None = None
    while True:
        try:
            questions = course.send(completions)  # type: ignore[arg-type]
        except StopIteration as end:
            return end.value, rounds
        rounds.append(list(questions))
        completions = [completion(question.request, script(question)) for question in questions]


def in_turn(*values: Mapping[str, Any] | str) -> Script:
    """Answers the questions in their order."""
    left: Iterator[Mapping[str, Any] | str] = iter(values)
    return lambda _: next(left)


def asked_about(rounds: Sequence[Sequence[Question]]) -> str:
    """All that the questions say."""
    said = [message.content for asked in rounds for each in asked for message in each.request.messages]
    return json.dumps(said, ensure_ascii=False)

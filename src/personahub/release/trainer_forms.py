"""The rows that trainers take, made of the turns of a chat.

``messages`` are the rows of TRL, Axolotl (type ``chat_template``) and LLaMA-Factory (formatting ``openai``),
``openai`` those of OpenAI's fine-tuning, which takes no other field; ``alpaca`` and ``sharegpt`` are named
after the data sets that they come from.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["CHAT_FORMS", "Turns", "ends_with_answer", "preference_row"]

Turns = Sequence[Mapping[str, str]]
"""What was said: each with ``role`` (system, user or assistant) and ``content``."""

_SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt"}


def ends_with_answer(turns: Turns) -> bool:
    """Whether they are a chat that can be trained on.

    After the system's part, if there is one, user and assistant speak in turn; the last word is the
    assistant's.
    """
    roles = [turn["role"] for turn in turns]
    said = roles[1:] if roles[:1] == ["system"] else roles
    return bool(said) and said == ["user", "assistant"] * (len(said) // 2)


def _messages(turns: Turns) -> dict[str, Any]:
    return {"messages": [{"role": turn["role"], "content": turn["content"]} for turn in turns]}


def _sharegpt(turns: Turns) -> dict[str, Any]:
    return {"conversations": [{"from": _SPEAKERS[turn["role"]], "value": turn["content"]} for turn in turns]}


def _alpaca(turns: Turns) -> dict[str, Any]:
    """The last exchange as instruction and output; those before it as history, as LLaMA-Factory calls it."""
    system, said = _apart(turns)
    *before, (asked, answer) = zip(said[::2], said[1::2], strict=True)
    row: dict[str, Any] = {"instruction": asked, "input": "", "output": answer}
    return {**row, "system": system, "history": [list(pair) for pair in before]}


def _apart(turns: Turns) -> tuple[str, list[str]]:
    """What the system says, and what is said after it."""
    system = "".join(turn["content"] for turn in turns if turn["role"] == "system")
    return system, [turn["content"] for turn in turns if turn["role"] != "system"]


CHAT_FORMS: Mapping[str, Callable[[Turns], dict[str, Any]]] = {
    "messages": _messages,
    "openai": _messages,
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
}
"""By a form's name, the fields of a row that hold a chat."""


def preference_row(chosen: Turns, rejected: Turns) -> dict[str, Any]:
    """Two answers to the same, the better one first, as TRL's preference trainers take them.

    Args:
        chosen: a chat that :func:`ends_with_answer`.
        rejected: another one, which differs in nothing but its last turn.
    """
    asked, better, worse = (
        _messages(turns)["messages"] for turns in (chosen[:-1], chosen[-1:], rejected[-1:])
    )
    return {"prompt": asked, "chosen": better, "rejected": worse}

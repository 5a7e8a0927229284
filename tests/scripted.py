"""A language model whose reply is a function of the request."""

import asyncio
import hashlib
import json
from collections.abc import Callable

from personahub.models import Reply, Request

WORDS = [
    "patient",
    "careful",
    "tired",
    "curious",
    "retired",
    "young",
    "stubborn",
    "cheerful",
    "nervous",
    "thrifty",
]
CRAFTS = [
    "beekeeper",
    "welder",
    "midwife",
    "cartographer",
    "plumber",
    "violinist",
    "locksmith",
    "botanist",
    "tailor",
    "diver",
]


def persona_reply(request: Request) -> str:
    """A persona that only the request decides, and that passes the filter in English and Russian."""
    digest = hashlib.sha256(request.key.encode()).digest()
    number = int.from_bytes(digest[2:5])
    if "по-русски" in request.messages[-1].content:
        persona = f"Садовод, который каждое утро считает свои {number} яблок и никогда не ошибается."
    else:
        who = f"{WORDS[digest[0] % 10]} {CRAFTS[digest[1] % 10]}"
        persona = f"A {who} who counts {number} of them every single morning."
    return json.dumps({"persona": persona}, ensure_ascii=False)


def problem_reply(request: Request) -> str:
    """A math problem that only the request decides, and that passes the checks."""
    number = int(request.key[:6], 16)
    problem = f"A hive holds {number} bees and a third of them fly out. How many bees stay in the hive?"
    return json.dumps({"quantities": f"{number} bees, one third", "problem": problem})


def any_reply(request: Request) -> str:
    """What the request's schema asks for: a persona or a problem."""
    properties = dict(request.schema or {}).get("properties", {})
    return persona_reply(request) if "persona" in str(properties) else problem_reply(request)


class ScriptedModel:
    """A LanguageModel; keeps what it was asked, by slot."""

    def __init__(
        self,
        reply: Callable[[Request], str] = any_reply,
        *,
        name: str = "scripted",
        slots: int = 1,
        delay: float = 0.0,
    ) -> None:
        self.name = name
        self.slots = slots
        self.delay = delay
        self.asked: list[tuple[int, Request]] = []
        self._reply = reply

    async def complete(self, request: Request, *, slot: int = 0) -> Reply:
        self.asked.append((slot, request))
        await asyncio.sleep(self.delay)
        text = self._reply(request)
        tokens = len(text) // 4
        return Reply(text, "stop", 100, 60, tokens, self.delay)

    async def close(self) -> None:
        pass

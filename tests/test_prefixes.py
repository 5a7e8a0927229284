"""Requests that share a prefix go where it is warm."""

import asyncio
from pathlib import Path

import pytest

from personahub.completion import Engine, Journal
from personahub.models import Message, Reply, Request, Sampling, Usage
from scripted import ScriptedModel

PREFIX, TAIL = 960, 40
"""Tokens that a group's prompts share, and those that differ."""


class CachingModel(ScriptedModel):
    """An endpoint whose prefix cache holds what it has answered; nothing is warm before."""

    def __init__(self, slots: int) -> None:
        super().__init__(slots=slots, delay=self.takes)
        self.warm: set[str] = set()

    async def complete(self, request: Request, *, slot: int = 0) -> Reply:
        cached = PREFIX if request.group in self.warm else 0
        await super().complete(request, slot=slot)
        self.warm.add(request.group)
        return Reply("yes", "stop", Usage(PREFIX + TAIL, cached, 1), 0.0)

    @staticmethod
    def takes(request: Request) -> float:
        return 0.001 + int(request.key[:2], 16) / 255 * 0.002


def cached_share(tmp_path: Path, sizes: list[int], slots: list[int]) -> float:
    """Of all prompts' tokens, with groups of these sizes and endpoints of so many slots."""
    asked = [
        Request(
            "scripted", (Message("user", f"{group}: {place}"),), Sampling(0.0, 1.0, 9, 0), group=f"g{group}"
        )
        for group, size in enumerate(sizes)
        for place in range(size)
    ]

    async def work() -> Engine:
        with Journal(tmp_path / "journal") as journal:
            engine = Engine([CachingModel(count) for count in slots], journal)
            assert len([completion async for completion in engine.complete(asked)]) == len(asked)
            return engine

    totals = asyncio.run(work()).totals
    assert totals.prompt_tokens == len(asked) * (PREFIX + TAIL)
    return totals.cached_tokens / totals.prompt_tokens


@pytest.mark.parametrize("slots", [[1], [64], [32, 32]], ids=["one slot", "64 slots", "two endpoints"])
def test_all_but_the_first_of_four_find_their_prefix_warm(tmp_path: Path, slots: list[int]) -> None:
    # All but one of four, of the 96 % that they share, are 72 %.
    assert cached_share(tmp_path, [4] * 250, slots) >= 0.7


@pytest.mark.parametrize("slots", [[1], [64], [32, 32]], ids=["one slot", "64 slots", "two endpoints"])
def test_a_long_group_waits_for_its_first_and_then_takes_every_slot(tmp_path: Path, slots: list[int]) -> None:
    assert cached_share(tmp_path, [1000], slots) >= 0.9


def test_groups_of_any_size_are_kept_warm_among_single_requests(tmp_path: Path) -> None:
    sizes = [1, 4, 40, 1, 2, 100, 1, 7] * 5
    warm = sum(size - 1 for size in sizes) / sum(sizes) * PREFIX / (PREFIX + TAIL)
    assert cached_share(tmp_path, sizes, [16]) >= 0.95 * warm

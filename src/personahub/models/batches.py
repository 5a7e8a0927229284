"""What a vendor's batch API must offer: many requests in one file, answered within a day for less."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

from personahub.config import read_json
from personahub.errors import UserError
from personahub.models.http import HttpReply, Server
from personahub.models.openai import raise_for_status
from personahub.models.protocols import NOTHING_TOLD, Reply, Request, RequestError

__all__ = ["Answer", "BatchLimits", "BatchModel", "BatchState", "BatchStatus", "check_reply", "read_object"]


class BatchStatus(StrEnum):
    """How far a batch is."""

    RUNNING = "running"
    ENDED = "ended"
    EXPIRED = "expired"
    """Its day is over; some of it may be answered."""
    CANCELLED = "cancelled"
    """Its owner ended it; some of it may be answered."""
    FAILED = "failed"
    """It was refused as a whole; nothing of it was answered or billed."""


@dataclass(frozen=True, slots=True)
class BatchState:
    """A batch as its vendor tells of it."""

    id: str
    status: BatchStatus
    requests: int | None = None
    """How many it holds; None where the vendor has not counted them yet."""
    done: int = 0
    """How many of them have a result."""
    created: float = 0.0
    """Seconds since 1970, by the vendor's clock."""
    intent: str | None = None
    """Our mark on it: empty for a batch without one; None where the vendor knows no marks."""
    error: str = ""
    """Why it failed."""
    crowded: bool = False
    """It failed because the account's queue holds too much; a smaller or a later one may pass."""
    files: tuple[str, ...] = ()
    """The vendor's names for the files with its results."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """The most that one batch may hold."""

    requests: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of a batch's results."""

    key: str
    """The request's."""
    intent: str | None
    """The mark of its batch; None where the vendor's marks are on batches, not on requests."""
    outcome: Reply | RequestError | UserError
    """A UserError says that no request of this model can be answered."""


@runtime_checkable
class BatchModel(Protocol):
    """A model behind a batch API.

    Each call raises RequestError for a fault that may pass and UserError for one that will not.
    """

    @property
    def name(self) -> str:
        """The model's identity, as a :class:`~personahub.models.LanguageModel` has it."""
        ...

    @property
    def provider(self) -> str:
        """The address of its server."""
        ...

    @property
    def limits(self) -> BatchLimits:
        """The most that one batch may hold."""
        ...

    @property
    def frame(self) -> tuple[bytes, bytes, bytes]:
        """What stands in a batch's file before its requests, between two of them, and after them."""
        ...

    def line(self, key: str, intent: str, request: Request, without: Collection[str]) -> bytes:
        """A request as it stands in a batch's file.

        Args:
            key: the request's, which comes back with its result.
            intent: our mark on the batch.
            request: what to ask.
            without: fields of the request that the model refuses.
        """
        ...

    def refused(self, error: RequestError) -> set[str]:
        """The fields that a refusal names and that the model can do without."""
        ...

    async def upload(self, file: Path) -> str:
        """Bring a batch's file to the vendor, where that is a step of its own; gives its name there."""
        ...

    async def create(self, file: Path, uploaded: str, intent: str) -> BatchState:
        """Have the batch begun; from here on it costs."""
        ...

    async def state(self, batch: str) -> BatchState:
        """How far a batch is."""
        ...

    async def page(self, after: str) -> tuple[list[BatchState], str]:
        """The account's batches after this one, the newest first; and the last one's id if there are more."""
        ...

    async def fetch(self, state: BatchState, into: BinaryIO) -> None:
        """Write the results of a batch that is over into an empty file, a line each."""
        ...

    def read(self, line: bytes) -> Answer | None:
        """A line of the results; None where it is damaged."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


def check_reply(reply: HttpReply, server: Server, model: str, *, batch: str = "") -> None:
    """Raise what a status other than one of success means, where batches are asked about.

    Args:
        reply: what came.
        server: who was asked.
        model: its name there.
        batch: the batch that was asked about, if it was one.

    Raises:
        UserError: there is no batch API, no such batch, or the key is wrong.
        RequestError: as :func:`~personahub.models.openai.raise_for_status`.
    """
    if 200 <= reply.status < 300:
        return
    if reply.status in {404, 405, 501} and not batch:
        raise UserError(f"{server.url}: has no batch API ({reply.status}); leave --batch out")
    if reply.status == 404:
        raise UserError(
            f"{server.url}: knows no batch {batch} (404); is the key another account's? Where it is gone"
            " for good, delete the lines about it from the hub's journal/batches.jsonl"
        )
    raise_for_status(reply, server, model)


def read_object(reply: HttpReply, server: Server, model: str, *, batch: str = "") -> dict[str, Any]:
    """The JSON object that a reply holds.

    Raises:
        UserError: as :func:`check_reply`.
        RequestError: as there, or "malformed_reply" where it holds none.
    """
    check_reply(reply, server, model, batch=batch)
    try:
        told = read_json(reply.body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise RequestError("malformed_reply", "the server's reply is no JSON object", usage=NOTHING_TOLD)
    return told

"""Batches in OpenAI's form: a JSONL file is uploaded, a batch is made of it, result files come back."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from personahub.config import json_bytes, read_json
from personahub.errors import UserError
from personahub.models.batches import Answer, BatchLimits, BatchState, BatchStatus, check_reply, read_object
from personahub.models.http import HttpReply, Server
from personahub.models.openai import chat_body, raise_for_status, read_reply, refused_fields
from personahub.models.protocols import NOTHING_TOLD, Reply, Request, RequestError
from personahub.models.transfers import FileClient

__all__ = ["OpenAIBatches"]

_ENDPOINT = "/v1/chat/completions"
_MARK = "personahub"
_PAGE = 100
_STATUS = {
    "completed": BatchStatus.ENDED,
    "expired": BatchStatus.EXPIRED,
    "cancelled": BatchStatus.CANCELLED,
    "failed": BatchStatus.FAILED,
}


class OpenAIBatches:
    """A :class:`~personahub.models.batches.BatchModel`; a batch is marked in its metadata.

    Args:
        server: where it is.
        model: the model's name there.
    """

    limits = BatchLimits(requests=50_000, bytes=200 * 10**6)
    frame = (b"", b"\n", b"\n")

    def __init__(self, server: Server, model: str) -> None:
        """Check the address; nothing is sent yet."""
        self.name = model
        self.provider = server.url
        self._client = FileClient(server)

    def line(self, key: str, intent: str, request: Request, without: Collection[str]) -> bytes:
        """One chat completion; see :meth:`personahub.models.batches.BatchModel.line`."""
        body = chat_body(request, without)
        return json_bytes({"custom_id": key, "method": "POST", "url": _ENDPOINT, "body": body})

    def refused(self, error: RequestError) -> set[str]:
        """The fields that a refusal names and that the model can do without."""
        return refused_fields(str(error))

    async def upload(self, file: Path) -> str:
        """Store the file at the vendor; gives its id there."""
        told = self._read(await self._client.post_form("/files", {"purpose": "batch"}, file))
        return _text(told, "id")

    async def create(self, file: Path, uploaded: str, intent: str) -> BatchState:
        """Have a batch of an uploaded file begun."""
        wanted = {
            "input_file_id": uploaded,
            "endpoint": _ENDPOINT,
            "completion_window": "24h",
            "metadata": {_MARK: intent},
        }
        return _state(self._read(await self._client.post("/batches", json_bytes(wanted))))

    async def state(self, batch: str) -> BatchState:
        """How far a batch is."""
        return _state(self._read(await self._client.get(f"/batches/{batch}"), batch=batch))

    async def page(self, after: str) -> tuple[list[BatchState], str]:
        """The account's batches, the newest first; see :class:`personahub.models.batches.BatchModel`."""
        cursor = f"&after={after}" if after else ""
        told = self._read(await self._client.get(f"/batches?limit={_PAGE}{cursor}"))
        states = [_state(batch) for batch in told.get("data") or []]
        return states, states[-1].id if told.get("has_more") and states else ""

    async def fetch(self, state: BatchState, into: BinaryIO) -> None:
        """Write the answers and then the errors of a batch into an empty file."""
        for name in state.files:
            reply = await self._client.fetch(f"/files/{name}/content", into)
            check_reply(reply, self._client.server, self.name, batch=state.id)
            into.write(b"\n")

    def read(self, line: bytes) -> Answer | None:
        """A line of an answer or an error; None where it is damaged."""
        try:
            content = read_json(line)
            key = _text(content, "custom_id")
        except (ValueError, RecursionError, RequestError):
            return None
        try:
            return Answer(key, None, self._outcome(content))
        except (RequestError, UserError) as error:
            return Answer(key, None, error)

    def _outcome(self, content: Mapping[str, Any]) -> Reply:
        response, error = content.get("response"), content.get("error")
        if not isinstance(response, dict):
            told = error if isinstance(error, dict) else {}
            code, said = str(told.get("code") or ""), str(told.get("message") or "no answer was given")
            if "expired" in code:
                raise RequestError("expired", said)
            if "cancel" in code:
                raise UserError(f"{self.provider}: the batch was cancelled there ({said})")
            raise RequestError("server_error", said)
        body = json_bytes(response.get("body"))
        raise_for_status(
            HttpReply(response.get("status_code") or 200, {}, body), self._client.server, self.name
        )
        return read_reply(body, 0.0)

    def _read(self, reply: HttpReply, *, batch: str = "") -> dict[str, Any]:
        return read_object(reply, self._client.server, self.name, batch=batch)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _state(told: Mapping[str, Any]) -> BatchState:
    try:
        counts = told.get("request_counts") or {}
        errors = (told.get("errors") or {}).get("data") or []
        messages = dict.fromkeys(" ".join(str(error.get("message")).split())[:300] for error in errors)
        return BatchState(
            id=_text(told, "id"),
            status=_STATUS.get(str(told.get("status")), BatchStatus.RUNNING),
            requests=counts.get("total") or None,
            done=(counts.get("completed") or 0) + (counts.get("failed") or 0),
            created=float(told.get("created_at") or 0),
            intent=str((told.get("metadata") or {}).get(_MARK, "")),
            error="; ".join(list(messages)[:3]),
            crowded="token_limit_exceeded" in {error.get("code") for error in errors},
            files=tuple(filter(None, (told.get("output_file_id"), told.get("error_file_id")))),
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise RequestError("malformed_reply", f"no batch: {error}", usage=NOTHING_TOLD) from None


def _text(told: Any, field: str) -> str:
    value = told.get(field) if isinstance(told, dict) else None
    if not isinstance(value, str) or not value:
        raise RequestError("malformed_reply", f"the server's reply has no {field}", usage=NOTHING_TOLD)
    return value

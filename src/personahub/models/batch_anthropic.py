"""Batches in Anthropic's form: all requests in one body, and one file with results.

A JSON schema is asked for in words, in the prompt. A tool whose use is forced would do as well for schemas of
objects, but every request would pay for its preamble, models that think refuse it, and a reply that does not
fit is asked again either way.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from personahub.config import json_bytes, read_json
from personahub.errors import UserError
from personahub.models.batches import Answer, BatchLimits, BatchState, BatchStatus, check_reply, read_object
from personahub.models.choices import choices_of
from personahub.models.http import HttpReply, Server
from personahub.models.openai import raise_for_status, refused_fields, with_schema
from personahub.models.protocols import NOTHING_TOLD, Reply, Request, RequestError, Usage
from personahub.models.transfers import FileClient

__all__ = ["AnthropicBatches"]

_VERSION = "2023-06-01"
_BATCHES = "/messages/batches"
_PAGE = 1000
_FINISH = {"max_tokens": "length", "model_context_window_exceeded": "length"}
_STATUS_OF = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The HTTP statuses that the kinds of errors stand for; any other is a fault of the server."""


class AnthropicBatches:
    """A :class:`~personahub.models.batches.BatchModel`; each request carries the mark of its batch.

    Args:
        server: where it is.
        model: the model's name there.
    """

    limits = BatchLimits(requests=100_000, bytes=256 * 10**6)
    frame = (b'{"requests":[\n', b",\n", b"\n]}\n")

    def __init__(self, server: Server, model: str) -> None:
        """Check the address; nothing is sent yet."""
        self.name = model
        self.provider = server.url
        headers = {**server.headers, "anthropic-version": _VERSION}
        self._client = FileClient(replace(server, key_header="x-api-key", headers=headers))

    def line(self, key: str, intent: str, request: Request, without: Collection[str]) -> bytes:
        """One message; see :meth:`personahub.models.batches.BatchModel.line`."""
        return json_bytes({"custom_id": f"{key}-{intent}", "params": _params(request, without)})

    def refused(self, error: RequestError) -> set[str]:
        """The fields that a refusal names and that the model can do without."""
        return refused_fields(str(error)) & {"temperature", "top_p"}

    async def upload(self, file: Path) -> str:
        """Nothing: the file is the body that creates the batch."""
        return ""

    async def create(self, file: Path, uploaded: str, intent: str) -> BatchState:
        """Have the batch begun."""
        return _state(self._read(await self._client.post_file(_BATCHES, file)))

    async def state(self, batch: str) -> BatchState:
        """How far a batch is."""
        return _state(self._read(await self._client.get(f"{_BATCHES}/{batch}"), batch=batch))

    async def page(self, after: str) -> tuple[list[BatchState], str]:
        """The workspace's batches, the newest first; see :class:`personahub.models.batches.BatchModel`."""
        cursor = f"&after_id={after}" if after else ""
        told = self._read(await self._client.get(f"{_BATCHES}?limit={_PAGE}{cursor}"))
        states = [_state(batch) for batch in told.get("data") or []]
        return states, states[-1].id if told.get("has_more") and states else ""

    async def fetch(self, state: BatchState, into: BinaryIO) -> None:
        """Write the results of a batch into an empty file."""
        # Not results_url: the key goes only to the address that the user named.
        reply = await self._client.fetch(f"{_BATCHES}/{state.id}/results", into)
        check_reply(reply, self._client.server, self.name, batch=state.id)

    def read(self, line: bytes) -> Answer | None:
        """A line of the results; None where it is damaged."""
        try:
            content = read_json(line)
            key, _, intent = content["custom_id"].partition("-")
            result = content["result"]
            kind = result["type"]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        try:
            return Answer(key, intent, self._outcome(kind, result))
        except (RequestError, UserError) as error:
            return Answer(key, intent, error)

    def _outcome(self, kind: str, result: Mapping[str, Any]) -> Reply:
        if kind == "succeeded":
            return _reply(result.get("message"))
        if kind == "expired":
            raise RequestError("expired", "the batch's day was over")
        if kind == "canceled":
            raise UserError(f"{self.provider}: the batch was cancelled there")
        error = result.get("error") or {}
        error = error.get("error") or error
        status = _STATUS_OF.get(str(error.get("type")), 500)
        raise_for_status(HttpReply(status, {}, json_bytes({"error": error})), self._client.server, self.name)
        raise AssertionError(status)

    def _read(self, reply: HttpReply, *, batch: str = "") -> dict[str, Any]:
        return read_object(reply, self._client.server, self.name, batch=batch)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _params(request: Request, without: Collection[str]) -> dict[str, Any]:
    sampling = request.sampling
    messages = [{"role": message.role, "content": message.content} for message in request.messages]
    if request.schema is not None and not choices_of(request.schema):
        messages[-1] = with_schema(messages[-1], request.schema)
    said = [message for message in messages if message["role"] != "system"]
    params: dict[str, Any] = {
        "model": request.model,
        "max_tokens": sampling.max_tokens,
        "messages": said,
        # Temperatures go up to 1 here.
        "temperature": min(sampling.temperature, 1.0),
    }
    if len(said) < len(messages):
        params["system"] = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
    # Newer models refuse a request that has both, so the temperature goes first.
    if params["temperature"] == 1.0:
        params["top_p"] = sampling.top_p
    return {name: value for name, value in params.items() if name not in without}


def _reply(message: Any) -> Reply:
    try:
        told = message["usage"]
        cached = told.get("cache_read_input_tokens") or 0
        prompt = told["input_tokens"] + cached + (told.get("cache_creation_input_tokens") or 0)
        usage = Usage(prompt, cached, int(told["output_tokens"]))
        text = "".join(block["text"] for block in message["content"] if block["type"] == "text")
        finish = message.get("stop_reason")
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise RequestError("malformed_reply", f"no message: {error}", usage=NOTHING_TOLD) from None
    if finish == "refusal":
        raise RequestError("content_filter", "the model would not answer", usage=usage)
    if not text:
        raise RequestError("empty_reply", "the reply holds no text", usage=usage)
    return Reply(text, _FINISH.get(finish, "stop"), usage, 0.0)


def _state(told: Mapping[str, Any]) -> BatchState:
    try:
        counts = told.get("request_counts") or {}
        total = sum(counts.values())
        ended = told.get("processing_status") == "ended"
        return BatchState(
            id=str(told["id"]),
            status=BatchStatus.ENDED if ended else BatchStatus.RUNNING,
            requests=total,
            done=total - counts.get("processing", 0),
            created=datetime.fromisoformat(told["created_at"]).timestamp(),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RequestError("malformed_reply", f"no batch: {error}", usage=NOTHING_TOLD) from None

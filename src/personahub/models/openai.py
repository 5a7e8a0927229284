"""The OpenAI chat-completions protocol: vLLM, SGLang, Ollama, llama-server, LM Studio and hosted models.

Servers differ in what they take. One that refuses a field by name is asked again without it (or with its
newer name), once for all; one that refuses JSON schemas is shown the schema in the prompt instead.
"""

import json
import re
import time
from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from personahub.config import canonical_json, json_bytes, read_json
from personahub.errors import UserError
from personahub.models.choices import TOP, choices_of, first_tokens
from personahub.models.http import HttpClient, HttpReply, Server
from personahub.models.protocols import NOTHING_TOLD, Reply, Request, RequestError, Usage

__all__ = [
    "OpenAIModel",
    "chat_body",
    "raise_for_status",
    "read_reply",
    "refused_fields",
    "with_schema",
]

_TOO_LONG = re.compile(
    r"context[ _](?:length|size|window)|maximum context|too long|too many tokens", re.IGNORECASE
)
_SCHEMA_FIELDS = re.compile(r"response_format|json_schema|guided|grammar|structured", re.IGNORECASE)
_RENAMED = {"max_tokens": "max_completion_tokens"}
_MAY_GO = {"seed", "top_p", "temperature", "logprobs"}


class OpenAIModel:
    """A :class:`~personahub.models.LanguageModel` behind one HTTP endpoint.

    Args:
        server: where it is; ``connections`` is how many requests it takes at a time.
        model: the model's name there, and its identity here: the address is no part of it, so that a server
            that moved does not make every answered request a new one.
    """

    def __init__(self, server: Server, model: str) -> None:
        """Check the address; nothing is sent yet."""
        self.name = model
        self.provider = server.url
        self.slots = server.connections
        self._client = HttpClient(server)
        self._without: set[str] = set()

    async def complete(self, request: Request, *, slot: int = 0) -> Reply:
        """Answer one request; see :meth:`personahub.models.LanguageModel.complete`."""
        start = time.perf_counter()
        while True:
            known = len(self._without)
            body = chat_body(request, self._without)
            reply = await self._client.post("/chat/completions", json_bytes(body))
            if reply.status in {400, 422} and self._adapt(reply, known):
                continue
            raise_for_status(reply, self._client.server, self.name)
            return read_reply(reply.body, time.perf_counter() - start)

    def _adapt(self, reply: HttpReply, known: int) -> bool:
        """Whether the refusal names a field that can be left out, or another request has just found one."""
        message, named, _ = _error(reply.body)
        self._without |= refused_fields(f"{named} {message}")
        return len(self._without) > known

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def chat_body(request: Request, without: Collection[str] = ()) -> dict[str, Any]:
    """The body of a chat-completions call.

    Args:
        request: what is asked.
        without: fields that the server refuses: ``max_tokens`` gets its newer name, ``response_format`` gives
            way to words in the prompt, the others are left out.
    """
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": sampling.seed,
    }
    words = choices_of(request.schema)
    if words:
        body |= {"logprobs": True, "top_logprobs": TOP}
    if "logprobs" in without:
        body.pop("top_logprobs", None)
    for field in body.keys() & set(without):
        value = body.pop(field)
        if field in _RENAMED:
            body[_RENAMED[field]] = value
    # There is no field for a choice of words that servers share; what the prompt says has to do.
    if request.schema is not None and not words and "response_format" in without:
        body["messages"][-1] = with_schema(body["messages"][-1], request.schema)
    elif request.schema is not None and not words:
        form = {"name": "reply", "strict": True, "schema": request.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def refused_fields(said: str) -> set[str]:
    """The fields of the body that a refusal names and that a model can do without."""
    if _SCHEMA_FIELDS.search(said):
        return {"response_format"}
    return {field for field in {*_RENAMED, *_MAY_GO} if re.search(rf"\b(?:top_)?{field}\b", said)}


def with_schema(message: Mapping[str, str], schema: Mapping[str, object]) -> dict[str, str]:
    """The message, and after it that the reply shall be JSON that fits the schema."""
    shown = canonical_json(schema)
    said = f"{message['content']}\n\nReply with one JSON object that fits this JSON schema: {shown}"
    return {**message, "content": said}


def read_reply(body: bytes, seconds: float) -> Reply:
    """The reply in the body of a 200.

    Raises:
        RequestError: "malformed_reply" where it is no chat completion, "empty_reply" where nothing was said,
            "content_filter" where the server held the reply back; all of them may have been billed.
    """
    try:
        content = read_json(body)
        usage = _usage(content.get("usage") or {})
        choices = content.get("choices")
        choice = choices[0] if choices else None
        message = choice["message"] if choice else {}
        text, finish = message.get("content"), (choice or {}).get("finish_reason") or "stop"
        # Anything but text and nothing is a fault of the form.
        text = None if text is None else "" + text
        tokens = first_tokens(choice or {})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RequestError(
            "malformed_reply", f"no chat completion: {error}", usage=NOTHING_TOLD, text=_excerpt(body)
        ) from None
    if finish == "content_filter" or message.get("refusal"):
        said = str(message.get("refusal") or "the server held the reply back")
        raise RequestError("content_filter", said[:300], usage=usage)
    if not text:
        raise RequestError("empty_reply", "the reply holds no text", usage=usage)
    return Reply(text=text, finish_reason=str(finish), usage=usage, seconds=seconds, tokens=tokens)


def _usage(told: Mapping[str, Any]) -> Usage:
    details = told.get("prompt_tokens_details") or {}
    return Usage(
        prompt_tokens=_count(told.get("prompt_tokens")),
        cached_tokens=_count(details.get("cached_tokens")),
        completion_tokens=_count(told.get("completion_tokens")),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def raise_for_status(reply: HttpReply, server: Server, model: str) -> None:
    """Raise what a status other than 200 means.

    Raises:
        UserError: the key, the model or the address is wrong, or the account has no credit: no other call
            would fare better.
        RequestError: "rate_limited", "overloaded", "server_error", "prompt_too_long" or "refused".
    """
    status, url = reply.status, server.url
    if status == 200:
        return
    message, _, code = _error(reply.body)
    said = f": {message}" if message else ""
    if status in {401, 403}:
        raise UserError(f"{url}: the key was not accepted ({status}{said}); set it in {server.key_variable}")
    if status == 402 or code in {"insufficient_quota", "billing_hard_limit_reached"}:
        raise UserError(f"{url}: the account has no credit left ({status}{said})")
    if status == 404:
        raise UserError(f"{url}: knows no model {model!r}, or is no such address ({status}{said})")
    if 300 <= status < 400:
        to = reply.headers.get("location") or "another address"
        raise UserError(f"{url}: sends its callers to {to}; give that address if you trust it")
    wait = _retry_after(reply.headers)
    if status == 429:
        raise RequestError("rate_limited", f"refused for its rate{said}", retry_after=wait)
    if status in {503, 529}:
        raise RequestError("overloaded", f"the server is overloaded ({status}{said})", retry_after=wait)
    if status >= 500 or status in {408, 409, 425}:
        raise RequestError("server_error", f"the server failed ({status}{said})", retry_after=wait)
    if status == 413 or code == "context_length_exceeded" or _TOO_LONG.search(message):
        raise RequestError("prompt_too_long", message or f"status {status}")
    raise RequestError("refused", f"the server refused the request ({status}{said})")


def _error(body: bytes) -> tuple[str, str, str]:
    """Message, field and code of an error's body, in any of the usual shapes; never a key that it repeats."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return _excerpt(body), "", ""
    found = content.get("error", content) if isinstance(content, dict) else content
    if not isinstance(found, dict):
        return _hide_keys(str(found)[:300]), "", ""
    message = found.get("message") or found.get("detail") or found.get("error") or ""
    code, named = str(found.get("code") or found.get("type") or ""), str(found.get("param") or "")
    return _hide_keys(" ".join(str(message).split())[:300]), named, code


def _hide_keys(text: str) -> str:
    return re.sub(r"\b(?:sk|key|hf)[-_][\w*.-]{6,}|(?<=Bearer )\S+", "…", text)


def _excerpt(body: bytes) -> str:
    return _hide_keys(" ".join(body[:2000].decode(errors="replace").split())[:200])


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from any of the forms of the header."""
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return max(0.0, float(milliseconds) / 1000)
        given = headers.get("retry-after")
        if given is None:
            return None
        if re.fullmatch(r"\s*[\d.]+\s*", given):
            return float(given)
        return max(0.0, parsedate_to_datetime(given).timestamp() - time.time())
    except (ValueError, TypeError):
        return None

"""What the load server answers: completions, faults, errors and counters."""

import asyncio
import http.client
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from hashlib import blake2b
from typing import Any, Protocol

KINDS = ("malformed", "empty", "truncated", "invalid", "hang", "reset")
MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]*)"')
TICK = 0.001  # seconds; replies due within one tick share a timer

HOW = (b"retired", b"novice", b"self-taught", b"migrant", b"part-time", b"military", b"rural", b"young")
WHO = (b"nurse", b"welder", b"beekeeper", b"notary", b"cellist", b"surveyor", b"midwife", b"geologist")
WHAT = (b"repairs", b"explains", b"collects", b"inspects", b"restores", b"sells", b"draws", b"counts")
WHOM = (b"sickbeds", b"church bells", b"sextants", b"old maps", b"bicycles", b"looms", b"orchids", b"radios")
CONTENT = rb"{\"persona\": \"A %b %b who %b %b and keeps notebook %d\"}"
REPLY = (
    b'{"id":"chatcmpl-%016x","object":"chat.completion","created":%d,"model":"%b","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"%b","refusal":null},"logprobs":null,"finish_reason":"%b"}],'
    b'"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,'
    b'"prompt_tokens_details":{"cached_tokens":0}}}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the server behaves; seconds, calls a second, and shares between 0 and 1.

    Raises:
        ValueError: a fault is unknown, or shares are negative or sum to more than 1.
    """

    latency: float = 0.0
    rate: float | None = None  # None: no limit
    faults: Mapping[str, float] = field(default_factory=dict)
    retry_after: float = 0.1
    key: str = ""  # empty: anyone may call
    models: tuple[str, ...] = ()  # empty: any name
    seed: int = 0
    track: bool = False  # remember every body, about 100 bytes each

    def __post_init__(self) -> None:
        """Refuse what cannot be served."""
        if min(self.latency, self.retry_after, self.rate or 0) < 0:
            raise ValueError("latency, rate and retry_after must not be below 0")
        for kind, share in self.faults.items():
            if kind not in KINDS and not re.fullmatch("[45][0-9][0-9]", kind):
                raise ValueError(f"unknown fault {kind!r}: use an error status or one of {', '.join(KINDS)}")
            if share < 0:
                raise ValueError(f"the share of {kind} is {share}, below 0")
        if sum(self.faults.values()) > 1 + 1e-9:
            raise ValueError("the shares of the faults sum to more than 1")

    def changed(self, changes: Mapping[str, Any]) -> "Settings":
        """These settings with some of them changed.

        Raises:
            ValueError: a name is unknown or a value is not possible.
        """
        unknown = set(changes) - {each.name for each in fields(self)}
        if unknown:
            raise ValueError(f"unknown setting {', '.join(sorted(unknown))}")
        return replace(self, **changes)


@dataclass(slots=True)
class Counts:
    """What has happened since the last reset."""

    requests: int = 0
    by_status: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    over_rate: int = 0
    abandoned: int = 0  # the client left before its reply was due
    max_in_flight: int = 0
    prompt_tokens: int = 0  # of every reply with status 200, useful or not
    completion_tokens: int = 0
    paid_twice: int = 0  # bodies answered well again after they had been answered well


class Waiting(Protocol):
    """A connection, as the service sees it."""

    waiting: bool

    def resume(self, reply: bytes | None) -> None:
        """Send the reply that was waited for."""

    def reset(self) -> None:
        """Close without a reply."""


class Service:
    """What all connections share: settings, counters, and the replies that are not yet due."""

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        """A service with nothing counted."""
        self.loop = loop
        self.created = int(time.time())
        self.in_flight = 0
        self.connections = 0
        self.due: dict[int, list[tuple[Waiting, Callable[[], bytes | None]]]] = {}
        self.apply(settings)
        self.reset()

    def apply(self, settings: Settings) -> None:
        """Go on with these settings."""
        self.settings = settings
        self.seed = str(settings.seed).encode()
        self.authorization = f"authorization: bearer {settings.key}".encode()
        self.models = {name.encode() for name in settings.models}
        self.burst = max(1.0, (settings.rate or 0) / 20)
        self.allowance, self.refilled = self.burst, time.monotonic()

    def reset(self) -> None:
        """Forget every count and every body."""
        self.counts = Counts()
        self.met: dict[int, int] = {}  # faults that a body has met
        self.bodies: dict[int, bool] = {}  # seen, and whether answered well
        self.cpu = time.process_time()

    def answer(self, connection: Waiting, head: bytes, body: bytes) -> bytes | None:
        """The whole reply to a request, or None when it comes later or never."""
        method, path, _ = head[: head.find(b"\r\n")].split(b" ", 2)
        if method != b"POST" or not path.endswith(b"/chat/completions"):
            return self.manage(method, path, body)
        self.counts.requests += 1
        found = MODEL.search(body)
        model = found[1] if found else b"unknown"
        return self.refusal(head, model) or self.completion(connection, model, body)

    def refusal(self, head: bytes, model: bytes) -> bytes | None:
        """The error of a request that is not let in, or None."""
        settings = self.settings
        if settings.key and not self.authorized(head):
            return self.error(401, "Incorrect API key provided.", "invalid_api_key")
        if self.models and model not in self.models:
            message = f"The model {model.decode(errors='replace')!r} does not exist."
            return self.error(404, message, "model_not_found")
        if settings.rate is not None and not self.admits(settings.rate):
            self.counts.over_rate += 1
            return self.error(429, "Rate limit reached.", "rate_limit_exceeded")
        return None

    def completion(self, connection: Waiting, model: bytes, body: bytes) -> bytes | None:
        """The reply to a request that is let in, or None when it comes later or never."""
        settings = self.settings
        digest = int.from_bytes(blake2b(body, digest_size=8, key=self.seed).digest(), "little")
        if settings.track:
            self.bodies.setdefault(digest, False)
        kind = self.fault(digest) if settings.faults else ""
        if kind == "429":
            return self.error(429, "Rate limit reached.", "rate_limit_exceeded")
        if kind != "hang" and not settings.latency:
            return self.reply(connection, kind, digest, model, len(body))
        self.in_flight += 1
        self.counts.max_in_flight = max(self.counts.max_in_flight, self.in_flight)
        connection.waiting = True
        if kind != "hang":
            self.later(connection, lambda: self.reply(connection, kind, digest, model, len(body)))
        return None

    def authorized(self, head: bytes) -> bool:
        """Whether the request carries the key; names of headers and schemes have no case, keys do."""
        name, _, key = self.authorization.rpartition(b" ")
        start = head.lower().find(name)
        return start >= 0 and head[start:].split(b"\r\n", 1)[0].split(b" ")[-1] == key

    def admits(self, rate: float) -> bool:
        """Whether the token bucket, refilled at ``rate`` a second, has one for this request."""
        now = time.monotonic()
        self.allowance = min(self.burst, self.allowance + (now - self.refilled) * rate)
        self.refilled = now
        if self.allowance < 1:
            return False
        self.allowance -= 1
        return True

    def fault(self, digest: int) -> str:
        """The kind of fault this body meets now; empty for none."""
        met = self.met.get(digest, 0)
        hashed = blake2b(b"%d %d" % (digest, met), digest_size=8, key=self.seed).digest()
        draw = int.from_bytes(hashed, "little") / 2**64
        for kind, share in self.settings.faults.items():
            draw -= share
            if draw < 0:
                self.met[digest] = met + 1
                self.counts.faults[kind] += 1
                return kind
        return ""

    def later(self, connection: Waiting, reply: Callable[[], bytes | None]) -> None:
        """Have ``reply`` made and sent after the latency, to the next tick."""
        tick = int((self.loop.time() + self.settings.latency) / TICK) + 1
        if tick not in self.due:
            self.due[tick] = []
            self.loop.call_at(tick * TICK, self.deliver, tick)
        self.due[tick].append((connection, reply))

    def deliver(self, tick: int) -> None:
        """Send every reply of a tick whose client still waits."""
        for connection, reply in self.due.pop(tick):
            if connection.waiting:
                connection.waiting = False
                self.in_flight -= 1
                connection.resume(reply())

    def reply(self, connection: Waiting, kind: str, digest: int, model: bytes, size: int) -> bytes | None:
        """The reply with this fault; None after a reset, which sends nothing."""
        if kind == "reset":
            connection.reset()
            return None
        if kind.isdigit():
            return self.error(int(kind), "The server had an error.", "server_error")
        content = CONTENT % (
            HOW[digest & 7],
            WHO[digest >> 3 & 7],
            WHAT[digest >> 6 & 7],
            WHOM[digest >> 9 & 7],
            digest >> 12,
        )
        if kind == "empty":
            content = b""
        elif kind == "truncated":
            content = content[: len(content) // 2]
        elif kind == "invalid":
            content = b"Sorry, I would rather not describe anyone."
        counts = self.counts
        asked, told = size // 4, len(content) // 4
        counts.prompt_tokens += asked
        counts.completion_tokens += told
        finish = b"length" if kind == "truncated" else b"stop"
        body = REPLY % (digest, self.created, model, content, finish, asked, told, asked + told)
        if kind == "malformed":
            body = body[: len(body) // 2]
        elif not kind and self.settings.track:
            counts.paid_twice += self.bodies.get(digest, False)
            self.bodies[digest] = True
        return self.respond(200, body)

    def respond(self, status: int, body: bytes, headers: bytes = b"") -> bytes:
        """A whole HTTP response with a JSON body, counted by its status."""
        self.counts.by_status[status] += 1
        return whole(status, body, headers)

    def error(self, status: int, message: str, code: str) -> bytes:
        """An error in the shape of the OpenAI API; a 429 says when to come back."""
        body = json.dumps({"error": {"message": message, "type": code, "param": None, "code": code}})
        headers = b"Retry-After: %a\r\n" % self.settings.retry_after if status == 429 else b""
        return self.respond(status, body.encode(), headers)

    def manage(self, method: bytes, path: bytes, body: bytes) -> bytes:
        """What is no completion: counters, settings, the list of models."""
        if (method, path) == (b"GET", b"/stats"):
            return whole(200, json.dumps(self.stats()).encode())
        if (method, path) == (b"POST", b"/reset"):
            self.reset()
            return whole(200, b"{}")
        if (method, path) == (b"POST", b"/control"):
            try:
                self.apply(self.settings.changed(json.loads(body)))
            except (ValueError, TypeError, AttributeError) as error:
                return whole(400, json.dumps({"error": str(error)}).encode())
            return whole(200, b"{}")
        if method == b"GET" and path.endswith(b"/models"):
            data = [{"id": name, "object": "model"} for name in self.settings.models or ("any",)]
            return whole(200, json.dumps({"object": "list", "data": data}).encode())
        return whole(404, b'{"error": {"message": "Nothing is here."}}')

    def stats(self) -> dict[str, Any]:
        """The counters since the last reset, and what is open now."""
        counted = {each.name: getattr(self.counts, each.name) for each in fields(self.counts)}
        return counted | {
            "in_flight": self.in_flight,
            "connections": self.connections,
            "distinct_bodies": len(self.bodies),
            "cpu_seconds": time.process_time() - self.cpu,
        }


def whole(status: int, body: bytes, headers: bytes = b"") -> bytes:
    """An HTTP response as bytes."""
    if status == 200:  # nearly all of them, so its line is not looked up
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
            len(body),
            body,
        )
    phrase = http.client.responses.get(status, "Error").encode()
    form = b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n%b"
    return form % (status, phrase, headers, len(body), body)

"""Both vendors' batch APIs on loopback, in memory: scripted faults, a bill, and results in another order."""

import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

KEY = "key-that-is-secret"
PROMPT, REPLY = 100, 10
"""Tokens of every prompt and every reply."""

Vendor = Literal["openai", "anthropic"]
Outcome = str | tuple[int, str]
"""A reply's text; a status and a message; or one of the words below."""
WORDS = ("expired", "cancelled", "malformed", "missing")


@dataclass
class Made:
    """A batch that was created."""

    id: str
    number: int
    intent: str
    items: dict[str, dict[str, Any]]
    """Bodies by custom id."""
    created: float
    lines: list[tuple[bool, str]] = field(default_factory=list)
    """Results, and whether each stands in the file of answers."""
    polls: int = 0
    status: str = "in_progress"
    error: dict[str, str] | None = None


def say_hello(body: dict[str, Any], asked: int) -> Outcome:
    """The default answer: the last message, in the form asked for."""
    del asked
    said = body["messages"][-1]["content"]
    return json.dumps({"persona": f"re: {said[:40]}"}) if "persona" in json.dumps(body) else f"re: {said}"


class BatchVendor(ThreadingHTTPServer):
    """One account at a vendor.

    Attributes:
        answer: what comes of a request, from its body and how often it was asked before.
        polls: how often a batch is asked about before it is over.
        ends_as: the status of a batch that is over.
        refuse: gives an error (code, message) to a batch that is refused as a whole.
        faults: for a step ("files", "create", "state", "list", "results"), what happens at its next calls: a
            status, "lost" (done, but nobody is told), ("lost", status), or a function to call, before it is
            done ("before", f) or after and instead of telling ("after", f).
        billed: how often each request was billed, by key.
        bodies: the raw bodies of all batches.
    """

    daemon_threads = True

    def __init__(self, vendor: Vendor = "openai") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.vendor = vendor
        self.answer: Callable[[dict[str, Any], int], Outcome] = say_hello
        self.polls = 1
        self.ends_as = "completed"
        self.refuse: Callable[[Made], tuple[str, str] | None] = lambda _: None
        self.page = 2
        self.faults: dict[str, list[Any]] = {}
        self.made: list[Made] = []
        self.files: dict[str, bytes] = {}
        self.bodies: list[bytes] = []
        self.billed: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.lock = threading.RLock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def intents(self) -> Counter[str]:
        """How many batches were created for each intent."""
        return Counter(made.intent for made in self.made)

    def create(self, items: list[dict[str, Any]], intent: str) -> Made:
        bodies = {item["custom_id"]: item.get("body") or item["params"] for item in items}
        assert len(bodies) == len(items), "custom ids repeat"
        number = len(self.made)
        made = Made(f"batch-{number}", number, intent, bodies, time.time())
        self.made.append(made)
        if refused := self.refuse(made):
            made.status, made.error = "failed", dict(zip(("code", "message"), refused, strict=True))
            return made
        for custom_id, body in bodies.items():
            key = custom_id.partition("-")[0]
            outcome = self.answer(body, self.asked[key])
            self.asked[key] += 1
            self.billed[key] += outcome not in WORDS[:2] and isinstance(outcome, str)
            if outcome != "missing":
                made.lines.append(self._line(custom_id, outcome))
        random.Random(number).shuffle(made.lines)
        return made

    def _line(self, custom_id: str, outcome: Outcome) -> tuple[bool, str]:
        if outcome == "malformed":
            return True, '{"custom_id": "' + custom_id[:9]
        make = _openai_line if self.vendor == "openai" else _anthropic_line
        return make(custom_id, outcome)

    def look(self, made: Made) -> Made:
        made.polls += 1
        if made.status == "in_progress" and made.polls > self.polls:
            made.status = self.ends_as
        return made


def _openai_line(custom_id: str, outcome: Outcome) -> tuple[bool, str]:
    line: dict[str, Any] = {"id": "x", "custom_id": custom_id, "response": None, "error": None}
    if isinstance(outcome, tuple):
        status, message = outcome
        line["response"] = {"status_code": status, "body": {"error": {"message": message}}}
        return False, json.dumps(line)
    if outcome in WORDS:
        line["error"] = {"code": f"batch_{outcome}", "message": outcome}
        return False, json.dumps(line)
    usage = {"prompt_tokens": PROMPT, "completion_tokens": REPLY, "total_tokens": PROMPT + REPLY}
    choice = {"index": 0, "message": {"role": "assistant", "content": outcome}, "finish_reason": "stop"}
    line["response"] = {"status_code": 200, "body": {"choices": [choice], "usage": usage}}
    return True, json.dumps(line)


def _anthropic_line(custom_id: str, outcome: Outcome) -> tuple[bool, str]:
    result: dict[str, Any]
    if isinstance(outcome, tuple):
        status, message = outcome
        kind = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error"}
        error = {"type": kind.get(status, "api_error"), "message": message}
        result = {"type": "errored", "error": {"type": "error", "error": error}}
    elif outcome in WORDS:
        result = {"type": {"cancelled": "canceled"}.get(outcome, outcome)}
    else:
        usage = {"input_tokens": PROMPT - 40, "cache_read_input_tokens": 40, "output_tokens": REPLY}
        content = [{"type": "text", "text": outcome}]
        message = {"content": content, "stop_reason": "end_turn", "usage": usage}
        result = {"type": "succeeded", "message": message}
    return True, json.dumps({"custom_id": custom_id, "result": result})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: BatchVendor

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        vendor = self.server
        with vendor.lock:
            vendor.headers.append({name.lower(): value for name, value in self.headers.items()})
            step, do = self._step(body)
            vendor.calls[step] += 1
            sent = self.headers.get("x-api-key") or (self.headers.get("Authorization") or "").removeprefix(
                "Bearer "
            )
            if sent != KEY:
                return self._tell(401, {"error": {"message": f"Incorrect API key provided: {sent}"}})
            waiting = vendor.faults.get(step, [])
            fault = waiting.pop(0) if waiting else None
            if isinstance(fault, int):
                return self._tell(fault, {"error": {"message": "not now"}})
            if isinstance(fault, tuple) and fault[0] == "before":
                fault[1]()
            told = do()
            if isinstance(fault, tuple) and fault[0] == "after":
                fault[1]()
            if fault == "lost" or (isinstance(fault, tuple) and fault[0] == "after"):
                self.close_connection = True
                return None
            if isinstance(fault, tuple) and fault[0] == "lost":
                return self._tell(fault[1], {"error": {"message": "internal"}})
        return self._tell(200, told)

    def _step(self, body: bytes) -> tuple[str, Callable[[], Any]]:
        place = urlsplit(self.path)
        path = place.path.removeprefix("/v1").removeprefix("/messages")
        vendor = self.server
        if path == "/files":
            return "files", lambda: self._store(body)
        if path == "/batches" and self.command == "POST":
            return "create", lambda: self._create(body)
        if path == "/batches":
            query = parse_qs(place.query)
            return "list", lambda: self._list(query.get("after", query.get("after_id", [""]))[0])
        name = path.split("/")[2]
        if path.endswith(("/content", "/results")):
            return "results", lambda: self._results(name)
        found = [made for made in vendor.made if made.id == name]
        return "state", lambda: _told(vendor, vendor.look(found[0]))

    def _store(self, body: bytes) -> dict[str, Any]:
        kind = self.headers["Content-Type"]
        boundary = b"--" + kind.partition("boundary=")[2].encode()
        parts = [part.partition(b"\r\n\r\n") for part in body.split(boundary)[1:-1]]
        fields = {
            re.search(rb'name="([^"]+)"', head)[1].decode(): content[:-2]  # type: ignore[index]
            for head, _, content in parts
        }
        assert fields["purpose"] == b"batch"
        name = f"file-{len(self.server.files)}"
        self.server.files[name] = fields["file"]
        return {"id": name, "object": "file"}

    def _create(self, body: bytes) -> dict[str, Any]:
        vendor = self.server
        wanted = json.loads(body)
        if vendor.vendor == "openai":
            assert wanted["endpoint"] == "/v1/chat/completions"
            assert wanted["completion_window"] == "24h"
            raw = vendor.files[wanted["input_file_id"]]
            items = [json.loads(line) for line in raw.splitlines()]
            intent = wanted["metadata"]["personahub"]
        else:
            raw, items = body, wanted["requests"]
            assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", item["custom_id"]) for item in items)
            intent = items[0]["custom_id"].partition("-")[2]
        vendor.bodies.append(raw)
        return _told(vendor, vendor.create(items, intent))

    def _list(self, after: str) -> dict[str, Any]:
        newest = list(reversed(self.server.made))
        ids = [made.id for made in newest]
        rest = newest[ids.index(after) + 1 :] if after else newest
        shown = [_told(self.server, made) for made in rest[: self.server.page]]
        return {"data": shown, "has_more": len(rest) > self.server.page}

    def _results(self, name: str) -> bytes:
        number = int(re.search(r"\d+", name)[0])  # type: ignore[index]
        wanted = [True, False] if self.server.vendor == "anthropic" else [name.startswith("out")]
        lines = [line for whole, line in self.server.made[number].lines if whole in wanted]
        return "".join(f"{line}\n" for line in lines).encode()

    def _tell(self, status: int, told: Any) -> None:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status != 200:
                self.send_header("retry-after-ms", "5")
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _told(vendor: BatchVendor, made: Made) -> dict[str, Any]:
    if vendor.vendor == "anthropic":
        over = made.status != "in_progress"
        counts = {"processing": 0 if over else len(made.items), "succeeded": len(made.items) if over else 0}
        return {
            "id": made.id,
            "processing_status": "ended" if over else "in_progress",
            "request_counts": {**counts, "errored": 0, "canceled": 0, "expired": 0},
            "created_at": datetime.fromtimestamp(made.created, UTC).isoformat().replace("+00:00", "Z"),
        }
    over = made.status in {"completed", "expired", "cancelled"}
    kinds = {whole for whole, _ in made.lines}
    return {
        "id": made.id,
        "status": made.status,
        "created_at": int(made.created),
        "metadata": {"personahub": made.intent},
        "request_counts": {"total": len(made.items), "completed": len(made.lines), "failed": 0},
        "errors": {"data": [made.error]} if made.error else None,
        "output_file_id": f"out-{made.number}" if over and True in kinds else None,
        "error_file_id": f"err-{made.number}" if over and False in kinds else None,
    }


@contextmanager
def serving(vendor: Vendor) -> Iterator[BatchVendor]:
    """A vendor at work."""
    with BatchVendor(vendor) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

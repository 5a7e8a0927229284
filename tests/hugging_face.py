"""A server that plays the Hugging Face Hub, as far as a data set is pushed to it and its files are loaded."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_a_token_of_the_tests"


class HubServer:
    """The repositories that it holds.

    Attributes:
        repositories: by name the files, by path.
        private: the names of those that only their owner sees.
        refuse: a status with which commits are answered; 0 for none.
        requests: method and path of each request.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: set[str] = set()
        self.refuse = 0
        self.requests: list[str] = []
        self.url = ""

    def answer(self, path: str, body: bytes) -> tuple[int, Any]:
        """Status and JSON."""
        path = path.partition("?")[0]
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        name = "/".join(path.split("/")[3:5])
        if name not in self.repositories:
            return 404, {"error": "there is no such repository"}
        if path.split("/")[5:6] == ["commit"]:
            return self._commit(name, [json.loads(line) for line in body.splitlines()])
        return 200, self._told(name, "/".join(path.split("/")[5:6]), body)

    def _told(self, name: str, verb: str, body: bytes) -> Any:
        """What changes nothing."""
        files = self.repositories[name]
        if verb == "preupload":
            how = {"uploadMode": "regular", "shouldIgnore": False}
            return {"files": [{"path": each["path"], **how} for each in json.loads(body)["files"]]}
        if verb == "tree":
            return [
                {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for path, content in files.items()
            ]
        siblings = [{"rfilename": path} for path in files]
        return {"id": name, "sha": "0" * 40, "siblings": siblings, "private": name in self.private}

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        owner = asked.get("organization") or "somebody"
        name = f"{owner}/{asked['name']}"
        url = {"url": f"{self.url}/datasets/{name}", "name": name, "id": name}
        if name in self.repositories:
            return 409, {**url, "error": "is there already"}
        self.repositories[name] = {}
        if asked.get("private") or asked.get("visibility") == "private":
            self.private.add(name)
        return 200, url

    def _commit(self, name: str, operations: list[dict[str, Any]]) -> tuple[int, Any]:
        if self.refuse:
            return self.refuse, {"error": "refused"}
        files = self.repositories[name]
        for each in operations:
            value = each["value"]
            if each["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif each["key"] == "deletedFile":
                del files[value["path"]]
        return 200, {
            "commitUrl": f"{self.url}/datasets/{name}/commit/1",
            "commitOid": "1" * 40,
            "success": True,
        }


@contextmanager
def hub_server() -> Iterator[HubServer]:
    """The server, on loopback."""
    hub = HubServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_HEAD(self) -> None:
            self._answer()

        def _answer(self) -> None:
            hub.requests.append(f"{self.command} {self.path}")
            body = self._body()
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, told = 401, {"error": "who are you?"}
            else:
                status, told = hub.answer(self.path, body)
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

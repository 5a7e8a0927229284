"""JSON over HTTP to one server: kept-alive connections, bounded replies, every fault with a name.

pyreqwest, a client in Rust, takes about half the CPU of aiohttp a call (``benchmarks/http_clients.py``). It
knows no Unix sockets; those go through httpx2, which is slower, to servers on this machine.
"""

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol
from urllib.parse import urlsplit

from personahub.errors import UserError
from personahub.models.protocols import NOTHING_TOLD, RequestError

if TYPE_CHECKING:
    from pyreqwest.request import StreamRequest

__all__ = ["OWN_KEY", "HttpClient", "HttpReply", "Server", "TcpTransport"]

OWN_KEY = "PERSONAHUB_API_KEY"
"""The environment variable of the key for a server that is named by its address."""

REPLY_LIMIT = 16 * 2**20
"""Bytes; no completion is that long, so what is longer is a fault of the server or an attack."""
_SECRET = 16
"""Characters; a shorter key stands in for one ("none", "EMPTY") and may be a word of an honest reply."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """Status, headers in lower case, and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Server:
    """Where a server is and how to reach it.

    Attributes:
        url: its base address, such as ``http://127.0.0.1:8000/v1``, or ``unix:/run/llm.sock``.
        key: never shown; None where the server wants none.
        key_variable: the environment variable that the key is read from.
        key_header: the header that carries the key; by default it is a bearer token.
        timeout: seconds a call may take in all.
        connections: most of them at a time.
        ca_file: certificates to trust beside the system's, in PEM.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    key_variable: str = OWN_KEY
    key_header: str = "Authorization"
    timeout: float = 120.0
    connections: int = 64
    ca_file: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


_JSON: Mapping[str, str] = {"Content-Type": "application/json"}


class _Transport(Protocol):
    async def send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> HttpReply:
        """Send one request; raises RequestError."""
        ...

    async def close(self) -> None: ...


class HttpClient:
    """Sends requests to one server; the connections are opened by the first of them.

    Args:
        server: where it is.

    Raises:
        UserError: the address is none, or the certificates cannot be read.
    """

    def __init__(self, server: Server) -> None:
        """Check the address; nothing is sent yet."""
        self.server = server
        parts = urlsplit(server.url)
        if parts.scheme == "unix":
            if not parts.path:
                raise UserError(f"{server.url}: names no socket; give unix:/path/of/the/socket")
        elif parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UserError(f"{server.url}: is no address of a server; give http://HOST:PORT/v1#MODEL")
        if parts.username or parts.password:
            raise UserError(
                f"{parts.scheme}://…@{parts.hostname}: keep names and passwords out of the address;"
                " the key is read from the environment"
            )
        self._certificates = _certificates(server.ca_file)
        self._transport: _Transport | None = None

    async def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> HttpReply:
        """Send a body; JSON unless the headers say otherwise.

        Raises:
            RequestError: "connection", "timeout", "too_large" or "malformed_reply" (not HTTP).
        """
        return await self._send("POST", path, body, headers or _JSON)

    async def get(self, path: str) -> HttpReply:
        """Fetch; raises as :meth:`post` does."""
        return await self._send("GET", path, None, {})

    async def _send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> HttpReply:
        if self._transport is None:
            self._transport = self._open()
        return self._cleaned(await self._transport.send(method, path, body, headers))

    def _cleaned(self, reply: HttpReply) -> HttpReply:
        key = self.server.key
        if key and (reply.status != 200 or (len(key) >= _SECRET and key.encode() in reply.body)):
            # Some servers repeat the key that they were given.
            headers = {name: value.replace(key, "…") for name, value in reply.headers.items()}
            return HttpReply(reply.status, headers, reply.body.replace(key.encode(), "…".encode()))
        return reply

    def _open(self) -> _Transport:
        if self.server.url.startswith("unix:"):
            return _UnixTransport(self.server, self._headers())
        return TcpTransport(self.server, self._headers(), self._certificates)

    def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": f"personahub/{version('personahub')}", **self.server.headers}
        if self.server.key:
            bearer = self.server.key_header == "Authorization"
            headers[self.server.key_header] = f"Bearer {self.server.key}" if bearer else self.server.key
        return headers

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        if self._transport is not None:
            await self._transport.close()
            self._transport = None
            # pyreqwest's own thread lets go of its last objects after that; a process that ends meanwhile
            # may abort (on a busy machine 3 of 100 times, never of 200 after this pause).
            await asyncio.sleep(0.05)


def _certificates(given: Path | None) -> list[bytes]:
    """The certificates of the file given, or else of SSL_CERT_FILE."""
    named = given or os.environ.get("SSL_CERT_FILE")
    if not named:
        return []
    try:
        content = Path(named).read_bytes()
    except OSError as error:
        raise UserError(f"{named}: the certificates cannot be read ({error.strerror})") from error
    found = re.findall(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", content, re.DOTALL)
    if not found:
        raise UserError(f"{named}: holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
    return found


class TcpTransport:
    """A pool of connections to a server over TCP.

    Args:
        server: where it is.
        headers: sent with every request.
        certificates: trusted beside the system's, in PEM.
    """

    def __init__(self, server: Server, headers: Mapping[str, str], certificates: list[bytes]) -> None:
        """Nothing is sent yet."""
        from pyreqwest import exceptions, runtime
        from pyreqwest.client import ClientBuilder

        self._fault = exceptions.PyreqwestError
        # The usual runtime sends nothing while it waits for Python's lock to hand over a reply, so that calls
        # gather in bursts: 70 % of the possible throughput at 512 calls in flight, and 94 % with this one,
        # of which more threads only take more CPU.
        runtime.runtime_worker_threads(1)
        builder = (
            ClientBuilder()
            .runtime_multithreaded(True)
            .default_headers(dict(headers))
            .timeout(timedelta(seconds=server.timeout))
            .connect_timeout(timedelta(seconds=min(server.timeout, 20)))
            .max_connections(server.connections)
            .pool_max_idle_per_host(server.connections)
            # A redirect would carry the key to a server that nobody named.
            .follow_redirects(False)
            .http1_only()
            .gzip(True)
        )
        for certificate in certificates:
            builder = builder.add_root_certificate_pem(certificate)
        try:
            self._client = builder.build()
        except exceptions.BuilderError as error:
            named = server.ca_file or os.environ.get("SSL_CERT_FILE")
            raise UserError(f"{named}: holds a certificate that cannot be read ({_cause(error)})") from None
        self._base = server.url.rstrip("/")
        self._timeout = server.timeout

    async def send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> HttpReply:
        """Send one request; raises as :meth:`HttpClient.post` does."""
        request = self._client.request(method, self._base + path)
        if headers:
            request = request.headers(dict(headers))
        if body is not None:
            request = request.body_bytes(body)
        return await self.exchange(request.build_streamed(), self._timeout)

    async def exchange(
        self, request: "StreamRequest", seconds: float, into: BinaryIO | None = None
    ) -> HttpReply:
        """Send a request as it is built; a 200's body goes into the file, if one is given.

        ``seconds`` is how long the request was given, for the error.
        """
        try:
            async with request as response:
                if into is not None and response.status == 200:
                    while piece := await response.body_reader.read_chunk():
                        into.write(piece)
                    return HttpReply(response.status, response.headers, b"")
                told = response.get_header("content-length")
                if told is not None and int(told) <= REPLY_LIMIT:
                    return HttpReply(response.status, response.headers, bytes(await response.bytes()))
                pieces, size = [], 0
                while piece := await response.body_reader.read_chunk():
                    size += len(piece)
                    if size > REPLY_LIMIT:
                        raise _too_large()
                    pieces.append(bytes(piece))
                return HttpReply(response.status, response.headers, b"".join(pieces))
        except self._fault as error:
            raise _pyreqwest_fault(error, self._base, seconds) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


class _UnixTransport:
    def __init__(self, server: Server, headers: Mapping[str, str]) -> None:
        import httpx2

        self._client = httpx2.AsyncClient(
            transport=httpx2.AsyncHTTPTransport(
                uds=urlsplit(server.url).path,
                limits=httpx2.Limits(max_connections=server.connections),
            ),
            base_url="http://localhost/v1",
            headers=dict(headers),
            timeout=httpx2.Timeout(server.timeout),
            follow_redirects=False,
        )
        self._timeout = server.timeout

    async def send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> HttpReply:
        import httpx2

        try:
            async with asyncio.timeout(self._timeout):
                async with self._client.stream(method, path, content=body, headers=dict(headers)) as response:
                    pieces, size = [], 0
                    async for piece in response.aiter_bytes():
                        size += len(piece)
                        if size > REPLY_LIMIT:
                            raise _too_large()
                        pieces.append(piece)
                    return HttpReply(response.status_code, response.headers, b"".join(pieces))
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise _timed_out(self._timeout, sent=not isinstance(error, httpx2.ConnectTimeout)) from None
        except httpx2.ConnectError as error:
            raise RequestError("connection", f"cannot connect: {error}") from None
        except httpx2.HTTPError as error:
            raise _broken(str(error)) from None

    async def close(self) -> None:
        await self._client.aclose()


def _timed_out(seconds: float, *, sent: bool) -> RequestError:
    if not sent:
        return RequestError("connection", "no connection in time")
    # The server may have answered, and billed, what nobody waited for.
    return RequestError("timeout", f"no whole reply within {seconds:g} s", usage=NOTHING_TOLD)


def _too_large() -> RequestError:
    limit = REPLY_LIMIT // 2**20
    return RequestError("too_large", f"a reply of more than {limit} MiB was refused", usage=NOTHING_TOLD)


def _pyreqwest_fault(error: Exception, url: str, timeout: float) -> Exception:
    """From the chain of causes: its exceptions call any fault before the first byte one of connecting."""
    connecting = "client error (Connect)" in _causes(error)
    detail = _cause(error)
    if isinstance(error, TimeoutError):
        return _timed_out(timeout, sent=not connecting)
    if "CaUsedAsEndEntity" in detail:
        return UserError(
            f"{url}: its certificate is an authority's (CA:TRUE), which no server may show for its own; make"
            " one with openssl req -x509 … -addext basicConstraints=critical,CA:FALSE"
        )
    if "certificate" in detail:
        return UserError(
            f"{url}: its certificate is not trusted ({detail}); where it is your own, give --ca-file FILE"
        )
    if connecting:
        return RequestError("connection", f"cannot connect: {detail}")
    return _broken(detail)


def _causes(error: Exception) -> list[str]:
    causes = (getattr(error, "details", None) or {}).get("causes") or []
    return [str(cause["message"]) for cause in causes] or [str(getattr(error, "message", error))]


def _cause(error: Exception) -> str:
    return " ".join(_causes(error)[-1].split())[:300]


def _broken(detail: str) -> RequestError:
    if _NO_HTTP.search(detail):
        return RequestError("malformed_reply", f"no valid HTTP: {detail}", usage=NOTHING_TOLD)
    return RequestError("connection", f"the connection broke: {detail}", usage=NOTHING_TOLD)


_NO_HTTP = re.compile(r"header|message head|invalid HTTP|parse|illegal", re.IGNORECASE)

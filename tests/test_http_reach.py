"""How the HTTP client gets to a server: TLS, IPv6, Unix sockets, proxies, and addresses that lead nowhere."""

import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from personahub.errors import UserError
from personahub.models import RequestError
from personahub.models.http import REPLY_LIMIT, HttpClient, HttpReply, Server
from raw_server import Answer, RawServer, hang, serving, whole

KEY = "my-secret/key+42=="


async def post(server: Server) -> HttpReply:
    client = HttpClient(server)
    try:
        return await client.post("/chat/completions", b'{"ask": 1}')
    finally:
        await client.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority's certificate (ca.pem), a server's by it and a self-signed one."""
    folder = tmp_path_factory.mktemp("certificates")
    names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
    leaf = "-addext basicConstraints=critical,CA:FALSE"
    new = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj"
    steps = [
        f"{new} /CN=authority -x509 -keyout ca.key -out ca.pem -addext basicConstraints=critical,CA:TRUE",
        f"{new} /CN=localhost -keyout server.key -out server.csr -addext {names}",
        "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -copy_extensions copy -out server.pem",
        f"{new} /CN=localhost -x509 -keyout authority.key -out authority.pem -addext {names}",
        f"{new} /CN=localhost -x509 -keyout self.key -out self.pem -addext {names} {leaf}",
    ]
    for step in steps:
        subprocess.run(step.split(), cwd=folder, check=True, capture_output=True)
    return folder


def asked_by_tls(certificates: Path, name: str, ca_file: Path | None) -> HttpReply:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")

    async def work() -> HttpReply:
        async with serving(whole(), tls=context) as server:
            return await post(Server(f"https://127.0.0.1:{server.port}/v1", key=KEY, ca_file=ca_file))

    return asyncio.run(work())


def test_a_certificate_that_nobody_vouches_for_stops_the_run_and_names_the_way_out(
    certificates: Path,
) -> None:
    for name in ("server", "self"):
        with pytest.raises(UserError, match="--ca-file") as error:
            asked_by_tls(certificates, name, None)
        assert "https://127.0.0.1" in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "ca"), [("server", "ca"), ("self", "self")])
def test_a_certificate_is_trusted_by_the_file_that_vouches_for_it(
    certificates: Path, name: str, ca: str
) -> None:
    assert asked_by_tls(certificates, name, certificates / f"{ca}.pem").status == 200


def test_an_authority_s_own_certificate_is_refused_with_the_way_to_make_another(certificates: Path) -> None:
    """What openssl req -x509 makes unless it is told otherwise; the TLS library takes it for no server's."""
    with pytest.raises(UserError, match="CA:FALSE"):
        asked_by_tls(certificates, "authority", certificates / "authority.pem")


def test_ssl_cert_file_is_honoured(certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
    assert asked_by_tls(certificates, "server", None).status == 200


def test_a_certificate_for_another_name_is_not_trusted(certificates: Path) -> None:
    with pytest.raises(UserError, match="certificate is not trusted"):
        asked_by_tls(certificates, "server", certificates / "self.pem")


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"no certificate", "holds no certificate in PEM")],
)
def test_a_file_of_certificates_that_is_none_is_one_clear_line(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        HttpClient(Server("https://127.0.0.1/v1", ca_file=file))
    assert str(file) in str(error.value)


def test_a_broken_certificate_is_one_clear_line(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(UserError) as error:
        asyncio.run(post(Server("https://127.0.0.1:1/v1", ca_file=file)))
    assert str(file) in str(error.value)


def test_plain_http_where_https_was_asked_for_is_a_fault_of_the_connection() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(whole(400))
        writer.close()

    async def work() -> None:
        async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await post(Server(f"https://127.0.0.1:{port}/v1", timeout=5))

    with pytest.raises(RequestError) as raised:
        asyncio.run(work())
    assert (raised.value.reason, raised.value.usage) == ("connection", None)


def test_ipv6_addresses_are_reached() -> None:
    async def work() -> HttpReply:
        async with serving(whole(), host="::1") as server:
            return await post(Server(f"http://[::1]:{server.port}/v1"))

    assert asyncio.run(work()).status == 200


def over_unix(path: Path, answer: bytes | Answer, *, timeout: float = 5.0) -> tuple[HttpReply, RawServer]:
    async def work() -> tuple[HttpReply, RawServer]:
        async with serving(answer, unix=str(path)) as server:
            reply = await post(Server(f"unix:{path}", key=KEY, timeout=timeout))
            return reply, server

    return asyncio.run(work())


def test_a_unix_socket_is_reached(tmp_path: Path) -> None:
    reply, server = over_unix(tmp_path / "llm.sock", whole())
    assert reply.status == 200
    assert server.requests[0].startswith(b"POST /v1/chat/completions")
    assert f"Bearer {KEY}".encode() in server.requests[0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(hang, "timeout"), (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "malformed_reply"), (b"", "connection")],
)
def test_faults_behind_a_unix_socket_have_the_same_names(
    tmp_path: Path, answer: bytes | Answer, reason: str
) -> None:
    with pytest.raises(RequestError) as raised:
        over_unix(tmp_path / "llm.sock", answer, timeout=0.5)
    assert raised.value.reason == reason
    assert KEY not in str(raised.value)


def test_a_body_without_end_behind_a_unix_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as raised:
        over_unix(tmp_path / "llm.sock", whole(200, b"x" * (REPLY_LIMIT + 1)), timeout=30)
    assert raised.value.reason == "too_large"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/v1", "http://no-such-host.invalid/v1", "unix:/none.sock"]
)
def test_a_server_that_is_not_there_is_a_fault_of_the_connection_and_costs_nothing(url: str) -> None:
    with pytest.raises(RequestError) as raised:
        asyncio.run(post(Server(url, key=KEY, timeout=5)))
    assert (raised.value.reason, raised.value.usage) == ("connection", None)
    assert "cannot connect" in str(raised.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host/v1", "no address of a server"),
        ("http:///v1", "no address of a server"),
        ("host:8000", "no address of a server"),
        ("unix:", "names no socket"),
        ("http://user:secret@host/v1", "keep names and passwords out of the address"),
    ],
)
def test_an_address_that_is_none_is_one_clear_line(url: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        HttpClient(Server(url))
    assert "secret" not in str(error.value)


def in_process_of_its_own(url: str, **environment: str) -> int:
    """The status of one call, made with these variables."""
    script = (
        "import asyncio, sys\n"
        "from personahub.models.http import HttpClient, Server\n"
        "async def work():\n"
        "    client = HttpClient(Server(sys.argv[1], timeout=5))\n"
        "    print((await client.get('/models')).status)\n"
        "    await client.close()\n"
        "asyncio.run(work())\n"
    )
    command = [sys.executable, "-c", script, url]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def through_proxy(use: Callable[[str, str], Awaitable[int]]) -> tuple[int, list[bytes], list[bytes]]:
    """The status, what a proxy saw, and what the server saw; ``use`` is given both addresses."""

    async def work() -> tuple[int, list[bytes], list[bytes]]:
        async with serving(whole(203)) as proxy, serving(whole(200)) as server:
            status = await use(f"http://127.0.0.1:{proxy.port}", server.url)
            return status, proxy.requests, server.requests

    return asyncio.run(work())


def test_http_proxy_is_honoured() -> None:
    async def use(proxy: str, url: str) -> int:
        return await asyncio.to_thread(in_process_of_its_own, url, HTTP_PROXY=proxy, http_proxy=proxy)

    status, by_proxy, by_server = through_proxy(use)
    assert status == 203
    assert by_proxy[0].startswith(b"GET http://127.0.0.1:")
    assert by_server == []


def test_no_proxy_is_honoured() -> None:
    async def use(proxy: str, url: str) -> int:
        hosts = "localhost,127.0.0.1"
        settings = {"HTTP_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": hosts, "no_proxy": hosts}
        return await asyncio.to_thread(lambda: in_process_of_its_own(url, **settings))

    status, by_proxy, by_server = through_proxy(use)
    assert (status, len(by_proxy), len(by_server)) == (200, 0, 1)


def test_a_closed_client_opens_again() -> None:
    async def work() -> list[int]:
        async with serving(whole()) as server:
            client = HttpClient(Server(server.url))
            statuses = []
            for _ in range(2):
                statuses.append((await client.get("/models")).status)
                await client.close()
            return statuses

    assert asyncio.run(work()) == [200, 200]

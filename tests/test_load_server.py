"""The load server answers, fails and counts as it is told."""

import http.client
import json
import re
import socket
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from load_server import LoadServer

SHARES = {
    "429": 0.1,
    "500": 0.1,
    "malformed": 0.1,
    "empty": 0.1,
    "truncated": 0.1,
    "invalid": 0.1,
    "reset": 0.1,
}


def ask(server: LoadServer, text: str, model: str = "any", key: str = "") -> tuple[int, bytes]:
    """Status and body of one call; status 0 after a reset."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": text}]})
    try:
        connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {key}"})
        response = connection.getresponse()
        return response.status, response.read()
    except ConnectionError:
        return 0, b""
    finally:
        connection.close()


def kind_of(status: int, body: bytes) -> str:
    """The fault that a client would see; empty for none."""
    if status != 200:
        return str(status) if status else "reset"
    try:
        choice = json.loads(body)["choices"][0]
    except ValueError:
        return "malformed"
    if choice["finish_reason"] == "length":
        return "truncated"
    if not choice["message"]["content"]:
        return "empty"
    try:
        json.loads(choice["message"]["content"])
    except ValueError:
        return "invalid"
    return ""


def test_a_reply_is_a_chat_completion_that_depends_on_the_request_alone() -> None:
    with LoadServer() as server:
        status, body = ask(server, "bees", model="small")
        again, other = ask(server, "bees", model="small")[1], ask(server, "bread", model="small")[1]
    reply = json.loads(body)
    assert (status, reply["object"], reply["model"]) == (200, "chat.completion", "small")
    assert json.loads(reply["choices"][0]["message"]["content"])["persona"].startswith("A ")
    usage = reply["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    assert usage["prompt_tokens_details"] == {"cached_tokens": 0}
    assert body == again != other


def test_each_fault_comes_at_its_share_and_the_same_way_again() -> None:
    texts = [str(number) for number in range(1000)]
    with LoadServer(faults=SHARES, seed=3) as server:
        first = [kind_of(*ask(server, text)) for text in texts]
        counted = server.stats()["faults"]
        retried = [kind_of(*ask(server, text)) for text, kind in zip(texts, first, strict=True) if kind]
        server.reset()
        again = [kind_of(*ask(server, text)) for text in reversed(texts)]
    seen = Counter(first)
    assert {kind: seen[kind] for kind in SHARES} == counted
    assert all(60 <= count <= 140 for count in counted.values())  # 4 standard deviations
    assert again[::-1] == first
    assert Counter(retried)[""] > 0.2 * len(retried)


def test_a_hanging_request_gets_no_reply_and_is_counted_when_its_client_leaves() -> None:
    with LoadServer(faults={"hang": 1.0}) as server:
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert server.stats()["in_flight"] == 1
        client.close()
        deadline = time.monotonic() + 5
        while server.stats()["in_flight"] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.stats()["abandoned"] == 1


def test_the_rate_admits_what_it_says_and_tells_the_others_when_to_come_back() -> None:
    with LoadServer(rate=100, retry_after=0.25) as server:
        started = time.monotonic()
        while time.monotonic() < started + 1.5:
            ask(server, "bees")
        seconds = time.monotonic() - started
        stats = server.stats()
        server.control(rate=1e-9)
        with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
            for _ in range(2):  # the first empties the bucket
                connection.request("POST", "/v1/chat/completions", "{}")
                refused = connection.getresponse()
                refused.read()
    assert stats["by_status"]["200"] <= 100 * seconds + 6
    assert stats["by_status"]["200"] >= 80 * seconds
    assert stats["over_rate"] == stats["by_status"]["429"] == stats["requests"] - stats["by_status"]["200"]
    assert (refused.status, refused.headers["Retry-After"]) == (429, "0.25")


def test_wrong_keys_and_unknown_models_are_refused_in_the_shape_of_the_api() -> None:
    with LoadServer(key="Secret", models=["small"]) as server:
        assert ask(server, "bees", "small", "Secret")[0] == 200
        assert ask(server, "bees", "small", "secret")[0] == 401
        status, body = ask(server, "bees", "large", "Secret")
    assert status == 404
    assert json.loads(body)["error"]["code"] == "model_not_found"


def test_stats_count_bodies_paid_twice_and_requests_in_flight() -> None:
    with LoadServer(latency=0.2, track=True) as server, ThreadPoolExecutor(8) as pool:
        started = time.monotonic()
        list(pool.map(lambda number: ask(server, str(number)), range(8)))
        assert time.monotonic() - started >= 0.2
        ask(server, "3")
        stats = server.stats()
    assert (stats["requests"], stats["distinct_bodies"], stats["paid_twice"]) == (9, 8, 1)
    assert stats["max_in_flight"] == 8
    assert stats["by_status"] == {"200": 9}


def test_pipelined_requests_are_answered_in_order_however_their_bytes_arrive() -> None:
    def request(number: int) -> bytes:
        body = b'{"model": "m%d"}' % number
        return b"POST /v1/chat/completions HTTP/1.1\r\nCONTENT-LENGTH: %d\r\n\r\n%b" % (len(body), body)

    sent = b"".join(map(request, range(20)))
    with LoadServer(latency=0.002) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        for start in range(0, len(sent), 37):
            client.sendall(sent[start : start + 37])
            time.sleep(0.001)
        client.settimeout(10)
        received = b""
        while len(models := re.findall(rb'"model":"(.*?)"', received)) < 20:
            received += client.recv(65536)
    assert models == [b"m%d" % number for number in range(20)]


def test_it_speaks_tls_and_listens_on_unix_sockets(tmp_path: Path) -> None:
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run([*make, "-keyout", key, "-out", cert], check=True, capture_output=True)
    with LoadServer(tls=(cert, key)) as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert server.stats()["requests"] == 0
    with LoadServer(unix=str(tmp_path / "socket")) as server:
        assert server.stats()["requests"] == 0


@pytest.mark.parametrize("faults", [{"flood": 0.1}, {"429": 0.7, "500": 0.7}, {"empty": -0.1}])
def test_impossible_faults_are_refused(faults: dict[str, float]) -> None:
    with LoadServer() as server, pytest.raises(ValueError, match=r"fault|share"):
        server.control(faults=faults)

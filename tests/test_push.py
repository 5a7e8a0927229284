"""Exported folders go to the Hugging Face Hub whole, or not at all; a server plays the Hub."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubs import record_of
from hugging_face import TOKEN, HubServer, hub_server
from personahub import Hub, export_folder


@pytest.fixture
def server() -> Iterator[HubServer]:
    """A Hub without repositories."""
    with hub_server() as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported data set of three records."""
    work = tmp_path_factory.mktemp("push")
    hub = Hub.create(work / "hub")
    hub.records.add([record_of(None, f"How many are {number} and 1?") for number in range(3)])
    export_folder(hub.path, "math", work / "math")
    return work / "math"


def push(server: HubServer | None, *command: object, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: huggingface_hub reads its settings when it is imported."""
    endpoint = server.url if server else "http://127.0.0.1:1"
    words = [sys.executable, "-m", "personahub", "push", *map(str, command)]
    with tempfile.TemporaryDirectory() as home:
        settings = {**os.environ, "HF_ENDPOINT": endpoint, "HF_TOKEN": token, "HF_HOME": home}
        return subprocess.run(words, env=settings, capture_output=True, text=True, check=False)


def content(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def test_every_file_is_there_in_one_commit_and_the_repository_is_private(
    server: HubServer, folder: Path
) -> None:
    done = push(server, folder, "somebody/math", "--json")
    assert done.returncode == 0, done.stderr
    assert server.repositories["somebody/math"] == content(folder)
    assert server.private == {"somebody/math"}
    assert sum("/commit/" in request for request in server.requests) == 1
    assert json.loads(done.stdout)["url"] == f"{server.url}/datasets/somebody/math/commit/1"


def test_what_an_earlier_push_left_is_gone_after_the_next(server: HubServer, folder: Path) -> None:
    server.repositories["somebody/math"] = {"data/train-00000-of-00002.parquet": b"old", "LICENSE": b"own"}
    done = push(server, folder, "somebody/math", "--public")
    assert done.returncode == 0, done.stderr
    assert server.repositories["somebody/math"] == {**content(folder), "LICENSE": b"own"}
    assert not server.private


def test_a_changed_file_is_not_pushed(server: HubServer, folder: Path, tmp_path: Path) -> None:
    for path, text in content(folder).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(text)
    (tmp_path / "README.md").write_text("something else", "utf-8")
    done = push(server, tmp_path, "somebody/math")
    assert done.returncode == 2
    assert "is not as its manifest says: README.md: has 14 bytes" in done.stderr
    assert not server.requests


@pytest.mark.parametrize(
    ("token", "refuse", "said"),
    [
        ("hf_another", 0, "the Hub does not know you; hf auth login, or set HF_TOKEN"),
        (TOKEN, 403, "your token must not write there"),
        (TOKEN, 400, "cannot be pushed"),
    ],
)
def test_what_the_hub_refuses_is_one_line_without_the_token(
    server: HubServer, folder: Path, token: str, refuse: int, said: str
) -> None:
    server.refuse = refuse
    done = push(server, folder, "somebody/math", token=token)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert token not in done.stderr + done.stdout
    assert not server.repositories.get("somebody/math")


def test_a_hub_that_is_not_there_is_one_line(folder: Path) -> None:
    done = push(None, folder, "somebody/math")
    assert done.returncode == 2
    assert "the Hub cannot be reached at http://127.0.0.1:1" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("repository", "said"),
    [("math", "is no repository; write OWNER/NAME"), ("a/b c", "is no repository's name")],
)
def test_a_name_that_is_none_is_one_line(folder: Path, repository: str, said: str) -> None:
    done = push(None, folder, repository)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert said in done.stderr


def test_a_folder_that_is_no_export_is_one_line(tmp_path: Path) -> None:
    done = push(None, tmp_path, "somebody/math")
    assert done.returncode == 2
    assert "is no exported data set; personahub export DATASET --format huggingface writes one" in done.stderr

"""The model store against real HTTP, real pip and real processes."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from model_sources import WEIGHTS, Hub, entry, serve, write_wheel
from personahub.cli import main
from personahub.cli.app import app
from personahub.errors import UserError
from personahub.models.catalog import CATALOG, DEFAULT_MODEL, CatalogEntry
from personahub.models.store import ModelStore

TINY = entry()
NOWHERE = "http://127.0.0.1:9"
SOURCE = Path(__file__).parents[1] / "src"


@pytest.fixture(autouse=True)
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No model hub, and no packages but those that a test puts into the returned folder."""
    folder = tmp_path / "links"
    folder.mkdir()
    for name in list(os.environ):
        if name.upper().startswith(("PIP_", "HF_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A working model hub that HF_ENDPOINT points at."""
    with serve(Hub()) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        yield running


def store_of(tmp_path: Path, model: CatalogEntry = TINY) -> ModelStore:
    return ModelStore(tmp_path / "store", catalog={model.name: model})


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def error_of_pull(store: ModelStore) -> str:
    with pytest.raises(UserError) as caught:
        store.pull("tiny")
    return str(caught.value)


# From the model hub.


def test_pull_fetches_the_file_from_its_repository(tmp_path: Path, hub: Hub) -> None:
    assert store_of(tmp_path).pull("tiny").read_bytes() == WEIGHTS
    assert [seen.path for seen in hub.requests] == [
        "/makers/tiny-GGUF/resolve/main/tiny-q4.gguf",
    ]


def test_a_stored_model_is_not_fetched_again(tmp_path: Path, hub: Hub) -> None:
    store = store_of(tmp_path)
    assert store.pull("tiny") == store.pull("tiny") == store.path("tiny")
    assert len(hub.requests) == 1


def test_a_broken_transfer_goes_on_from_the_byte_where_it_stopped(tmp_path: Path, hub: Hub) -> None:
    hub.plan = [70_000]
    assert store_of(tmp_path).pull("tiny").read_bytes() == WEIGHTS
    assert [seen.range for seen in hub.requests] == [None, "bytes=70000-"]


def test_a_later_pull_goes_on_from_what_a_failed_one_left(tmp_path: Path, hub: Hub) -> None:
    store = store_of(tmp_path)
    hub.plan = [70_000, -503]
    assert "503" in error_of_pull(store)
    assert store.pull("tiny").read_bytes() == WEIGHTS
    assert hub.requests[-1].range == "bytes=70000-"


def test_a_server_without_ranges_is_read_from_the_start(tmp_path: Path, hub: Hub) -> None:
    hub.ranges = False
    hub.plan = [70_000]
    assert store_of(tmp_path).pull("tiny").read_bytes() == WEIGHTS


def test_a_partial_file_that_is_whole_is_taken(tmp_path: Path, hub: Hub) -> None:
    store = store_of(tmp_path)
    store.root.mkdir()
    (store.root / "tiny-q4.gguf.partial").write_bytes(WEIGHTS)
    assert store.pull("tiny").read_bytes() == WEIGHTS
    assert len(hub.requests) == 1


def test_other_bytes_than_the_catalogues_are_deleted_and_reported(tmp_path: Path, hub: Hub) -> None:
    hub.content = WEIGHTS[:-1] + b"?"
    store = store_of(tmp_path)
    assert f"not {TINY.sha256[:12]}" in error_of_pull(store)
    assert names_in(store.root) == set()


def test_progress_counts_bytes_up_to_the_whole(tmp_path: Path, hub: Hub) -> None:
    hub.plan = [70_000]
    calls: list[tuple[int, int]] = []
    store_of(tmp_path).pull("tiny", lambda done, total: calls.append((done, total)))
    assert calls[-1] == (len(WEIGHTS), len(WEIGHTS))
    assert calls == sorted(calls)


def test_a_proxy_in_the_environment_is_used(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", hub.address)
    monkeypatch.setenv("HF_ENDPOINT", "http://models.invalid")
    store_of(tmp_path).pull("tiny")
    assert hub.requests[0].path.startswith("http://models.invalid/makers/")


def test_the_token_goes_to_the_model_hub_and_not_where_it_redirects(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with serve(Hub()) as elsewhere:
        hub.redirect = f"{elsewhere.address}/file"
        store_of(tmp_path).pull("tiny")
        assert [seen.authorization for seen in hub.requests] == ["Bearer hf_secret"]
        assert [seen.authorization for seen in elsewhere.requests] == [None]


def test_a_token_that_makes_a_bad_header_is_not_quoted(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_sec\nret")
    message = error_of_pull(store_of(tmp_path))
    assert "the request failed" in message
    assert "hf_sec" not in message


def test_two_processes_that_pull_at_once_download_once(tmp_path: Path, hub: Hub) -> None:
    hub.go = threading.Event()
    script = (
        "import sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path\n"
        "from model_sources import entry\n"
        "from personahub.models.store import ModelStore\n"
        "store = ModelStore(Path(sys.argv[1]), catalog={'tiny': entry()})\n"
        "print(store.pull('tiny', notice=lambda line: print(line, flush=True)))\n"
    )

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "store"), str(Path(__file__).parent)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )

    with start() as first:
        assert hub.asked.wait(20)
        with start() as second:
            assert second.stdout.readline() == ("tiny: waiting for another process that is fetching it\n")
            hub.go.set()
            path = f"{tmp_path}/store/tiny-q4.gguf\n"
            assert [first.stdout.read(), second.stdout.read()] == [path, path]
    assert len(hub.requests) == 1


def test_an_interrupt_keeps_what_came_and_says_how_to_go_on(tmp_path: Path, hub: Hub) -> None:
    hub.go = threading.Event()
    script = (
        "import sys; sys.path.insert(0, sys.argv.pop()); from model_sources import entry\n"
        "import personahub.models.store as store; store.CATALOG = {'tiny': entry()}\n"
        "from personahub.cli import main; main()\n"
    )
    command = [sys.executable, "-c", script, "models", "pull", "tiny", str(Path(__file__).parent)]
    environment = {
        **os.environ,
        "PYTHONPATH": str(SOURCE),
        "PERSONAHUB_MODELS": str(tmp_path / "store"),
    }
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert hub.asked.wait(20)
        for _ in range(2):  # the first line is for no bytes, the second for a tenth or more
            assert process.stderr.readline().startswith("tiny: ")
        process.send_signal(signal.SIGINT)
        assert "the same command goes on from there" in process.stderr.read()
    assert process.returncode == 130
    assert (tmp_path / "store" / "tiny-q4.gguf.partial").stat().st_size >= len(WEIGHTS) // 10


# From packages.


def test_parts_are_joined_in_the_catalogues_order(tmp_path: Path, links: Path) -> None:
    for name, content in (
        ("tiny-part1", WEIGHTS[:50_000]),
        ("tiny-part2", WEIGHTS[50_000:90_000]),
        ("tiny-part10", WEIGHTS[90_000:]),
    ):
        write_wheel(links, name, {"data/part.bin": content})
    store = store_of(tmp_path, entry("tiny-part1==1.0", "tiny-part2==1.0", "tiny-part10==1.0"))
    assert store.pull("tiny").read_bytes() == WEIGHTS
    assert names_in(store.root) == {"tiny-q4.gguf", "hashes.json"}


def test_parts_that_came_are_kept_for_the_next_pull(tmp_path: Path, links: Path) -> None:
    store = store_of(tmp_path, entry("tiny-part1==1.0", "tiny-part2==1.0"))
    first = write_wheel(links, "tiny-part1", {"part.bin": WEIGHTS[:90_000]})
    assert "tiny-part2==1.0" in error_of_pull(store)
    first.unlink()
    write_wheel(links, "tiny-part2", {"part.bin": WEIGHTS[90_000:]})
    assert store.pull("tiny").read_bytes() == WEIGHTS


def test_a_wrong_part_is_deleted_so_that_the_next_pull_fetches_it(tmp_path: Path, links: Path) -> None:
    store = store_of(tmp_path, entry("tiny-part1==1.0"))
    write_wheel(links, "tiny-part1", {"part.bin": WEIGHTS[::-1]})
    assert "SHA-256" in error_of_pull(store)
    write_wheel(links, "tiny-part1", {"part.bin": WEIGHTS})
    assert store.pull("tiny").read_bytes() == WEIGHTS


@pytest.mark.parametrize("members", [{}, {"one.bin": b"1", "two.gguf": b"2"}])
def test_a_package_without_exactly_one_payload_is_refused(
    tmp_path: Path, links: Path, members: dict[str, bytes]
) -> None:
    write_wheel(links, "tiny-part1", members)
    message = error_of_pull(store_of(tmp_path, entry("tiny-part1==1.0")))
    assert f"holds {len(members)} files of weights, not one" in message


def test_without_network_and_index_the_error_names_both_ways_out(tmp_path: Path) -> None:
    message = error_of_pull(store_of(tmp_path, entry("tiny-part1==1.0")))
    assert "model hub: 127.0.0.1:9: Connection refused" in message
    assert "packages: pip: No matching distribution found for tiny-part1==1.0" in message
    assert "point pip at an index" in message
    assert "the path of any GGUF file" in message
    assert "\n" not in message


def test_credentials_of_an_index_are_not_in_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(Hub(plan=[-404])) as index:
        address = index.address.replace("//", "//me:s3cret@")
        requirement = f"tiny-part1 @ {address}/tiny_part1-1.0-py3-none-any.whl"
        message = error_of_pull(store_of(tmp_path, entry(requirement)))
    assert f"404 Client Error: Not Found for url: {index.address}/tiny" in message
    assert "me:" not in message


def test_without_pip_the_error_says_how_to_get_it(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    # What this package needs at once is there; pip, which lies beside it, is not.
    needed = tmp_path / "needed"
    needed.mkdir()
    (needed / "orjson").symlink_to(Path(orjson.__file__).parent)
    script = (
        "from pathlib import Path; from personahub.models.store import ModelStore\n"
        f"ModelStore(Path({str(tmp_path)!r})).pull('smollm2-135m')\n"
    )
    done = subprocess.run(
        [tmp_path / "bare/bin/python", "-c", script],
        env={"PYTHONPATH": f"{SOURCE}:{needed}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "pip is missing from this environment: get it by `python -m ensurepip`" in done.stderr


# The disk.


def test_a_model_larger_than_the_free_space_is_refused_before_it_is_fetched(tmp_path: Path, hub: Hub) -> None:
    assert "not enough space in" in error_of_pull(store_of(tmp_path, entry(size=10**18)))
    assert hub.requests == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_is_named(tmp_path: Path, hub: Hub) -> None:
    store = store_of(tmp_path)
    store.root.mkdir()
    (store.root / "tiny-q4.gguf.partial").symlink_to("/dev/full")
    assert error_of_pull(store).startswith("no space left on the disk of")


# Names and paths.


def test_a_name_without_weights_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"`personahub models pull tiny`, or .* any GGUF file"):
        store_of(tmp_path).path("tiny")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=rf"unknown model 'gpt'; known: {DEFAULT_MODEL}, .*smollm2"):
        ModelStore().path("gpt")


def test_a_stored_file_that_was_changed_is_refused_and_pulled_anew(tmp_path: Path, hub: Hub) -> None:
    store = store_of(tmp_path)
    store.pull("tiny").write_bytes(b"GGUF, cut")
    with pytest.raises(UserError, match="damaged"):
        store.path("tiny")
    assert store.pull("tiny").read_bytes() == WEIGHTS


def test_the_right_file_put_into_the_store_by_hand_counts(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    store.root.mkdir()
    (store.root / "tiny-q4.gguf").write_bytes(WEIGHTS)
    assert store.path("tiny") == store.root / "tiny-q4.gguf"


def test_any_gguf_file_can_be_given_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF and more")
    assert store_of(tmp_path).path(str(file)) == file


def test_a_path_to_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"PK\x03\x04")
    with pytest.raises(UserError, match=r"mine.gguf is not a GGUF file"):
        store_of(tmp_path).path(str(file))


def test_a_path_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none.gguf: No such file"):
        store_of(tmp_path).path(tmp_path / "none.gguf")


# What identifies weights.


def test_the_same_bytes_have_the_catalogue_name_wherever_they_lie(tmp_path: Path) -> None:
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(WEIGHTS)
    assert store_of(tmp_path).identity(copy) == "tiny"


def test_other_weights_are_identified_by_stem_and_hash(tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF mine")
    digest = hashlib.sha256(b"GGUF mine").hexdigest()
    assert store_of(tmp_path).identity(file) == f"mine@{digest[:12]}"


def test_a_file_is_hashed_again_only_when_it_changed(tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF one")
    os.utime(file, ns=(1, 1))
    before = store_of(tmp_path).identity(file)
    file.write_bytes(b"GGUF two")  # the same size
    os.utime(file, ns=(1, 1))
    assert store_of(tmp_path).identity(file) == before
    os.utime(file, ns=(2, 2))
    assert store_of(tmp_path).identity(file) != before


# The catalogue and the command line.


def test_every_model_has_licence_origin_and_a_whole_hash() -> None:
    for name, model in CATALOG.items():
        assert (name, len(model.sha256)) == (model.name, 64)
        assert model.licence
        assert model.origin.startswith("https://")


def test_the_default_models_parts_are_in_numeric_order() -> None:
    parts = CATALOG[DEFAULT_MODEL].parts
    assert [int(part.split("part")[1].split("==")[0]) for part in parts] == list(range(1, 23))


def test_list_says_where_weights_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSONAHUB_MODELS", str(tmp_path))
    monkeypatch.setattr(
        "personahub.models.store.CATALOG",
        {"tiny": TINY, "other": entry(file="other", name="other")},
    )
    (tmp_path / "tiny-q4.gguf").write_bytes(WEIGHTS)
    rows = json.loads(CliRunner().invoke(app, ["models", "list", "--json"]).stdout)
    assert {row["name"]: row["path"] for row in rows} == {
        "tiny": str(tmp_path / "tiny-q4.gguf"),
        "other": None,
    }


def test_the_table_is_not_cut_in_a_pipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PERSONAHUB_MODELS", str(tmp_path))
    lines = CliRunner().invoke(app, ["models", "list"]).stdout.splitlines()
    assert len(lines) == 1 + len(CATALOG)
    for line, model in zip(lines[1:], CATALOG.values(), strict=True):
        assert [model.name, model.licence, model.origin] == [line.split()[i] for i in (0, 3, 4)]


def test_pull_prints_the_path_and_nothing_else_on_stdout(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERSONAHUB_MODELS", str(tmp_path))
    monkeypatch.setattr("personahub.models.store.CATALOG", {"tiny": TINY})
    result = CliRunner().invoke(app, ["models", "pull", "tiny"])
    assert result.stdout == f"{tmp_path}/tiny-q4.gguf\n"


def test_path_of_a_model_without_weights_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PERSONAHUB_MODELS", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["personahub", "models", "path", DEFAULT_MODEL])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


def test_help_does_not_import_the_store() -> None:
    script = "import sys, personahub.cli; print('personahub.models.store' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-c", script]
    assert subprocess.check_output(command, env=environment, text=True) == "False\n"

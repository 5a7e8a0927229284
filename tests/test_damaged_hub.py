"""A hub whose files are damaged or gone: one line that says so, and no other error is taken for one."""

from pathlib import Path

import pytest

from commands import Run, one_line_error
from described import hub_of, persona
from personahub import Hub


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    # In a language that the embedding model does not know, so that a search has nothing to embed.
    described = [persona(f"Keeper {number} of the lamp.", language="ka") for number in range(50)]
    opened = hub_of(tmp_path / "a hub", described)
    opened.personas.index_text()
    return opened.path


def remove(file: Path) -> None:
    file.unlink()


def cut_in_half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def overwrite(file: Path) -> None:
    file.write_bytes(b"\x5a" * file.stat().st_size)


@pytest.mark.parametrize("harm", [remove, cut_in_half, overwrite])
@pytest.mark.parametrize(
    ("verb", "files"),
    [
        *((verb, "data/*.lance") for verb in ("sample", "export", "stats", "show")),
        *((verb, "_indices/*/*") for verb in ("search", "show")),
    ],
)
def test_a_damaged_table_is_one_line_that_names_the_check(
    hub: Path, run: Run, tmp_path: Path, harm, files: str, verb: str
) -> None:
    id_ = next(Hub(hub).personas.rows())["id"]
    for file in (hub / "personas.lance").glob(files):
        harm(file)
    more = {"search": ["a keeper"], "export": ["--out", tmp_path / "o.jsonl"], "show": [id_]}.get(verb, [])
    error = one_line_error(run(verb, *more, "--hub", hub))
    assert f"{hub}: cannot be read (" in error
    assert f"personahub hub check {hub}" in error
    assert ".rs:" not in error


def test_a_manifest_that_was_cut_is_one_line(hub: Path, run: Run) -> None:
    for file in (hub / "personas.lance" / "_versions").glob("*.manifest"):
        cut_in_half(file)
    assert "its files are damaged" in one_line_error(run("sample", f"--hub={hub}"))


def test_a_hub_named_by_the_environment_is_named(
    hub: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in (hub / "personas.lance" / "data").glob("*.lance"):
        file.unlink()
    monkeypatch.setenv("PERSONAHUB_SAMPLE_HUB", str(hub))
    assert f"{hub}: cannot be read (" in one_line_error(run("sample"))


@pytest.mark.parametrize("error", [ValueError("a defect"), OSError("a defect"), KeyError("Not found: x")])
def test_other_errors_keep_their_traceback(
    hub: Path, run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("personahub.workflows.sample.sample", fail)
    with pytest.raises(type(error)):
        run("sample", "--hub", hub)


@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left on device"), OSError("LanceError(IO): No space left on device (os …")],
)
def test_a_full_disk_is_told_as_that_and_not_as_damage(
    hub: Path, run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("personahub.workflows.sample.sample", fail)
    assert "no space left; free some" in one_line_error(run("sample", "--hub", hub))

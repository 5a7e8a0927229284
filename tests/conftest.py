"""What several tests need: texts, the small real model, and the tools that benchmarks share."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch_vendor import BatchVendor, serving
from commands import Run, runner
from scripted import ScriptedModel, any_reply

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

TEXTS = {
    "bread.md": "# Rye bread\n\nMix the sour dough with rye flour and warm water, leave it for a night.\n\n"
    "In the morning add salt and caraway, knead, and bake for fifty minutes at 210 degrees.",
    "lift.txt": "The lift of house three stands still from Monday to Friday while its cable is replaced. "
    "Residents who cannot climb stairs may ask the caretaker for help with shopping.",
    "bees.txt": "Пчёлы перезимовали хорошо, из двенадцати ульев погиб только один. В апреле я подставил "
    "новые рамки и проверил маток, а в мае жду первый взяток с акации и кипрея.",
}


# Each of the processes that share the tests gets a core of its own: llama.cpp's threads wait for each other
# awake, so two models on the same cores take several times as long as one after the other.
if "PYTEST_XDIST_WORKER" in os.environ and hasattr(os, "sched_setaffinity"):
    _cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {_cores[int(os.environ["PYTEST_XDIST_WORKER"][2:]) % len(_cores)]})


@pytest.fixture(autouse=True)
def _straight_to_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy and keys this machine has, the tests' own servers are called without them."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("SSL_CERT_FILE", "OPENAI_API_KEY", "OPENAI_BASE_URL", "PERSONAHUB_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line and gives its exit code and output."""
    return runner(monkeypatch, capsys)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A folder with three short texts."""
    folder = tmp_path / "texts"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def small_model() -> str:
    """The path of the real model's weights that tests use; `make test` fetches them."""
    from personahub.models.store import ModelStore

    return str(ModelStore().pull("smollm2-135m"))


@pytest.fixture(params=["openai", "anthropic"])
def vendor(request: pytest.FixtureRequest) -> Iterator[BatchVendor]:
    """A server that plays the batch API of each vendor."""
    with serving(request.param) as server:
        yield server


@pytest.fixture
def openai() -> Iterator[BatchVendor]:
    """A server that plays OpenAI's batch API."""
    with serving("openai") as server:
        yield server


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub with personas and two problems, made by a scripted model."""
    folder = tmp_path_factory.mktemp("made")
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    from personahub import curate, synthesize

    curate([folder / name for name in TEXTS], folder / "hub", model=ScriptedModel(any_reply))
    synthesize("math", folder / "hub", n=2, model=ScriptedModel(any_reply))
    return folder / "hub"


@pytest.fixture
def curated(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made, tmp_path / "curated"))

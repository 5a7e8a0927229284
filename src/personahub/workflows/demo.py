"""``demo``: the whole way on the example texts, small enough for a laptop."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from personahub.errors import UserError
from personahub.models import LanguageModel
from personahub.models.opening import DEFAULT_MODEL
from personahub.workflows.curate import CurateOutcome, curate
from personahub.workflows.running import Watcher
from personahub.workflows.synthesize import SynthesizeOutcome, synthesize

__all__ = ["DemoOutcome", "demo", "example_texts"]


@dataclass
class DemoOutcome:
    """What the demo came to: personas of the example texts, and problems from them."""

    hub: Path
    problems_file: Path
    curated: CurateOutcome
    synthesized: SynthesizeOutcome | None
    """None where the demo was interrupted before."""


def example_texts() -> Path:
    """The folder of the example texts: inside an installed package, or of the source tree.

    Raises:
        UserError: neither is there.
    """
    inside = Path(str(files("personahub"))) / "examples"
    in_tree = Path(__file__).parents[3] / "examples" / "texts"
    for folder in (inside, in_tree):
        if folder.is_dir():
            return folder
    raise UserError("the example texts are not installed; give the demo a folder of your own texts")


def demo(
    hub: Path | str,
    *,
    sources: Sequence[str | Path] | None = None,
    problems: int = 8,
    model: str | LanguageModel = DEFAULT_MODEL,
    watcher: Watcher | None = None,
) -> DemoOutcome:
    """Infer personas from the example texts, then make math problems from some of them.

    Args:
        hub: the hub's directory, made where there is none.
        sources: other texts than the examples.
        problems: how many problems.
        model: a name of the model store, a path of a GGUF file, or a model object.
        watcher: is told how it goes.

    Raises:
        UserError: whatever the user can mend.
    """
    folder = Path(hub)
    curated = curate(
        sources or [example_texts()],
        folder,
        model=model,
        # Each of the examples in one piece.
        document_tokens=400,
        watcher=watcher,
    )
    out = folder / "problems.jsonl"
    synthesized = None
    if not curated.interrupted:
        synthesized = synthesize("math", folder, n=problems, out=out, model=model, watcher=watcher)
    return DemoOutcome(folder, out, curated, synthesized)

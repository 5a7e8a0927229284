"""The card of a data set: a README.md with metadata that the Hugging Face Hub reads, and what people need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment

__all__ = ["CardFacts", "render_card"]

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_MORE = ((10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B"))


@dataclass(frozen=True)
class CardFacts:
    """What a card tells; all of it computed from the hub.

    Attributes:
        name: of the data set.
        statement: what its manifest says of it (:func:`personahub.release.manifest.write_manifest`).
        kinds: what its records are called, and how many of each there are.
        languages: codes of ISO 639-1, and how many records each has.
        splits: how many records each split has.
        licence: name and reason.
        steps: counts from what was read to what is here, in their order.
        set_aside: counts by reason, by the step that set aside.
        splitting: how it was split: groups, the largest, seed, and rows left out.
        prompts: of each version of a task's prompt its text; empty where the task has changed since.
        runs: configuration of each run, as JSON.
        example: a record's fields.
        diversity: headings and rows of a table; empty where it could not be measured.
        notes: what to know of that table.
        plots: paths of those that were drawn, of ``steps`` and ``diversity``.
        columns: name and meaning of each.
    """

    name: str
    statement: Mapping[str, Any]
    kinds: Mapping[str, int]
    languages: Mapping[str, int]
    splits: Mapping[str, int]
    licence: tuple[str, str]
    steps: Sequence[tuple[str, int]]
    set_aside: Mapping[str, Mapping[str, int]]
    splitting: Mapping[str, Any]
    prompts: Mapping[str, str]
    runs: Sequence[str]
    example: Mapping[str, str]
    diversity: Sequence[Sequence[str]]
    notes: Sequence[str]
    plots: Mapping[str, str]
    columns: Sequence[tuple[str, str]]

    @property
    def terms(self) -> list[list[str]]:
        """Of each model: name, licence, what may be done with outputs, on which condition, as of when."""
        names = ("model", "licence", "outputs", "note", "known")
        return [[str(each[name]) for name in names] for each in self.statement["terms"]["models"]]

    @property
    def checks(self) -> list[list[object]]:
        """Of each check: its name, how many passed, failed and could not be decided."""
        return [
            [name, sums["passed"], sum(sums["failed"].values()), sum(sums["undecided"].values())]
            for name, sums in self.statement["checks"].items()
        ]


def render_card(facts: CardFacts) -> str:
    """The card's text: metadata in YAML between dashes, then Markdown."""
    metadata = yaml.safe_dump(_metadata(facts), allow_unicode=True, sort_keys=False)
    return f"---\n{metadata}---\n\n{_template().render(facts=facts, statement=facts.statement)}"


def _metadata(facts: CardFacts) -> dict[str, Any]:
    """As https://huggingface.co/docs/hub/datasets-cards has it."""
    rows = sum(facts.splits.values())
    data_files = [{"split": name, "path": f"data/{name}-*.parquet"} for name in facts.splits]
    name, _ = facts.licence
    return {
        "pretty_name": facts.name,
        "language": sorted(code for code in facts.languages if len(code) == 2),
        "license": name,
        **({"license_name": "see-the-card"} if name == "other" else {}),
        "annotations_creators": ["machine-generated"],
        "language_creators": ["machine-generated"],
        "source_datasets": ["original"],
        "task_categories": ["text-generation"],
        "size_categories": [next((size for most, size in (*_SIZES, *_MORE) if rows < most), "n>1T")],
        "tags": ["synthetic", "personas", "persona-hub"],
        "configs": [{"config_name": "default", "data_files": data_files}],
    }


@cache
def _template() -> jinja2.Template:
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["cell"] = _cell
    environment.filters["fence"] = _fence
    return environment.from_string((files("personahub.release") / "card.md.jinja").read_text("utf-8"))


def _cell(value: object) -> str:
    """A value in a table: a text cannot break out of its cell."""
    text = f"{value:,}" if isinstance(value, int) else " ".join(str(value).split())
    for sign in ("\\", "|", "<", "`", "*", "_", "[", "#"):
        text = text.replace(sign, "&lt;" if sign == "<" else f"\\{sign}")
    return text


def _fence(text: str) -> str:
    """A text as a block of code that it cannot close."""
    marks = "```"
    while marks in text:
        marks += "`"
    return f"{marks}text\n{text.strip()}\n{marks}"

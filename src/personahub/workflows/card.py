"""What the card of an exported data set tells: gathered from the hub, its runs and the exported texts."""

import importlib.util
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from personahub.hub import Hub
from personahub.hub.runs import Run
from personahub.models.terms import Outputs
from personahub.records import Record
from personahub.release.card import CardFacts
from personahub.release.licences import licence_of
from personahub.workflows.datasets import show_dataset
from personahub.workflows.judged import TasksOf
from personahub.workflows.views import open_view

__all__ = ["Exported", "card_facts"]

_TEXTS = 2000
"""Of the data set that its diversity is measured on."""
_SHOWN = 600
"""Characters of a value in the card's example."""
_COLUMNS = {
    "id": "the record's id, by which the hub that it is from finds all that led to it",
    "text": "the record",
    "messages": "the same as turns of a chat, where it is asked and answered",
    "persona": "the persona that it was made by",
    "task": "the kind of record",
    "method": "how the model was asked: zero-shot, few-shot, persona-enhanced, …",
    "language": "ISO 639-1 code of the text's language",
    "fields": "the model's whole answer, and what is derived from it, as JSON",
    "inputs": "what it was made from beside the persona, as JSON",
    "source": "the file at the root of its lineage",
    "licence": "of the text at the root",
    "document_id": "the text at the root",
    "persona_id": "the persona",
    "model": "the model that wrote it",
    "template": "the version of the prompt",
    "verdicts": "what checks found of it, as JSON",
    "synthetic": "always true",
}


@dataclass
class Exported:
    """What was written, as far as a card tells it.

    Attributes:
        kinds: what the records are called, with their counts.
        languages: of the records, with their counts.
        licences: of the source texts.
        templates: versions of prompts, each with a record that it made.
        texts: some of the texts, spread evenly.
        example: the first record.
        columns: that the files have.
        expected: how many records will be written.
        count: how many were.
    """

    columns: Sequence[str]
    expected: int
    count: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    licences: set[str] = field(default_factory=set)
    templates: dict[str, Record] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    example: Mapping[str, Any] | None = None

    def add(self, row: Mapping[str, Any], record: Record, kind: str) -> None:
        """Count a row."""
        self.kinds[kind] += 1
        self.languages[record.language] += 1
        self.licences.add(record.licence)
        self.templates.setdefault(record.template, record)
        self.example = self.example or row
        every = max(1, -(-self.expected // _TEXTS))
        if self.count % every == 0:
            self.texts.append(record.text)
        self.count += 1


def card_facts(
    hub: Hub,
    name: str,
    statement: Mapping[str, Any],
    exported: Exported,
    splits: Mapping[str, int],
    splitting: Mapping[str, Any],
    folder: Path,
) -> CardFacts:
    """Gather what the card tells, and draw its plots into ``assets`` where there is matplotlib.

    Args:
        hub: the hub.
        name: of the data set.
        statement: of its manifest.
        exported: what was written.
        splits: rows of each split.
        splitting: how it was split.
        folder: the data set's, for the plots.
    """
    details = show_dataset(hub.path, name, 0, at=hub.version)
    numbers = {int(number) for number in details.data_set.runs}
    runs = [run for run in hub.runs() if run.number in numbers or run.verb in {"curate", "expand", "dedup"}]
    steps = _steps(hub, details.data_set.records, details.rejected, runs, numbers, splits)
    set_aside = {"personas set aside": _set_aside(hub), "records set aside": details.set_aside}
    seed = int(splitting["seed"])
    diversity, notes, plots = _diversity(name, exported.texts, seed, folder)
    if importlib.util.find_spec("matplotlib"):
        from personahub.evaluation.steps_plot import plot_steps

        (folder / "assets").mkdir(exist_ok=True)
        plot_steps(folder / "assets" / "steps", steps, f"{name}: from texts to records")
        plots["steps"] = "assets/steps.png"
    return CardFacts(
        name=name,
        statement=statement,
        kinds=dict(exported.kinds.most_common()),
        languages=dict(exported.languages.most_common()),
        splits=splits,
        licence=licence_of(exported.licences, _outputs(statement)),
        steps=steps,
        set_aside=set_aside,
        splitting=splitting,
        prompts=_prompts(hub, exported.templates),
        runs=[_told(run) for run in runs],
        example=_example(exported),
        diversity=diversity,
        notes=notes,
        plots=plots,
        columns=[(column, _COLUMNS[column]) for column in exported.columns if column in _COLUMNS],
    )


def _outputs(statement: Mapping[str, Any]) -> Outputs | None:
    return Outputs(statement["terms"]["outputs"]) if statement["terms"]["models"] else None


def _steps(
    hub: Hub, records: int, rejected: int, runs: Sequence[Run], numbers: set[int], splits: Mapping[str, int]
) -> list[tuple[str, int]]:
    """What there was from the texts on."""
    view = open_view(hub)
    steps = [("texts read", hub.documents.count()), ("personas of the hub", hub.personas.count())]
    if view is not None:
        steps.append((f"personas in view {view.name}", steps[-1][1] - len(view.aside)))
    asked = sum(int(run.counts.get("asked", 0)) for run in runs if run.number in numbers)
    steps += [("records asked for", asked)] if asked else []
    steps += [("records made", records), ("records kept by checks", records - rejected)]
    return [*steps, *((f"records in {name}", count) for name, count in splits.items())]


def _set_aside(hub: Hub) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for batch in hub.set_aside.read(["reason"], "kind = 'persona'"):
        counts.update(batch[0].to_pylist())
    return dict(counts.most_common())


def _prompts(hub: Hub, templates: Mapping[str, Record]) -> dict[str, str]:
    """The wording of each version of a task that is as it was."""
    tasks, prompts = TasksOf(hub), dict[str, str]()
    for version, record in sorted(templates.items()):
        task = tasks.of(record)
        prompts[version] = task.texts["prompt.jinja"] if task and task.version == version else ""
    return prompts


def _told(run: Run) -> str:
    """A run's number, verb and configuration; of its sources the names alone, as paths tell of a machine."""
    told = {"run": run.number, "verb": run.verb, "started": run.started, **run.configuration}
    if isinstance(told.get("sources"), list):
        told["sources"] = [str(source).rstrip("/").rpartition("/")[2] for source in told["sources"]]
    return json.dumps(told, ensure_ascii=False, indent=1)


def _example(exported: Exported) -> dict[str, str]:
    example = exported.example or {}
    told = {column: str(example[column]) for column in ("id", "persona", "text", "language", "task", "model")}
    return {name: text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…" for name, text in told.items()}


def _diversity(
    name: str, texts: Sequence[str], seed: int, folder: Path
) -> tuple[list[list[str]], list[str], dict[str, str]]:
    """Table, notes and plots of how diverse the texts are; empty where there are too few of them."""
    from personahub.workflows.evaluate.diversity import evaluate_diversity
    from personahub.workflows.evaluate.diversity_report import headings, table
    from personahub.workflows.evaluate.diversity_report import notes as notes_of

    if len(texts) < 2:
        return [], [], {}
    drawing = importlib.util.find_spec("matplotlib") is not None
    with TemporaryDirectory() as work:
        file, out = Path(work, f"{name}.jsonl"), Path(work, "out")
        rows = (json.dumps({"text": text}, ensure_ascii=False) for text in texts)
        file.write_text("\n".join(rows) + "\n", "utf-8")
        result = evaluate_diversity(file, seed=seed, out=out if drawing else None)
        if drawing:
            (folder / "assets").mkdir(exist_ok=True)
            (out / "diversity.png").rename(folder / "assets" / "diversity.png")
    told = [["measure", headings(result)["raw"]], *table(result, "raw")]
    heading = f"Embeddings {result.embeddings}; in brackets 95 % intervals; ↑: higher is more diverse."
    plots = {"diversity": "assets/diversity.png"} if drawing else {}
    return told, [heading, f"Measured on {len(texts):,} of the records.", *notes_of(result)], plots

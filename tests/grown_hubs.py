"""Hubs that grew in several runs, and ways to look into them and to harm them."""

from pathlib import Path
from typing import Any

import lance
import pyarrow as pa

from personahub import Hub, check_hub
from personahub.hub import RunStatus
from personahub.records import Document, Persona

SAYINGS = [
    "A baker who counts {} loaves before dawn",
    "Садовод, который подвязывает {} яблонь",
    "每天清晨修理{}盏灯的灯塔守护人",
    "Eine Hebamme, die {} Dörfer mit dem Rad besucht",
]


def document(number: int) -> Document:
    return Document(text=f"Text {number} über 灯塔 и яблони", language="en", source="a.jsonl", row=number + 1)


def persona(parent: Document | Persona, number: int = 0, **fields: Any) -> Persona:
    above = parent if isinstance(parent, Persona) else None
    values = {
        "description": SAYINGS[number % len(SAYINGS)].format(number),
        "language": "en",
        "relation": "read",
        "parent_id": parent.id,
        "document_id": above.document_id if above else parent.id,
        "source": "a.jsonl",
        "row": 1,
        "date": "",
        "licence": "unknown",
        "round": above.round + 1 if above else 0,
        "granularity": "fine",
        "closeness": None,
        "model": "m",
        "template": "t",
        "seed": 0,
        "run": 1,
        "position": number,
        "request": "",
    }
    return Persona(**{**values, **fields})


def end_run(hub: Hub, name: str) -> int:
    run, _ = hub.start_run("curate", {"sources": [name]})
    run.end(RunStatus.FINISHED, {})
    hub.save_run(run)
    return run.number


def grown_hub(path: Path, steps: int = 3) -> Hub:
    """A hub of so many runs, each of two documents and three personas, one of them of the second round."""
    hub = Hub.create(path)
    for step in range(steps):
        first, second = document(2 * step), document(2 * step + 1)
        hub.documents.add([first, second])
        one = persona(first, 3 * step, run=step + 1)
        hub.personas.add([one, persona(second, 3 * step + 1, run=step + 1)])
        hub.personas.add([persona(one, 3 * step + 2, run=step + 1)])
        end_run(hub, str(step))
    return hub


def rows(hub: Path, **options: Any) -> dict[str, list[dict[str, Any]]]:
    opened = Hub(hub, **options)
    names = ("documents", "personas", "records", "set_aside")
    return {name: list(getattr(opened, name).rows()) for name in names}


def findings(hub: Path) -> str:
    return "\n".join(f"{finding.where}: {finding.what}" for finding in check_hub(hub).findings)


def rewrite(hub: Hub, name: str, change: Any) -> None:
    """Change a table's rows behind the hub's back."""
    path = hub.path / f"{name}.lance"
    table = lance.dataset(str(path)).to_table()
    changed = change(table.to_pylist())
    schema = table.schema
    lance.write_dataset(pa.Table.from_pylist(changed, schema=schema), str(path), mode="overwrite")

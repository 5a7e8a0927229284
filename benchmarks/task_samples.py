r"""Ten records of each task, and five personas through five methods, as pages to read and to judge.

The personas are drawn from a hub by the seed, before anything is read. A reader's verdicts, where there are
any, stand beside the records: JSON Lines with ``id`` (of the record), ``verdict`` (good, weak or bad) and
``why``.

    personahub demo                         # makes demo-hub, 47 personas in en, ru and zh
    python benchmarks/task_samples.py --hub demo-hub --out docs/samples
    python benchmarks/task_samples.py --hub demo-hub --out docs/samples \
        --verdicts benchmarks/labels/task_samples.jsonl

The same command asks nothing twice, so that the second one only writes the pages anew.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from personahub import Prompting, Selection, sample, synthesize
from personahub.models import LanguageModel, Message
from personahub.models.opening import open_language_models
from personahub.records import Record
from personahub.synthesis import Brief, GivenItem, Synthesizer, Task
from personahub.workflows.synthesize import SynthesizeOutcome

QUESTION = "Should the shops of a small town stay closed on Sundays?"
PROBLEMS = "samples math"
PAGES: Mapping[str, list[tuple[str, int, dict[str, Any], dict[str, Any]]]] = {
    "math": [("math", 10, {}, {}), ("math with a program", 3, {"with_program": True}, {})],
    "logic": [
        ("deductive", 3, {"kind": "deductive"}, {}),
        ("ordering", 3, {"kind": "ordering"}, {}),
        ("spatial", 2, {"kind": "spatial"}, {}),
        ("ruozhiba", 2, {"kind": "ruozhiba"}, {}),
    ],
    "instruction": [("one turn", 8, {}, {}), ("two turns", 2, {"turns": 2}, {})],
    "dialogue": [("dialogue", 10, {}, {})],
    "knowledge": [("article", 5, {"form": "article"}, {}), ("reading", 5, {"form": "reading"}, {})],
    "npc": [("npc", 20, {}, {})],
    "tool": [("tool", 30, {}, {}), ("tool with code", 2, {"implement": True}, {})],
    "profile": [("profile", 8, {}, {}), ("detailed", 2, {"detailed": True}, {})],
    "perspective": [("perspective", 10, {"question": QUESTION}, {})],
    "solution": [
        ("plainly", 5, {"problems": PROBLEMS}, {}),
        ("by a persona", 5, {"problems": PROBLEMS}, {"selection": Selection(select="random")}),
    ],
}
"""By page: title, records, options of the task and of the run."""
KEY_POINTS = (
    "ratio and proportion",
    "mean and median",
    "area of a rectangle",
    "percentage increase",
    "speed, distance and time",
    "unit conversion",
    "lowest common multiple",
    "probability of independent events",
)
METHODS: Mapping[str, dict[str, Any]] = {
    "zero-shot": {},
    "few-shot": {},
    "persona-enhanced": {},
    "instance-driven": {"seeds": PROBLEMS},
    "key-point-driven": {"key_points": "key_points.txt"},
}


class KeptOpen:
    """A model that one run does not close, since the next one needs it."""

    def __init__(self, model: LanguageModel) -> None:
        """Keep the model."""
        self.model = model

    def __getattr__(self, name: str) -> Any:
        """Everything but closing is the model's own."""
        return getattr(self.model, name)

    async def close(self) -> None:
        """Not yet."""


def main() -> None:
    """Make the records and write the pages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hub", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the pages")
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[*PAGES, "methods"], help="pages")
    parser.add_argument("--verdicts", type=Path)
    given = parser.parse_args()
    lines = given.verdicts.read_text("utf-8").splitlines() if given.verdicts else []
    verdicts = {row["id"]: row for row in map(json.loads, lines)}
    model = KeptOpen(open_language_models(given.model)[0])
    given.out.mkdir(parents=True, exist_ok=True)
    for task in (name for name in given.only if name in PAGES):
        parts = [f"# {task}: samples\n", _introduction(given.model, given.seed)]
        for title, count, options, settings in PAGES[task]:
            start = time.monotonic()
            outcome = synthesize(
                task,
                given.hub,
                n=count,
                dataset=f"samples {title}",
                options=options,
                seed=given.seed,
                model=model,
                **settings,
            )
            parts.append(_part(title, count, outcome, time.monotonic() - start, verdicts))
        (given.out / f"{task}.md").write_text("\n".join(parts), "utf-8")
        print(f"{given.out / task}.md", flush=True)
    if "methods" in given.only:
        text = _methods_page(given.hub, model, given.model, given.seed, verdicts)
        (given.out / "methods.md").write_text(text, "utf-8")
    asyncio.run(model.model.close())


def _introduction(model: str, seed: int) -> str:
    return (
        f"Made by {model} from personas of the demo's hub, drawn with seed {seed} before anything was read"
        " (`python benchmarks/task_samples.py`). Nothing was left out or changed. The prompt of the first"
        " record of each part is shown whole; of the others, the part that differs.\n"
    )


def _part(
    title: str, count: int, outcome: SynthesizeOutcome, seconds: float, verdicts: Mapping[str, Any]
) -> str:
    records = outcome.records
    told = Counter(verdicts[record.id]["verdict"] for record in records if record.id in verdicts)
    counts = ", ".join(f"{told[name]} {name}" for name in ("good", "weak", "bad") if told[name])
    aside = ", ".join(f"{reason} {number}" for reason, number in sorted(outcome.set_aside.items()))
    lines = [f"## {title}\n", f"{len(records)} of {count} records; {outcome.asked} made for them."]
    lines.append(
        f"Set aside: {aside or 'none'}."
        + (f" Failed: {outcome.failures.total()}." if outcome.failures else "")
    )
    if counts:
        lines.append(f"A reader's verdicts: {counts}.")
    if len(records) > 10:
        lines.append(f"The first 10 of the {len(records)} stand here.")
        records = records[:10]
    for number, record in enumerate(records, 1):
        lines += _sample(number, record, verdicts.get(record.id), whole=number == 1)
    return "\n".join(lines) + "\n"


def _methods_page(hub: Path, model: LanguageModel, name: str, seed: int, verdicts: Mapping[str, Any]) -> str:
    """The same five personas through the five methods, side by side."""
    personas = sample(hub, 5, seed=seed)
    parts = ["# math: five personas through five methods\n", _introduction(name, seed)]
    with tempfile.TemporaryDirectory() as folder:
        points = Path(folder, "key_points.txt")
        points.write_text("\n".join(KEY_POINTS), "utf-8")
        for persona in personas:
            parts += [f"## {persona['description']}\n", "| method | problem | verdict |", "|---|---|---|"]
            for method, needs in METHODS.items():
                given = {**needs, "key_points": str(points)} if "key_points" in needs else needs
                outcome = synthesize(
                    "math",
                    hub,
                    n=1,
                    dataset=f"samples {method}",
                    prompting=Prompting(method, **given),  # type: ignore[arg-type]
                    selection=Selection(where=f"id = '{persona['id']}'"),
                    # In its own order for each persona, so that not all have the first seed or key points.
                    seed=seed + personas.index(persona),
                    model=model,
                )
                parts += [_row(method, outcome, verdicts)]
            parts.append("")
    return "\n".join(parts)


def _row(method: str, outcome: SynthesizeOutcome, verdicts: Mapping[str, Any]) -> str:
    if not outcome.ids:
        return f"| {method} | none of {outcome.asked} passed: {dict(outcome.set_aside)} | |"
    (record,) = outcome.records
    verdict = verdicts.get(record.id)
    told = f"{verdict['verdict']}: {verdict['why']}" if verdict else ""
    inputs = json.loads(record.inputs)
    drawn = inputs.get("seed_item", {}).get("text") or "; ".join(inputs.get("key_points", ()))
    text = record.text + (f"<br>*from: {drawn}*" if drawn else "")
    return f"| {method} | {text.replace(chr(10), '<br>').replace('|', chr(92) + '|')} | {told} |"


def _sample(number: int, record: Record, verdict: Mapping[str, Any] | None, *, whole: bool) -> list[str]:
    persona = f"**{record.persona}**" if record.persona else "without a persona"
    lines = [f"\n### {number}. {persona}\n", f"`{record.id}`\n", "Prompt:\n"]
    messages = messages_of(record)
    shown = messages if whole else messages[-1:]
    for message in shown:
        lines += [f"````text\n[{message.role}]\n{message.content}\n````\n"]
    lines += ["Output:\n", f"````markdown\n{record.text}\n````\n"]
    rest = {name: value for name, value in json.loads(record.fields).items() if name in _EXTRA}
    for name, value in rest.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
        lines += [f"`{name}`:\n", f"````text\n{text}\n````\n"]
    if verdict:
        lines.append(f"Verdict: **{verdict['verdict']}**: {verdict['why']}")
    return lines


_EXTRA = {"program", "function", "code", "tests", "biography", "answer", "quantities"}
"""Fields that belong to the output and need not stand in the text."""


def messages_of(record: Record) -> tuple[Message, ...]:
    """The first question of a record, built again from what the record says that it was made from."""
    task, inputs = Task.load(record.task), json.loads(record.inputs)
    given = {name: value for name, value in inputs["options"].items() if task.options[name].type != "file"}
    examples = inputs.get("examples", [])
    known = {task.examples[each["number"] - 1].key: each.get("persona", "") for each in examples}
    synthesizer = Synthesizer(
        task,
        task.settings(given),
        record.model,
        record.dataset,
        record.method,  # type: ignore[arg-type]
        candidates=inputs.get("candidates", 1),
        example_personas=known,
    )
    brief = Brief(
        position=record.position,
        language=record.language,
        persona={"id": record.persona_id, "description": record.persona} if record.persona else None,
        other=inputs.get("other"),
        relation=inputs.get("relation", ""),
        item=_item(inputs.get("item")),
        seed_item=_item(inputs.get("seed_item")),
        key_points=tuple(inputs.get("key_points", ())),
        scenario=inputs.get("scenario", ""),
        varied=inputs.get("varied", {}),
        shown=tuple(each["number"] - 1 for each in examples),
    )
    return synthesizer.ask(brief).messages


def _item(told: Mapping[str, Any] | None) -> GivenItem | None:
    return GivenItem(told["text"], {}) if told else None


if __name__ == "__main__":
    main()

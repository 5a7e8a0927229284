"""``personahub sample``, ``show`` and ``stats``: looking into a hub."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from personahub.cli.options import At, HubDir, Json, Seed, View, Where

if TYPE_CHECKING:
    from rich.tree import Tree

    from personahub.workflows.prompts import Asked

__all__ = ["sample_command", "show_command", "stats_command"]

_EXCERPT = 280
_SHOWN = 60
"""Descendants shown on a screen."""


def sample_command(
    hub: HubDir,
    n: Annotated[int, typer.Option("-n", min=0, help="How many personas.")] = 10,
    seed: Seed = 0,
    where: Where = None,
    view: View = None,
    diverse: Annotated[
        bool, typer.Option("--diverse", help="Spread out in meaning, instead of uniform.")
    ] = False,
    at: At = None,
    json: Json = False,
) -> None:
    """Draw personas: the same ones for the same seed."""
    from personahub.cli.display import print_json
    from personahub.workflows.sample import sample

    rows = sample(hub, n, seed=seed, where=where, view=view, diverse=diverse, at=at)
    if json:
        print_json(rows)
        return
    for row in rows:
        print(f"{row['id']}  {row['relation']:8}  {row['description']}")
    if n and not rows:
        print(f"no persona of {hub} meets that", file=sys.stderr)


def show_command(
    record_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="Of a record, persona, document or set-aside case, or its beginning."
        ),
    ],
    hub: HubDir,
    prompts: Annotated[
        bool, typer.Option("--prompts", help="Prompts and replies whole, instead of their ends.")
    ] = False,
    at: At = None,
    json: Json = False,
) -> None:
    """Show one thing with its whole lineage: problem → prompt → persona → text, and who came of it."""
    from personahub.cli.display import console, print_json
    from personahub.workflows.show import show

    lineage = show(hub, record_id, at=at)
    if json:
        print_json(lineage.to_json())
        return
    from rich.markup import escape
    from rich.tree import Tree

    found = [_verdict_line(check, verdict) for check, verdict in lineage.verdicts.items()]
    tree = branch = Tree("", hide_root=True)
    for kind, row, lines in (
        ("record", lineage.record, _record_lines),
        *(("made from", record, _record_lines) for record in lineage.made_from),
        ("set aside", lineage.set_aside, _set_aside_lines),
        ("persona", lineage.persona, _persona_lines),
        *(("reached from", ancestor, _persona_lines) for ancestor in lineage.ancestors),
        ("text", lineage.document, _document_lines),
    ):
        if row is not None:
            text = "\n".join(escape(line) for line in lines(row))
            branch = branch.add(f"[bold]{kind}[/bold] {row['id']}\n{text}")
            for asked in lineage.asked.get(row["id"], ()):
                branch.add(_asked_lines(asked, whole=prompts))
            if kind == "record" and found:
                branch.add("[bold]checked[/bold]\n" + "\n".join(map(escape, found)))
    for what, count in lineage.below.items():
        branch.add(f"{count} {what} come from it")
    # A tree that is not wrapped would be cut off at the edge of the screen.
    console().print(tree, soft_wrap=False)
    if lineage.descendants:
        below = Tree("[bold]reached from it[/bold]")
        left = _add_descendants(below, lineage.descendants, _SHOWN)
        console().print(below, soft_wrap=False)
        if left < 0:
            print(f"… and {-left} more; --json has them all")
    if lineage.no_replies:
        print(f"no replies are shown: {lineage.no_replies}", file=sys.stderr)


def _add_descendants(tree: "Tree", descendants: Sequence[Mapping[str, Any]], left: int) -> int:
    """Add as many as are left to show; gives how many are left then, negative for those not shown."""
    from rich.markup import escape

    for child in descendants:
        branch = tree
        if left > 0:
            line = f"round {child['round']}, {child['relation']}: {child['description']}"
            branch = tree.add(f"{child['id']}  {escape(line)}")
        left = _add_descendants(branch, child["descendants"], left - 1)
    return left


def _made_by(row: Mapping[str, Any]) -> str:
    # No model made an imported persona.
    model = f"model {row['model']}, " if row["model"] else ""
    return f"run {row['run']}, {model}template {row['template']}, seed {row['seed']}"


def _record_lines(row: Mapping[str, Any]) -> list[str]:
    import json

    named = row["task"] if row["dataset"] == row["task"] else f"{row['dataset']}: {row['task']}"
    return [
        row["text"],
        f"{named}, {row['method']}; {_made_by(row)}",
        *(_input_line(name, value) for name, value in json.loads(row["inputs"]).items()),
    ]


def _asked_lines(asked: "Asked", *, whole: bool) -> str:
    """A question with its answer: of each the end that differs from others, or all of it."""
    from rich.markup import escape

    shown = asked.messages if whole else asked.messages[-1:]
    lines = [f"[{message['role']}] {_cut(message['content'], whole=whole)}" for message in shown]
    if len(shown) < len(asked.messages):
        lines.insert(0, f"({len(asked.messages)} messages; --prompts shows them whole)")
    lines += [asked.why_not] if asked.why_not else []
    lines += [f"→ {_cut(asked.reply, whole=whole)}"] if asked.reply is not None else []
    return "[bold]asked[/bold]\n" + "\n".join(map(escape, lines))


def _cut(text: str, *, whole: bool) -> str:
    return text if whole else _excerpt(" ".join(text.split()))


def _verdict_line(check: str, verdict: Mapping[str, Any]) -> str:
    """What a check found, with the beginning of its evidence."""
    reason = f" ({verdict['reason']})" if verdict["reason"] else ""
    score = "" if verdict["score"] is None else f", {verdict['score']:.2f}"
    evidence = f": {_excerpt(_told(verdict['evidence']))}" if verdict["evidence"] else ""
    return f"{check} {verdict['outcome']}{reason}{score}{evidence}"


def _input_line(name: str, value: Any) -> str:
    """What a record was made from beside its persona; of a text its beginning."""
    if name in {"item", "seed_item", "other"}:
        value = value.get("text") or value.get("description")
    return f"{name.replace('_', ' ')}: {_excerpt(_told(value))}"


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_told(each)}" for name, each in value.items() if each not in ("", False))
    if isinstance(value, list):
        return "; ".join(map(_told, value))
    return " ".join(str(value).split())


def _set_aside_lines(row: Mapping[str, Any]) -> list[str]:
    # A record's case has no row of its own: its persona below tells where it comes from.
    where = [f"{row['source']}, row {row['row']}"] if row["source"] else []
    return [f"{row['reason']}: {row['detail']}", *where, row["text"]]


def _persona_lines(row: Mapping[str, Any]) -> list[str]:
    close = "" if row["closeness"] is None else f", closeness to its text {row['closeness']:.2f}"
    root = f"{row['source']}, row {row['row']}, licence {row['licence']}"
    return [
        row["description"],
        f"relation {row['relation']}, round {row['round']}{close}",
        f"from {root}" if row["round"] == 0 else f"its root: {root}",
        _made_by(row),
    ]


def _document_lines(row: Mapping[str, Any]) -> list[str]:
    part = f", part {row['part']} from character {row['start']}" if row["part"] else ""
    where = f"{row['source']}, row {row['row']}, from byte {row['offset']:,}{part}"
    told = [row["url"], row["date"], f"licence {row['licence']}"]
    return [row["title"] or "(no title)", where, ", ".join(filter(None, told)), _excerpt(row["text"])]


def _excerpt(text: str) -> str:
    return text[:_EXCERPT] + (" …" if len(text) > _EXCERPT else "")


def stats_command(hub: HubDir, at: At = None, json: Json = False) -> None:
    """Count what a hub holds and what was set aside."""
    from personahub.cli.display import counted, print_json
    from personahub.workflows.stats import stats

    counts = stats(hub, at=at)
    if json:
        print_json(counts)
        return
    close = counts["closeness"]
    median = f", median {close['quartiles'][1]:.2f}" if close["compared"] else ""
    personas = f"{counts['personas']:,}"
    if counts["view"]:
        personas += f", {counts['shown']:,} of them shown (view {counts['view']})"
        if counts["not_deduplicated"]:
            personas += f"; {counts['not_deduplicated']:,} came after the last dedup"
    for name, value in (
        ("documents", counts["documents"]),
        ("  licences", counted(counts["licences"])),
        ("  personal data", f"{counted(counts['pii'])} (placeholders stand in its place)"),
        ("  orders", f"{counts['orders']} documents try to steer the model"),
        ("personas", personas),
        *(
            (f"  round {number}", _round(each))
            for number, each in counts["rounds"].items()
            if len(counts["rounds"]) > 1
        ),
        ("  languages", counted(counts["languages"])),
        ("  relations", counted(_kinds(counts["relations"]))),
        ("  closeness", f"{close['compared']} compared, {close['not_compared']} not{median}"),
        ("records", f"{counts['records']} ({counted(counts['tasks'])})"),
        ("  data sets", counted(counts["datasets"])),
        ("set aside", counted(counts["set_aside"])),
        ("runs", counts["runs"]),
    ):
        print(f"{name:15}  {value}")


def _round(each: Mapping[str, Any]) -> str:
    from personahub.cli.display import counted

    relations = counted(_kinds(each["relations"]))
    return f"{each['personas']:,} personas, {each['new']:,} new ({each['share_new']:.0%}); {relations}"


def _kinds(relations: Mapping[str, int]) -> Mapping[str, int]:
    """Counts of relations by their kind: what stands before the slash."""
    kinds: Counter[str] = Counter()
    for relation, count in relations.items():
        kinds[relation.partition("/")[0]] += count
    return dict(kinds.most_common())

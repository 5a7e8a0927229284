"""Records as they are checked, and what is found of them as the hub keeps it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from personahub.config import canonical_json
from personahub.hub import Hub
from personahub.records import Record, Verdict
from personahub.verification import Item
from personahub.workflows.checking import Checker, Judged

__all__ = ["RecordChecks", "answer_of", "first_fault", "item_of", "told_of", "verdicts_from"]

_SHORT_ANSWER = 60
"""Characters up to which a field named answer is compared; a longer one is a whole solution."""


@dataclass
class RecordChecks:
    """Checks of records while they are made.

    Attributes:
        hub: has the texts that they come from.
        checker: runs the checks.
        names: of the checks.
    """

    hub: Hub
    checker: Checker
    names: Sequence[str]

    async def check(self, records: Sequence[Record]) -> list[dict[str, Judged]]:
        """What each check finds of each record."""
        documents = self.hub.documents.get(
            sorted({each.document_id for each in records} - {""}), ["id", "text"]
        )
        items = [
            item_of({"id": each.id, **asdict(each)}, documents.get(each.document_id, {}).get("text", ""))
            for each in records
        ]
        return await self.checker.check(items, [self.names] * len(items))


def item_of(row: Mapping[str, Any], source: str) -> Item:
    """What is checked of a record.

    Args:
        row: of the records' table.
        source: the text at the root of its lineage; empty where there is none.
    """
    fields = json.loads(row["fields"])
    return Item(
        name=row["id"],
        text=row["text"],
        language=row["language"],
        fields=fields,
        persona=row["persona"],
        source=source,
        answer=answer_of(fields),
        task=row["task"],
        options=canonical_json(json.loads(row["inputs"]).get("options", {})),
    )


def answer_of(fields: Mapping[str, Any]) -> str:
    """The short answer that comes with a problem; of GSM8K's form what follows its four hashes."""
    answer = fields.get("answer")
    if isinstance(answer, (int, float)) and not isinstance(answer, bool):
        return str(answer)
    if not isinstance(answer, str):
        return ""
    short = answer.rpartition("####")[2].strip()
    return short if len(short) <= _SHORT_ANSWER else ""


def first_fault(found: Mapping[str, Judged]) -> tuple[str, str] | None:
    """The reason of the first check that failed, with its evidence; None where none did."""
    for name, judged in found.items():
        if judged.finding.outcome == "failed":
            return judged.finding.reason, f"{name}: {_evidence(judged)}"
    return None


def verdicts_from(
    record_id: str, dataset: str, found: Mapping[str, Judged], *, run: int, rejects: bool
) -> list[Verdict]:
    """What checks found of a record, as the hub keeps it."""
    return [
        Verdict(
            record_id=record_id,
            dataset=dataset,
            check=name,
            outcome=judged.finding.outcome,
            score=judged.finding.score,
            reason=judged.finding.reason,
            evidence=_evidence(judged),
            rejects=rejects,
            model=judged.model,
            calls=judged.calls,
            tokens=judged.tokens,
            cost=judged.cost,
            run=run,
        )
        for name, judged in found.items()
    ]


def told_of(judged: Judged) -> dict[str, Any]:
    """A finding as it stands in a row of a file."""
    finding = judged.finding
    told: dict[str, Any] = {"outcome": finding.outcome, "reason": finding.reason, "score": finding.score}
    if judged.model:
        told |= {"model": judged.model, "calls": judged.calls, "tokens": judged.tokens, "cost": judged.cost}
    return {**told, "evidence": dict(finding.evidence)}


def _evidence(judged: Judged) -> str:
    return json.dumps(judged.finding.evidence, ensure_ascii=False, default=str)

"""``hub check``: whether a hub is whole, row by row."""

import time
from binascii import unhexlify
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from personahub.completion import Journal
from personahub.errors import UserError
from personahub.hub import Hub, Run
from personahub.hub.checks import Cases, Finding, Keys, is_among, keys_of, scan_table, wrong_ids
from personahub.hub.lineage import Lineages, joined
from personahub.hub.runs import read_run
from personahub.records import SCHEMAS, Document, Kind, Persona, Record, SetAside, Table, Verdict

__all__ = ["CheckOutcome", "Finding", "check"]

_REQUESTS = 2**16
"""Keys looked up in the journal at a time."""
_CHANGED = "the rows were changed from outside; bring the table back from a copy"


@dataclass
class CheckOutcome:
    """What a check came to.

    Attributes:
        findings: what is wrong; empty where the hub is whole.
        checked: how much was looked at: rows of each table, ``runs`` and ``journal_entries``.
        seconds: wall time.
    """

    findings: list[Finding] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The contract of ``hub check --json``."""
        found = [asdict(finding) for finding in self.findings]
        return {"whole": not found, "findings": found, "checked": self.checked}


def check(hub: Path | str) -> CheckOutcome:
    """Read everything a hub holds and see that it fits together.

    Every row can be read and has the id that its contents make, once; every parent is there, a round below;
    runs' files and the journal can be read, and have what the rows name. About 100 bytes of memory a persona
    are needed. A journal's torn tail, as a kill leaves it, is cut, as whenever a journal is opened.

    Raises:
        UserError: no hub, or another process is writing it.
    """
    opened, outcome, start = Hub(hub), CheckOutcome(), time.monotonic()
    with opened.at_rest():
        checker = _Checker(opened, outcome)
        checker.check_runs()
        checker.check_tables()
        checker.check_journal()
    outcome.seconds = time.monotonic() - start
    return outcome


class _Checker:
    """The check of one hub, and what is kept of its rows."""

    def __init__(self, hub: Hub, outcome: CheckOutcome) -> None:
        self.hub = hub
        self.outcome = outcome
        self.findings = outcome.findings
        self.runs: list[Run] = []
        self.requests: dict[str, list[bytes]] = {}

    def _find(self, what: str, where: Path, todo: str) -> None:
        self.findings.append(Finding(what, str(where), todo))

    def _find_cases(self, cases: Cases, what: str, where: Path, todo: str) -> None:
        if cases.count:
            self._find(f"{cases.count} {what}: {cases}", where, todo)

    def check_runs(self) -> None:
        for file in sorted((self.hub.path / "runs").glob("*.json")):
            try:
                run = read_run(file)
                if f"{run.number:06}" != file.stem:
                    raise ValueError(f"it is run {run.number}")  # noqa: TRY301
            except (OSError, ValueError, KeyError, TypeError) as error:
                todo = (
                    "bring it back from a copy, or move it away: rows name the run, but do without its file"
                )
                self._find(f"is no run's file ({error})", file, todo)
            else:
                self.runs.append(run)
        self.outcome.checked["runs"] = len(self.runs)

    def check_tables(self) -> None:
        documents = np.sort(self._check_documents())
        personas = Lineages()
        for batch in self._rows("personas", Persona):
            personas.add(batch)
        personas.close()
        self._check_unique(personas.keys, "personas", Kind.PERSONA)
        self._check_lineage(personas, documents)
        self._check_records(personas)
        keys: list[Keys] = [keys_of(batch["id"]) for batch in self._rows("set_aside", SetAside)]
        self._check_unique(np.sort(joined(keys)), "set_aside", Kind.SET_ASIDE)
        keys = [keys_of(batch["id"]) for batch in self._rows("verdicts", Verdict)]
        self._check_unique(np.sort(joined(keys)), "verdicts", Kind.VERDICT)
        self._check_embeddings(personas)
        self._check_edges(personas)
        self._check_versions()

    def _check_documents(self) -> Keys:
        keys = joined([keys_of(batch["id"]) for batch in self._rows("documents", Document)])
        self._check_unique(np.sort(keys), "documents", Kind.DOCUMENT)
        return keys

    def _check_records(self, personas: Lineages) -> None:
        keys: list[Keys] = []
        lost = Cases()
        for batch in self._rows("records", Record):
            keys.append(keys_of(batch["id"]))
            # Some records no persona had a part in.
            named = batch.filter(pc.not_equal(batch["persona_id"], ""))
            lost.add(_ids_where(named["id"], ~is_among(keys_of(named["persona_id"]), personas.keys)))
        self._check_unique(np.sort(joined(keys)), "records", Kind.RECORD)
        what = "records whose persona is not there"
        self._find_cases(lost, what, self._path("records"), "bring personas.lance back from a copy")

    def _path(self, table: str) -> Path:
        return self.hub.path / f"{table}.lance"

    def _rows(self, name: str, kind: type[Table]) -> Iterator[pa.RecordBatch]:
        """The rows of a table, which are counted, and looked at each by itself."""
        path, wrong, runs = self._path(name), Cases(), set[int]()
        requests = self.requests.setdefault(name, [])
        malformed = Cases()
        count = 0
        for batch in scan_table(path, SCHEMAS[kind], self.findings):
            count += batch.num_rows
            wrong.add(wrong_ids(kind, batch))
            if "run" in batch.schema.names:
                runs.update(pc.unique(batch["run"]).to_pylist())
            if kind in {Persona, Record}:
                requests.append(_request_keys(batch, malformed))
            yield batch
        self.outcome.checked[name] = count
        self._find_cases(wrong, "rows whose id is not what they make", path, _CHANGED)
        self._find_cases(malformed, "rows whose request is no key of the journal", path, _CHANGED)
        if unknown := sorted(runs - {run.number for run in self.runs}):
            what = f"has rows of runs without a file: {', '.join(map(str, unknown))}"
            self._find(what, path, f"bring the files back from a copy of {self.hub.path / 'runs'}")

    def _check_unique(self, ordered: Keys, name: str, letter: Kind) -> None:
        twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        cases = Cases()
        cases.add(_shown(twice, letter), len(twice))
        self._find_cases(cases, "ids that stand there more than once", self._path(name), _CHANGED)

    def _check_lineage(self, personas: Lineages, documents: Keys) -> None:
        for what, keys in personas.faults(documents):
            cases = Cases()
            cases.add(_shown(keys, Kind.PERSONA), len(keys))
            todo = "bring the lost rows back from a copy" if "not there" in what else _CHANGED
            self._find_cases(cases, f"personas {what}", self._path("personas"), todo)

    def _check_embeddings(self, personas: Lineages) -> None:
        path, lost, broken = self._path("embeddings"), Cases(), Cases()
        keys: list[Keys] = []
        todo = "move the table away; personahub hub index makes it again"
        count = 0
        for batch in scan_table(path, None, self.findings):
            vectors = batch["vector"] if "vector" in batch.schema.names else None
            if vectors is None or not pa.types.is_fixed_size_list(vectors.type):
                self._find("is no table of embeddings: it has no vectors of one length", path, todo)
                return
            count += batch.num_rows
            keys.append(keys_of(batch["id"]))
            lost.add(_ids_where(batch["id"], ~is_among(keys[-1], personas.keys)))
            numbers = vectors.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
            # A vector that is null has no numbers at all.
            if len(numbers) != batch.num_rows * vectors.type.list_size:
                broken.add(batch["id"].filter(pc.is_null(vectors)).to_pylist())
            else:
                finite = np.isfinite(numbers).reshape(batch.num_rows, -1).all(axis=1)
                broken.add(_ids_where(batch["id"], ~finite))
        if count:
            self.outcome.checked["embeddings"] = count
        self._check_unique(np.sort(joined(keys)), "embeddings", Kind.PERSONA)
        self._find_cases(lost, "embeddings of personas that are not there", path, todo)
        self._find_cases(broken, "embeddings whose numbers are missing or not finite", path, todo)

    def _check_edges(self, personas: Lineages) -> None:
        path, lost, loops, odd, count = self._path("edges"), Cases(), Cases(), Cases(), 0
        todo = "move the table away and run personahub dedup again"
        for batch in scan_table(path, None, self.findings):
            if not {"later", "earlier", "similarity"} <= set(batch.schema.names):
                self._find("is no table of edges: it lacks later, earlier or similarity", path, todo)
                return
            count += batch.num_rows
            later, earlier = keys_of(batch["later"]), keys_of(batch["earlier"])
            lost.add(_ids_where(batch["later"], ~is_among(later, personas.keys)))
            lost.add(_ids_where(batch["earlier"], ~is_among(earlier, personas.keys)))
            loops.add(_ids_where(batch["later"], later == earlier))
            similarity = batch["similarity"].to_numpy(zero_copy_only=False).astype(np.float64)
            # Cosines of half-precision vectors may be a little over one; a missing number compares as false.
            odd.add(_ids_where(batch["later"], ~((similarity >= -1.01) & (similarity <= 1.01))))
        if count:
            self.outcome.checked["edges"] = count
        try:
            self.hub.duplicates.count()
        except (UserError, ValueError) as error:
            what = f"does not tell which edges count ({str(error).splitlines()[0]})"
            self._find(what, self.hub.path / "duplicates.json", "delete it and run personahub dedup again")
        self._find_cases(lost, "edges of personas that are not there", path, todo)
        self._find_cases(loops, "edges from a persona to itself", path, todo)
        self._find_cases(odd, "edges whose similarity is none", path, todo)

    def _check_versions(self) -> None:
        for run in self.runs:
            for name, rows in (run.tables or {}).items():
                there = self.outcome.checked.get(name, rows)
                if there < rows:
                    what = f"has {there} rows, but had {rows} when run {run.number} ended"
                    self._find(what, self._path(name), "bring the table back from a copy")

    def check_journal(self) -> None:
        folder = self.hub.journal_path
        wanted = any(any(map(len, requests)) for requests in self.requests.values())
        if not folder.is_dir() and not wanted:
            return
        todo = "bring it back from a copy; without it the rows stay, but their replies cannot be looked at"
        if not folder.is_dir():
            self._find("is not there, though rows name its replies", folder, todo)
            return
        try:
            with Journal(folder) as journal:
                self.outcome.checked["journal_entries"] = sum(1 for _ in journal.entries())
                if journal.unreadable:
                    what = f"has {journal.unreadable} damaged lines"
                    self._find(what, folder, "nothing: what they held is asked again when it is needed")
                for name, requests in self.requests.items():
                    if missing := _missing(journal, requests):
                        self._find(f"lacks the replies of {missing} rows of {name}.lance", folder, todo)
        except UserError as error:
            if isinstance(error.__cause__, BlockingIOError):
                raise
            what, _, advice = str(error).removeprefix(f"{folder}: ").partition("; ")
            self._find(what, folder, advice or todo)


def _shown(keys: Keys, letter: Kind) -> list[str]:
    """The beginnings of some ids, which ``show`` finds them by."""
    return [f"{letter}{key:016x}…" for key in keys[:5].tolist()]


def _ids_where(ids: pa.Array, chosen: NDArray[np.bool_]) -> list[str]:
    found: list[str] = ids.filter(pa.array(chosen)).to_pylist() if chosen.any() else []
    return found


def _request_keys(rows: pa.RecordBatch, malformed: Cases) -> bytes:
    """The keys of the rows' requests, 16 bytes each; imported rows have none."""
    asked = [request for request in rows["request"].to_pylist() if request]
    try:
        keys = unhexlify("".join(asked))
        if len(keys) == 16 * len(asked):
            return keys
    except ValueError:
        pass
    malformed.add(rows["id"].to_pylist())
    return b""


def _missing(journal: Journal, requests: Sequence[bytes]) -> int:
    """How many of the requests have no reply in the journal."""
    keys, missing = b"".join(requests), 0
    for start in range(0, len(keys), 16 * _REQUESTS):
        missing += int(np.count_nonzero(~journal.has_replies(keys[start : start + 16 * _REQUESTS])))
    return missing

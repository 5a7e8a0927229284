"""``verify-manifest``, and what a data set's manifest says: from what it was made, and how."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from personahub import __version__
from personahub.errors import UserError
from personahub.hub import Hub
from personahub.hub.tables import gathered
from personahub.models.terms import strictest, terms_of
from personahub.release.manifest import MANIFEST, faults_of, manifest_beside, read_manifest, write_manifest
from personahub.release.signing import Signature, check_signature, sign

__all__ = ["ManifestCheck", "add_manifest", "statement_of", "verify_manifest"]

_MOST_SOURCES = 1000
_FROM_RECORDS = (
    "source",
    "licence",
    "document_id",
    "persona_id",
    "model",
    "template",
    "task",
    "method",
    "run",
)
_PERSONAS = 10_000
"""Personas that are looked up at a time."""


@dataclass(frozen=True)
class ManifestCheck:
    """What a check of a manifest came to.

    Attributes:
        manifest: its file.
        dataset: the data set that it is of.
        files: how many files it is of.
        bytes: of all of them.
        signature: who signed it; None where nobody did.
        faults: what is wrong, one line each; empty where all is as it was.
    """

    manifest: str
    dataset: str
    files: int
    bytes: int
    signature: Signature | None
    faults: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """What ``verify-manifest --json`` prints."""
        signed = self.signature._asdict() if self.signature else None
        return {"whole": not self.faults, **asdict(self), "signature": signed}


def verify_manifest(
    path: Path | str, *, signer: Path | str | None = None, unsigned: bool = False
) -> ManifestCheck:
    """See that all files of a data set are, byte for byte, as they were when its manifest was signed.

    Args:
        path: the data set's folder or file, or the manifest itself.
        signer: the public key that has to have signed it; None for any.
        unsigned: take a manifest that nobody signed.

    Raises:
        UserError: there is no manifest, it is not signed, was changed, or was signed by another key.
    """
    manifest_path = _manifest_of(Path(path))
    manifest = read_manifest(manifest_path)
    is_signed = manifest_path.with_name(f"{manifest_path.name}.sig").exists()
    signature = None
    if is_signed or signer is not None or not unsigned:
        signature = check_signature(manifest_path, None if signer is None else Path(signer))
    faults = list(faults_of(manifest_path, manifest))
    files = manifest["files"]
    size = sum(each.get("bytes", 0) for each in files)
    return ManifestCheck(
        str(manifest_path), str(manifest.get("dataset", "")), len(files), size, signature, faults
    )


def _manifest_of(path: Path) -> Path:
    if path.is_dir():
        return path / MANIFEST
    if not path.exists():
        raise UserError(f"{path}: no such folder or file")
    return path if path.name.endswith(MANIFEST) else manifest_beside(path)


def add_manifest(path: Path, statement: Mapping[str, Any], key: Path | None) -> None:
    """Write the manifest of an exported data set, and sign it.

    Args:
        path: where, as :func:`personahub.release.manifest.write_manifest` has it.
        statement: what is said of it, see :func:`statement_of`.
        key: the private key that signs; None for no signature.

    Raises:
        UserError: the key cannot be used.
    """
    # One of an earlier export would be a signature of something else.
    path.with_name(f"{path.name}.sig").unlink(missing_ok=True)
    write_manifest(path, statement)
    if key is not None:
        try:
            sign(path, key)
        except UserError:
            path.unlink()
            raise


def statement_of(hub: Hub, dataset: str, counts: Mapping[str, int]) -> dict[str, Any]:
    """What was made from what, by which models and prompts: the same for the same hub.

    Args:
        hub: the hub that a data set is from.
        dataset: its name.
        counts: what the export came to.
    """
    from personahub.workflows.datasets import where_data_set
    from personahub.workflows.verdicts import sum_up

    found: dict[str, Counter[Any]] = {name: Counter() for name in _FROM_RECORDS}
    for table in gathered(hub.records.read(_FROM_RECORDS, where_data_set(hub, dataset))):
        for name in _FROM_RECORDS:
            for each in table[name].combine_chunks().value_counts().to_pylist():
                found[name][each["values"]] += each["counts"]
    personas = [id_ for id_ in found["persona_id"] if id_]
    inferred: Counter[tuple[str, str]] = Counter()
    for start in range(0, len(personas), _PERSONAS):
        rows = hub.personas.get(personas[start : start + _PERSONAS], ["id", "model", "template"])
        inferred.update((row["model"], row["template"]) for row in rows.values())
    checks, _ = sum_up(hub, dataset)
    models = sorted({*found["model"], *(model for model, _ in inferred)} - {""})
    terms = [terms_of(model) for model in models]
    strict = strictest(terms)
    numbers = sorted(found["run"])
    runs = [run for run in hub.runs() if run.number in found["run"]]
    sources = found["source"].most_common()
    return {
        "dataset": dataset,
        "statement": "Made by language models; no text in it was written by a person for it.",
        "made_by": {"software": "personahub", "version": __version__},
        "hub": hub.id,
        "counts": dict(counts),
        "sources": dict(sources[:_MOST_SOURCES]),
        "more_sources": max(0, len(sources) - _MOST_SOURCES),
        "documents": sum(1 for id_ in found["document_id"] if id_),
        "licences": dict(found["licence"].most_common()),
        "personas": {
            "count": len(personas),
            "models": _counted(model for model, _ in inferred.elements()),
            "prompts": _counted(template for _, template in inferred.elements()),
        },
        "records": {
            "models": dict(found["model"].most_common()),
            "prompts": dict(found["template"].most_common()),
            "tasks": dict(found["task"].most_common()),
            "methods": dict(found["method"].most_common()),
        },
        "terms": {
            "outputs": strict.outputs if strict else "free",
            "models": [each.to_json() for each in terms],
        },
        "checks": {name: sums.to_json() for name, sums in checks.items()},
        "runs": [
            {"number": run.number, "verb": run.verb, "fingerprint": run.fingerprint, "started": run.started}
            for run in runs
        ]
        or [{"number": number} for number in numbers],
    }


def _counted(values: Any) -> dict[str, int]:
    return dict(Counter(values).most_common())

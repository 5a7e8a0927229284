"""Manifests: what a data set was made from, signed, and no byte of it can change unseen."""

import json
import random
import subprocess
from pathlib import Path

import pytest

from commands import Run, one_line_error
from personahub import UserError, export_dataset, verify_manifest
from personahub.corpus import find_sources
from personahub.corpus.rows import read_rows
from personahub.corpus.texts import Unread
from personahub.release.manifest import write_manifest
from personahub.release.signing import sign


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key without a passphrase; its public one lies beside it."""
    path = tmp_path_factory.mktemp("keys") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path


@pytest.fixture
def signed(made: Path, key: Path, tmp_path: Path) -> Path:
    """A data set's file with its signed manifest beside it."""
    export_dataset(made, "math", tmp_path / "math.jsonl", sign=key)
    return tmp_path / "math.jsonl"


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1 << place % 8
    file.write_bytes(content)


def test_a_signed_data_set_is_whole_and_tells_who_signed_it(signed: Path, key: Path, run: Run) -> None:
    public = key.with_suffix(".pub")
    told = subprocess.run(["ssh-keygen", "-lf", public], check=True, capture_output=True, text=True).stdout
    said = run("verify-manifest", signed, "--signer", public)
    assert said.code == 0
    assert told.split()[1] in said.out
    assert json.loads(run("verify-manifest", signed, "--json").out)["whole"] is True


def test_openssh_alone_can_check_the_signature(signed: Path) -> None:
    manifest = signed.with_name("math.jsonl.manifest.json")
    command = ["ssh-keygen", "-Y", "check-novalidate", "-n", "personahub", "-s", f"{manifest}.sig"]
    subprocess.run(command, check=True, input=manifest.read_bytes(), capture_output=True)


def test_one_flipped_bit_of_the_data_is_found_wherever_it_is(signed: Path, run: Run) -> None:
    whole = signed.read_bytes()
    for place in random.Random(1).sample(range(len(whole)), 20):
        flip(signed, place)
        (fault,) = verify_manifest(signed).faults
        assert "math.jsonl: was changed" in fault
        signed.write_bytes(whole)
    flip(signed, 5)
    said = run("verify-manifest", signed)
    assert (said.code, "math.jsonl: was changed" in said.out) == (1, True)


def test_one_flipped_bit_of_the_manifest_is_found_wherever_it_is(signed: Path) -> None:
    manifest = signed.with_name("math.jsonl.manifest.json")
    whole = manifest.read_bytes()
    for place in random.Random(2).sample(range(len(whole)), 20):
        flip(manifest, place)
        with pytest.raises(UserError, match=r"was changed since it was signed|is no manifest|another format"):
            verify_manifest(manifest)
        manifest.write_bytes(whole)


def test_a_manifest_says_what_was_made_from_what(signed: Path, made: Path) -> None:
    manifest = json.loads(signed.with_name("math.jsonl.manifest.json").read_text())
    rows = [json.loads(line) for line in signed.read_text().splitlines()]
    assert manifest["synthetic"] is True
    assert manifest["counts"] == {"records": len(rows), "left_out": 0}
    assert manifest["records"]["models"] == {rows[0]["model"]: len(rows)}
    assert set(manifest["records"]["prompts"]) == {row["template"] for row in rows}
    assert set(manifest["sources"]) == {row["source"] for row in rows}
    assert sum(manifest["personas"]["prompts"].values()) == manifest["personas"]["count"]
    assert [run["verb"] for run in manifest["runs"]] == ["synthesize"]


@pytest.mark.parametrize("name", ["m.jsonl", "m.parquet"])
def test_every_exported_record_says_that_it_is_synthetic(made: Path, tmp_path: Path, name: str) -> None:
    export_dataset(made, "math", tmp_path / name)
    (source,) = find_sources([str(tmp_path / name)])
    assert [row[1]["synthetic"] for row in read_rows(source) if not isinstance(row, Unread)] == [True, True]


def test_the_same_hub_gives_the_same_manifest(made: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        export_dataset(made, "math", tmp_path / name / "m.jsonl", manifest=True)
    one, other = ((tmp_path / name / "m.jsonl.manifest.json").read_bytes() for name in "ab")
    assert one == other


def test_a_folder_may_neither_lack_nor_gain_a_file(key: Path, tmp_path: Path) -> None:
    (tmp_path / "set" / "data").mkdir(parents=True)
    for name in ("data/a", "data/b"):
        (tmp_path / "set" / name).write_text(name)
    write_manifest(tmp_path / "set" / "manifest.json", {"dataset": "set"})
    sign(tmp_path / "set" / "manifest.json", key)
    assert verify_manifest(tmp_path / "set").faults == []
    (tmp_path / "set" / "data" / "b").rename(tmp_path / "set" / "c")
    assert verify_manifest(tmp_path / "set").faults == ["data/b: is not there", "c: is not in the manifest"]


def test_a_manifest_reaches_no_file_outside_of_its_data_set(key: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    manifest = tmp_path / "set" / "manifest.json"
    files = [{"path": path, "bytes": 1, "sha256": "0"} for path in ("../secret", "/etc/passwd")]
    manifest.write_text(json.dumps({"format": 1, "files": files}))
    faults = verify_manifest(manifest, unsigned=True).faults
    assert faults == ["../secret: lies outside of the data set", "/etc/passwd: lies outside of the data set"]


def test_what_is_not_signed_is_taken_only_where_that_is_asked_for(
    made: Path, tmp_path: Path, run: Run
) -> None:
    run("export", "math", "--hub", made, "--out", tmp_path / "m.jsonl", "--manifest")
    assert "is not signed" in one_line_error(run("verify-manifest", tmp_path / "m.jsonl"))
    said = run("verify-manifest", tmp_path / "m.jsonl", "--unsigned")
    assert (said.code, "not signed" in said.out) == (0, True)


def test_an_unsigned_export_leaves_no_signature_of_an_earlier_one(signed: Path, made: Path) -> None:
    export_dataset(made, "math", signed, manifest=True)
    assert verify_manifest(signed, unsigned=True).signature is None


def test_another_signer_is_refused(signed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    with pytest.raises(UserError, match=r"was signed by SHA256:.* and not by"):
        verify_manifest(signed, signer=other.with_suffix(".pub"))


@pytest.mark.parametrize(
    ("mode", "told"),
    [(0o644, "others may read this key .mode 644.; chmod 600"), (None, "no such key; ssh-keygen -t ed25519")],
)
def test_a_key_that_cannot_be_used_is_told_before_anything_is_written(
    made: Path, key: Path, tmp_path: Path, mode: int | None, told: str
) -> None:
    open_key = tmp_path / "open"
    if mode:
        open_key.write_bytes(key.read_bytes())
        open_key.chmod(mode)
    with pytest.raises(UserError, match=told):
        export_dataset(made, "math", tmp_path / "m.jsonl", sign=open_key)
    assert not list(tmp_path.glob("m.jsonl*"))


def test_no_key_at_all_is_one_line(made: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "text").write_text("no key")
    (tmp_path / "text").chmod(0o600)
    out = tmp_path / "m.jsonl"
    error = one_line_error(run("export", "math", "--hub", made, "--out", out, "--sign", tmp_path / "text"))
    assert "cannot sign" in error
    assert not out.with_name("m.jsonl.manifest.json").exists()
    assert "there is no manifest" in one_line_error(run("verify-manifest", out))

"""New texts compared through an index of words: what reading all texts finds, whatever befalls the index."""

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hubs import add_personas, hub_of
from personahub import deduplicate
from personahub.dedup import SurfaceDuplicates, newrows, surface_duplicates, wordfiles
from personahub.dedup.index import compare_through_index
from personahub.dedup.wordfiles import WordFiles
from personahub.errors import UserError
from personahub.kernels.texts import HeldTexts
from personahub.workflows import comparing
from test_surface import every_pair, listed, some_texts

THRESHOLDS = [0.75, 0.8, 0.85, 0.9, 0.95, 1.0]
FILES = ("sizes", "parts", "words", "equal", "vocabulary", "note.json")


def random_texts(seed: int, count: int, words: int = 60) -> list[str]:
    """Of all sizes; most of them repeat an earlier one but for some words."""
    draw = np.random.default_rng(seed)
    texts: list[str] = []
    for _ in range(count):
        if texts and draw.random() < 0.6:
            own = texts[draw.integers(len(texts))].split()
            own = [word for word in own if draw.random() > 0.04]
            own += [f"n{draw.integers(40)}"] if draw.random() < 0.6 else []
        else:
            own = [f"w{int(draw.pareto(0.7)) % 3000}" for _ in range(draw.integers(0, words))]
        texts.append(" ".join(own))
    return texts


def assert_same(found: SurfaceDuplicates, texts: Sequence[str], threshold: float, since: int) -> None:
    """It is what reading all texts finds."""
    whole = surface_duplicates(texts, threshold, since=since)
    assert found.groups.tolist() == whole.groups.tolist()
    assert [column.tolist() for column in found.links] == [column.tolist() for column in whole.links]


@settings(max_examples=50, deadline=None)
@given(some_texts, st.sampled_from(THRESHOLDS), st.data())
def test_texts_that_come_in_parts_have_the_pairs_of_comparing_all_with_all(
    texts: list[str], threshold: float, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(texts)), max_size=3)))
    pairs = []
    with TemporaryDirectory() as folder:
        for since, end in zip([0, *cuts], [*cuts, len(texts)], strict=True):
            found = surface_duplicates(texts[:end], threshold, since=since, index=Path(folder, "index"))
            pairs += listed(found.pairs)
            assert (
                found.kept().tolist()
                == surface_duplicates(texts[:end], threshold, since=since).kept().tolist()
            )
    assert sorted(pairs) == every_pair(texts, threshold)


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_pairs_of_all_sizes_are_those_of_reading_all(threshold: float, tmp_path: Path) -> None:
    texts = random_texts(7, 1500)
    for since, end in ((0, 500), (500, 900), (900, 901), (901, 1500)):
        found = surface_duplicates(texts[:end], threshold, since=since, index=tmp_path / "index")
        assert_same(found, texts[:end], threshold, since)


@pytest.mark.parametrize("crowd", [0, 2])
@pytest.mark.parametrize("threshold", [0.75, 0.8, 0.9])
def test_keys_that_are_crowded_lose_no_pair(
    threshold: float, crowd: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newrows, "_CROWD", crowd)
    draw = np.random.default_rng(3)
    texts = random_texts(2, 300, words=25) + [
        " ".join(f"w{n}" for n in range(24) if n not in draw.choice(24, draw.integers(4), replace=False))
        for _ in range(300)
    ]
    draw.shuffle(texts)
    surface_duplicates(texts[:400], threshold, index=tmp_path / "index")
    found = surface_duplicates(texts, threshold, since=400, index=tmp_path / "index")
    assert_same(found, texts, threshold, 400)


@pytest.mark.parametrize("threshold", [0.8, 0.9, 0.997])
def test_texts_of_thousands_of_words_are_compared(threshold: float, tmp_path: Path) -> None:
    words = [f"w{n}" for n in range(10_000)]
    old = [" ".join(words), " ".join(words[:9000]), "w1", "", " ".join(words[:400])]
    new = [" ".join(words[:9990]), " ".join(words[:8999]), "w1", " ", " ".join(words[1:401])]
    surface_duplicates(old, threshold, index=tmp_path / "index")
    found = surface_duplicates(old + new, threshold, since=5, index=tmp_path / "index")
    assert_same(found, old + new, threshold, 5)
    assert len(found.links.a)


def test_words_beyond_the_first_thousands_take_two_units(tmp_path: Path) -> None:
    many = [" ".join(f"word{n}x{row}" for n in range(500)) for row in range(100)]
    texts = [*many, many[99] + " more", "word499x99 word498x99 a b", "a b word498x99 word499x99"]
    surface_duplicates(texts[:100], 0.9, index=tmp_path / "index")
    found = surface_duplicates(texts, 0.9, since=100, index=tmp_path / "index")
    assert [pair[:2] for pair in listed(found.pairs)] == [(99, 100), (101, 102)]


def test_a_thousand_texts_of_the_same_words_are_one_group(tmp_path: Path) -> None:
    texts = ["A nurse who bakes."] * 1000
    surface_duplicates(texts[:500], 0.8, index=tmp_path / "index")
    found = surface_duplicates(texts, 0.8, since=500, index=tmp_path / "index")
    assert not found.groups.any()
    assert not len(found.links.a)


def test_more_links_than_the_limit_are_not_held(tmp_path: Path) -> None:
    texts = [f"one two three four five six seven eight nine {n}" for n in range(300)]
    surface_duplicates(texts[:10], 0.8, max_pairs=1000, index=tmp_path / "index")
    found = surface_duplicates(texts, 0.8, since=10, max_pairs=1000, index=tmp_path / "index")
    with pytest.raises(UserError, match="More than 1,000 pairs"):
        _ = found.links


def test_little_memory_takes_new_texts_some_at_a_time(tmp_path: Path) -> None:
    texts = random_texts(5, 800)
    found = surface_duplicates(texts, 0.8, since=300, memory=20_000, index=tmp_path / "index")
    assert_same(found, texts, 0.8, 300)


class ReadTexts(HeldTexts):
    """Texts that are noted as read."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__(texts)
        self.rows: set[int] = set()

    def take(self, rows: NDArray[np.int64]) -> pa.Array:
        self.rows |= set(rows.tolist())
        return super().take(rows)


def test_of_old_texts_only_a_sample_is_read(tmp_path: Path) -> None:
    texts = random_texts(1, 6000, words=12)
    given = {"since": 5900, "limit": 10**6, "memory": 10**8}
    compare_through_index(HeldTexts(texts[:5900]), Fraction("0.8"), tmp_path, **given)
    read = ReadTexts(texts)
    compare_through_index(read, Fraction("0.8"), tmp_path, **given)
    assert set(range(5900, 6000)) <= read.rows
    assert len(read.rows) <= 1100


def test_an_index_serves_any_threshold_from_its_lowest_up_and_is_not_written_again(tmp_path: Path) -> None:
    texts = random_texts(4, 900)
    surface_duplicates(texts, 0.9, since=800, index=tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    for threshold in (0.75, 0.8, 0.99):
        assert_same(surface_duplicates(texts, threshold, since=700, index=tmp_path), texts, threshold, 700)
    assert before == {name: (tmp_path / name).read_bytes() for name in FILES}
    surface_duplicates(texts, 0.6, since=700, index=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_small_commits_leave_the_files_of_one_large_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wordfiles, "_BLOCK", 64)
    texts = random_texts(8, 500)
    for end in (1, 60, 64, 65, 200, 333, 500):
        surface_duplicates(texts[:end], 0.8, since=end, index=tmp_path / "parts")
    surface_duplicates(texts, 0.8, since=500, index=tmp_path / "whole")
    assert len(WordFiles(tmp_path / "parts").blocks) == 8
    for name in FILES:
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def indexed(folder: Path, texts: list[str], since: int = 900) -> None:
    """Compare the first texts, so that the folder knows them."""
    surface_duplicates(texts[:since], 0.8, since=since, index=folder)


@pytest.mark.parametrize("name", FILES)
def test_an_index_without_one_of_its_files_is_made_anew(name: str, tmp_path: Path) -> None:
    texts = random_texts(6, 1000)
    indexed(tmp_path, texts)
    (tmp_path / name).unlink()
    assert_same(surface_duplicates(texts, 0.8, since=900, index=tmp_path), texts, 0.8, 900)
    assert len(WordFiles(tmp_path)) == 1000


@pytest.mark.parametrize("name", FILES[:-1])
@pytest.mark.parametrize("place", [0, 0.3, 0.9])
def test_a_changed_byte_is_found_and_the_index_made_anew(name: str, place: float, tmp_path: Path) -> None:
    texts = random_texts(6, 1000)
    indexed(tmp_path, texts)
    data = bytearray((tmp_path / name).read_bytes())
    data[int(place * len(data))] ^= 0x40
    (tmp_path / name).write_bytes(data)
    assert_same(surface_duplicates(texts, 0.8, since=900, index=tmp_path), texts, 0.8, 900)


@pytest.mark.parametrize(
    "note",
    ["", "{", "[]", '{"format": 0, "blocks": []}', '{"format": 1, "blocks": [[5, 6]]}',
     '{"format": 1, "blocks": [["a", 6, 7]]}', '{"format": 1, "blocks": [[5, 6, 7]], "equal": -3}'],
)  # fmt: skip
def test_a_note_that_is_none_counts_as_no_index(note: str, tmp_path: Path) -> None:
    texts = random_texts(6, 1000)
    indexed(tmp_path, texts)
    (tmp_path / "note.json").write_text(note)
    assert_same(surface_duplicates(texts, 0.8, since=900, index=tmp_path), texts, 0.8, 900)


@pytest.mark.parametrize(
    "change",
    [lambda texts: texts[1:], lambda texts: texts[::-1], lambda texts: ["other", *texts], lambda texts: []],
)
def test_an_index_of_other_texts_is_made_anew(change: object, tmp_path: Path) -> None:
    texts = random_texts(6, 1000)
    indexed(tmp_path, texts)
    others = change(texts)  # type: ignore[operator]
    since = len(others) // 2
    assert_same(surface_duplicates(others, 0.8, since=since, index=tmp_path), others, 0.8, since)


def test_a_folder_with_other_files_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    surface_duplicates(["a nurse", "a miller"], index=tmp_path)
    surface_duplicates(["a miller"], index=tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_full_disk_is_told_and_the_index_is_as_it_was(tmp_path: Path) -> None:
    texts = random_texts(6, 1000)
    indexed(tmp_path, texts)
    note = (tmp_path / "note.json").read_text()
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, old[1]))
    try:
        with pytest.raises(
            UserError, match=r"index of words cannot be written \(File too large\).*free some"
        ):
            surface_duplicates(texts, 0.8, since=900, index=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    assert (tmp_path / "note.json").read_text() == note
    assert_same(surface_duplicates(texts, 0.8, since=900, index=tmp_path), texts, 0.8, 900)


_APPENDING = """
import sys
from pathlib import Path
from personahub.dedup import index, surface_duplicates
index._COMMITTED = 50
print("begun", flush=True)
texts = [f"w{n % 97} w{n % 89} w{n % 7} w{n % 5} w{n}" for n in range(200_000)]
surface_duplicates(texts, 0.8, since=len(texts), index=Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_killed_process_leaves_the_last_whole_state(tmp_path: Path) -> None:
    texts = [f"w{n % 97} w{n % 89} w{n % 7} w{n % 5} w{n}" for n in range(200_000)]
    draw = np.random.default_rng(0)
    rows = 0
    for _ in range(6):
        process = subprocess.Popen([sys.executable, "-c", _APPENDING, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        # Once something was committed.
        while len(WordFiles(tmp_path)) <= rows:
            time.sleep(0.05)
        time.sleep(draw.random() / 2)
        process.kill()
        process.communicate()
        files = WordFiles(tmp_path)
        for block in range(len(files.blocks)):
            files.check(block)
        assert len(files) > rows
        rows = len(files)
    known = texts[: rows + 500]
    assert_same(surface_duplicates(known, 0.8, since=rows, index=tmp_path), known, 0.8, rows)


def test_a_hub_that_grew_is_compared_through_its_index_which_may_be_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = random_texts(9, 400)
    hub, _ = hub_of(tmp_path / "hub", texts[:300])
    monkeypatch.setattr(comparing, "_INDEXED", 100)
    deduplicate(hub.path, semantic=None)
    assert not (hub.path / "words").exists()
    kept = []
    for part in (texts[300:350], texts[350:380], texts[380:]):
        add_personas(hub, part)
        kept.append(deduplicate(hub.path, semantic=None).kept)
        assert json.loads((hub.path / "words" / "note.json").read_text())["format"] == 1
        for file in (hub.path / "words").iterdir() if len(kept) == 2 else ():
            file.unlink()
    other, _ = hub_of(tmp_path / "other", texts)
    monkeypatch.setattr(comparing, "_INDEXED", 10**9)
    assert deduplicate(other.path, semantic=None).kept == kept[-1]
    assert deduplicate(other.path, surface=0.8, semantic=None).kept == (
        deduplicate(hub.path, surface=0.8, semantic=None).kept
    )

"""The journal: what it holds survives torn files, full disks, sealing and kill -9."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personahub.completion.journal import Entry, EntryKind, Journal, Spent
from personahub.completion.journal.purging import emptied
from personahub.errors import UserError

SOURCE = Path(__file__).parents[1] / "src"
REPLY, WASTED, FAILURE = EntryKind.REPLY, EntryKind.WASTED, EntryKind.FAILURE
TINY = 600
"""Bytes at which a live file of a few entries is sealed."""


def key(number: int) -> str:
    return f"{number:032x}"


def entry(number: int, text: str = "a reply", kind: EntryKind = REPLY, run: int = 1) -> Entry:
    return Entry(
        key(number), kind, run, "model", text, "stop", prompt_tokens=10, completion_tokens=3, cost=0.5
    )


def failure(number: int, reason: str = "rate_limited", run: int = 1) -> Entry:
    return Entry(key(number), FAILURE, run, "model", reason=reason, attempts=5)


def filled(folder: Path, count: int) -> Path:
    with Journal(folder) as journal:
        for number in range(count):
            journal.append(entry(number, f"reply {number}"))
    return folder


def sealed(folder: Path, entries: Iterable[Entry]) -> Path:
    """A journal with these entries in one part, and nothing else."""
    with Journal(folder) as journal:
        for one in entries:
            journal.append(one)
    (folder / "live.jsonl").rename(folder / "sealing-000001.jsonl")
    Journal(folder).close()
    assert names(folder) == {"lock", "live.jsonl", "part-000001.parquet"}
    return folder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def in_another_process(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


# What goes in comes out


def test_what_was_appended_is_there_at_once(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.append(entry(1, "one"))
        assert journal.get(key(1)) == entry(1, "one")
        assert journal.get(key(2)) is None


def test_what_was_appended_is_there_after_reopening(tmp_path: Path) -> None:
    with Journal(filled(tmp_path / "new" / "folders" / "j", 3)) as journal:
        assert len(journal) == 3
        asked = [key(2), key(0), key(9), key(2)]
        assert journal.get_many(asked) == [
            entry(2, "reply 2"),
            entry(0, "reply 0"),
            None,
            entry(2, "reply 2"),
        ]
        assert journal.get_many([]) == []


def test_each_line_is_flat_json_without_what_is_at_its_default(tmp_path: Path) -> None:
    filled(tmp_path / "j", 1)
    assert json.loads((tmp_path / "j" / "live.jsonl").read_text()) == {
        "key": key(0),
        "kind": "reply",
        "run": 1,
        "model": "model",
        "text": "reply 0",
        "finish_reason": "stop",
        "prompt_tokens": 10,
        "completion_tokens": 3,
        "cost": 0.5,
    }


def test_a_part_is_plain_parquet_with_the_same_fields(tmp_path: Path) -> None:
    part = pq.read_table(sealed(tmp_path / "j", [entry(7)]) / "part-000001.parquet")
    (row,) = part.to_pylist()
    assert row["key"] == bytes.fromhex(key(7))
    assert (row["kind"], row["text"], row["cached_tokens"], row["cost"]) == ("reply", "a reply", None, 0.5)


@pytest.mark.parametrize("bad", ["", "7", "g" * 32, " " * 32, "0" * 31, "0" * 33, "é" * 32])
def test_a_key_that_is_not_32_hexadecimal_digits_is_refused(tmp_path: Path, bad: str) -> None:
    with Journal(tmp_path / "j") as journal:
        with pytest.raises(ValueError):  # noqa: PT011
            journal.append(entry(0)._replace(key=bad))
        with pytest.raises(ValueError):  # noqa: PT011
            journal.get(bad)
        assert list(journal.entries()) == []


def test_a_number_that_no_reader_of_json_keeps_whole_is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        with pytest.raises(ValueError, match="prompt_tokens"):
            journal.append(entry(0)._replace(prompt_tokens=2**53))
        assert len(journal) == 0


# Which entry of a key counts


@pytest.mark.parametrize("first_in", ["line", "part"])
@pytest.mark.parametrize("second_in", ["line", "part"])
def test_the_last_reply_counts_or_else_the_last_failure(
    tmp_path: Path, first_in: str, second_in: str
) -> None:
    cases = [  # first, second, what counts
        (entry(0, "old"), entry(0, "new"), entry(0, "new")),
        (entry(1, "old"), failure(1), entry(1, "old")),
        (failure(2), entry(2, "new"), entry(2, "new")),
        (failure(3, "old"), failure(3, "new"), failure(3, "new")),
        (failure(4), entry(4, kind=WASTED), failure(4)),
        (entry(5, kind=WASTED), entry(5, kind=WASTED), None),
        (entry(6), entry(6, kind=WASTED), entry(6)),
    ]
    folder = tmp_path / "j"
    with Journal(folder) as journal:
        for first, _, _ in cases:
            journal.append(first)
    if first_in == "part":
        (folder / "live.jsonl").rename(folder / "sealing-000001.jsonl")
    with Journal(folder) as journal:
        for _, second, _ in cases:
            journal.append(second)
    if second_in == "part":
        (folder / "live.jsonl").rename(folder / "sealing-000002.jsonl")
        Journal(folder).close()
    with Journal(folder) as journal:
        assert journal.get_many([key(number) for number in range(7)]) == [counts for _, _, counts in cases]
        assert len(journal) == 4


def same_prefix(number: int) -> str:
    """Different keys that the index cannot tell apart: the second half undoes the first."""
    mixed = number * 0x9E3779B97F4A7C15 % 2**64
    return (mixed.to_bytes(8, "little") + number.to_bytes(8, "little")).hex()


@pytest.mark.parametrize("count", [5, 5000])
def test_keys_that_share_the_64_bits_of_the_index_are_told_apart(tmp_path: Path, count: int) -> None:
    entries = [Entry(same_prefix(number), REPLY, 1, "model", str(number)) for number in range(5)]
    entries += [entry(number) for number in range(5, count)]
    entries.append(Entry(same_prefix(3), FAILURE, 1, "model"))
    entries.append(Entry(same_prefix(5), FAILURE, 1, "model"))
    for folder in (tmp_path / "lines", sealed(tmp_path / "part", entries)):
        with Journal(folder) as journal:
            if folder.name == "lines":
                for one in entries:
                    journal.append(one)
            found = journal.get_many([same_prefix(number) for number in range(7)])
            assert found == [*entries[:5], entries[-1], None]


def test_thousands_of_lines_are_found_before_they_are_sealed(tmp_path: Path) -> None:
    order = list(range(9_000))
    random.Random(0).shuffle(order)
    with Journal(tmp_path / "j") as journal:
        for number in order:
            journal.append(failure(number))
        for number in order[::2]:
            journal.append(entry(number, str(number)))
            journal.append(failure(number, "late"))
    with Journal(tmp_path / "j") as journal:
        assert len(journal) == 4_500
        found = journal.get_many([key(number) for number in order])
        assert found[::2] == [entry(number, str(number)) for number in order[::2]]
        assert found[1::2] == [failure(number) for number in order[1::2]]
        assert journal.get(key(9_000)) is None


# Against a model


ANY_TEXT = st.text(st.characters(), max_size=60)
"""Every code point, lone surrogates too, which a model's escapes can make."""
MAYBE = st.none() | st.integers(0, 10**9)
EXACT = st.integers(0, 2**20).map(lambda number: number / 1024)
"""Numbers whose sums are exact in any order."""

ENTRIES = st.builds(
    Entry,
    key=st.integers(0, 6).map(key),
    kind=st.sampled_from(EntryKind),
    run=st.integers(1, 2),
    model=st.sampled_from(["a", "b", "half a character \ud83d"]),
    text=ANY_TEXT,
    finish_reason=st.sampled_from(["", "stop", "length"]),
    reason=st.sampled_from(["", "rate_limited", "\udc00"]),
    detail=ANY_TEXT,
    about=ANY_TEXT,
    attempts=st.integers(1, 9),
    prompt_tokens=MAYBE,
    cached_tokens=MAYBE,
    completion_tokens=MAYBE,
    cost=st.none() | EXACT,
    seconds=EXACT,
    most_tokens=st.integers(0, 10**9),
    most_cost=EXACT,
)


def as_characters(one: Entry | None) -> Entry | None:
    """A high and a low surrogate in a row are one character, written in two ways."""
    if one is None:
        return None
    texts = ("text", "detail", "about")
    pairs = {name: getattr(one, name).encode("utf-16", "surrogatepass") for name in texts}
    return one._replace(**{name: pair.decode("utf-16", "surrogatepass") for name, pair in pairs.items()})


def counted(entries: list[Entry], number: int) -> Entry | None:
    own = [one for one in entries if one.key == key(number) and one.kind in {REPLY, FAILURE}]
    replies = [one for one in own if one.kind is REPLY]
    return (replies or own or [None])[-1]


def sums(entries: list[Entry]) -> dict[tuple[int, str], Spent]:
    total: dict[tuple[int, str], Spent] = {}
    for one in entries:
        total.setdefault((one.run, one.model), Spent()).add(one)
    return total


def check_found(journal: Journal, entries: list[Entry]) -> None:
    numbers = range(8)
    expected = [counted(entries, number) for number in numbers]
    assert list(map(as_characters, journal.get_many([key(number) for number in numbers]))) == expected
    assert [as_characters(journal.get(key(number))) for number in numbers] == expected
    assert len(journal) == sum(one is not None and one.kind is REPLY for one in expected)
    assert list(map(as_characters, journal.entries())) == entries


def check(journal: Journal, entries: list[Entry]) -> None:
    check_found(journal, entries)
    assert journal.spent() == sums(entries)
    assert journal.spent(run=2) == sums([one for one in entries if one.run == 2])
    for kind in EntryKind:
        assert [as_characters(one) for one in journal.entries(kind=kind, run=1)] == [
            one for one in entries if one.kind is kind and one.run == 1
        ]
    assert (journal.unreadable, journal.cut_bytes) == (0, 0)


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.lists(ENTRIES.map(as_characters), min_size=1, max_size=6), max_size=6),
    st.sampled_from([1, 300, 1500, 10**6]),
)
def test_any_entries_come_back_as_they_were_through_any_reopening_and_sealing(
    sittings: list[list[Entry]], seal_bytes: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        written: list[Entry] = []
        for sitting in sittings:
            with Journal(Path(name), seal_bytes=seal_bytes) as journal:
                check(journal, written)
                for one in sitting:
                    journal.append(one)
                    written.append(one)
                check(journal, written)
        with Journal(Path(name)) as journal:
            check(journal, written)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(ENTRIES.map(as_characters), min_size=1, max_size=9),
    st.sets(st.integers(0, 6)),
    st.sampled_from([1, 300, 10**6]),
)
def test_a_purge_empties_entries_of_its_keys_and_changes_no_sum(
    written: list[Entry], purged: set[int], seal_bytes: int
) -> None:
    keys = {key(number) for number in purged}
    expected = [emptied(one) if one.key in keys else one for one in written]
    with tempfile.TemporaryDirectory() as name:
        with Journal(Path(name), seal_bytes=seal_bytes) as journal:
            for one in written:
                journal.append(one)
        with Journal(Path(name), seal_bytes=seal_bytes) as journal:
            assert journal.purge(keys) == sum(
                before != after for before, after in zip(written, expected, strict=True)
            )
            assert journal.spent() == sums(written)
            check_found(journal, expected)
        with Journal(Path(name)) as journal:
            assert journal.spent() == sums(written)
            check_found(journal, expected)


def test_sums_count_what_was_told_and_what_was_not() -> None:
    total = Spent()
    total.add(Entry(key(1), REPLY, 1, "m", prompt_tokens=5, cached_tokens=2, completion_tokens=3, cost=0.25))
    total.add(Entry(key(2), WASTED, 1, "m", prompt_tokens=5, seconds=1.5))
    total.add(failure(3))
    other = Spent()
    other.add(failure(4))
    other.add(failure(5, "refused"))
    total += other
    assert total == Spent(
        replies=1,
        wasted=1,
        failures=3,
        prompt_tokens=10,
        cached_tokens=2,
        completion_tokens=3,
        untold=1,
        cost=0.25,
        unpriced=1,
        seconds=1.5,
        failures_by_reason={"rate_limited": 2, "refused": 1},
    )


def test_the_sums_given_are_the_callers_own(tmp_path: Path) -> None:
    with Journal(sealed(tmp_path / "j", [entry(0), failure(1)])) as journal:
        journal.append(failure(2))
        taken = journal.spent()[1, "model"]
        taken.add(failure(3))
        assert journal.spent()[1, "model"].failures == 2
        assert journal.spent()[1, "model"].failures_by_reason == {"rate_limited": 2}


# Sealing


def test_a_live_file_that_is_large_becomes_a_part_while_lookups_go_on(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", seal_bytes=100_000) as journal:
        for number in range(5_000):
            journal.append(entry(number, f"reply {number}"))
            asked = random.Random(number).randrange(number + 1)
            assert journal.get(key(asked)) == entry(asked, f"reply {asked}")
        journal.sync()
    found = names(tmp_path / "j")
    assert {"part-000001.parquet", "part-000002.parquet"} <= found
    assert not any(name.startswith(("sealing", "draft")) for name in found)
    with Journal(tmp_path / "j") as journal:
        assert [one.text for one in journal.entries()] == [f"reply {number}" for number in range(5_000)]
        assert journal.spent() == {
            (1, "model"): Spent(replies=5_000, prompt_tokens=50_000, completion_tokens=15_000, cost=2_500.0)
        }


def test_several_threads_may_append_look_up_and_sync(tmp_path: Path) -> None:
    def use(first: int) -> None:
        for number in range(first, first + 500):
            journal.append(entry(number, str(number)))
            if journal.get(key(number)) != entry(number, str(number)):
                wrong.append(number)
            if number % 50 == 0:
                journal.sync()

    wrong: list[int] = []
    with Journal(tmp_path / "j", seal_bytes=30_000) as journal:
        threads = [threading.Thread(target=use, args=(first,)) for first in (0, 1_000, 2_000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert len(journal) == len(list(journal.entries())) == 1_500


def test_a_stream_of_entries_is_of_its_moment_and_outlives_the_sealing_of_its_file(tmp_path: Path) -> None:
    with Journal(filled(tmp_path / "j", 2_000), seal_bytes=1) as journal:
        stream = journal.entries()
        first = next(stream)
        journal.append(entry(2_000))
        eventually(lambda: names(tmp_path / "j") == {"lock", "live.jsonl", "part-000001.parquet"})
        assert [first, *stream] == [entry(number, f"reply {number}") for number in range(2_000)]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("draft", [b"", b"PAR1 half of a part"])
def test_a_crash_before_the_part_was_there_seals_again(tmp_path: Path, live: bool, draft: bytes) -> None:
    folder = filled(tmp_path / "j", 50)
    (folder / "live.jsonl").rename(folder / "sealing-000001.jsonl")
    (folder / "draft-000001.parquet").write_bytes(draft)
    if live:
        filled(folder / "other", 51)
        (folder / "live.jsonl").write_bytes(
            (folder / "other" / "live.jsonl").read_bytes().splitlines(keepends=True)[50]
        )
    with Journal(folder) as journal:
        assert len(journal) == 50 + live
        assert journal.get(key(49)) == entry(49, "reply 49")
    assert {"lock", "live.jsonl", "part-000001.parquet"} == names(folder) - {"other"}
    with Journal(folder) as journal:
        assert len(journal) == len(list(journal.entries())) == 50 + live


@pytest.mark.parametrize("damage", [None, 0, 100, -100, -1])
def test_a_crash_before_the_lines_were_deleted_leaves_each_entry_once(
    tmp_path: Path, damage: int | None
) -> None:
    """And where the part is not whole after all, it is made again from the lines."""
    folder = sealed(tmp_path / "j", [entry(number) for number in range(50)])
    lines = filled(tmp_path / "same", 50) / "live.jsonl"
    lines.rename(folder / "sealing-000001.jsonl")
    part = folder / "part-000001.parquet"
    if damage is not None:
        part.write_bytes(part.read_bytes()[:damage])
    with Journal(folder) as journal:
        assert len(list(journal.entries())) == len(journal) == 50
        assert journal.spent()[1, "model"].replies == 50
    assert names(folder) == {"lock", "live.jsonl", "part-000001.parquet"}


def test_parts_go_on_being_numbered_after_reopening(tmp_path: Path) -> None:
    for sitting in range(3):
        with Journal(tmp_path / "j", seal_bytes=1) as journal:
            journal.append(entry(sitting))
    assert {f"part-00000{number}.parquet" for number in (1, 2, 3)} <= names(tmp_path / "j")


def test_a_part_that_cannot_be_written_now_is_written_later_and_nothing_is_lost(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", seal_bytes=TINY) as journal:
        in_its_way = tmp_path / "j" / "draft-000001.parquet"
        in_its_way.mkdir()
        for number in range(20):
            journal.append(entry(number))
        journal.sync()
        assert "sealing-000001.jsonl" in names(tmp_path / "j")
        assert len(journal) == 20
        assert None not in journal.get_many([key(number) for number in range(20)])
        in_its_way.rmdir()
        for number in range(20, 40):
            journal.append(entry(number))
        eventually(lambda: "part-000001.parquet" in names(tmp_path / "j"))
    with Journal(tmp_path / "j") as journal:
        assert len(journal) == len(list(journal.entries())) == 40


# Damage


def test_a_tail_torn_at_any_byte_is_cut_off_and_the_rest_is_kept(tmp_path: Path) -> None:
    whole = (filled(tmp_path / "whole", 3) / "live.jsonl").read_bytes()
    kept = whole[: whole.rindex(b"\n", 0, -1) + 1]
    live = tmp_path / "torn" / "live.jsonl"
    live.parent.mkdir()
    for torn in range(1, len(whole) - len(kept)):
        live.write_bytes(whole[: len(kept) + torn])
        with Journal(live.parent) as journal:
            assert (journal.cut_bytes, len(journal), journal.unreadable) == (torn, 2, 0)
            assert journal.get(key(1)) == entry(1, "reply 1")
            assert journal.get(key(2)) is None
        assert live.read_bytes() == kept


def test_after_a_torn_tail_the_next_reply_stands_on_its_own_line(tmp_path: Path) -> None:
    live = filled(tmp_path / "j", 3) / "live.jsonl"
    live.write_bytes(live.read_bytes()[:-7])
    with Journal(tmp_path / "j") as journal:
        journal.append(entry(9))
    with Journal(tmp_path / "j") as journal:
        assert (journal.cut_bytes, journal.unreadable) == (0, 0)
        assert journal.get_many([key(n) for n in (1, 2, 9)]) == [entry(1, "reply 1"), None, entry(9)]


@pytest.mark.parametrize("sealing", [False, True])
@pytest.mark.parametrize(
    "garbage",
    [
        b"no json",
        b"",
        b"\r",
        b"[]",
        b"null",
        b"\0" * 60,
        b"\xff\xfe\xfd",
        b"{}",
        b'{"key": "no hexadecimal", "kind": "reply", "run": 1, "model": "m"}',
        b'{"key": 7, "kind": "reply", "run": 1, "model": "m"}',
        b'{"key": "%032x"}' % 7,
        b'{"key": "%032x", "kind": "other", "run": 1, "model": "m"}' % 7,
        b'{"key": "%032x", "kind": "reply", "run": "1", "model": "m"}' % 7,
        b'{"key": "%032x", "kind": "reply", "run": 1.5, "model": "m"}' % 7,
        b'{"key": "%032x", "kind": "reply", "run": true, "model": "m"}' % 7,
        b'{"key": "%032x", "kind": "reply", "run": 1e400, "model": "m"}' % 7,
        b'{"key": "%032x", "kind": "reply", "run": 99999999999999999999, "model": "m"}' % 7,
        b'{"key": "%032x", "kind": "reply", "run": 1, "model": "m", "text": ["text"]}' % 7,
        b'{"key": "%032x", "kind": "reply", "run": 1, "text": "no model"}' % 7,
        b"[" * 100_000,
        b"x" * 3_000_000,
    ],
)
def test_a_damaged_line_in_the_middle_is_counted_and_the_others_are_kept(
    tmp_path: Path, garbage: bytes, sealing: bool
) -> None:
    live = filled(tmp_path / "j", 3) / "live.jsonl"
    first, second, third = live.read_bytes().splitlines(keepends=True)
    live.write_bytes(first + second + garbage + b"\n" + third)
    if sealing:
        live.rename(live.with_name("sealing-000001.jsonl"))
    with Journal(tmp_path / "j") as journal:
        assert (len(journal), journal.unreadable, journal.cut_bytes) == (3, 1, 0)
    with Journal(tmp_path / "j") as journal:
        assert journal.unreadable == (0 if sealing else 1)
        assert journal.get_many([key(n) for n in range(3)]) == [entry(n, f"reply {n}") for n in range(3)]
        assert journal.get(key(7)) is None
        assert len(list(journal.entries())) == journal.spent()[1, "model"].replies == 3


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"key": "%032x", "kind": "reply", "run": 1, "model": "m", "later": [1]}', {}),
        (b'{"key": "%032x", "kind": "reply", "run": 1, "model": "m", "text": "", "cost": null}', {}),
        (b'{"key": "%032x", "kind": "reply", "run": 1, "model": "m", "cost": 2}', {"cost": 2.0}),
        (b'{"key": "%032x", "kind": "reply", "run": 9, "run": 1, "model": "m"}', {}),
        (b'{"model": "m", "run": 1, "text": "\\ud83d", "kind": "reply", "key": "%032X"}', {"text": "\ud83d"}),
        (b'{"key": "%032x", "kind": "reply", "run": 1, "model": "m", "text": "\\u0000"}', {"text": "\0"}),
    ],
)
def test_unusual_lines_are_read_the_same_before_and_after_sealing(
    tmp_path: Path, line: bytes, expected: dict[str, object]
) -> None:
    folder = filled(tmp_path / "j", 1)
    with (folder / "live.jsonl").open("ab") as live:
        live.write(line % 0xABC + b"\n")
    with Journal(folder) as journal:
        before = journal.get(key(0xABC))
    assert before == Entry(key(0xABC), REPLY, 1, "m")._replace(**expected)
    (folder / "live.jsonl").rename(folder / "sealing-000001.jsonl")
    Journal(folder).close()
    with Journal(folder) as journal:
        assert journal.get(key(0xABC)) == before
        assert [*journal.entries()] == [entry(0, "reply 0"), before]


def test_empty_and_wholly_damaged_files_are_sealed_too(tmp_path: Path) -> None:
    (tmp_path / "sealing-000001.jsonl").write_bytes(b"")
    (tmp_path / "sealing-000002.jsonl").write_bytes(b"damaged\n")
    Journal(tmp_path).close()
    with Journal(tmp_path) as journal:
        assert (len(journal), list(journal.entries())) == (0, [])
        assert journal.get(key(0)) is None
    assert names(tmp_path) == {"lock", "live.jsonl", "part-000001.parquet", "part-000002.parquet"}


def test_a_part_without_its_end_is_told_in_one_line_that_names_it(tmp_path: Path) -> None:
    part = sealed(tmp_path / "j", [entry(number) for number in range(50)]) / "part-000001.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"part-000001\.parquet: this part") as error:
        Journal(tmp_path / "j")
    assert "\n" not in str(error.value)
    part.unlink()
    with Journal(tmp_path / "j") as journal:
        assert len(journal) == 0


def test_a_part_with_a_flipped_byte_is_told_when_its_rows_are_read(tmp_path: Path) -> None:
    text = "".join(random.Random(0).choices("abcdefghijklmnop", k=5_000))
    part = sealed(tmp_path / "j", [entry(0, text)]) / "part-000001.parquet"
    column = pq.ParquetFile(part).metadata.row_group(0).column(4)
    damaged = bytearray(part.read_bytes())
    damaged[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    part.write_bytes(damaged)
    with Journal(tmp_path / "j") as journal:
        for read in (lambda: journal.get(key(0)), lambda: list(journal.entries())):
            with pytest.raises(UserError, match="cannot be read") as error:
                read()
            assert "\n" not in str(error.value)


# One process at a time


def test_a_second_handle_is_told_that_the_journal_is_in_use(tmp_path: Path) -> None:
    with Journal(tmp_path / "j"), pytest.raises(UserError, match=f"process {os.getpid()}"):
        Journal(tmp_path / "j")


def test_a_closed_journal_can_be_opened_again_and_closed_twice(tmp_path: Path) -> None:
    with Journal(filled(tmp_path / "j", 1)) as journal:
        assert len(journal) == 1
        journal.close()


def test_a_second_process_is_told_which_one_uses_the_journal(tmp_path: Path) -> None:
    program = """
import sys
from personahub.completion.journal import Journal
from pathlib import Path
with Journal(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.read()
"""
    with in_another_process(program, str(tmp_path / "j")) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(UserError, match=rf"another personahub process \(process {holder.pid}\)"):
            Journal(tmp_path / "j")
        holder.communicate("")
    Journal(tmp_path / "j").close()


def test_a_refused_open_leaves_the_other_handle_untouched(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.append(entry(0))
        with pytest.raises(UserError):
            Journal(tmp_path / "j")
        journal.append(entry(1))
        assert journal.get(key(1)) == entry(1)


def test_a_place_where_no_folder_can_be_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "j"):
        with pytest.raises(UserError) as error:
            Journal(place)
        assert str(tmp_path) in str(error.value)
        assert "\n" not in str(error.value)


# Full disks and kill -9

FULL_DISK = """
import resource, sys
from pathlib import Path
from personahub.completion.journal import Entry, EntryKind, Journal
from personahub.errors import UserError

live = Path(sys.argv[1]) / "live.jsonl"
def entry(key):
    return Entry(key, EntryKind.REPLY, 1, "model", "x" * 100)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
with Journal(Path(sys.argv[1])) as journal:
    number = 0
    try:
        while number < 1000:
            journal.append(entry(f"{number:032x}"))
            number += 1
    except UserError as error:
        print(number, error, flush=True)
    size = live.stat().st_size
    assert live.read_bytes().endswith(b"\\n"), "a torn line is left"
    assert journal.get(f"{number:032x}") is None
    try:
        journal.append(entry("ff" * 16))
    except UserError:
        print("again", flush=True)
    assert live.stat().st_size == size
    assert journal.spent()[1, "model"].replies == number
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    journal.append(entry("ff" * 16))
"""


def test_a_full_disk_is_a_user_error_and_every_earlier_reply_is_kept(tmp_path: Path) -> None:
    """The limit on a file's size cuts a write in two and then refuses it, as a full disk does."""
    ran = in_another_process(FULL_DISK, str(tmp_path / "j"))
    out, _ = ran.communicate(timeout=60)
    assert ran.returncode == 0
    first, again = out.splitlines()
    count = int(first.split()[0])
    assert 20 < count < 1000
    assert "cannot write the journal" in first
    assert again == "again"
    with Journal(tmp_path / "j") as journal:
        assert (len(journal), journal.unreadable, journal.cut_bytes) == (count + 1, 0, 0)
        assert None not in journal.get_many([key(number) for number in range(count)])


WRITER = """
import sys
from pathlib import Path
from personahub.completion.journal import Entry, EntryKind, Journal
with Journal(Path(sys.argv[1]), seal_bytes=int(sys.argv[2])) as journal:
    number = len(journal)
    while True:
        text = "y" * (number % 500)
        journal.append(Entry(f"{number:032x}", EntryKind.REPLY, 1, "model", text, prompt_tokens=number))
        print(number, flush=True)
        number += 1
"""


@pytest.mark.parametrize("seal_bytes", [1, 2_000, 40_000, 10**7])
def test_kill_9_loses_nothing_that_was_reported_as_written_and_doubles_nothing(
    tmp_path: Path, seal_bytes: int
) -> None:
    """Killed, opened again and gone on with, several times, at any moment of writing and of sealing."""
    draw = random.Random(seal_bytes)
    written = 0
    for _ in range(5):
        with in_another_process(WRITER, str(tmp_path / "j"), str(seal_bytes)) as writer:
            assert writer.stdout is not None
            told = [writer.stdout.readline() for _ in range(draw.randrange(1, 800))]
            time.sleep(draw.random() * 0.02)
            writer.send_signal(signal.SIGKILL)
            told += writer.stdout.readlines()
        # The pipe may end in the middle of a line.
        written = max([written, *(int(line) + 1 for line in told if line.endswith("\n"))])
    with Journal(tmp_path / "j", seal_bytes=seal_bytes) as journal:
        assert len(journal) >= written > 0
        numbers = range(len(journal))
        expected = [
            Entry(key(number), REPLY, 1, "model", "y" * (number % 500), prompt_tokens=number)
            for number in numbers
        ]
        assert journal.get_many([key(number) for number in numbers]) == expected
        assert list(journal.entries()) == expected
        assert journal.spent()[1, "model"].prompt_tokens == sum(numbers)

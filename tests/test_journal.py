"""The journal: what it holds survives torn files, full disks and kill -9."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personahub.completion import Journal
from personahub.errors import UserError
from personahub.models import Reply

SOURCE = Path(__file__).parents[1] / "src"


def key(number: int) -> str:
    return f"{number:032x}"


def reply(text: str = "a reply") -> Reply:
    return Reply(text, "stop", prompt_tokens=10, cached_tokens=5, completion_tokens=3, seconds=0.25)


def filled(path: Path, count: int) -> Path:
    with Journal(path) as journal:
        for number in range(count):
            journal.append(key(number), "model", reply(f"reply {number}"))
    return path


def in_another_process(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )


def test_what_was_appended_is_there_at_once(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.append(key(1), "model", reply("one"))
        assert journal.get(key(1)) == reply("one")
        assert journal.get(key(2)) is None


def test_what_was_appended_is_there_after_reopening(tmp_path: Path) -> None:
    with Journal(filled(tmp_path / "new" / "folders" / "j", 3)) as journal:
        assert len(journal) == 3
        assert [journal.get(key(n)) for n in range(3)] == [reply(f"reply {n}") for n in range(3)]


def test_each_line_is_json_with_key_model_and_reply(tmp_path: Path) -> None:
    lines = filled(tmp_path / "j", 2).read_text().splitlines()
    assert json.loads(lines[1]) == {
        "key": key(1),
        "model": "model",
        "reply": {
            "text": "reply 1",
            "finish_reason": "stop",
            "prompt_tokens": 10,
            "cached_tokens": 5,
            "completion_tokens": 3,
            "seconds": 0.25,
        },
    }


def test_the_last_reply_to_a_request_counts(tmp_path: Path) -> None:
    with Journal(filled(tmp_path / "j", 1)) as journal:
        journal.append(key(0), "model", reply("again"))
        assert (len(journal), journal.get(key(0))) == (1, reply("again"))


def test_a_tail_torn_at_any_byte_is_cut_off_and_the_rest_is_kept(tmp_path: Path) -> None:
    whole = filled(tmp_path / "whole", 3).read_bytes()
    kept = whole[: whole.rindex(b"\n", 0, -1) + 1]
    for torn in range(1, len(whole) - len(kept)):
        path = tmp_path / "torn"
        path.write_bytes(whole[: len(kept) + torn])
        with Journal(path) as journal:
            assert (journal.cut_bytes, len(journal), journal.unreadable) == (torn, 2, 0)
            assert journal.get(key(1)) == reply("reply 1")
            assert journal.get(key(2)) is None
        assert path.read_bytes() == kept


def test_after_a_torn_tail_the_next_reply_stands_on_its_own_line(tmp_path: Path) -> None:
    path = filled(tmp_path / "j", 3)
    path.write_bytes(path.read_bytes()[:-7])
    with Journal(path) as journal:
        journal.append(key(9), "model", reply("nine"))
    with Journal(path) as journal:
        assert (journal.cut_bytes, journal.unreadable) == (0, 0)
        assert [journal.get(key(n)) for n in (0, 1, 2, 9)] == [
            reply("reply 0"),
            reply("reply 1"),
            None,
            reply("nine"),
        ]


@pytest.mark.parametrize(
    "garbage",
    [
        b"no json",
        b"",
        b"[]",
        b"null",
        b"\0" * 60,
        b"\xff\xfe\xfd",
        b"{}",
        b'{"key": "no hexadecimal", "reply": {}}',
        b'{"key": 7, "reply": {}}',
        b'{"key": "%032x"}' % 7,
        b'{"key": "%032x", "reply": "text"}' % 7,
        b'{"key": "%032x", "reply": {"text": "and nothing else"}}' % 7,
        b"[" * 100_000,
    ],
)
def test_a_damaged_line_in_the_middle_is_counted_and_the_others_are_kept(
    tmp_path: Path, garbage: bytes
) -> None:
    path = filled(tmp_path / "j", 3)
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second + garbage + b"\n" + third)
    with Journal(path) as journal:
        assert (len(journal), journal.unreadable, journal.cut_bytes) == (3, 1, 0)
        assert [journal.get(key(n)) for n in range(3)] == [reply(f"reply {n}") for n in range(3)]
        assert journal.get(key(7)) is None


def test_a_second_handle_is_told_that_the_journal_is_in_use(tmp_path: Path) -> None:
    with Journal(tmp_path / "j"), pytest.raises(UserError, match="another personahub process"):
        Journal(tmp_path / "j")


def test_a_closed_journal_can_be_opened_again(tmp_path: Path) -> None:
    filled(tmp_path / "j", 1)
    with Journal(tmp_path / "j") as journal:
        assert len(journal) == 1


def test_a_second_process_is_told_that_the_journal_is_in_use(tmp_path: Path) -> None:
    program = """
import sys
from personahub.completion import Journal
from pathlib import Path
with Journal(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.read()
"""
    with in_another_process(program, str(tmp_path / "j")) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(UserError, match="another personahub process"):
            Journal(tmp_path / "j")
        holder.communicate("")
    Journal(tmp_path / "j").close()


def test_a_refused_open_leaves_the_other_handle_untouched(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.append(key(0), "model", reply())
        with pytest.raises(UserError):
            Journal(tmp_path / "j")
        journal.append(key(1), "model", reply())
        assert journal.get(key(1)) == reply()


def test_a_place_where_no_file_can_be_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as error:
        Journal(tmp_path / "file" / "j")
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)


FULL_DISK = """
import resource, sys
from pathlib import Path
from personahub.completion import Journal
from personahub.errors import UserError
from personahub.models import Reply

reply = Reply("x" * 100, "stop", 1, 1, 1, 0.5)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
with Journal(Path(sys.argv[1])) as journal:
    number = 0
    try:
        while number < 1000:
            journal.append(f"{number:032x}", "model", reply)
            number += 1
    except UserError as error:
        print(number, error, flush=True)
    size = Path(sys.argv[1]).stat().st_size
    assert Path(sys.argv[1]).read_bytes().endswith(b"\\n"), "a torn line is left"
    assert journal.get(f"{number:032x}") is None
    try:
        journal.append("ff" * 16, "model", reply)
    except UserError:
        print("again", flush=True)
    assert Path(sys.argv[1]).stat().st_size == size
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    journal.append("ff" * 16, "model", reply)
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
        assert all(journal.get(key(number)) for number in range(count))


ANY_TEXT = st.text(st.characters(), max_size=60)
"""Every code point, lone surrogates too, which a model's escapes can make."""

REPLIES = st.builds(
    Reply,
    text=ANY_TEXT,
    finish_reason=st.sampled_from(["stop", "length"]),
    prompt_tokens=st.integers(0, 10**9),
    cached_tokens=st.integers(0, 10**9),
    completion_tokens=st.integers(0, 10**9),
    seconds=st.floats(0, 1e6),
)


def as_characters(text: str) -> str:
    """A high and a low surrogate in a row are one character, written in two ways."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5), REPLIES), max_size=8))
def test_any_replies_come_back_as_they_were(replies: list[tuple[int, Reply]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with Journal(Path(folder) / "j") as journal:
            for number, one in replies:
                journal.append(key(number), "model", one)
        with Journal(Path(folder) / "j") as journal:
            assert (journal.unreadable, journal.cut_bytes) == (0, 0)
            for number, one in dict(replies).items():
                back = journal.get(key(number))
                assert back is not None
                assert as_characters(back.text) == as_characters(one.text)
                assert (back.finish_reason, back.prompt_tokens, back.seconds) == (
                    one.finish_reason,
                    one.prompt_tokens,
                    one.seconds,
                )


def test_the_file_is_utf8_even_with_a_lone_surrogate(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.append(key(0), "model", reply("half a character: \ud83d, ein ganzes: ü"))
    assert "half" in (tmp_path / "j").read_text("utf-8")


WRITER = """
import sys
from pathlib import Path
from personahub.completion import Journal
from personahub.models import Reply
with Journal(Path(sys.argv[1])) as journal:
    number = 0
    while True:
        journal.append(f"{number:032x}", "model", Reply("y" * (number % 5000), "stop", 1, 1, 1, 0.5))
        print(f"{number:032x}", flush=True)
        number += 1
"""


@pytest.mark.parametrize("after", [1, 77, 400])
def test_kill_9_loses_no_reply_that_was_reported_as_written(tmp_path: Path, after: int) -> None:
    with in_another_process(WRITER, str(tmp_path / "j")) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(after)]
        writer.send_signal(signal.SIGKILL)
        told += writer.stdout.readlines()
    # The pipe may end in the middle of a line.
    written = [line.strip() for line in told if line.endswith("\n")]
    with Journal(tmp_path / "j") as journal:
        assert len(journal) >= len(written) >= after
        for number, name in enumerate(written):
            assert journal.get(name) == Reply("y" * (number % 5000), "stop", 1, 1, 1, 0.5)

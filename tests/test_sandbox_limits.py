"""Hostile programs that want everything: processes, memory, time, disk, output."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from personahub.verification.sandbox import Limits, Sandbox
from personahub.verification.sandbox.limits import MIB
from sandboxed import attack, host_processes, linux_only

pytestmark = pytest.mark.skipif(linux_only, reason="the sandbox needs Linux")

SMALL = Limits(seconds=20, memory_bytes=128 * MIB, file_bytes=4 * MIB, scratch_bytes=8 * MIB)


FORK_BOMB = """
import os, time
print("begun", flush=True)
end = time.time() + 60
while time.time() < end:
    try:
        os.fork()
    except OSError:
        pass
"""


def test_a_fork_bomb_gets_no_more_than_its_processes() -> None:
    mark = f"bomb-{os.getpid()}"
    run = Sandbox(Limits(seconds=2, processes=10)).run({"main.py": FORK_BOMB}, "main.py", mark)
    assert (run.status, run.stdout) == ("timeout", "begun\n")
    assert host_processes(mark) == []
    run = attack(
        """
import time
children = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(60)
        children += 1
except BlockingIOError:
    print(children)
""",
        Limits(seconds=20, processes=10),
    )
    assert (run.status, run.stdout) == ("ok", "9\n")


def test_threads_are_counted_as_processes() -> None:
    run = attack(
        """
import threading, time
try:
    while True:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
except RuntimeError:
    print(threading.active_count())
""",
        Limits(seconds=20, processes=6),
    )
    assert run.stdout == "6\n"


def test_sandboxes_at_the_same_time_do_not_share_their_processes() -> None:
    program = """
import time
for _ in range(5):
    if os.fork() == 0:
        time.sleep(1)
        os._exit(0)
time.sleep(1)
print("all five")
"""
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: attack(program, Limits(seconds=30, processes=6)), range(4)))
    assert [run.stdout for run in runs] == ["all five\n"] * 4


def test_a_memory_bomb_in_one_process_gets_no_memory() -> None:
    run = attack("x = bytearray(10 ** 10)", SMALL)
    assert (run.status, run.exit_code) == ("memory", 1)
    assert run.stderr.endswith("MemoryError\n")
    grown = attack("x = []\nwhile True: x.append(bytearray(b'x' * 10**6))", SMALL)
    assert grown.status == "memory"


MANY = """
import threading, time
import mmap
def hog(memory=bytearray):
    mine = memory(40 << 20) if memory is bytearray else memory(-1, 40 << 20)
    mine[::4096] = b"x" * (40 << 8)
    os.write(1, b"+")
    time.sleep(60)
for _ in range(6):
    if os.fork() == 0:
        {hog}
time.sleep(60)
"""


@pytest.mark.parametrize(
    "hog",
    [
        "hog()",
        "os.setsid(); hog()",
        # its main thread ends, so /proc shows no memory of the process, only of its other thread
        "threading.Thread(target=hog).start(); syscall((60, 93), 0)",
        "hog(mmap.mmap)",
    ],
    ids=["forked", "session", "thread", "shared mapping"],
)
def test_a_memory_bomb_in_many_processes_is_stopped_at_their_sum(hog: str) -> None:
    run = attack(MANY.format(hog=hog), SMALL)
    assert (run.status, run.exit_code) == ("memory", 137)
    assert run.seconds < 20


def test_memory_that_forked_children_share_is_counted_once() -> None:
    run = attack(
        """
import time
shared = bytearray(60 << 20)
shared[::4096] = b"x" * (60 << 8)
for _ in range(4):
    if os.fork() == 0:
        time.sleep(0.5)
        os._exit(0)
for _ in range(4):
    os.wait()
print("fine")
""",
        SMALL,
    )
    assert (run.status, run.stdout) == ("ok", "fine\n")


@pytest.mark.parametrize(
    "program",
    [
        "import time; time.sleep(600)",
        "while True: pass",
        "import sys; sys.stdin.read()\nos.read(os.pipe()[0], 1)",
    ],
    ids=["sleeping", "spinning", "waiting"],
)
def test_time_is_limited(program: str) -> None:
    run = attack(program, Limits(seconds=0.7))
    assert (run.status, run.exit_code) == ("timeout", 137)
    assert run.seconds >= 0.7


def test_cpu_time_of_several_threads_is_limited_and_its_signal_cannot_be_outlived() -> None:
    began = time.monotonic()
    run = attack(
        """
import hashlib, signal, threading
signal.signal(signal.SIGXCPU, signal.SIG_IGN)
signal.signal(signal.SIGALRM, signal.SIG_IGN)
def spin():
    while True:
        hashlib.pbkdf2_hmac("sha256", b"x", b"y", 100000)
for _ in range(4):
    threading.Thread(target=spin).start()
""",
        Limits(seconds=1.5),
    )
    assert run.status in ("timeout", "killed")
    assert run.seconds <= time.monotonic() - began


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("text", ["'line\\n'", "'x'"], ids=["lines", "no newline"])
def test_output_is_limited(stream: str, text: str) -> None:
    run = attack(f"while True: sys.{stream}.write({text} * 10000)", Limits(seconds=20, output_bytes=5000))
    told = {"stdout": run.stdout, "stderr": run.stderr}
    assert run.status == "output"
    assert len(told[stream]) == 5000
    assert len(told["stdout"] + told["stderr"]) == 5000


def test_output_at_the_limit_is_kept_and_one_byte_more_is_told() -> None:
    box = Sandbox(Limits(output_bytes=1000))
    assert box.run({"main.py": "print('x' * 999)"}).status == "ok"
    assert box.run({"main.py": "print('x' * 1000)"}).status == "output"


def test_output_of_children_counts() -> None:
    run = attack(
        "for _ in range(4): os.fork()\nwhile True: os.write(1, b'x' * 4096)",
        Limits(seconds=20, output_bytes=9000),
    )
    assert (run.status, len(run.stdout)) == ("output", 9000)


def test_output_that_is_no_text_is_told_with_replacement_characters() -> None:
    run = attack("os.write(1, b'\\xff\\x00ok\\xd0'); os.write(2, b'\\xed\\xa0\\x80')")
    assert (run.status, run.stdout, run.stderr) == ("ok", "�\0ok�", "���")


def test_the_disk_is_not_filled() -> None:
    before = os.statvfs("/tmp").f_bavail * os.statvfs("/tmp").f_frsize
    run = attack(
        """
def big():
    with open("big", "wb", 0) as file:
        while True:
            file.write(b"x" * (1 << 20))
def several():
    for number in range(100):
        with open(f"f{number}", "wb") as file:
            file.write(b"x" * (3 << 20))
print(attempt(big), os.path.getsize("big"))
os.remove("big")
print(attempt(several))
for name in os.listdir("."):
    os.remove(name)
print(attempt(lambda: open("sparse", "wb").truncate(1 << 40)))
print(attempt(lambda: os.posix_fallocate(os.open("sparse", os.O_RDWR | os.O_CREAT), 0, 1 << 40)))
""",
        SMALL,
    )
    big, several, sparse, allocated = run.stdout.splitlines()
    assert "File too large" in big
    assert int(big.split()[-1]) == 4 * MIB
    assert "No space left" in several
    assert "File too large" in sparse
    assert "File too large" in allocated
    assert os.statvfs("/tmp").f_bavail * os.statvfs("/tmp").f_frsize > before - 50 * MIB


def test_many_empty_files_are_stopped_at_their_number() -> None:
    run = attack(
        "import itertools\nfor n in itertools.count(): open(str(n), 'w')", Limits(seconds=60, files=500)
    )
    assert run.status == "files"
    folders = attack(
        "import itertools\nfor n in itertools.count(): os.mkdir(str(n))", Limits(seconds=60, files=500)
    )
    assert folders.status == "files"


def test_open_files_are_limited() -> None:
    run = attack("print(attempt(lambda: [os.open('/dev/null', 0) for _ in range(10**6)]))")
    assert "Too many open files" in run.stdout


def test_endless_recursion_ends() -> None:
    run = attack("sys.setrecursionlimit(10**9)\nx = []\nfor _ in range(10**6): x = [x]\nrepr(x)")
    assert run.status in ("killed", "memory", "failed")
    assert run.exit_code


def test_a_program_may_delete_its_own_folder_and_files() -> None:
    run = attack("import shutil; shutil.rmtree('/tmp', ignore_errors=True); print(os.listdir('/tmp'))")
    assert (run.status, run.stdout) == ("ok", "[]\n")
    assert Sandbox().run({"main.py": "print('next')"}).stdout == "next\n"


def test_a_file_name_with_a_newline_is_a_file_name() -> None:
    run = attack(
        "print(sorted(os.listdir()), open('a\\nb').read())", **{"a\nb": "text", "--help": "", "{4}": "x"}
    )
    assert run.stdout == "['--help', 'a\\nb', 'main.py', '{4}'] text\n"


def test_arguments_are_the_programs_and_no_options_of_the_sandbox() -> None:
    run = Sandbox().run({}, "-c", "import sys; print(sys.argv)", "--bind", "/", "/", "{0}")
    assert run.stdout == "['-c', '--bind', '/', '/', '{0}']\n"

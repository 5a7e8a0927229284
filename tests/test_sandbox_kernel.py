"""Hostile programs that ask the kernel for more: signals, tracing, mounts, namespaces, privileges, BPF.

System calls are made by number (x86_64, aarch64), so that no library stands between.
"""

import os
import platform
import signal
import struct
import subprocess
import sys
import time
from io import FileIO
from pathlib import Path

import pytest

from personahub.verification.sandbox import Limits, Sandbox, keeper, launch
from personahub.verification.sandbox.seccomp import ARCHITECTURES, seccomp_program
from sandboxed import attack, bystander, host_processes, linux_only, parent_of

pytestmark = pytest.mark.skipif(linux_only, reason="the sandbox needs Linux")


def test_a_signal_to_the_parents_number_finds_nobody(tmp_path: Path) -> None:
    with bystander(tmp_path) as other:
        run = attack(f"""
for number in ({os.getpid()}, {os.getppid()}, {other.pid}, 1):
    for signal in (0, 15, 9):
        print(attempt(os.kill, number, signal))
print(os.getppid())
""")
        assert other.poll() is None
    assert run.status == "ok"
    assert run.stdout.count("ProcessLookupError") == 9
    assert run.stdout.endswith("\n1\n")


def test_a_signal_to_everybody_reaches_only_the_sandbox(tmp_path: Path) -> None:
    with bystander(tmp_path) as other:
        run = attack("print(attempt(os.kill, -1, 9), flush=True); print(attempt(os.killpg, 0, 9))")
        assert other.poll() is None
    assert run.status in ("ok", "killed")


def test_a_signal_to_the_first_process_of_the_sandbox_does_not_set_anything_free() -> None:
    run = attack("""
for number in (1, 2, 15, 9, 19):
    attempt(os.kill, 1, number)
print(os.getpid(), os.getppid(), sorted(int(p) for p in os.listdir("/proc") if p.isdigit()))
""")
    assert run.stdout == "2 1 [1, 2]\n"


def test_nothing_is_traced(tmp_path: Path) -> None:
    with bystander(tmp_path) as other:
        run = attack(f"""
child = os.fork()
if not child:
    import time
    time.sleep(9)
for number in (child, 1, {other.pid}, {os.getpid()}):
    print(syscall((101, 117), 16, number, 0, 0), syscall((101, 117), 0x4206, number, 0, 0))
    print(syscall((310, 270), number, 0, 0, 0, 0, 0), syscall((311, 271), number, 0, 0, 0, 0, 0))
    print(syscall((312, 272), number, number, 0, 0, 0), syscall(438, 0, 0, 0))
os.kill(child, 9)
""")
        status = Path(f"/proc/{other.pid}/status").read_text()
    assert set(run.stdout.split()) == {"EPERM"}
    assert "TracerPid:\t0\n" in status


CALLS = {
    "mount": "(165, 40), b, b, b, 0, 0; (166, 39), b, 2",
    "remount": "(165, 40), 0, b, 0, 32 | 4096, 0; (165, 40), 0, b, 0, 32, 0",
    "mount by descriptors": "428, 0, 0, 0; 429, 0, 0, 0, 0; 430, 0, 0; 431, 0, 0; 432, 0, 0; 433, 0; 442, 0",
    "chroot": "(161, 51), b; (155, 41), b, b",
    "user namespace": "(272, 97), 0x10000000; (56, 220), 0x10000011, 0, 0, 0, 0",
    "other namespaces": "(272, 97), 0x20000; (272, 97), 0x60000000; (272, 97), 0x80; (56, 220), 0x20011, 0",
    "joining a namespace": "(308, 268), 0, 0",
    "BPF": "(321, 280), 0, 0, 0; (321, 280), 5, 0, 0; (321, 280), 18, 0, 0",
    "performance events": "(298, 241), 0, 0, -1, -1, 0",
    "keys": "(248, 217), 0, 0, 0, 0, 0; (249, 218), 0, 0, 0, 0; (250, 219), 0, -1, 0",
    "page faults": "(323, 282), 1",
    "kernel modules": "(175, 105), 0, 0, b; (313, 273), 0, b, 0; (176, 106), b, 0",
    "another kernel": "(246, 104), 0, 0, 0, 0; (320, 294), 0, 0, 0, b, 0; (169, 142), 0",
    "clocks": "(227, 112), 0, 0; (164, 170), 0, 0; (159, 171), 0",
    "host name": "(170, 161), b, 1; (171, 162), b, 1",
    "kernel log": "(103, 116), 3, 0, 0",
    "swap and accounting": "(167, 224), b, 0; (168, 225), b; (163, 89), b",
    "file handles": "(303, 264), -100, b, 0, 0, 0; (304, 265), -1, 0, 0",
    "personality": "(135, 92), 0x40000",
    "hidden memory": "(319, 279), b, 0; 447, 0; (29, 194), 0, 4096, 0o1600",
    "queues": "(68, 186), 0, 0o1600; (64, 190), 0, 1, 0o1600; (240, 180), b, 66, 0, 0",
    "terminal input": "(16, 29), 0, 0x5412, b; (16, 29), 0, 0x541C, b",
}
"""What is asked of the kernel: numbers (x86_64, aarch64) and arguments; b is an address."""


@pytest.mark.parametrize("what", CALLS)
def test_the_kernel_refuses(what: str) -> None:
    names = Path("/proc/sys/kernel/hostname").read_text(), Path("/proc/self/mounts").read_text()
    asked = "\n".join(f"print(syscall({call}))" for call in CALLS[what].split("; "))
    run = attack(f"b = ctypes.cast(ctypes.c_char_p(b'/tmp'), ctypes.c_void_p).value\n{asked}")
    assert set(run.stdout.split()) == {"EPERM"}
    assert names == (Path("/proc/sys/kernel/hostname").read_text(), Path("/proc/self/mounts").read_text())


def test_calls_that_hide_their_arguments_or_are_unknown_do_not_exist() -> None:
    run = attack("print({syscall(n, 0, 0, 0, 0, 0, 0) for n in (425, 426, 427, 435, *range(463, 600))})")
    assert run.stdout == "{'ENOSYS'}\n"


def test_a_python_that_unshares_stays_where_it_is() -> None:
    run = attack("""
before = [os.readlink(f"/proc/self/ns/{kind}") for kind in ("user", "net", "mnt", "pid")]
for flag in (0x10000000, 0x10000000 | 0x40000000, 0x20000):
    libc.unshare(flag)
print(before == [os.readlink(f"/proc/self/ns/{kind}") for kind in ("user", "net", "mnt", "pid")])
print(*before)
""")
    same, inside = run.stdout.splitlines()
    outside = {str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in ("user", "net", "mnt", "pid")}
    assert same == "True"
    assert not outside & set(inside.split())


@pytest.mark.skipif(platform.machine() != "x86_64", reason="these are entries of x86_64")
@pytest.mark.parametrize(
    "call",
    [
        "syscall(0x40000000 + 39)",
        # mov eax, 20 (getpid); int 0x80; ret
        "entry(bytes.fromhex('b814000000cd80c3'))",
    ],
    ids=["x32", "32 bit"],
)
def test_calls_of_another_architecture_kill_the_program(call: str) -> None:
    run = attack(f"""
import mmap
def entry(code):
    page = mmap.mmap(-1, 4096, prot=7)
    page.write(code)
    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
print("before", flush=True)
{call}
print("after")
""")
    assert (run.status, run.exit_code, run.stdout) == ("killed", 128 + signal.SIGSYS, "before\n")


def test_no_user_but_nobody_and_no_capability_can_be_had() -> None:
    run = attack("""
print(os.getresuid(), os.getresgid())
print(attempt(os.setuid, 0), attempt(os.setreuid, 0, 0), attempt(os.setgid, 0), attempt(os.setgroups, [0]))
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("Cap")])
print(attempt(os.mknod, "disk", 0o60666, 0x0801), attempt(os.mknod, "mem", 0o20666, 0x0101))
print(attempt(os.chown, "main.py", 0, 0), attempt(os.nice, -5))
print(attempt(os.sched_setscheduler, 0, 1, os.sched_param(9)))
""")
    users, attempts, capabilities, *others = run.stdout.splitlines()
    assert users == "(65534, 65534, 65534) (65534, 65534, 65534)"
    assert set(capabilities) <= set("[]', 0")
    assert not [line for line in (attempts, *others) if "OK" in line]


def test_a_setuid_program_of_its_own_gains_nothing() -> None:
    run = attack("""
import shutil, subprocess
shutil.copy(sys.executable, "python")
os.chmod("python", 0o6755)
done = subprocess.run(["./python", "-c", "import os; print(os.geteuid(), os.getegid())"], capture_output=True)
print(done.stdout.decode() or done.stderr.decode())
""")
    assert "65534 65534" in run.stdout or "error" in run.stdout


def test_limits_are_not_raised() -> None:
    run = attack("""
import resource
for name in ("AS", "CPU", "FSIZE", "NPROC", "NOFILE", "CORE", "MEMLOCK", "MSGQUEUE"):
    kind = getattr(resource, "RLIMIT_" + name, 12)
    soft, hard = resource.getrlimit(kind)
    higher = (hard + 1, hard + 1)
    print(hard != -1, attempt(resource.setrlimit, kind, higher))
    print(hard != -1, attempt(resource.prlimit, 1, kind, (-1, -1)))
""")
    lines = run.stdout.splitlines()
    assert len(lines) == 16
    assert all(line.startswith("True") and "OK" not in line for line in lines)


def test_there_is_no_terminal_to_type_into() -> None:
    run = attack("""
import fcntl
print(attempt(os.open, "/dev/tty", os.O_RDWR), attempt(os.openpty), [os.isatty(n) for n in range(3)])
print([attempt(fcntl.ioctl, n, 0x5412, b"x") for n in range(3)], os.getsid(0))
""")
    assert "OK" not in run.stdout
    assert "[False, False, False]" in run.stdout


def test_no_daemon_is_left_over() -> None:
    mark = f"left-over-{os.getpid()}"
    run = attack(f"""
import signal, subprocess
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(1, 32):
                attempt(signal.signal, number, signal.SIG_IGN)
            os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", "{mark}"])
        os._exit(0)
import time
time.sleep(0.3)
print(sum("{mark}" in open(f"/proc/{{p}}/cmdline").read() for p in os.listdir("/proc") if p.isdigit()))
""")
    assert (run.status, run.stdout) == ("ok", "3\n")
    assert host_processes(mark) == []


def test_a_program_that_ignores_every_signal_is_stopped_on_time() -> None:
    mark = f"immortal-{os.getpid()}"
    began = time.monotonic()
    run = attack(
        f"""
import signal, time
for number in range(1, 65):
    attempt(signal.signal, number, signal.SIG_IGN)
if os.fork():
    os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", "{mark}"])
while True:
    attempt(time.sleep, 600)
""",
        Limits(seconds=1),
    )
    assert run.status == "timeout"
    assert 1 <= run.seconds <= time.monotonic() - began
    assert host_processes(mark) == []


def test_a_crash_leaves_no_core_behind() -> None:
    before = set(Path.cwd().iterdir())
    run = attack("os.abort()")
    assert (run.status, run.exit_code) == ("killed", 128 + signal.SIGABRT)
    assert set(Path.cwd().iterdir()) == before


@pytest.mark.parametrize("after", [0, 0.005, 0.01, 0.5])
def test_a_sandbox_ends_with_the_process_that_started_it(after: float) -> None:
    mark = f"orphan-{os.getpid()}"
    host = f"""
from personahub.verification.sandbox import Limits, Sandbox
Sandbox(Limits(seconds=300)).run({{}}, "-c", "import time; time.sleep(300)", "{mark}")
"""
    parent = subprocess.Popen([sys.executable, "-c", host])
    while not set(host_processes(mark)) - {parent.pid}:
        assert parent.poll() is None
    time.sleep(after)  # while it is being built, or when it runs
    parent.kill()
    parent.wait()
    waited = time.monotonic()
    while host_processes(mark) and time.monotonic() - waited < 60:
        time.sleep(0.05)
    assert host_processes(mark) == []


def test_nothing_runs_when_starting_it_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    mark = f"interrupted-{os.getpid()}"
    first_process = launch._first_process

    def interrupted(told: FileIO, stderr: FileIO) -> int:
        first_process(told, stderr)
        raise KeyboardInterrupt

    Sandbox.check()
    monkeypatch.setattr(launch, "_first_process", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Sandbox().run({}, "-c", "import time; time.sleep(300)", mark)
    time.sleep(0.3)
    programs = {
        Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")[0] for process in host_processes(mark)
    }
    assert {Path(program.decode()).name for program in programs} == {"bwrap"}
    keeper._forget()
    waited = time.monotonic()
    while host_processes(mark) and time.monotonic() - waited < 60:
        time.sleep(0.05)
    assert host_processes(mark) == []


def test_a_keeper_that_was_killed_is_replaced() -> None:
    Sandbox().run({"main.py": ""})
    (number,) = [p for p in host_processes("sandbox/keeper.py") if os.getpid() == parent_of(p)]
    os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)
    assert Sandbox().run({"main.py": "print('on')"}).stdout == "on\n"


def test_the_filter_is_well_formed_for_each_architecture() -> None:
    for machine in ARCHITECTURES:
        program = seccomp_program(machine)
        count = len(program) // 8
        assert len(program) % 8 == 0
        assert count < 4096
        for at, (operation, then, otherwise, _) in enumerate(struct.iter_unpack("=HBBI", program)):
            assert operation in (0x20, 0x15, 0x35, 0x45, 0x06)
            assert operation == 0x06 or at + 1 + max(then, otherwise) < count
        assert program[-8:] == bytes.fromhex("060000000000ff7f")

"""Hostile programs that reach out: for the network, for secrets, for files outside their folder.

Each test says what the host saw, not only that the program failed.
"""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from personahub.verification.sandbox import Sandbox
from sandboxed import QUICK, attack, linux_only

pytestmark = pytest.mark.skipif(linux_only, reason="the sandbox needs Linux")

SECRET = "swordfish-7731"


class Listener:
    """A server of the host that counts who calls."""

    def __init__(self, bound: socket.socket) -> None:
        self.socket, self.calls = bound, 0
        if bound.type == socket.SOCK_STREAM:
            bound.listen()
        bound.settimeout(0.05)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._done.is_set():
            try:
                if self.socket.type == socket.SOCK_STREAM:
                    self.socket.accept()[0].close()
                else:
                    self.socket.recv(100)
                self.calls += 1
            except TimeoutError:
                continue

    def close(self) -> int:
        """Stop, and say how many calls there were."""
        self._done.set()
        self._thread.join()
        self.socket.close()
        return self.calls


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that everybody on this machine may read and write."""
    folder = tmp_path / "home"
    folder.mkdir()
    tmp_path.chmod(0o777)
    folder.chmod(0o777)
    file = folder / "passwords.txt"
    file.write_text(SECRET)
    file.chmod(0o666)
    return file


@pytest.fixture
def listeners(tmp_path: Path) -> Iterator[dict[str, Listener]]:
    """Servers of every kind that a program on this machine could reach."""
    bound = {}
    for kind, type_ in (("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM)):
        bound[kind] = socket.socket(socket.AF_INET, type_)
        bound[kind].bind(("127.0.0.1", 0))
    bound["path"] = socket.socket(socket.AF_UNIX)
    bound["path"].bind(str(tmp_path / "s"))
    (tmp_path / "s").chmod(0o777)
    bound["abstract"] = socket.socket(socket.AF_UNIX)
    bound["abstract"].bind(f"\0personahub-{os.getpid()}")
    running = {kind: Listener(each) for kind, each in bound.items()}
    yield running
    for each in running.values():
        if each.socket.fileno() >= 0:
            each.close()


@pytest.mark.parametrize("kind", ["tcp", "udp", "path", "abstract"])
def test_no_server_of_the_host_is_reached(kind: str, listeners: dict[str, Listener]) -> None:
    server = listeners[kind]
    address = server.socket.getsockname()
    run = attack(f"""
import socket
def call():
    s = socket.socket({int(server.socket.family)}, {int(server.socket.type)})
    s.connect({address!r})
    s.send(b"hello")
print(attempt(call))
""")
    assert run.stdout.startswith("PermissionError")
    assert server.close() == 0


def test_the_listeners_count_who_calls(listeners: dict[str, Listener]) -> None:
    for server in listeners.values():
        with socket.socket(server.socket.family, server.socket.type) as caller:
            caller.connect(server.socket.getsockname())
            if server.socket.type == socket.SOCK_DGRAM:
                caller.send(b"hello")
    threading.Event().wait(0.2)
    assert [server.close() for server in listeners.values()] == [1, 1, 1, 1]


def test_no_name_is_looked_up_and_no_page_fetched() -> None:
    run = attack("""
import socket, urllib.request
print(attempt(socket.getaddrinfo, "example.org", 80))
print(attempt(urllib.request.urlopen, "http://93.184.215.14/"))
""")
    first, second = run.stdout.splitlines()
    assert first.startswith("gaierror")
    assert second.startswith("URLError")


def test_no_socket_of_any_family_is_made() -> None:
    run = attack("""
families = range(50)
print({syscall((41, 198), family, kind, 0) for family in families for kind in (1, 2, 3, 5)})
print({syscall((53, 199), family, 1, 0, 0) for family in families if family != 1})
""")
    assert run.stdout == "{'EPERM'}\n{'EPERM'}\n"


def test_there_is_no_network_interface_but_a_dead_loopback() -> None:
    run = attack(
        "print(open('/proc/net/dev').read().count(':'), open('/proc/net/route').read().count('\\n'))"
    )
    assert run.stdout == "1 1\n"


def test_files_of_the_host_are_not_there(secret: Path) -> None:
    places = [
        str(secret),
        str(secret.parent),
        str(Path.home() / ".ssh"),
        "/work",
        "/etc/passwd",
        "/etc/shadow",
    ]
    places += [
        "/var",
        "/sys",
        "/run",
        "/mnt",
        "/opt",
        "/boot",
        "/usr/local/etc",
        "/proc/kcore",
        str(Path(__file__)),
    ]
    run = attack(f"""
for place in {places!r}:
    print(attempt(lambda: (os.listdir if os.path.isdir(place) else open)(place)))
""")
    assert all(
        line.startswith(("FileNotFound", "PermissionError", "OK []")) for line in run.stdout.splitlines()
    )
    assert len(run.stdout.splitlines()) == len(places)
    assert SECRET not in run.stdout + run.stderr


def test_nothing_of_a_home_folder_is_seen_but_the_way_to_the_interpreter() -> None:
    run = attack(f"""
home, seen = {str(Path.home())!r}, []
for folder, _, files in os.walk(home):
    if not os.path.realpath(sys.executable).startswith(folder) and not os.__file__.startswith(folder):
        continue
    seen += [folder + "/" + file for file in files if "/lib" not in folder and "/bin" not in folder]
print(seen)
""")
    assert run.stdout == "[]\n"


def test_environment_secrets_are_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    run = attack("""
print(sorted(os.environ))
for process in sorted(filter(str.isdigit, os.listdir("/proc"))):
    print(attempt(lambda: open(f"/proc/{process}/environ").read()))
""")
    assert "PYTHONHASHSEED" in run.stdout
    assert SECRET not in run.stdout + run.stderr


def test_the_parents_environment_and_memory_are_not_found_by_its_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOKEN", SECRET)
    run = attack(f"""
for name in ("environ", "mem", "maps", "cmdline", "fd/0", "root/etc/passwd", "cwd"):
    print(attempt(open, f"/proc/{os.getpid()}/{{name}}"))
print(sorted(int(p) for p in os.listdir("/proc") if p.isdigit()))
""")
    *attempts, processes = run.stdout.splitlines()
    assert all(line.startswith("FileNotFoundError") for line in attempts)
    assert processes == "[1, 2]"


def test_proc_and_dots_lead_to_the_sandboxes_own_root(secret: Path) -> None:
    run = attack(f"""
for root in ("/proc/1/root", "/proc/self/root/..", "/proc/1/cwd", "/..", "/proc/self/cwd/../../../..",
             "/proc/thread-self/root"):
    print(attempt(lambda: open(root + {str(secret)!r}).read()), attempt(os.listdir, root + "/var"))
""")
    assert len(run.stdout.splitlines()) == 6
    assert "OK" not in run.stdout
    assert SECRET not in run.stdout


def test_a_symbolic_link_leads_nowhere(secret: Path) -> None:
    run = attack(f"""
os.symlink({str(secret)!r}, "link")
os.symlink({str(secret.parent)!r}, "folder")
print(attempt(lambda: open("link").read()), attempt(lambda: open("link", "w").write("owned")))
print(attempt(os.listdir, "folder"), attempt(lambda: open("folder/new", "w").write("owned")))
""")
    assert "OK" not in run.stdout
    assert secret.read_text() == SECRET
    assert list(secret.parent.iterdir()) == [secret]


def test_a_hard_link_to_what_it_sees_cannot_be_made(secret: Path) -> None:
    run = attack(f"""
for source in (os.__file__, sys.executable, "/proc/self/environ", {str(secret)!r}):
    print(attempt(os.link, source, "linked"))
""")
    assert "OK" not in run.stdout
    assert Path(os.__file__).stat().st_nlink == 1


def test_nothing_is_written_outside_the_folder(secret: Path) -> None:
    places = [
        str(secret),
        str(secret.parent / "new"),
        "/new",
        "/etc/new",
        "/usr/lib/new",
        "/dev/new",
        "/home/new",
        "/var/tmp/new",
    ]
    run = attack(f"""
beside = os.path.dirname(os.__file__) + "/new.py"
for place in {places!r} + [os.__file__, beside, sys.executable, "/proc/sys/kernel/core_pattern"]:
    print(attempt(lambda: open(place, "a").write("owned")))
print(attempt(os.remove, os.__file__), attempt(os.rename, "/usr", "/gone"))
print(attempt(os.chmod, sys.executable, 0o777))
""")
    assert "OK" not in run.stdout
    assert len(run.stdout.splitlines()) == len(places) + 6
    assert secret.read_text() == SECRET
    assert not Path("/new").exists()


def test_its_folder_is_not_the_hosts_tmp(tmp_path: Path) -> None:
    mark = f"personahub-mark-{os.getpid()}"
    run = attack(f"""
for folder in ("/tmp", "/dev/shm"):
    open(folder + "/{mark}", "w").write("x")
print(os.listdir("/tmp"))
""")
    assert mark in run.stdout
    assert not [
        Path(folder, mark) for folder in ("/tmp", "/dev/shm", "/var/tmp") if Path(folder, mark).exists()
    ]


def test_devices_memory_and_kernel_files_are_closed() -> None:
    run = attack("""
print(sorted(os.listdir("/dev")))
for place in ("/dev/mem", "/dev/kmem", "/dev/port", "/dev/sda", "/dev/vda", "/dev/kvm", "/dev/tty",
              "/sys/kernel", "/proc/kcore", "/proc/sysrq-trigger", "/proc/sys/kernel/hostname",
              "/proc/sys/vm/drop_caches", "/proc/1/mem", "/proc/acpi/wakeup"):
    print(attempt(lambda: open(place, "r+b", 0).write(b"1")))
""")
    devices, *attempts = run.stdout.splitlines()
    assert devices == "['null', 'random', 'shm', 'urandom', 'zero']"
    assert not [line for line in attempts if line.startswith("OK")]
    assert len(attempts) == 14


def test_only_three_descriptors_are_inherited(tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        run = attack("""
for process in ("self", "1"):
    links = [f"/proc/{process}/fd/{number}" for number in range(256)]
    print(attempt(lambda: sorted(os.readlink(link).split(":")[0] for link in links if os.path.islink(link))))
""")
    own, _ = run.stdout.splitlines()
    assert own == "OK ['/memfd', 'pipe', 'pipe']"
    assert str(tmp_path) not in run.stdout


def test_standard_input_cannot_be_written_to() -> None:
    program = "try: open('/proc/self/fd/0', 'r+b', 0).write(b'x')\nexcept OSError as e: print(e.errno)"
    run = Sandbox(QUICK).run({"main.py": program}, stdin="abc")
    assert run.stdout in ("1\n", "13\n")

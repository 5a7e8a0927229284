"""What a sandboxed program sees of the file system: the base interpreter and C libraries, read-only.

The folders are given to bubblewrap one by one; nothing else exists inside, above all no home folder. An
interpreter that lives in somebody's home folder (pyenv, uv, conda) is seen at its own path, its library
folder alone. Installed packages are hidden, so that a program finds the standard library and no more.
"""

import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from personahub.errors import UserError

__all__ = ["SCRATCH", "View", "interpreter_view"]

SCRATCH = "/tmp"  # noqa: S108 - inside the sandbox: the one folder that can be written to
LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64")
STORES = ("/nix/store", "/gnu/store")
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": SCRATCH,
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",  # sets and dicts in the same order each time; -I would ignore it
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
    "PYTHONUTF8": "1",
    "MALLOC_ARENA_MAX": "2",  # else each thread reserves 64 MiB of the address space that is limited
}


class View(NamedTuple):
    """The base interpreter's path and the bubblewrap options that show what it needs."""

    python: str
    options: tuple[str, ...]


@cache
def interpreter_view(*tools: str) -> View:
    """Return what the program will see: this interpreter, C libraries, and these tools.

    Args:
        tools: absolute paths of executables to show besides.

    Raises:
        UserError: the interpreter's library folder holds the home folder.
    """
    python = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    shown, links = _shown(python, tools)
    _refuse_home(python, shown)
    hidden = [path for path in _installed_packages() if any(path.is_relative_to(at) for at in shown)]
    options: list[str] = []
    for folder in _parents([*shown, Path("/dev/null")]):
        options += ["--perms", "0755", "--dir", str(folder)]
    for path in shown:
        options += ["--ro-bind", str(path), str(path)]
    for link, target in links:
        options += ["--symlink", target, link]
    for path in hidden:
        options += ["--perms", "0755", "--size", "4096", "--tmpfs", str(path), "--remount-ro", str(path)]
    options += ["--proc", "/proc"]
    for device in DEVICES:
        options += ["--dev-bind", device, device]
    options += ["--symlink", SCRATCH, "/dev/shm"]  # noqa: S108 - so that semaphores work, within the scratch
    return View(str(python), (*options, *_environment()))


def _shown(python: Path, tools: tuple[str, ...]) -> tuple[list[Path], list[tuple[str, str]]]:
    """Return the host's paths to show, outermost only, and the symbolic links beside them."""
    prefix = Path(sys.base_prefix).resolve()
    libraries = [*map(Path, LIBRARIES), prefix / "lib", prefix / "lib64"]
    paths = [python, Path("/etc/ld.so.cache"), *libraries, *map(Path, tools), *map(Path, _standard_library())]
    paths += map(Path, (sysconfig.get_config_var("TZPATH") or "").split(":"))
    paths += [Path(store) for store in STORES if python.is_relative_to(store)]
    there = {path.resolve() for path in paths if path.is_absolute() and path.exists()}
    outermost = [path for path in there if not any(parent in there for parent in path.parents)]
    links = {str(path): str(path.readlink()) for path in libraries if path.is_symlink()}
    return sorted(outermost), sorted(links.items())


def _standard_library() -> set[str]:
    return {sysconfig.get_path("stdlib"), str(Path(sysconfig.get_config_var("DESTSHARED") or "/").parent)} - {
        "/"
    }


def _refuse_home(python: Path, shown: list[Path]) -> None:
    home = Path.home().resolve()
    for path in shown:
        if home.is_relative_to(path):
            raise UserError(
                f"{python} has its library in {path}, which holds the home folder {home}; generated code"
                " would see it. Use a Python installed elsewhere"
            )


def _installed_packages() -> Iterator[Path]:
    """Yield the folders of installed packages that exist: they are no part of the standard library."""
    prefix = Path(sys.base_prefix).resolve()
    short = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for root in sorted({prefix, Path("/usr"), Path("/usr/local")}):
        for library in ("lib", "lib64"):
            for folder in (short, "python3"):
                for name in ("site-packages", "dist-packages"):
                    path = root / library / folder / name
                    if path.is_dir() and not path.is_symlink():
                        yield path


def _parents(paths: list[Path]) -> list[Path]:
    """Return every folder above these paths, outer ones first: bubblewrap would make them unreadable."""
    above = {parent for path in paths for parent in path.parents} - {Path("/")}
    return sorted(folder for folder in above if not any(folder.is_relative_to(path) for path in paths))


def _environment() -> Iterator[str]:
    yield "--clearenv"
    for name, value in ENVIRONMENT.items():
        yield from ("--setenv", name, value)

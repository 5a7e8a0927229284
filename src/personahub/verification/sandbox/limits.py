"""What a sandboxed program may use, and what became of it."""

from dataclasses import dataclass, fields
from typing import Literal

from personahub.errors import UserError

__all__ = ["Limits", "SandboxRun", "Status"]

MIB = 1024 * 1024

Status = Literal["ok", "failed", "timeout", "memory", "output", "files", "killed"]


@dataclass(frozen=True)
class Limits:
    """Bounds of one run; the program is stopped at the first it passes.

    Attributes:
        seconds: wall time from the program's start; also the CPU seconds of each process.
        memory_bytes: address space of each process, and resident memory of all of them together.
        processes: processes and threads at any one time, the first included.
        file_bytes: size of one file.
        scratch_bytes: size of the whole scratch folder, which is memory too.
        files: files and folders in the scratch folder.
        output_bytes: standard output and standard error, each.
    """

    seconds: float = 10.0
    memory_bytes: int = 512 * MIB
    processes: int = 16
    file_bytes: int = 16 * MIB
    scratch_bytes: int = 64 * MIB
    files: int = 1000
    output_bytes: int = 64 * 1024

    def __post_init__(self) -> None:
        """Refuse what no program could live with.

        Raises:
            UserError: a limit is zero or less, or the memory is less than Python itself takes.
        """
        for field in fields(self):
            if getattr(self, field.name) <= 0:
                raise UserError(
                    f"the sandbox's limit {field.name} is {getattr(self, field.name)}; give more than 0"
                )
        if self.memory_bytes < 64 * MIB:
            raise UserError(
                f"the sandbox's limit memory_bytes is {self.memory_bytes}; Python needs {64 * MIB} or more"
            )


@dataclass(frozen=True)
class SandboxRun:
    """What became of one program.

    Attributes:
        status: ``ok``: it ended with 0; ``failed``: with another code; ``timeout``, ``output``, ``files``:
            stopped at that limit; ``memory``: stopped, or its last word was a MemoryError; ``killed``: it
            died of a signal.
        exit_code: its exit code; 128 + the signal's number where it died of one.
        stdout: its standard output, at most ``output_bytes`` of it; what is no UTF-8 becomes U+FFFD.
        stderr: its standard error, likewise.
        seconds: wall time from its start to the end of its last process.
    """

    status: Status
    exit_code: int
    stdout: str
    stderr: str
    seconds: float

"""What a person sees while a run is at work and when it ends; nothing of it goes to stdout's JSON."""

import re
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personahub.workflows.read import ReadWatcher
from personahub.workflows.running import Outcome, Watcher
from personahub.workflows.steps import StepWatcher

if TYPE_CHECKING:
    from rich.console import Console

    from personahub.completion import Totals
    from personahub.hub import Run

__all__ = [
    "ProgressWatcher",
    "ReadProgress",
    "StepProgress",
    "console",
    "counted",
    "print_json",
    "program",
    "say_interrupted",
    "this_command",
]

_LINE_SECONDS = 10.0


def console(*, stderr: bool = False) -> "Console":
    """Rich's console: colour on a terminal only; long lines are left to the terminal to wrap."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """One JSON value on stdout, characters as they are."""
    import json

    print(json.dumps(value, ensure_ascii=False, indent=None))


def counted(counts: Mapping[str, int]) -> str:
    """The counts in words, the largest first, such as ``too_short 3, cut_off 1``."""
    most_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count}" for name, count in most_first) or "none"


def program() -> str:
    """How this program was called: as a path where it was one below the working folder, else by name."""
    called = Path(sys.argv[0])
    given = called.name == "personahub" and not called.is_absolute()
    return str(called) if given else "personahub"


def this_command() -> str:
    """The command line as it was given, to be given again."""
    return shlex.join([program(), *sys.argv[1:]])


def say_interrupted(outcome: Outcome) -> int:
    """Say on stderr that all is kept and how to go on; gives the exit code."""
    if outcome.over_budget:
        higher = re.sub(r"(--max-(?:cost|tokens|calls)[ =])\S+", r"\1HIGHER", this_command())
        print(
            f"Stopped before the budget was passed ({outcome.over_budget}); everything that was answered is"
            f" kept. To go on, give a higher one: {higher}",
            file=sys.stderr,
        )
        return 3
    print(
        f"Interrupted; everything that was answered is kept. To go on: {this_command()}",
        file=sys.stderr,
    )
    return 130


class ProgressWatcher(Watcher):
    """Progress on stderr: a bar with rate and time left on a terminal, else a line now and then."""

    def __init__(self) -> None:
        """Nothing is drawn before the run starts."""
        self._bar: Any = None
        self._unit = ""
        self._total: int | None = None
        self._start = self._last = time.monotonic()
        self._first_done: int | None = None

    def started(self, unit: str, total: int | None, run: "Run", resumed: bool) -> None:
        """Begin to show; a run may begin anew with each of its rounds."""
        self.close()
        self._first_done = None
        self._unit, self._total = unit, total
        self._start = self._last = time.monotonic()
        if resumed:
            self._say(f"Going on with run {run.number}, which was not finished.")
        if sys.stderr.isatty():
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                SpinnerColumn,
                TextColumn,
            )

            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[pace]}"),
                console=console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(unit, total=total, pace="loading the model …")
            self._bar.start()

    def advanced(self, done: int, made: int, set_aside: int, totals: "Totals") -> None:
        """Show how far the run is."""
        if self._bar is not None:
            pace = self._pace(done, made, set_aside)
            self._bar.update(self._task, completed=done, pace=pace)
        elif time.monotonic() - self._last >= _LINE_SECONDS:
            self._last = time.monotonic()
            of = f"/{self._total}" if self._total else ""
            self._say(f"{self._unit} {done}{of}, {self._pace(done, made, set_aside)}")

    def _pace(self, done: int, made: int, set_aside: int) -> str:
        parts = [f"{made} made, {set_aside} set aside"]
        seconds = time.monotonic() - self._start
        # What the journal answers comes in a rush and says nothing of the time left.
        if self._first_done is None:
            self._first_done, self._start = done, time.monotonic()
        elif done > self._first_done:
            rate = (done - self._first_done) / seconds
            parts.append(f"{60 * rate:.1f} {self._unit}/min")
            if self._total:
                parts.append(f"{_clock((self._total - done) / rate)} left")
        return ", ".join(parts)

    def notice(self, text: str) -> None:
        """Say it above the bar."""
        self._say(text)

    def stopping(self) -> None:
        """Say that the interrupt was heard."""
        self._say("Stopping after the replies in flight (again to stop at once) …")

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text)
        else:
            print(text, file=sys.stderr, flush=True)


class ReadProgress(ReadWatcher):
    """How far reading is, on stderr: a line that changes on a terminal, else a line now and then."""

    def __init__(self) -> None:
        """The clock starts now."""
        self._start = self._last = time.monotonic()

    def advanced(self, documents: int, left_out: int, characters: int) -> None:
        """Tell it, at most so often."""
        now = time.monotonic()
        live = sys.stderr.isatty()
        if now - self._last < (0.2 if live else _LINE_SECONDS):
            return
        self._last = now
        rate = characters / 1e6 / (now - self._start)
        text = f"{documents:,} documents, {left_out:,} left out, {rate:.1f} million characters a second"
        print(f"\r{text}\033[K" if live else text, end="" if live else "\n", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the line away."""
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)


_MANY = 10_000


class StepProgress(StepWatcher):
    """How far a step is, on stderr: a line that changes on a terminal, else a line now and then."""

    def __init__(self) -> None:
        """Nothing is shown before the first step."""
        self._step = ""
        self._total: int | None = None
        self._start = self._last = time.monotonic()
        self._live = sys.stderr.isatty()

    def began(self, step: str, total: int | None) -> None:
        """Name the step."""
        self._step, self._total = step, total
        self._start = self._last = time.monotonic()
        # Into a file only what takes its time.
        if self._live or (total or 0) >= _MANY:
            self._show(step if total is None else f"{step}, {total:,} in all")

    def tell(self, done: int, total: int) -> None:
        """Tell how far a step is whose size is known only now."""
        self._total = total
        self.advanced(done)

    def advanced(self, done: int) -> None:
        """Tell how far it is, how fast, and how long it will take, at most so often."""
        now = time.monotonic()
        if now - self._last < (0.2 if self._live else _LINE_SECONDS) or not done:
            return
        self._last = now
        rate = done / (now - self._start)
        text = f"{self._step} {done:,}, {rate:,.0f}/s"
        if self._total:
            text = f"{self._step} {done:,}/{self._total:,}, {rate:,.0f}/s"
            text += f", {_clock(max(self._total - done, 0) / rate)} left"
        self._show(text)

    def _show(self, text: str) -> None:
        print(f"\r{text}\033[K" if self._live else text, end="" if self._live else "\n", file=sys.stderr)
        sys.stderr.flush()

    def notice(self, text: str) -> None:
        """Say it on a line of its own."""
        self.close()
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the line away."""
        if self._live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

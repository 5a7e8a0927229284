"""Runs that call no language model: begun, told and ended in the same way."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from personahub.hub import Hub, Run, RunStatus

__all__ = ["StepWatcher", "stepping"]


class StepWatcher:
    """Is told how such a run goes; this one does nothing with it."""

    def began(self, step: str, total: int | None) -> None:
        """A step of the run begins, with so many rows (None: not known)."""

    def advanced(self, done: int) -> None:
        """So many rows of the step are done."""

    def notice(self, text: str) -> None:
        """The user should know this while the run goes on."""


@contextmanager
def stepping(
    hub: Hub, verb: str, configuration: Mapping[str, Any], watcher: StepWatcher | None
) -> Iterator[tuple[Run, StepWatcher]]:
    """Be the hub's one writer for a run, new or gone on with.

    It ends finished, or interrupted where an exception leaves it; what its ``counts`` are set to is written
    down then.

    Raises:
        UserError: another process is writing the hub.
    """
    with hub.writing():
        run, _ = hub.start_run(verb, configuration)
        status = RunStatus.INTERRUPTED
        try:
            yield run, watcher or StepWatcher()
            status = RunStatus.FINISHED
        finally:
            run.end(status, run.counts)
            hub.save_run(run)

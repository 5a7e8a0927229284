"""The demo, told as it happens."""

import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

from personahub.hub import Run
from personahub.records import Document, Persona, Record, SetAside
from personahub.workflows.running import Watcher

__all__ = ["WIDTH", "Teller"]

WIDTH = 96
"""Columns that the demo fills."""


class Teller(Watcher):
    """Prints each text's title with its personas, then each problem with its lineage."""

    def __init__(self) -> None:
        """Begin to count the seconds."""
        self.first: float | None = None
        """Seconds to the first persona."""
        self._start = time.monotonic()
        self._titles: dict[str, str] = {}

    def started(self, unit: str, total: int | None, run: Run, resumed: bool) -> None:
        """Say what comes."""
        if resumed:
            print(f"Going on with run {run.number}, which was not finished.\n")
        of = "" if total is None else f"{total} "
        print(_rule(f"{of}{unit}" if unit == "documents" else f"{of}math problems"))

    def document_done(
        self, document: Document, personas: Sequence[Persona], set_aside: Sequence[SetAside]
    ) -> None:
        """Print the title with its personas and what was set aside."""
        if personas and self.first is None:
            self.first = time.monotonic() - self._start
        title = document.title or Path(document.source).name
        self._titles[document.id] = title
        print(f"{title}")
        for persona in personas:
            print(_indented(f"{persona.relation:>9}  ", persona.description))
        for case in set_aside:
            print(_indented("set aside  ", f"{case.reason}: {case.text}"))
        print(flush=True)

    def record_done(self, record: Record) -> None:
        """Print a problem with its persona and its text's title."""
        print(_indented("", record.text))
        print(_indented("  persona  ", record.persona))
        print(_indented("     text  ", self._titles.get(record.document_id, record.document_id)))
        print(flush=True)

    def stopping(self) -> None:
        """Say that the interrupt was heard."""
        print("Stopping after the reply in flight …", file=sys.stderr, flush=True)


def _rule(title: str) -> str:
    return f"── {title} ".ljust(WIDTH, "─") + "\n"


def _indented(lead: str, text: str) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead), drop_whitespace=True
    )

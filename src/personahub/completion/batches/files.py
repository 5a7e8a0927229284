"""The files of a batch: what was asked (for reading its results), what is sent, and what came back."""

import json
import os
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from personahub.completion.budget import Most
from personahub.completion.journal.parts import sync_folder
from personahub.completion.prices import Price
from personahub.config import canonical_json, json_bytes
from personahub.errors import UserError
from personahub.models import Request, Sampling
from personahub.models.batches import BatchModel

__all__ = ["Asked", "BatchFiles", "Draft", "read_asked"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request in a batch: what it takes to read its result, without its prompt."""

    key: str
    about: str
    """Id of the document or the persona that it is about."""
    schema: Mapping[str, object] | None
    max_tokens: int
    prompt_tokens: int
    """The most that its prompt can come to."""
    faults: Mapping[str, int]
    """What it met in earlier batches: how often for each reason."""

    @property
    def attempts(self) -> int:
        """How often it was asked, this time included."""
        return 1 + sum(self.faults.values())

    def most(self, price: Price | None) -> Most:
        """What it can come to at most."""
        cost = price.most(self.prompt_tokens, self.max_tokens) if price else 0.0
        return Most(self.prompt_tokens + self.max_tokens, cost)

    def form(self, model: str) -> Request:
        """A request of the same form, without the prompt."""
        return Request(model, (), Sampling(0.0, 1.0, self.max_tokens, 0), self.schema)


class BatchFiles:
    """Where the files of the open batches are.

    Args:
        folder: made where it is not there, by the first draft.
    """

    def __init__(self, folder: Path) -> None:
        """Nothing is read yet."""
        self.folder = folder

    def keys(self, mark: str) -> Path:
        """What was asked."""
        return self.folder / f"{mark}.keys.jsonl"

    def body(self, mark: str) -> Path:
        """What is sent."""
        return self.folder / f"{mark}.sent.jsonl"

    def results(self, mark: str) -> Path:
        """What came back, whole."""
        return self.folder / f"{mark}.results.jsonl"

    def delete(self, mark: str) -> None:
        """Delete the files of a batch that is over."""
        for path in (self.body(mark), self.results(mark), self.keys(mark)):
            path.unlink(missing_ok=True)

    def keep_only(self, marks: Container[str]) -> None:
        """Delete what a crash left of batches that were never intended, or that are over.

        Raises:
            OSError: a file cannot be deleted.
        """
        if self.folder.exists():
            for path in self.folder.iterdir():
                if path.name.partition(".")[0] not in marks or path.suffix == ".draft":
                    path.unlink()


class Draft:
    """A batch in the making: its requests go to disk as they are drawn.

    Args:
        files: where to.
        mark: our mark on the batch.
        model: whose batch it is to be.
        most: requests it may hold at most.
        without: fields of the requests that the model refuses.

    Raises:
        UserError: the files cannot be written.
    """

    def __init__(
        self, files: BatchFiles, mark: str, model: BatchModel, most: int, without: Sequence[str]
    ) -> None:
        """Open the files."""
        self.mark = mark
        self.without = tuple(without)
        self.requests = 0
        self.retried = 0
        """How many of them were asked before."""
        self.tokens = 0
        """The most they may use."""
        self.cost = 0.0
        """The most they may cost, in US dollars, where the price is known."""
        self._model = model
        self._most = min(most, model.limits.requests)
        self._files = files
        self._schemas: dict[str, int] = {}
        before, self._between, self._after = model.frame
        self._bytes = len(before) + len(self._after)
        with _telling(files.folder):
            files.folder.mkdir(exist_ok=True)
            self._keys = files.keys(mark).open("wb")
            self._body = files.body(mark).open("wb")
            self._body.write(before)

    def add(self, asked: Asked, sent: Request, most: Most) -> bool:
        """Take a request in; False where the batch is full.

        Args:
            asked: what to keep of it.
            sent: what to send.
            most: what it can come to at most.

        Raises:
            UserError: the disk is full.
        """
        line = self._model.line(asked.key, self.mark, sent, self.without)
        size = len(line) + (len(self._between) if self.requests else 0)
        if self.requests >= self._most or self._bytes + size > self._model.limits.bytes:
            return False
        with _telling(self._files.folder):
            self._keys.write(self._kept(asked))
            if self.requests:
                self._body.write(self._between)
            self._body.write(line)
        self._bytes += size
        self.requests += 1
        self.tokens += most.tokens
        self.cost += most.cost
        self.retried += asked.attempts > 1
        return True

    def _kept(self, asked: Asked) -> bytes:
        """A line of the file of keys; a schema stands before its first use and is known by its number."""
        lines = b""
        number = -1
        if asked.schema is not None:
            name = canonical_json(asked.schema)
            number = self._schemas.get(name, -1)
            if number < 0:
                number = self._schemas[name] = len(self._schemas)
                lines = json_bytes({"schema": asked.schema}) + b"\n"
        kept = [asked.key, asked.about, number, asked.max_tokens, asked.prompt_tokens, asked.faults]
        return lines + json_bytes(kept) + b"\n"

    def finish(self) -> None:
        """Have the files on disk.

        Raises:
            UserError: the disk is full or fails.
        """
        with _telling(self._files.folder):
            self._body.write(self._after)
            for file in (self._keys, self._body):
                file.flush()
                os.fsync(file.fileno())
                file.close()
            sync_folder(self._files.folder)

    def discard(self) -> None:
        """Delete the files of a batch that is not to be."""
        self._keys.close()
        self._body.close()
        self._files.delete(self.mark)


def read_asked(file: Path) -> dict[str, Asked]:
    """What was asked in a batch, by key.

    Raises:
        UserError: the file is missing or damaged.
    """
    asked: dict[str, Asked] = {}
    schemas: list[dict[str, object]] = []
    try:
        with file.open("rb") as lines:
            for line in lines:
                kept: Any = json.loads(line)
                if isinstance(kept, dict):
                    schemas.append(kept["schema"])
                    continue
                key, about, number, max_tokens, prompt_tokens, faults = kept
                schema = schemas[number] if number >= 0 else None
                asked[key] = Asked(key, about, schema, max_tokens, prompt_tokens, Counter(faults))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise UserError(
            f"{file}: cannot be read ({error}); bring it back from a copy: without it the results of its"
            " batch cannot be told apart"
        ) from error
    return asked


@contextmanager
def _telling(folder: Path) -> Iterator[None]:
    """Say what to do where a batch's files cannot be written."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{folder}: cannot be written ({error.strerror}); free some space, then give the same command"
            " again"
        ) from error

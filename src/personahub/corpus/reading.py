"""All sources, several files at once, their documents in the sources' order, none twice."""

import os
import pickle
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import IO, cast

import numpy as np

from personahub.corpus.documents import LeftOut, read_source
from personahub.corpus.options import ReadOptions
from personahub.corpus.sources import Source, Sources
from personahub.errors import UserError
from personahub.records import Document

__all__ = ["Seen", "read_documents", "worker"]

_BATCH = 64
_WORTH_BYTES = 2**23
"""Under this many bytes in all, more processes take longer to start than they save."""


def read_documents(
    sources: Sources,
    options: ReadOptions | None = None,
    *,
    document_tokens: int | None = None,
    jobs: int | None = None,
) -> Generator[Document | LeftOut]:
    """Every document of the sources, in their order, and what gave none; a text that came before is left out.

    What comes does not depend on how many processes read.

    Args:
        sources: what :func:`~personahub.corpus.find_sources` found.
        options: what is taken, and how.
        document_tokens: texts of more tokens than about this are cut into parts, each a document; None leaves
            them whole.
        jobs: processes that read, each a file at a time; None for as many as are worth it.

    Raises:
        UserError: a file cannot be opened.
    """
    options = options or ReadOptions()
    for name in sources.unsupported:
        yield LeftOut(name, 0, 0, "unsupported_format", "the name's ending is not known")
    seen = Seen()
    for item in _in_order(sources, options, document_tokens, jobs):
        if isinstance(item, Document) and not seen.add(item.id):
            detail = "the same text came before"
            yield LeftOut(item.source, item.row, item.offset, "already_read", detail, item.text[:1000])
        else:
            yield item


def _in_order(
    sources: Sequence[Source], options: ReadOptions, document_tokens: int | None, jobs: int | None
) -> Iterator[Document | LeftOut]:
    if jobs is None:
        worth = sum(source.size for source in sources) >= _WORTH_BYTES
        jobs = len(os.sched_getaffinity(0)) if worth else 1
    jobs = min(jobs, len(sources))
    if jobs > 1:
        yield from _by_workers(sources, options, document_tokens, jobs)
        return
    for source in sources:
        yield from read_source(source, options, document_tokens)


def _by_workers(
    sources: Sequence[Source], options: ReadOptions, document_tokens: int | None, jobs: int
) -> Iterator[Document | LeftOut]:
    """Each worker reads every ``jobs``-th file and waits when its pipe is full, which bounds the memory."""
    command = [sys.executable, "-c", "from personahub.corpus.reading import worker; worker()"]
    with ExitStack() as ending:
        pipes: list[IO[bytes]] = []
        for number in range(jobs):
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
            ending.enter_context(process)
            ending.callback(process.kill)
            told, heard = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
            # One that died already is told when its documents are wanted.
            with suppress(BrokenPipeError), told:
                pickle.dump((list(sources[number::jobs]), options, document_tokens), told)
            pipes.append(heard)
        for number, source in enumerate(sources):
            while (batch := _next_batch(pipes[number % jobs], source)) is not None:
                yield from batch


def _next_batch(pipe: IO[bytes], source: Source) -> list[Document | LeftOut] | None:
    """A batch of the source's documents; None after the last.

    Raises:
        UserError: the worker met one, or died.
    """
    try:
        batch = pickle.load(pipe)  # noqa: S301  Written by our own process.
    except (EOFError, pickle.UnpicklingError) as error:
        raise UserError(
            f"{source.name}: the process that read it was killed, perhaps for want of memory; use --jobs 1"
        ) from error
    if isinstance(batch, UserError):
        raise batch
    return batch  # type: ignore[no-any-return]


def worker() -> None:
    """Read the files named on standard input and write batches of their documents to standard output."""
    # What a library prints must not come between the batches.
    output = os.fdopen(os.dup(1), "wb", buffering=2**20)
    os.dup2(2, 1)
    sources, options, document_tokens = pickle.load(sys.stdin.buffer)  # noqa: S301  Our own process wrote it.
    try:
        for source in sources:
            batch: list[Document | LeftOut] = []
            try:
                for item in read_source(source, options, document_tokens):
                    batch.append(item)
                    if len(batch) >= _BATCH:
                        pickle.dump(batch, output, pickle.HIGHEST_PROTOCOL)
                        batch = []
            except UserError as error:
                pickle.dump(batch, output, pickle.HIGHEST_PROTOCOL)
                pickle.dump(error, output)
                return
            pickle.dump(batch, output, pickle.HIGHEST_PROTOCOL)
            pickle.dump(None, output)
            output.flush()
        output.close()
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)


class Seen:
    """Ids that came, 64 bits of each, in 12 to 24 bytes: of a billion, two may be taken for one."""

    def __init__(self) -> None:
        """None came yet."""
        self._table = np.zeros(2**12, np.uint64)
        self._count = 0

    def __len__(self) -> int:
        """How many came."""
        return self._count

    def add(self, id_: str) -> bool:
        """Whether it is the first time."""
        number = int(id_[1:17], 16) or 1
        if not _put(self._table, number):
            return False
        self._count += 1
        if 3 * self._count > 2 * len(self._table):
            self._grow()
        return True

    def _grow(self) -> None:
        kept = self._table[self._table != 0]
        table = np.zeros(2 * len(self._table), np.uint64)
        # In the order of their places few of them meet, and those find their way one by one.
        places = (kept & np.uint64(len(table) - 1)).astype(np.int64)
        _, first = np.unique(places, return_index=True)
        table[places[first]] = kept[first]
        others = np.ones(len(kept), np.bool_)
        others[first] = False
        for number in kept[others].tolist():
            _put(table, number)
        self._table = table


def _put(table: "np.ndarray[tuple[int], np.dtype[np.uint64]]", number: int) -> bool:
    mask = len(table) - 1
    place = number & mask
    while found := table.item(place):
        if found == number:
            return False
        place = (place + 1) & mask
    table[place] = number
    return True

"""All sources, by several processes, their documents in the sources' order, none twice.

Each process reads all of a long file and makes documents of every n-th stripe of its rows: reading a text
costs a hundredth of looking at it, and so the processes work side by side within one file, in little memory.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from heapq import merge
from itertools import groupby
from typing import IO, cast

import numpy as np

from personahub.corpus.documents import LeftOut, read_source
from personahub.corpus.options import ReadOptions
from personahub.corpus.sources import Source, Sources
from personahub.errors import UserError
from personahub.records import Document

__all__ = ["Seen", "read_documents", "worker"]

_BATCH = 64
_STRIPE = 16
"""Rows: few enough that the stripes which a process is ahead fit its pipe's buffer."""
_SHARED_BYTES = 2**18
"""A file of fewer is read by one process, and so is one elsewhere, which would be fetched several times."""
_LAST = sys.maxsize
_WORTH_BYTES = 2**23
"""Under this many bytes in all, more processes take longer to start than they save."""


def read_documents(
    sources: Sources,
    options: ReadOptions | None = None,
    *,
    document_tokens: int | None = None,
    jobs: int | None = None,
    near: Callable[[Sequence[Document]], str | None] | None = None,
) -> Generator[Document | LeftOut]:
    """Every document of the sources, in their order, and what gave none; a text that came before is left out.

    What comes does not depend on how many processes read. The documents of one whole text come together.

    Args:
        sources: what :func:`~personahub.corpus.find_sources` found.
        options: what is taken, and how.
        document_tokens: texts of more tokens than about this are cut into parts, each a document; None leaves
            them whole.
        jobs: processes that read; None for as many as are worth it.
        near: is given the documents of each text that is new, and tells which earlier text it is nearly
            identical to, and is left out for; None where it is not.

    Raises:
        UserError: a file cannot be opened.
    """
    options = options or ReadOptions()
    for name in sources.unsupported:
        yield LeftOut(name, 0, 0, "unsupported_format", "the name's ending is not known")
    seen = Seen()
    items = _in_order(sources, options, document_tokens, jobs)
    for _, text in groupby(items, lambda item: (item.source, item.row)):
        yield from _new(list(text), seen, near)


def _new(
    text: list[Document | LeftOut], seen: "Seen", near: Callable[[Sequence[Document]], str | None] | None
) -> Iterator[Document | LeftOut]:
    """The documents of one whole text that did not come before, and what gave none."""
    ids = [item.id if isinstance(item, Document) else None for item in text]
    is_new = any(id_ and id_ not in seen for id_ in ids)
    # A text is judged as a whole, with those of its parts that came before.
    alike = near([item for item in text if isinstance(item, Document)]) if near and is_new else None
    for item, id_ in zip(text, ids, strict=True):
        if id_ is None:
            yield item
        elif alike and id_ not in seen:
            yield _left_out(item, "near_identical", alike)
        elif seen.add(id_):
            yield item
        else:
            yield _left_out(item, "already_read", "the same text came before")


def _left_out(item: Document | LeftOut, reason: str, detail: str) -> LeftOut:
    return LeftOut(item.source, item.row, item.offset, reason, detail, item.text[:1000])


def _in_order(
    sources: Sequence[Source], options: ReadOptions, document_tokens: int | None, jobs: int | None
) -> Iterator[Document | LeftOut]:
    if jobs is None:
        worth = sum(source.size for source in sources) >= _WORTH_BYTES
        jobs = len(os.sched_getaffinity(0)) if worth else 1
    if jobs > 1:
        yield from _by_workers(sources, options, document_tokens, jobs)
        return
    for source in sources:
        yield from read_source(source, options, document_tokens)


_Batch = tuple[int, list[Document | LeftOut] | UserError]
"""A stripe's number and items of it, or what ends the reading."""


def _by_workers(
    sources: Sequence[Source], options: ReadOptions, document_tokens: int | None, jobs: int
) -> Iterator[Document | LeftOut]:
    """A worker that is ahead of the others waits when its pipe is full, which bounds the memory."""
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
                pickle.dump((list(sources), options, document_tokens, number, jobs), told)
            pipes.append(heard)
        for source in sources:
            batches = merge(*(_batches(pipe, source) for pipe in pipes), key=lambda batch: batch[0])
            for _, items in batches:
                if isinstance(items, UserError):
                    raise items
                yield from items


def _batches(pipe: IO[bytes], source: Source) -> Iterator[_Batch]:
    """What a worker makes of the source.

    Raises:
        UserError: the worker died.
    """
    while True:
        try:
            batch: _Batch | None = pickle.load(pipe)  # noqa: S301  Written by our own process.
        except (EOFError, pickle.UnpicklingError) as error:
            raise UserError(
                f"{source.name}: a process that read it was killed, perhaps for want of memory; use --jobs 1"
            ) from error
        if batch is None:
            return
        yield batch


def worker() -> None:
    """Read the files named on standard input and write batches of their documents to standard output."""
    # What a library prints must not come between the batches.
    output = os.fdopen(os.dup(1), "wb", buffering=2**20)
    os.dup2(2, 1)
    sources, options, document_tokens, number, jobs = pickle.load(sys.stdin.buffer)  # noqa: S301  Our own.
    try:
        for place, source in enumerate(sources):
            turn = (number - place) % jobs
            is_shared = source.size >= _SHARED_BYTES and "://" not in source.path
            if is_shared or turn == 0:
                wanted = partial(_is_mine, turn, jobs) if is_shared else None
                items = read_source(source, options, document_tokens, wanted=wanted)
                for batch in _in_batches(items):
                    pickle.dump(batch, output, pickle.HIGHEST_PROTOCOL)
            pickle.dump(None, output)
            output.flush()
        output.close()
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)


def _is_mine(turn: int, jobs: int, row: int) -> bool:
    return row // _STRIPE % jobs == turn


def _in_batches(items: Iterator[Document | LeftOut]) -> Iterator[_Batch]:
    """Batches of one stripe each; after the last, what went wrong."""
    batch: list[Document | LeftOut] = []
    stripe = 0
    try:
        for item in items:
            if batch and (item.row // _STRIPE != stripe or len(batch) == _BATCH):
                yield stripe, batch
                batch = []
            stripe = item.row // _STRIPE
            batch.append(item)
    except UserError as error:
        yield stripe, batch
        yield _LAST, error
        return
    if batch:
        yield stripe, batch


class Seen:
    """Ids that came, 64 bits of each, in 12 to 24 bytes: of a billion, two may be taken for one."""

    def __init__(self) -> None:
        """None came yet."""
        self._table = np.zeros(2**12, np.uint64)
        self._count = 0

    def __len__(self) -> int:
        """How many came."""
        return self._count

    def __contains__(self, id_: str) -> bool:
        """Whether it came."""
        return self._table.item(_place(self._table, _number(id_))) != 0

    def add(self, id_: str) -> bool:
        """Whether it is the first time."""
        if not _put(self._table, _number(id_)):
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


def _number(id_: str) -> int:
    return int(id_[1:17], 16) or 1


def _place(table: "np.ndarray[tuple[int], np.dtype[np.uint64]]", number: int) -> int:
    """Where the number stands, or would stand."""
    mask = len(table) - 1
    place = number & mask
    while (found := table.item(place)) and found != number:
        place = (place + 1) & mask
    return place


def _put(table: "np.ndarray[tuple[int], np.dtype[np.uint64]]", number: int) -> bool:
    place = _place(table, number)
    if table.item(place):
        return False
    table[place] = number
    return True

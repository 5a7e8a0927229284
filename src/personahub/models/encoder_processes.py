"""The built-in embedding model in several processes.

It runs on one thread of one process (more threads make it slower), so a machine's cores are used by
processes; each holds about 150 MB.
"""

import os
import pickle
import queue
import signal
import subprocess
import sys
from contextlib import suppress
from typing import IO, cast

import numpy as np
import numpy.typing as npt

from personahub.errors import UserError
from personahub.models.sentence_encoder import SentenceEncoder

__all__ = ["EncoderProcesses", "worker"]


class EncoderProcesses:
    """An :class:`~personahub.models.EmbeddingModel` whose slots are processes, each started when needed.

    Args:
        processes: how many.
    """

    name = SentenceEncoder.name
    dimensions = SentenceEncoder.dimensions
    languages = SentenceEncoder.languages

    def __init__(self, processes: int) -> None:
        """Nothing is started yet."""
        self.slots = processes
        self._free: queue.LifoQueue[subprocess.Popen[bytes] | None] = queue.LifoQueue()
        self._started: list[subprocess.Popen[bytes]] = []
        for _ in range(processes):
            self._free.put(None)

    def embed(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Vectors of unit length, shape (len(texts), 512); waits for a process that has nothing to do.

        Raises:
            UserError: the process was killed.
        """
        process = self._free.get()
        if process is None:
            command = [sys.executable, "-c", f"from {__name__} import worker; worker()"]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
            self._started.append(process)
        told, heard = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        try:
            pickle.dump(texts, told, pickle.HIGHEST_PROTOCOL)
            told.flush()
            vectors: npt.NDArray[np.float32] = pickle.load(heard)  # noqa: S301  Our own process wrote it.
        except (OSError, EOFError, pickle.UnpicklingError, ValueError) as error:
            raise UserError(
                "a process that embedded texts was killed, perhaps for want of memory; what was embedded is"
                " kept: run the same command again"
            ) from error
        finally:
            self._free.put(process)
        return vectors

    def close(self) -> None:
        """End the processes, also those at work; they start anew where they are needed again."""
        for process in self._started:
            process.kill()
        self._started.clear()
        # A thread that waits for a process hears that it is gone, and gives it back.
        for freed in [self._free.get() for _ in range(self.slots)]:
            if freed is not None:
                freed.kill()
                with suppress(BrokenPipeError), freed:
                    cast(IO[bytes], freed.stdin).close()
        for _ in range(self.slots):
            self._free.put(None)


def worker() -> None:
    """Read lists of texts from standard input and write their vectors to standard output."""
    # The process that started this one hears the interrupt, keeps what is done and ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a library prints must not come between the vectors.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    encoder = SentenceEncoder()
    with suppress(EOFError, BrokenPipeError):
        while True:
            texts = pickle.load(sys.stdin.buffer)  # noqa: S301  Written by our own process.
            pickle.dump(encoder.embed(texts), output, pickle.HIGHEST_PROTOCOL)
            output.flush()

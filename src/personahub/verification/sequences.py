"""Texts as sequences of numbered words, on flat arrays.

A word's number stands for the word itself, so what compares numbers compares words. Before and after each
sequence stands a number that no word has, so that loops over words need to know no ends.
"""

from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from personahub.kernels.words import weigh_word

if TYPE_CHECKING:
    from personahub.kernels.cutting import KnownWords

__all__ = ["Gathered", "Numbers", "Sequences", "Vocabulary"]

Numbers = npt.NDArray[np.int32]

_BETWEEN = -2
"""As :mod:`personahub.kernels.cutting` has it, which is not imported before it is needed."""


class Sequences(NamedTuple):
    """Sequences of word numbers one after the other; below 0 is what equals no word.

    Attributes:
        numbers: of the words; -1 for a word that is not indexed, -2 before and after each sequence.
        starts: where each sequence starts, and where one more would: sequence i ends before
            ``starts[i + 1] - 1``.
    """

    numbers: Numbers
    starts: npt.NDArray[np.int64]


class Vocabulary:
    """The different words of what is indexed, numbered in the order in which they came."""

    def __init__(self) -> None:
        """No word came yet."""
        self._numbers: dict[str, int] = {}
        self._weights = array("i")

    def add(self, words: Iterable[str]) -> list[int]:
        """The words' numbers; new words get new ones."""
        found = []
        for word in words:
            number = self._numbers.setdefault(word, len(self._numbers))
            if number == len(self._weights):
                self._weights.append(weigh_word(word))
            found.append(number)
        return found

    def known(self) -> "KnownWords":
        """The words so far, to number texts in which others are unknown."""
        from personahub.kernels.cutting import KnownWords

        return KnownWords(self._numbers)

    def weights(self) -> Numbers:
        """For each number what its word weighs (:func:`personahub.kernels.words.weigh_word`)."""
        return np.array(self._weights, np.int32)


class Gathered:
    """Sequences gathered one by one."""

    def __init__(self) -> None:
        """None yet."""
        self._numbers, self._starts = array("i", [_BETWEEN]), array("q", [1])

    def add(self, numbers: Iterable[int]) -> None:
        """One more."""
        self._numbers.extend(numbers)
        self._numbers.append(_BETWEEN)
        self._starts.append(len(self._numbers))

    @property
    def size(self) -> int:
        """How many numbers they take."""
        return len(self._numbers)

    def sequences(self) -> Sequences:
        """All of them; nothing can be added after that while they are used."""
        return Sequences(np.frombuffer(self._numbers, np.int32), np.frombuffer(self._starts, np.int64))

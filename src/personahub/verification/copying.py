"""Copying: the longest run of words that a text shares with its own source, or with a named corpus.

Words are those of surface deduplication (:mod:`personahub.kernels.words`), so case and punctuation hide no
copy. Scripts that part no words are measured by what stands for as many words: a Han character is 0.7 of one,
a Kana 0.3, each run of three Thai, Lao, Khmer or Burmese letters 0.2. The longest run is exact.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from personahub.errors import UserError
from personahub.kernels.texts import Texts, batches
from personahub.kernels.words import WORD, find_words, join_words, weigh_word
from personahub.verification.sequences import Gathered, Sequences, Vocabulary

__all__ = ["Corpus", "CorpusDocument", "CorpusRun", "Run", "longest_common_run"]

_SEED = 8
"""Words of a run that are looked up in a corpus."""
_LEAST = 13
"""Words; shorter runs come by chance."""
_STRIDE = 6
"""Where runs are looked up, in words of the corpus: 5 words on at most, a run of 13 has a seed left."""
_MOST_WORDS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Run:
    """The longest run of words that stands in a text and in its source.

    Attributes:
        words: how long it is, in words as this module measures them.
        share: of the text's words.
        run: the words, normalised.
        start: its first word in the text, counted from 0 in pieces as
            :func:`personahub.kernels.words.find_words` gives them.
        source_start: the same in the source.
    """

    words: int
    share: float
    run: str
    start: int
    source_start: int


@dataclass(frozen=True, slots=True)
class CorpusRun(Run):
    """The longest run that a text shares with a corpus; the first of several of one length.

    Attributes:
        file: the document's.
        row: the document's.
    """

    file: str
    row: int


class CorpusDocument(NamedTuple):
    """One text that must not be copied."""

    file: str
    """What the user calls the file."""
    row: int
    """Its row there, as messages to users count it."""
    text: str


def longest_common_run(text: str, source: str) -> Run | None:
    """The longest run of words that both have, the first in the text of equal ones; None where none is.

    Takes the time of their words, and of the pairs of places where both have the same word.
    """
    from personahub.verification.ngrams import index_windows
    from personahub.verification.runs import find_longest

    vocabulary, gathered = Vocabulary(), Gathered()
    gathered.add(vocabulary.add(find_words(source)))
    indexed = gathered.sequences()
    windows = index_windows(indexed, vocabulary.weights(), least=1, stride=1)
    found = find_longest(Sequences(*vocabulary.known().number([text])), indexed, windows, stride=1)
    if found.owners[0] < 0:
        return None
    return Run(*_described(text, *(int(part[0]) for part in found[1:5])))


class Corpus:
    """Documents that must not be copied, indexed: :meth:`index` makes one.

    In memory: for each word of a document about 10 bytes (30 while it is indexed), for each different word
    about 200, for each document its name.
    """

    def __init__(self, documents: Iterable[CorpusDocument]) -> None:
        """Use :meth:`index`."""
        from personahub.verification.ngrams import index_windows

        self._names: list[tuple[str, int]] = []
        vocabulary, gathered = Vocabulary(), Gathered()
        for document in documents:
            gathered.add(vocabulary.add(find_words(document.text)))
            self._names.append((document.file, document.row))
            if gathered.size > _MOST_WORDS:
                raise UserError(
                    f"{document.file}, row {document.row}: the documents to compare with have more than"
                    f" {_MOST_WORDS:,} words so far; compare with them in several parts"
                )
        self._known, self._sequences = vocabulary.known(), gathered.sequences()
        self._windows = index_windows(self._sequences, vocabulary.weights(), _SEED * WORD, _STRIDE)

    @classmethod
    def index(cls, documents: Iterable[CorpusDocument]) -> "Corpus":
        """Index documents, the first of which is named where several have a run.

        Raises:
            UserError: they have 2**31 words or more.
        """
        return cls(documents)

    def __len__(self) -> int:
        """How many documents there are."""
        return len(self._names)

    def longest_runs(self, texts: Texts) -> list[CorpusRun | None]:
        """For each text the longest run that a document has too; None where it is under 13 words.

        Args:
            texts: a null is a text without words.

        Raises:
            UserError: they are of another type.
        """
        found: list[CorpusRun | None] = []
        for batch in batches(texts):
            found += self._longest(batch)
        return found

    def _longest(self, texts: list[str | None]) -> list[CorpusRun | None]:
        from personahub.verification.runs import find_longest

        numbered = Sequences(*self._known.number(texts))
        found = find_longest(numbered, self._sequences, self._windows, _STRIDE)
        runs: list[CorpusRun | None] = [None] * len(texts)
        for row in np.flatnonzero(found.weights >= _LEAST * WORD).tolist():
            described = _described(texts[row] or "", *(int(part[row]) for part in found[1:5]))
            runs[row] = CorpusRun(*described, *self._names[int(found.owners[row])])
        return runs


def _described(text: str, start: int, place: int, size: int, weight: int) -> tuple[int, float, str, int, int]:
    """What a :class:`Run` has."""
    words = find_words(text)
    share = weight / sum(map(weigh_word, words))
    # A single character is one word all the same.
    return max(weight // WORD, 1), share, join_words(words[start : start + size]), start, place

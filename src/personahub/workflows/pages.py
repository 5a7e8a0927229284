"""Reading with near-identical pages set aside: joins the corpus to the page filter."""

from array import array
from bisect import bisect_right
from collections.abc import Generator, Sequence

from personahub.corpus import LeftOut, ReadOptions, Sources, read_documents
from personahub.dedup.pages import PageFilter
from personahub.kernels.words import find_words
from personahub.records import Document

__all__ = ["read_pages"]


def read_pages(
    sources: Sources,
    options: ReadOptions | None = None,
    *,
    document_tokens: int | None = None,
    jobs: int | None = None,
) -> Generator[Document | LeftOut]:
    """What :func:`~personahub.corpus.read_documents` gives, without the pages that repeat an earlier one.

    A page is a whole text of a source: a row, a record or a file, whatever documents it is cut into; all of
    them pass or none does. It is left out, as ``near_identical``, where the set of its normalised words has
    a Jaccard similarity of 0.9 or more with that of a page that passed before in the same reading, so what
    comes depends on the sources and the options alone.

    Raises:
        UserError: a file cannot be opened, or the folder of temporary files is full.
    """
    if options and not options.near_identical:
        yield from read_documents(sources, options, document_tokens=document_tokens, jobs=jobs)
        return
    with PageFilter() as pages:
        judge = _Judge(pages)
        yield from read_documents(
            sources, options, document_tokens=document_tokens, jobs=jobs, near=judge.near
        )


class _Judge:
    """Asks the filter about whole texts and knows where those that it kept are."""

    def __init__(self, pages: PageFilter) -> None:
        self._pages = pages
        self._rows = array("q")
        self._sources: list[str] = []
        self._starts: list[int] = []
        """The first place of each source."""

    def near(self, documents: Sequence[Document]) -> str | None:
        """Which earlier text these documents of one text repeat; None where they are kept."""
        match = self._pages.add(find_words(_whole(documents)))
        if match:
            source = self._sources[bisect_right(self._starts, match.place) - 1]
            # Rounded down, so that nothing but the same set of words is told to be the same.
            return f"{int(match.similarity * 100) / 100:.2f} alike to {source}, row {self._rows[match.place]}"
        first = documents[0]
        if not self._sources or self._sources[-1] != first.source:
            self._sources.append(first.source)
            self._starts.append(len(self._rows))
        self._rows.append(first.row)
        return None


def _whole(documents: Sequence[Document]) -> str:
    """The text again; where it was cut inside a word, the word too."""
    pieces: list[str] = []
    end = 0
    for document in documents:
        pieces += [" "] * (document.start > end) + [document.text]
        end = document.start + len(document.text)
    return "".join(pieces)

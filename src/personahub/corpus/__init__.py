"""Documents in: every format of the web and of data sets, streamed, looked at and cut to fit a prompt."""

from personahub.corpus.documents import LeftOut, check_first_rows
from personahub.corpus.language import detect_language, detect_languages
from personahub.corpus.options import ReadOptions
from personahub.corpus.reading import Seen, read_documents
from personahub.corpus.sources import Source, Sources, find_sources

__all__ = [
    "LeftOut",
    "ReadOptions",
    "Seen",
    "Source",
    "Sources",
    "check_first_rows",
    "detect_language",
    "detect_languages",
    "find_sources",
    "read_documents",
]

"""Documents in: files of several formats, streamed, cut to fit a prompt, their language told."""

from personahub.corpus.documents import Unreadable, check_first_rows, read_documents
from personahub.corpus.language import detect_language
from personahub.corpus.sources import SourceFiles, find_files

__all__ = [
    "SourceFiles",
    "Unreadable",
    "check_first_rows",
    "detect_language",
    "find_files",
    "read_documents",
]

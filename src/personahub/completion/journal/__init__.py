"""The journal: what makes a completion durable, for millions of them.

New entries are lines of one file, appended one write at a time (a table append costs about ten times as
much). When that file is large it is sealed in the background into a Parquet part, about a fifth of the
size, whose rows are found through 12 bytes of memory each. One process has a journal at a time.
"""

from personahub.completion.journal.entry import Entry, EntryKind
from personahub.completion.journal.journal import Journal
from personahub.completion.journal.merging import merge_journal
from personahub.completion.journal.spent import Spent

__all__ = ["Entry", "EntryKind", "Journal", "Spent", "merge_journal"]

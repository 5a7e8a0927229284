"""The errors a user can cause; each is one clear line.

Everything the command line prints as an error is a :class:`UserError`: what is wrong, where, why,
and what to do, on one line. Anything else that escapes is a defect of this software.
"""

__all__ = ["UserError"]


class UserError(Exception):
    """A mistake or a lack that the user can mend; the message is one whole line."""

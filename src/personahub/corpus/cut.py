"""Long texts cut into parts that fit a prompt, at the ends of paragraphs where there are any."""

import re
from collections.abc import Iterator

__all__ = ["cut", "token_estimate"]

# Where a text may be cut, best first: after a blank line, a line, a sentence, a word.
_ENDS = [
    re.compile(r"\n[ \t]*\n\s*"),
    re.compile(r"\n\s*"),
    re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])\s*"),
    re.compile(r"\s+"),
]


def token_estimate(text: str) -> int:
    """About how many tokens a text makes: its UTF-8 bytes by four.

    For the vocabularies of current multilingual models this holds within a fifth for Latin, Cyrillic and
    Chinese text alike; an exact count would need the model, which the corpus does not know.
    """
    return (len(text.encode()) + 3) // 4


def cut(text: str, tokens: int) -> Iterator[tuple[int, str]]:
    """Parts of the text, each of at most about ``tokens`` tokens, with their place in it.

    A part ends at the last paragraph end that keeps it within the limit; where one paragraph is too long,
    at a line's, a sentence's or a word's end, and only a longer run without any is cut inside. Nothing but
    the whitespace around the cuts is lost. A last part shorter than a quarter of the limit joins the
    one before it.

    Yields:
        (start, part): the part's first character's place in the text, and the part without outer spaces.
    """
    start = 0
    while start < len(text):
        end = _end(text, start, tokens)
        # A rest of more characters makes more tokens too, and need not be looked at.
        if len(text) - end <= tokens and token_estimate(text[end:]) < tokens // 4:
            end = len(text)
        piece = text[start:end]
        if part := piece.strip():
            yield start + len(piece) - len(piece.lstrip()), part
        start = end


def _end(text: str, start: int, tokens: int) -> int:
    limit = start + len(text[start : start + 4 * tokens].encode()[: 4 * tokens].decode(errors="ignore"))
    if limit >= len(text):
        return len(text)
    for ends in _ENDS:
        # A cut in the first quarter would leave a crumb; a worse kind of end further on is better.
        places = [match.end() for match in ends.finditer(text, start, limit)]
        if places and places[-1] - start > (limit - start) // 4:
            return places[-1]
    return max(limit, start + 1)

"""A fence around data in a prompt, which the data cannot end."""

from personahub.safeguards.orders import neutralise_markup

__all__ = ["FENCE", "fenced"]

FENCE = '"""'
"""What a prompt writes before and after data of others."""


def fenced(text: object) -> str:
    """The text with nothing in it that could end the fence it stands in, or a chat's turn."""
    return neutralise_markup(str(text)).replace(FENCE, '"' * 2)

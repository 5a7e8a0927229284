"""Thresholds as the decimals that they are written as."""

from fractions import Fraction

from personahub.errors import UserError

__all__ = ["as_written"]


def as_written(threshold: float) -> Fraction:
    """The decimal that a threshold is written as: 0.8 is 8/10, which no float is.

    Raises:
        UserError: it is no similarity.
    """
    try:
        exact = Fraction(str(threshold))
    except ValueError:  # not a number
        exact = Fraction(0)
    if not 0 < exact <= 1:
        raise UserError(f"The threshold {threshold} is no similarity: give a number above 0 and up to 1.")
    return exact

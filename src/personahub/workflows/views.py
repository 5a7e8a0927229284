"""A hub as one of its views shows it: without the duplicates that step aside there."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from personahub.hub import Hub

__all__ = ["OpenView", "open_view"]


@dataclass(frozen=True)
class OpenView:
    """Which personas a view shows.

    Attributes:
        name: the view's thresholds as they are written, such as "0.9/0.9" for surface and semantic.
        aside: ids of the personas that step aside; all others are shown.
    """

    name: str
    aside: pa.Array

    def shows(self, ids: pa.Array) -> pa.BooleanArray:
        """For each id whether the view shows it."""
        return pc.invert(pc.is_in(ids, value_set=self.aside))


def open_view(hub: Hub, name: str | None = None) -> OpenView | None:
    """The view of this name; None where every persona is shown.

    Args:
        hub: the hub.
        name: thresholds such as "0.9/0.9"; "all" for every persona; None for the view of the hub's last
            deduplication, or every persona where there was none.

    Raises:
        UserError: the name is none, or a threshold lies under the floor of what the hub has compared.
    """
    return None

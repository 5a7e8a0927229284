"""A hub as one of its views shows it: without the duplicates that step aside there."""

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from personahub.dedup import View
from personahub.errors import UserError
from personahub.hub import Hub, Method
from personahub.workflows.comparing import FLOORS, Personas, make_view

__all__ = ["OpenView", "open_view"]


@dataclass(frozen=True)
class OpenView:
    """Which personas a view shows.

    Attributes:
        name: the view's thresholds as they are written, such as "0.9/0.9" for surface and semantic.
        table: who steps aside, for whom and why (:data:`personahub.hub.ASIDE_SCHEMA`); all others are shown.
    """

    name: str
    table: pa.Table

    @cached_property
    def aside(self) -> pa.Array:
        """Ids of the personas that step aside."""
        return self.table["id"].combine_chunks()

    def shows(self, ids: pa.Array) -> pa.BooleanArray:
        """For each id whether the view shows it."""
        return pc.invert(pc.is_in(ids, value_set=self.aside))


def open_view(hub: Hub, name: str | None = None) -> OpenView | None:
    """The view of this name; None where every persona is shown.

    A view that was not looked at since the last comparison is made from its edges.

    Args:
        hub: the hub.
        name: thresholds such as "0.9/0.9"; "all" for every persona; None for the view of the hub's last
            deduplication, or every persona where there was none.

    Raises:
        UserError: the name is none, or a threshold lies under the floor of what the hub has compared.
    """
    name = name or hub.duplicates.view
    if name is None or name == "all":
        return None
    view = View.parse(name)
    aside = hub.duplicates.load_view(str(view))
    if aside is None:
        _check_compared(hub, view)
        make_view(hub, Personas.read(hub), view)
        aside = hub.duplicates.load_view(str(view))
    return OpenView(str(view), aside)


def _check_compared(hub: Hub, view: View) -> None:
    for method, threshold in ((Method.SURFACE, view.surface), (Method.SEMANTIC, view.semantic)):
        if threshold is None:
            continue
        again = f"personahub dedup --{method} {threshold:g} --hub {hub.path}"
        compared = hub.duplicates.compared(method)
        floor = compared.floor if compared else FLOORS[method]
        if threshold < floor:
            raise UserError(
                f"view {view}: {threshold:g} lies under the {method} floor {floor:g}, down to which the hub's"
                f" personas were compared; {again} makes such a view"
            )
        if not compared:
            raise UserError(f"view {view}: the hub's personas have no {method} comparison yet; run {again}")

"""A hub as one of its views shows it: without the duplicates that step aside there."""

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from personahub.dedup import View
from personahub.errors import UserError
from personahub.hub import Hub, Method
from personahub.hub.known import KnownIds
from personahub.workflows.comparing import FLOORS, Personas, make_view, surface_way

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

    @cached_property
    def _known(self) -> KnownIds:
        return KnownIds([self.aside])

    def shows(self, ids: pa.Array) -> pa.BooleanArray:
        """For each id whether the view shows it."""
        return pa.array(~self._known.holds(ids))


def open_view(hub: Hub, name: str | None = None) -> OpenView | None:
    """The view of this name; None where every persona is shown.

    A view that was not looked at since the last comparison is made from its edges. Personas that were not
    compared yet are shown.

    Args:
        hub: the hub; read as it was in a version, its views are those of that version.
        name: thresholds such as "0.9/0.9"; "all" for every persona; None for the view of the hub's last
            deduplication, or every persona where there was none.

    Raises:
        UserError: the name is none, or a threshold lies under the floor of what the hub has compared.
    """
    name = name or _own_view(hub)
    if name is None or name == "all":
        return None
    view = View.parse(name)
    below = view.semantic is not None and view.semantic < FLOORS[Method.SEMANTIC]
    model = hub.embeddings.model if below else None
    # A version's view may differ from today's, but for those made from embeddings, which are made once.
    stored = hub.version is None or below
    aside = hub.duplicates.load_view(str(view), model=model or "") if stored else None
    if aside is None:
        _check_compared(hub, view)
        aside = make_view(hub, Personas.read(hub), view).aside
    return OpenView(str(view), aside)


def _own_view(hub: Hub) -> str | None:
    if hub.version is None:
        return hub.duplicates.now().view
    views = [run.configuration.get("view") for run in hub.runs() if run.number <= hub.version]
    return next((str(view) for view in reversed(views) if view), None)


def _check_compared(hub: Hub, view: View) -> None:
    known = hub.duplicates.now().compared
    for method, threshold in ((Method.SURFACE, view.surface), (Method.SEMANTIC, view.semantic)):
        if threshold is None:
            continue
        compared = known.get(method)
        floor = compared.floor if compared else FLOORS[method]
        if threshold < floor:
            raise UserError(
                f"view {view}: {threshold:g} lies under the {method} floor {floor:g}, down to which the hub's"
                f" personas were compared; {_making(hub, view)} makes it, as the hub's own view"
            )
        if not compared:
            raise UserError(
                f"view {view}: the hub's personas have no {method} comparison yet; {_making(hub, view)} makes"
                " it, as the hub's own view"
            )


def _making(hub: Hub, view: View) -> str:
    """The command that makes a view."""
    options = [
        f"--no-{method}" if threshold is None else f"--{method} {threshold:g}"
        for method, threshold in (("surface", view.surface), ("semantic", view.semantic))
    ]
    way = surface_way(hub)
    if way and view.surface is not None:
        options += ["--minhash", f"--grams {way.grams}", f"--recall {way.recall:g}"]
        options += [] if way.verify else ["--estimate-only"]
    options += ["--order quality"] if view.order == "quality" else []
    options += ["--within-language"] if view.within_language else []
    return f"personahub dedup {' '.join(options)} --hub {hub.path}"

"""The folder that ``--out`` names for a report."""

import importlib.util
from pathlib import Path

from personahub.errors import UserError

__all__ = ["check_plotting"]


def check_plotting(out: Path) -> None:
    """See that a report with its plots can be written there, before anything is measured.

    Raises:
        UserError: there is no matplotlib, or a file in the folder's place.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise UserError(f"--out {out}: plots need matplotlib: pip install 'personahub[evaluate]'")
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out}: is a file; give a folder")

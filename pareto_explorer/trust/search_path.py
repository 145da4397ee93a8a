"""Where modules are looked for: the working directory comes last.

Files in the folder in which somebody works, such as ``profile.py`` or ``torch.py``, then neither
break what the standard library and installed packages import nor stand in for it, while modules of
the user's own are still found.
"""

from __future__ import annotations

import os
import sys

__all__ = ["add_working_directory", "demote_working_directory"]


def add_working_directory() -> None:
    """Looks for modules in the working directory, too, unless that is done anyway."""
    try:
        here = os.getcwd()  # noqa: PTH109 - pathlib is not worth its time here
    except FileNotFoundError:  # it was deleted
        return
    if here not in sys.path:
        sys.path.append(here)


def demote_working_directory() -> None:
    """Moves the entry that ``python -m`` puts first to the end, if there is one."""
    if not sys.flags.safe_path:
        sys.path.append(sys.path.pop(0))

"""The trackers' own packages, which only who exports needs."""

from __future__ import annotations

import importlib
from typing import Any

from pareto_explorer.errors import InputError

__all__ = ["package"]


def package(name: str, tracker: str) -> Any:
    """A tracker's package.

    Raises:
        InputError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"`to`: {tracker!r} needs the package {error.name or name!r}, which is not installed; "
            "run pip install 'pareto-explorer[trackers]'."
        ) from error

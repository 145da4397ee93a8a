"""Errors that a user can cause, worded the same way everywhere."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["InputError", "unknown"]


class InputError(ValueError):
    """Bad input: one sentence that names the field, the value and the fix."""


def unknown(what: str, name: object, choices: Iterable[str]) -> InputError:
    """Builds the error for a name that is not registered.

    Args:
        what: The field, for example ``"families.0.aggregator"``.
        name: The value that was found.
        choices: The valid names.

    Returns:
        An error whose text names the nearest valid choice first.

    >>> str(unknown("aggregator", "upgard", ["mgda", "upgrad"]))
    "aggregator: 'upgard' is not known; did you mean 'upgrad'? Choose from mgda, upgrad."
    """
    valid = sorted(choices)
    near = difflib.get_close_matches(str(name), valid, n=1, cutoff=0.3)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return InputError(f"{what}: {name!r} is not known{hint} Choose from {', '.join(valid)}.")

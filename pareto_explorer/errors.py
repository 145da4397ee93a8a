"""Errors that a user can cause, worded the same way everywhere."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable

__all__ = ["InputError", "bare", "brief", "unknown"]

_SHOWN = 40
"""Choices that a message lists."""


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
    near = difflib.get_close_matches(str(name)[:200], valid, n=1, cutoff=0.3)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    more = f" and {len(valid) - _SHOWN} more" if len(valid) > _SHOWN else ""
    listed = ", ".join(map(bare, valid[:_SHOWN]))
    return InputError(f"{what}: {brief(name)} is not known{hint} Choose from {listed}{more}.")


def brief(value: object) -> str:
    """A value as Python writes it, for a message: long texts and nested values are cut short.

    >>> brief(["a"] * 1000)
    "['a', 'a', 'a', 'a', 'a', 'a', ...]"
    """
    return _BRIEF.repr(value)


def bare(text: str) -> str:
    """A text without quotes, for a path or an example in a message, where it is short and plain."""
    return text if len(text) < 60 and text.isprintable() else brief(text)


class _Brief(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxlist, self.maxdict, self.maxtuple = 3, 6, 6, 6
        self.maxstring = self.maxother = self.maxlong = 96

    def repr_int(self, x: int, level: int) -> str:
        if x.bit_length() > 1000:  # Python refuses to write some
            return f"a number of {x.bit_length()} bits"
        return super().repr_int(x, level)


_BRIEF = _Brief()

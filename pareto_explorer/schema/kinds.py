"""What the columns of a run's tables hold: the plain values that fit, and typed columns of them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.errors import InputError, brief

__all__ = [
    "STRING",
    "Cost",
    "Kind",
    "Knob",
    "Measure",
    "Misfit",
    "Place",
    "Text",
    "Whole",
    "is_unicode",
    "word",
]

STRING = pd.Series(["text"]).dtype  # `str` from pandas 3 on, `object` before

LARGEST = 2**1023
"""Whole numbers from here on are no numbers: floats end there."""

DEEPEST = 16
"""Levels of lists and mappings that a knob may have."""

LIMITS = {"int64": (-(2**63), 2**63 - 1), "uint64": (0, 2**64 - 1)}
_NULLABLE = {"int64": "Int64", "uint64": "UInt64"}


class Misfit(InputError):  # noqa: N818 - what it is, for those that add the place
    """A value that its column cannot hold.

    Attributes:
        position: The row, from 0 on.
        problem: Column, value and what is needed.
    """

    def __init__(self, position: int, column: str, value: object, wanted: str) -> None:
        held = "is missing" if value is None else f"is {brief(value)}"
        self.position = position
        self.problem = f"{word(column)} {held}, where {wanted} is needed"
        super().__init__(f"row {position + 1}: {self.problem}.")


def word(name: str) -> str:
    """A name for a message: as it is, unless it would break the line or be long."""
    return name if name.isprintable() and len(name) <= 100 else brief(name)


class Kind(Protocol):
    """What a column holds."""

    @property
    def wanted(self) -> str:
        """What it holds, in words."""

    def fits(self, value: Any) -> bool:
        """Whether a plain value, or None for a missing one, can stand in the column."""

    def column(self, values: Sequence[Any]) -> Any:
        """The typed column of values that fit."""


@dataclass(frozen=True)
class Text:
    """Text that UTF-8 can hold.

    Attributes:
        optional: Whether it may be missing or empty.
        words: The texts that there are, if it may not be any.
    """

    optional: bool = False
    words: tuple[str, ...] = ()

    @property
    def wanted(self) -> str:
        """See `Kind`."""
        return f"one of {', '.join(self.words)}" if self.words else "a text"

    def fits(self, value: Any) -> bool:
        """See `Kind`."""
        if value is None or value == "":
            return self.optional
        return isinstance(value, str) and (value in self.words if self.words else is_unicode(value))

    def column(self, values: Sequence[Any]) -> pd.Series[Any]:
        """See `Kind`."""
        return pd.Series(values, dtype=STRING)


@dataclass(frozen=True)
class Whole:
    """Whole numbers, exact to the last digit.

    Attributes:
        dtype: ``"int64"`` or ``"uint64"``.
        negative: Whether there can be some below 0.
    """

    dtype: str = "int64"
    negative: bool = False

    @property
    def low(self) -> int:
        """The least one."""
        return LIMITS[self.dtype][0] if self.negative else 0

    @property
    def high(self) -> int:
        """The largest one."""
        return LIMITS[self.dtype][1]

    @property
    def wanted(self) -> str:
        """See `Kind`."""
        return f"a whole number from {self.low} to 2^{self.high.bit_length()} - 1"

    def fits(self, value: Any) -> bool:
        """See `Kind`."""
        return type(value) is int and self.low <= value <= self.high

    def column(self, values: Sequence[Any]) -> NDArray[Any]:
        """See `Kind`."""
        return np.array(values, dtype=self.dtype)


@dataclass(frozen=True)
class Measure:
    """Numbers that may be missing or infinite."""

    wanted: str = "a number"

    def fits(self, value: Any) -> bool:
        """See `Kind`."""
        return value is None or _is_number(value)

    def column(self, values: Sequence[Any]) -> NDArray[np.float64]:
        """See `Kind`."""
        return np.array(values, dtype=np.float64)


@dataclass(frozen=True)
class Cost:
    """Finite numbers from 0 on."""

    wanted: str = "a finite number from 0 on"

    def fits(self, value: Any) -> bool:
        """See `Kind`."""
        return _is_number(value) and 0 <= value < math.inf

    def column(self, values: Sequence[Any]) -> NDArray[np.float64]:
        """See `Kind`."""
        return np.array(values, dtype=np.float64)


@dataclass(frozen=True)
class Place(Cost):
    """Finite numbers from 0 on, 0 where there is none."""

    def fits(self, value: Any) -> bool:
        """See `Kind`."""
        return value is None or super().fits(value)

    def column(self, values: Sequence[Any]) -> NDArray[np.float64]:
        """See `Kind`."""
        return super().column([value or 0.0 for value in values])


@dataclass(frozen=True)
class Knob:
    """Plain values; in a column, the type that holds all of them exactly.

    These are whole numbers, real ones or truth values, in their nullable form where some are
    missing. Values of several types become text that YAML reads back, and so do whole numbers
    that 64 bits or, among real numbers, a float cannot hold.
    """

    wanted: str = "a number, a text, or a list or mapping of them"

    def fits(self, value: Any) -> bool:
        """See `Kind`."""
        return _is_plain(value, DEEPEST)

    def column(self, values: Sequence[Any]) -> pd.Series[Any]:
        """See `Kind`."""
        values = [None if isinstance(v, float) and math.isnan(v) else v for v in values]
        kinds = set(map(type, values))
        missing = type(None) in kinds
        kinds -= {type(None)}
        if kinds <= {float}:
            return pd.Series(values, dtype="float64")
        if kinds == {bool}:
            return pd.Series(values, dtype="boolean" if missing else "bool")
        if kinds == {int}:
            present = [value for value in values if value is not None]
            for dtype, (low, high) in LIMITS.items():
                if low <= min(present) <= max(present) <= high:
                    return pd.Series(values, dtype=_NULLABLE[dtype] if missing else dtype)
        if kinds == {int, float} and all(map(_is_exact, values)):
            return pd.Series(values, dtype="float64")
        found = [v if v is None or isinstance(v, str) else json.dumps(v) for v in values]
        return pd.Series(found, dtype=STRING)


def is_unicode(text: str) -> bool:
    """Whether UTF-8 can hold a text; JSON can write halves of a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_number(value: object) -> bool:
    return isinstance(value, float) or (type(value) is int and abs(value) < LARGEST)


def _is_exact(value: float | None) -> bool:
    return type(value) is not int or (abs(value) < LARGEST and float(value) == value)


def _is_plain(value: object, levels: int) -> bool:
    """Whether a value is JSON's own, down to so many levels of lists and mappings."""
    if isinstance(value, str):
        return is_unicode(value)
    if isinstance(value, list | dict):
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        return levels > 0 and all(_is_plain(part, levels - 1) for part in parts)
    if isinstance(value, int):
        return abs(value) < LARGEST
    return value is None or isinstance(value, float)

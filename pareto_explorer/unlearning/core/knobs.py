"""Knobs, and checks of their values: each says what a value should have been, or ``None``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pareto_explorer.errors import InputError, brief

__all__ = [
    "Check",
    "Knob",
    "KnobSpec",
    "above_zero",
    "absent_or_above_zero",
    "absent_or_fraction",
    "anything",
    "below_one",
    "finite",
    "fraction",
    "not_negative",
    "one_of",
    "true_or_false",
    "whole_above_one",
    "whole_above_zero",
    "whole_number",
]

#: Says what a value should have been, or ``None`` if it is good.
Check = Callable[[object], str | None]


def anything(value: object) -> str | None:  # noqa: ARG001 - a check takes a value
    """Accepts everything."""
    return None


@dataclass(frozen=True)
class Knob:
    """A hyper-parameter that a search space may set or sample.

    Attributes:
        name: Its key in a family; no two parts of a family have knobs of one name.
        default: Value when the family does not mention it.
        domain: A sensible domain in the words of a search-space file, such as
            ``{"loguniform": [0.001, 0.1]}``; ``None`` where it is usually left alone.
        summary: What it does, in a few words.
        check: Says what a value should have been, or ``None`` if the value is good.
    """

    name: str
    default: object
    domain: Mapping[str, list[Any]] | None
    summary: str
    check: Check = field(default=anything, repr=False)

    def validate(self, value: object, where: str) -> None:
        """Raises an :class:`InputError` that begins with ``where`` if the value is bad."""
        wanted = self.check(value)
        if wanted is not None:
            raise InputError(f"{where}: {brief(value)} must be {wanted}.")


class KnobSpec(NamedTuple):
    """What an entry adds to an argument of its constructor: a :class:`Knob` but for its default."""

    domain: Mapping[str, list[Any]] | None
    summary: str
    check: Check = anything


def _number(value: object) -> float:
    """Returns a finite number, or NaN for anything else: NaN fails every comparison."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        number = float(value)
    except OverflowError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def above_zero(value: object) -> str | None:
    """Accepts finite numbers above 0."""
    return None if _number(value) > 0 else "a number above 0"


def absent_or_above_zero(value: object) -> str | None:
    """Accepts ``None`` and finite numbers above 0."""
    return None if value is None or _number(value) > 0 else "a number above 0 or null"


def finite(value: object) -> str | None:
    """Accepts finite numbers."""
    return "a finite number" if math.isnan(_number(value)) else None


def not_negative(value: object) -> str | None:
    """Accepts finite numbers from 0."""
    return None if _number(value) >= 0 else "a number of at least 0"


def fraction(value: object) -> str | None:
    """Accepts numbers from 0 to 1."""
    return None if 0 <= _number(value) <= 1 else "a number from 0 to 1"


def absent_or_fraction(value: object) -> str | None:
    """Accepts ``None`` and numbers above 0 and up to 1."""
    good = value is None or 0 < _number(value) <= 1
    return None if good else "a number above 0 and up to 1 or null"


def true_or_false(value: object) -> str | None:
    """Accepts the two truth values."""
    return None if isinstance(value, bool) else "true or false"


def below_one(value: object) -> str | None:
    """Accepts numbers from 0 up to, but not including, 1."""
    return None if 0 <= _number(value) < 1 else "a number of at least 0 and below 1"


def one_of(choices: Sequence[str]) -> Callable[[object], str | None]:
    """Accepts the given words."""
    return lambda value: (
        None if isinstance(value, str) and value in choices else f"one of {', '.join(choices)}"
    )


def whole_number(value: object) -> str | None:
    """Accepts integers from 0."""
    good = isinstance(value, int) and _number(value) >= 0
    return None if good else "a whole number of at least 0"


def whole_above_one(value: object) -> str | None:
    """Accepts integers above 1."""
    good = isinstance(value, int) and _number(value) > 1
    return None if good else "a whole number above 1"


def whole_above_zero(value: object) -> str | None:
    """Accepts integers above 0."""
    good = isinstance(value, int) and _number(value) > 0
    return None if good else "a whole number above 0"

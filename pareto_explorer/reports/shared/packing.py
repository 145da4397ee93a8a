"""Columns as plain data for JSON: numbers shortened, and whatever repeats by code."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["pack_levels", "pack_numbers", "pack_text", "short_numbers"]

_REPEATS = 4  # a column is coded when each of its values is there this often on average
_POWERS = np.array([float(10**n) for n in range(23)])  # of ten, all that a float holds exactly


def pack_numbers(values: npt.ArrayLike, digits: int) -> dict[str, Any]:
    """Numbers to ``digits`` significant digits; what is not finite becomes null.

    Returns:
        ``{"values": [...]}``, or ``{"distinct": [...], "codes": [...]}`` with -1 for null where
        the numbers repeat.

    >>> pack_numbers([0.123456, float("nan"), 20.0], 3)
    {'values': [0.123, None, 20]}
    """
    numbers = np.asarray(values, dtype=np.float64)
    codes, distinct = pd.factorize(np.where(np.isfinite(numbers), numbers, np.nan))
    rounded = _short(np.asarray(distinct), digits)
    if len(rounded) * _REPEATS <= len(numbers):
        return {"distinct": rounded.tolist(), "codes": codes.tolist()}
    return {"values": np.append(rounded, None)[codes].tolist()}  # type: ignore[call-overload]


def short_numbers(values: npt.ArrayLike, digits: int) -> list[int | float | None]:
    """Numbers to ``digits`` significant digits as they are; what is not finite becomes null.

    >>> short_numbers([0.5, 0.5, float("inf"), 0.123456], 3)
    [0.5, 0.5, None, 0.123]
    """
    numbers = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(numbers)
    found = np.full(len(numbers), None, dtype=object)
    found[finite] = _short(numbers[finite], digits)
    return list(found.tolist())


def pack_text(values: pd.Series[Any]) -> dict[str, Any]:
    """Text by code: ``{"texts": [...], "codes": [...]}``, sorted, with -1 for a missing value.

    >>> pack_text(pd.Series(["b", "a", None, "b"]))
    {'texts': ['a', 'b'], 'codes': [1, 0, -1, 1]}
    """
    codes, texts = pd.factorize(values.map(str, na_action="ignore"), sort=True)
    return {"texts": [str(text) for text in texts], "codes": codes.tolist()}


def pack_levels(values: npt.ArrayLike, digits: int) -> dict[str, Any]:
    """Numbers as text by code, in their order, for those of which some are off any scale.

    >>> pack_levels([20.0, float("inf"), float("nan"), 3.0], 3)
    {'texts': ['3', '20', 'inf'], 'codes': [1, 2, -1, 0]}
    """
    codes, levels = pd.factorize(np.asarray(values, dtype=np.float64), sort=True)
    return {"texts": [f"{level:.{digits}g}" for level in levels], "codes": codes.tolist()}


def _short(values: npt.NDArray[np.float64], digits: int) -> npt.NDArray[np.object_]:
    """Finite numbers to so many significant digits, those that are whole as integers."""
    rounded = _rounded(values, digits)
    rounded = np.where(np.isfinite(rounded), rounded, values)  # the largest floats round to it
    whole = (np.abs(rounded) < 1e15) & (rounded == np.rint(rounded))
    found = rounded.astype(object)
    found[whole] = rounded[whole].astype(np.int64).astype(object)
    return found


def _rounded(values: npt.NDArray[np.float64], digits: int) -> npt.NDArray[np.float64]:
    """``float(f"{value:.{digits}g}")`` of each value.

    The digits are a whole number times a power of ten. Where floats hold both exactly, one
    multiplication or division gives the nearest float. A value that is too near to the middle of
    two such numbers to be told from it, or too far from 1, is left to the formatting.
    """
    largest = len(_POWERS) - 1
    with np.errstate(divide="ignore", over="ignore"):  # of what is not sure
        power = digits - 1 - np.floor(np.log10(np.abs(values)))
        up = _POWERS[np.clip(power, 0, largest).astype(np.intp)]
        down = _POWERS[np.clip(-power, 0, largest).astype(np.intp)]
        scaled = values * up / down
    wanted = np.rint(scaled)
    rounded = wanted / up * down
    sure = (np.abs(power) <= largest) & (np.abs(scaled - wanted) < 0.5 - 2.0**-50 * 10.0**digits)
    for place in np.flatnonzero(~sure).tolist():
        rounded[place] = float(f"{values[place]:.{digits}g}")
    return rounded

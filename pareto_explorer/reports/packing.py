"""Columns of a table as compact JSON: rounded, and coded where values repeat."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["pack_levels", "pack_numbers", "pack_text", "short_numbers"]

_REPEATS = 4  # a column is coded when each of its values is there this often on average


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
    rounded = [_short(value, digits) for value in np.asarray(distinct).tolist()]
    if len(rounded) * _REPEATS <= len(numbers):
        return {"distinct": rounded, "codes": codes.tolist()}
    return {"values": [None if code < 0 else rounded[code] for code in codes.tolist()]}


def short_numbers(values: npt.ArrayLike, digits: int) -> list[int | float | None]:
    """Numbers to ``digits`` significant digits as they are; what is not finite becomes null.

    >>> short_numbers([0.5, 0.5, float("inf"), 0.123456], 3)
    [0.5, 0.5, None, 0.123]
    """
    numbers = np.asarray(values, dtype=np.float64).tolist()
    return [_short(value, digits) if math.isfinite(value) else None for value in numbers]


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


def _short(value: float, digits: int) -> int | float:
    rounded = float(f"{value:.{digits}g}")
    if abs(rounded) < 1e15 and rounded.is_integer():
        return int(rounded)
    return rounded if math.isfinite(rounded) else value  # the largest floats round to infinity

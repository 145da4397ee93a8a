"""The knobs of a table: which vary, and how their values group."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.fronts.core.values import LARGEST
from pareto_explorer.schema.columns import CONFIG_PREFIX, config_columns

__all__ = ["knob_groups", "knob_name", "off_scale", "present", "varying_knobs"]

_BINS = 4
_PARTS = ["method", "aggregator", "forget_loss"]


def varying_knobs(table: pd.DataFrame) -> list[str]:
    """The columns in which configurations differ: method, aggregator, forget loss, and knobs.

    A knob varies when it has two values; that some families lack it does not count. That a method
    has no aggregator or forget loss does.
    """
    parts = [part for part in _PARTS if table[part].where(present(table[part])).nunique(False) > 1]
    return [*parts, *(knob for knob in config_columns(table) if table[knob].nunique() > 1)]


def present(values: pd.Series[Any]) -> NDArray[np.bool_]:
    """Marks the values that are there; an empty word is none."""
    return (values.notna() & (values != "").fillna(True)).to_numpy(bool)


def knob_name(column: str) -> str:
    """A column's name without the prefix of knobs."""
    return column.removeprefix(CONFIG_PREFIX)


def off_scale(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Marks the numbers that no scale has room for: infinite ones, and those beyond ``LARGEST``.

    Each of them is a level of its own, beside the scale of the others.
    """
    return np.asarray(np.abs(values) > LARGEST)


def knob_groups(values: pd.Series[Any]) -> tuple[NDArray[np.intp], list[str]]:
    """Groups the values of a knob: each for itself, or many numbers in four quantile bins.

    Numbers that are off any scale stay by themselves.

    Args:
        values: One column of a table.

    Returns:
        (n,) the group of each row, -1 where the value is missing, and the groups' labels in
        ascending order.
    """
    codes = np.full(len(values), -1, dtype=np.intp)
    there = present(values)
    found = values[there]
    numeric = pd.api.types.is_numeric_dtype(found.dtype) and not pd.api.types.is_bool_dtype(
        found.dtype
    )
    if not numeric:
        codes[there], words = pd.factorize(found.astype(str), sort=True)
        return codes, [str(word) for word in words]
    numbers = found.to_numpy(dtype=np.float64)
    far = off_scale(numbers)
    own = np.empty(len(numbers), dtype=np.intp)
    labels: list[str] = []
    below, above = far & (numbers < 0), far & (numbers > 0)
    for part, grouped in ((below, _each), (~far, _binned), (above, _each)):
        groups, names = grouped(numbers[part])
        own[part] = len(labels) + groups
        labels += names
    codes[there] = own
    return codes, labels


def _each(numbers: NDArray[np.float64]) -> tuple[NDArray[np.intp], list[str]]:
    distinct, own = np.unique(numbers, return_inverse=True)
    return own, [f"{value:.4g}" for value in distinct]


def _binned(numbers: NDArray[np.float64]) -> tuple[NDArray[np.intp], list[str]]:
    if len(np.unique(numbers)) <= _BINS:
        return _each(numbers)
    inner = np.quantile(numbers, np.arange(1, _BINS) / _BINS)
    bins = np.searchsorted(inner, numbers, side="left")
    used, own = np.unique(bins, return_inverse=True)
    members = [numbers[bins == number] for number in used]
    return own, [
        f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
        for low, high in ((part.min(), part.max()) for part in members)
    ]

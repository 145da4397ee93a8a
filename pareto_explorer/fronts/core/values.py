"""The one check that numbers pass before any front is computed from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pareto_explorer.errors import InputError, brief

__all__ = ["LARGEST", "finite_matrix", "finite_number"]

LARGEST = 1e100
"""Magnitude beyond which nothing is calculated: products of three such numbers are still finite."""


def finite_matrix(values: ArrayLike, columns: Sequence[str] | None = None) -> NDArray[np.float64]:
    """Checks that values form a finite matrix; an empty list is a matrix without rows.

    Sorting and hypervolume libraries give wrong answers without a warning when a value is NaN, or
    so large that a product of it is infinite, so such values stop here.

    Args:
        values: (n, m).
        columns: The names of the m columns, if they are known.

    Returns:
        The values as float64, (n, m); not a copy when they are that already.

    Raises:
        InputError: Another shape, or a value that is NaN, infinite or beyond ``LARGEST``.
    """
    matrix = np.asarray(values, dtype=np.float64)
    width = len(columns) if columns is not None else None
    if matrix.size == 0 and matrix.ndim <= 2 and len(matrix) == 0:
        return np.empty((0, width or (matrix.shape[1] if matrix.ndim == 2 else 0)))
    if matrix.ndim != 2 or (width is not None and matrix.shape[1] != width):
        expected = f"(n, {width})" if width is not None else "(n, m)"
        raise InputError(
            f"values: shape {matrix.shape} found, {expected} needed; give one row per point and "
            "one column per objective."
        )
    finite = np.abs(matrix) <= LARGEST
    if not finite.all():
        row, column = np.argwhere(~finite)[0].tolist()
        name = columns[column] if columns is not None else f"column {column}"
        raise InputError(
            f"values: {name} of row {row} is {matrix[row, column]}; leave out the "
            f"{int((~finite.all(axis=1)).sum())} rows with a value that is not finite or beyond "
            f"{LARGEST:g} first."
        )
    return matrix


def finite_number(field: str, value: object) -> float:
    """Checks that a value is a number that can be calculated with.

    Args:
        field: What the value is, for the message.
        value: Anything; text and truth values are no numbers.

    Returns:
        The value as a float.

    Raises:
        InputError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise InputError(f"{field}: {brief(value)} is not a number; write one, for example 0.1.")
    if not -LARGEST <= value <= LARGEST:  # and not NaN
        raise InputError(
            f"{field}: {brief(value)} is not finite or too large; give a number up to {LARGEST:g}."
        )
    return float(value)

"""Which points no other point beats."""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

from pareto_explorer.fronts.values import finite_matrix

__all__ = ["non_dominated"]


def non_dominated(values: ArrayLike) -> NDArray[np.bool_]:
    """Marks the non-dominated points among minimised values.

    A point is dominated when another is no worse in every objective and better in one. Equal
    points do not dominate each other, so duplicates of a non-dominated point all stay.

    Takes O(n log n) for two and three objectives.

    Args:
        values: (n, m), every column minimised, m at least 2.

    Returns:
        (n,) mask.

    Raises:
        InputError: NaN, an infinity, or another shape.

    >>> non_dominated([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]).tolist()
    [True, True, False, True]
    """
    matrix = finite_matrix(values)
    if not len(matrix):
        return np.zeros(0, dtype=np.bool_)
    # moocore keeps one of each set of duplicates unless told otherwise
    return np.asarray(moocore.is_nondominated(matrix, keep_weakly=True), dtype=np.bool_)

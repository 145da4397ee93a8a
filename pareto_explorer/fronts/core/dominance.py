"""Which points no other point beats."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pareto_explorer.fronts.core.checked import nondominated

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
    return nondominated(values, keep_equal=True)

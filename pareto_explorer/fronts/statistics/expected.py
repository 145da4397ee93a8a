"""The hypervolume to expect of fewer configurations than were tried."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.statistics.configurations import (
    ALL_UP_TO,
    BAND,
    SUBSETS,
    configurations,
)
from pareto_explorer.fronts.statistics.cross_fitting import checkpoints

__all__ = ["expected_hypervolume"]

_COLUMNS = ["family", "replicate", "configurations", "mean", "low", "high"]
_SIZES = 20


def expected_hypervolume(points: pd.DataFrame, box: Box, *, seed: int = 0) -> pd.DataFrame:
    """What k of a family's n configurations reach, whichever k they are.

    Up to n = 12 every subset counts. Beyond, it is 2,000 random ones: the first k configurations of
    some 100 random orders, for up to 20 sizes k between 1 and n at even ratios. So a mean never
    falls from one size to the next.

    Args:
        points: A points table.
        box: The objectives.
        seed: Of random orders.

    Returns:
        Columns ``family``, ``replicate`` (those in which the family was run), ``configurations``
        (k, ascending), and the ``mean`` of the hypervolume over the subsets, with its 10 and 90 %
        quantiles ``low`` and ``high``. At k = n all three are the family's hypervolume.

    Raises:
        InputError: An objective is no column of the table.
    """
    table = checkpoints(points, box)
    rows = []
    for family in sorted(points["family"].unique()):
        drawn = configurations(table.of(family).where_run())
        sizes, subsets = zip(*_subsets(len(drawn.names), seed), strict=True)
        ends = np.cumsum([len(members) for members in subsets])[:-1]
        volumes = np.split(drawn.volumes(np.concatenate(subsets)), ends, axis=1)
        for number, replicate in enumerate(drawn.replicates):
            for size, found in zip(sizes, volumes, strict=True):
                low, high = np.quantile(found[number], BAND)
                rows.append((family, replicate, size, found[number].mean(), low, high))
    return pd.DataFrame(rows, columns=_COLUMNS).sort_values(_COLUMNS[:3], ignore_index=True)


def _subsets(n: int, seed: int) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Sizes, each with which of n configurations its subsets have, (s, n)."""
    if n <= ALL_UP_TO:
        members = np.array(list(product([False, True], repeat=n)))
        own = members.sum(axis=1)
        yield from ((size, members[own == size]) for size in range(1, n + 1))
        return
    sizes = np.unique(np.rint(np.geomspace(1, n, _SIZES)).astype(int)).tolist()
    orders = np.random.default_rng(seed).random((SUBSETS // len(sizes), n))
    places = orders.argsort(axis=1)
    for size in sizes:
        yield size, places[:1] < n if size == n else places < size

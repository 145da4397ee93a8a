"""Exact tests for differences over replicates, by flipping signs."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["max_t", "signed_rank"]

_ALL_FLIPS_UP_TO = 12
_FLIPS = 4_096
_TIE = 1e-9


def max_t(rows: NDArray[np.float64], *, seed: int = 0) -> NDArray[np.float64]:
    """Two-sided p-values of several comparisons, corrected for their number.

    The step-down max-T procedure of Westfall and Young (1993, algorithm 4.1): comparisons compete
    in the order of their statistics, and one whose turn has come competes with the weaker ones
    only. The null distribution comes from flipping the signs of whole columns: all 2ⁿ flips up to
    twelve columns, 4,096 random ones, none flipped among them, beyond. The statistic is |Σd|, since
    all differences are in one unit. Divided by its standard error, as Student has it, one
    comparison of small differences that happen to be of one size under some flip would outdo all
    others, which leaves little power with six to ten replicates.

    Takes O(p n 2ⁿ).

    Args:
        rows: (p, n), the differences of each comparison, one column per replicate, in one unit.
        seed: Of random flips.

    Returns:
        (p,)
    """
    signs = _flips(rows.shape[1], seed)
    observed = np.abs(rows.sum(axis=1))
    order = np.argsort(-observed, kind="stable")
    flipped = np.abs(signs @ rows[order].T)
    largest = np.maximum.accumulate(flipped[:, ::-1], axis=1)[:, ::-1]  # of this and smaller ones
    tie = _TIE * np.abs(rows).max(initial=0.0)
    p = (largest >= observed[order] - tie).mean(axis=0)
    corrected = np.empty(len(rows))
    corrected[order] = np.maximum.accumulate(p)
    return corrected


def signed_rank(differences: NDArray[np.float64]) -> float:
    """The exact two-sided p-value of Wilcoxon's signed-rank test.

    Zeros are dropped and ties share their mean rank, as Wilcoxon (1945) has it; the distribution
    is that of the ranks at hand, so it is exact with ties too. It is 1 if all differences are 0.

    Args:
        differences: (n,)
    """
    from scipy.stats import rankdata  # 0.4 s to import, and few commands need it

    nonzero = differences[differences != 0]
    if not len(nonzero):
        return 1.0
    # doubled, midranks are whole numbers
    ranks = np.rint(2 * rankdata(np.round(np.abs(nonzero), 12))).astype(int)
    cumulative = _cumulative(tuple(sorted(ranks.tolist())))
    smaller = min(int(ranks[nonzero > 0].sum()), int(ranks[nonzero < 0].sum()))
    return min(1.0, 2 * float(cumulative[smaller]))


def _flips(n: int, seed: int) -> NDArray[np.float64]:
    """Signs of the replicates, (flips, n); the first row changes none."""
    if n <= _ALL_FLIPS_UP_TO:
        # a flip and its opposite give the same statistic, so the last replicate may keep its sign
        bits = np.arange(2 ** (n - 1))[:, None] >> np.arange(n) & 1
        return np.asarray(1.0 - 2.0 * bits)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(_FLIPS, n))
    signs[0] = 1.0
    return signs


@lru_cache(maxsize=128)
def _cumulative(ranks: tuple[int, ...]) -> NDArray[np.float64]:
    """The distribution of the sum of those ranks whose fair coin shows heads, cumulated."""
    p = np.zeros(sum(ranks) + 1)
    p[0] = 1.0
    for rank in ranks:
        p[rank:] = p[rank:] + p[:-rank]
        p /= 2
    return np.cumsum(p)

"""D²: how well single samples tell unlearned from retrained models, without a bias.

Of sample i, θ_i = P(u > r) + P(u = r)/2 - 1/2 is the excess AUC of its margin: u of an unlearned,
r of a retrained model of other seeds. D² is the mean of θ_i² over samples: 0 where no sample tells,
1/4 where every one tells always. Margins that are normal with one spread and means that are d
standard deviations apart have θ = Φ(d/√2) - 1/2.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from pareto_explorer.audits.statistics.arrays import Values, by_seed, model_values
from pareto_explorer.audits.statistics.jackknife import Estimate, estimate

__all__ = [
    "effect_sizes",
    "energy_distance",
    "equivalent_auc",
    "excess_auc",
    "squared_excess_auc",
    "squared_excess_auc_by_seed",
    "squared_excess_auc_independent",
]

_BLOCK = 2**18
"""Comparisons of a block of samples: they stay in the processor's cache."""


def excess_auc(unlearned: ArrayLike, retrained: ArrayLike) -> Values:
    """Returns θ of each sample, in [-1/2, 1/2], from pairs of different seeds.

    Args:
        unlearned: Margins, (N, F) with N at least 2.
        retrained: Margins of the same seeds, (N, F).

    Returns:
        Shape (F,).

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    u, r = by_seed(unlearned, retrained, least=2)
    n = len(u)
    return np.concatenate([signs.sum((0, 1)) for signs in _signs(u, r)]) / (4 * n * (n - 1))


def squared_excess_auc(unlearned: ArrayLike, retrained: ArrayLike) -> Estimate:
    """Estimates D² without a bias from models of which two share each seed.

    Models of one seed are correlated, so that the usual U-statistic of two samples is biased. This
    one is the mean over all quadruples of four different seeds of the product of two comparisons.
    With S the comparisons sign(u_a - r_b) + sign(u_b - r_a), h their sums over one seed and T half
    their sum over both, that is (T² - Σh² + ΣS²/2) / (4 N(N-1)(N-2)(N-3)), and with one seed less
    it follows from the same sums, which gives the jackknife's standard error (NaN below N = 5).
    It takes time in N² F.

    Args:
        unlearned: Margins, (N, F) with N at least 4.
        retrained: Margins of the same seeds, (N, F).

    Returns:
        D², at most 1/4; by chance below 0.

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    value, without = _with_and_without(unlearned, retrained)
    if without is None:
        return Estimate(value, float("nan"), 4)
    return estimate(value, without)


def squared_excess_auc_by_seed(unlearned: ArrayLike, retrained: ArrayLike) -> Values:
    """Splits D² into a value for each seed, whose mean it is.

    These are the jackknife's pseudo-values N D² - (N-1) D²₍ⱼ₎, the latter without seed j; of four
    seeds none can be left out, and each has D² itself.

    Args:
        unlearned: Margins, (N, F) with N at least 4.
        retrained: Margins of the same seeds, (N, F).

    Returns:
        Shape (N,); any of them may lie beyond the range of D².

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    value, without = _with_and_without(unlearned, retrained)
    if without is None:
        return np.full(4, value)
    n = len(without)
    return n * value - (n - 1) * without


def squared_excess_auc_independent(first: ArrayLike, second: ArrayLike) -> float:
    """Estimates D² without a bias from models of which no two share a seed.

    Args:
        first: Margins, (n, F) with n at least 2.
        second: Margins, (m, F) with m at least 2.

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    u, r = model_values("first", first, least=2), model_values("second", second, least=2)
    n, m = len(u), len(r)
    total = 0.0
    for part in _parts(u.shape[1], n * m):
        signs = np.sign(u[:, np.newaxis, part] - r[np.newaxis, :, part])
        rows, columns = signs.sum(1), signs.sum(0)
        total += (rows.sum(0) ** 2).sum() - (rows**2).sum() - (columns**2).sum() + (signs**2).sum()
    return float(total / (4 * u.shape[1] * n * (n - 1) * m * (m - 1)))


def equivalent_auc(squared_excess: float) -> float:
    """Returns the AUC that every sample would have if all told equally well: ½ + √D²."""
    return 0.5 + sqrt(max(squared_excess, 0.0))


def effect_sizes(unlearned: ArrayLike, retrained: ArrayLike) -> Values:
    """Returns of each sample (mean of u - mean of r) / root of the mean of both variances.

    A sample whose margins do not vary at all has 0 where the means agree, and else plus or minus
    infinity.

    Args:
        unlearned: Margins, (N, F) with N at least 2.
        retrained: Margins of the same seeds, (N, F).

    Returns:
        Shape (F,).

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    u, r = by_seed(unlearned, retrained, least=2)
    difference = u.mean(0) - r.mean(0)
    spread = np.sqrt((u.var(0, ddof=1) + r.var(0, ddof=1)) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, difference / spread)


def energy_distance(unlearned: ArrayLike, retrained: ArrayLike) -> float:
    """Estimates 2E|u - r| - E|u - u'| - E|r - r'|, the mean over samples, without a bias.

    All pairs are of different seeds. It sees changes of spread, to which D² is blind. Source:
    Székely and Rizzo, "Energy statistics" (Journal of Statistical Planning and Inference 143,
    2013). It takes time in N log(N) F.

    Args:
        unlearned: Margins, (N, F) with N at least 2.
        retrained: Margins of the same seeds, (N, F).

    Returns:
        In units of the margin; 0 where the distributions agree, by chance below 0.

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    u, r = by_seed(unlearned, retrained, least=2)
    n = len(u)
    within_u, within_r = _distances(u), _distances(r)
    across = _distances(np.concatenate([u, r])) - within_u - within_r - np.abs(u - r).sum(0)
    pairs = n * (n - 1)
    return float((2 * across / pairs - 2 * within_u / pairs - 2 * within_r / pairs).mean())


def _with_and_without(unlearned: ArrayLike, retrained: ArrayLike) -> tuple[float, Values | None]:
    """D², and D² without each seed, (N,), where more than four are there."""
    u, r = by_seed(unlearned, retrained, least=4)
    n, samples = u.shape
    total, without = 0.0, np.zeros(n)
    for signs in _signs(u, r):
        sums = signs.sum(0)  # h, (N, samples of the block)
        squares = (signs * signs).sum(0)
        half, lengths, all_squares = sums.sum(0) / 2, (sums * sums).sum(0), squares.sum(0) / 2
        total += (half**2 - lengths + all_squares).sum()
        shared = np.einsum("abi,ai->bi", signs, sums)
        without += (
            (half - sums) ** 2 - (lengths - sums**2 - 2 * shared + squares) + all_squares - squares
        ).sum(1)
    value = float(total / (4 * samples * _quadruples(n)))
    return value, None if n == 4 else without / (4 * samples * _quadruples(n - 1))


def _distances(x: Values) -> Values:
    """The sum of |x_a - x_b| over all pairs of rows, (F,)."""
    n = len(x)
    return np.asarray((2 * np.arange(n) + 1 - n) @ np.sort(x, axis=0))


def _signs(u: Values, r: Values) -> Iterator[Values]:
    """S of blocks of samples, (N, N, samples), symmetric in its seeds with zeros for equal ones."""
    seeds = np.arange(len(u))
    for part in _parts(u.shape[1], len(u) ** 2):
        signs = np.sign(u[:, np.newaxis, part] - r[np.newaxis, :, part])
        signs[seeds, seeds] = 0.0
        yield signs + signs.transpose(1, 0, 2)


def _parts(samples: int, comparisons: int) -> Iterator[slice]:
    width = max(1, _BLOCK // comparisons)
    for start in range(0, samples, width):
        yield slice(start, start + width)


def _quadruples(n: int) -> int:
    return n * (n - 1) * (n - 2) * (n - 3)

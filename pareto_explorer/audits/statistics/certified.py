"""A lower bound on the privacy loss of single samples that holds with known confidence."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from pareto_explorer.audits.statistics.arrays import Values, by_seed

__all__ = ["certified_losses"]


def certified_losses(
    unlearned: ArrayLike, retrained: ArrayLike, *, level: float = 0.95, delta: float = 1e-5
) -> Values:
    """Bounds the ε of each sample from below, with one chosen attack per sample.

    The threshold and its direction that tell best are chosen on the first half of the seeds; the
    other half gives upper bounds of both error rates (Clopper and Pearson, each at half of the
    remaining risk). The largest possible bounds are .53, 1.35, 2.10 at N = 16, 32, 64, and 0
    below 10 or so: few models certify nothing.

    Source: Jagielski, Ullman and Oprea, "Auditing differentially private machine learning" (NeurIPS
    2020), for the bound.

    Args:
        unlearned: Margins, (N, F) with N at least 4.
        retrained: Margins of the same seeds, (N, F).
        level: The confidence for one sample.
        delta: The δ of (ε, δ).

    Returns:
        Shape (F,), at least 0.

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    u, r = by_seed(unlearned, retrained, least=4)
    half = len(u) // 2
    thresholds, above = _best_thresholds(u[:half], r[:half])
    positive, negative = (np.where(above, x[half:], -x[half:]) for x in (u, r))
    cut = np.where(above, thresholds, -thresholds)
    n = len(positive)
    missed, false = (positive <= cut).sum(0), (negative > cut).sum(0)
    bounds = np.ones(n + 1)
    bounds[:n] = betaincinv(np.arange(n) + 1, n - np.arange(n), (1 + level) / 2)
    fnr, fpr = bounds[missed], bounds[false]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = (1 - delta - fpr) / fnr, (1 - delta - fnr) / fpr
    return np.log(np.maximum(np.maximum(*ratios), 1.0))


def _best_thresholds(u: Values, r: Values) -> tuple[Values, Values]:
    """Of each sample, the threshold with the fewest errors, and whether u is above it."""
    values = np.sort(np.concatenate([u, r]), axis=0)
    cuts = (values[1:] + values[:-1]) / 2
    excess = np.stack([(u > cut).sum(0) - (r > cut).sum(0) for cut in cuts])
    best = np.abs(excess).argmax(0)
    chosen = np.arange(u.shape[1])
    return cuts[best, chosen], excess[best, chosen] >= 0

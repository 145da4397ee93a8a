"""U-LiRA: an attacker who knows the procedure and has models of all seeds but one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pareto_explorer.audits.statistics.arrays import Values, by_seed
from pareto_explorer.audits.statistics.roc import auc, true_positive_rate

__all__ = ["Attack", "Density", "pooled", "shrunken", "u_lira", "u_lira_accuracy", "u_lira_scores"]

Density = Callable[[Values, Values, Values, int], Values]
"""The log-density, up to a constant, of values (N, F) under means (N, F) and variances (N, F) that
were estimated from k models each."""

_LEAST_SCORES = 1000
_LEAST_VARIANCE = 1e-12
"""Margins that differ by less than a millionth are the same."""


@dataclass(frozen=True, eq=False)
class Attack:
    """How often an attacker is right who must say which of two models a margin is of.

    Attributes:
        accuracy: Over all seeds and samples, half of them of either kind; ½ is chance.
        per_seed: The accuracy against the models of each seed, (N,), of an attacker who has the
            other seeds.
        auc: Of all scores together.
        tpr_1pct: The share of true positives at 1 % false ones; None below 1,000 scores.
    """

    accuracy: float
    per_seed: Values
    auc: float
    tpr_1pct: float | None


def pooled(x: Values, mean: Values, variance: Values, k: int) -> Values:
    """A normal density with one variance for all samples, as a further model has it.

    Args:
        x: (N, F).
        mean: (N, F).
        variance: (N, F), unbiased; averaged over samples.
        k: The models that mean and variance are of.
    """
    spread = np.maximum(variance.mean(1, keepdims=True), _LEAST_VARIANCE) * (1 + 1 / k)
    return -((x - mean) ** 2 / spread + np.log(spread)) / 2


def shrunken(x: Values, mean: Values, variance: Values, k: int) -> Values:
    """A Student density with each sample's own variance, shrunk as by four models of all samples.

    For samples whose spreads differ much. Args and result are those of `pooled`.
    """
    shared = np.maximum(variance.mean(1, keepdims=True), _LEAST_VARIANCE)
    freedom = k + 3
    spread = ((k - 1) * variance + 4 * shared) / freedom * (1 + 1 / k)
    return -((freedom + 1) * np.log1p((x - mean) ** 2 / (freedom * spread)) + np.log(spread)) / 2


def u_lira_scores(
    unlearned: ArrayLike, retrained: ArrayLike, density: Density = pooled
) -> tuple[Values, Values]:
    """Returns the log-likelihood ratios of unlearned against retrained, each by the other seeds.

    Args:
        unlearned: Margins, (N, F) with N at least 4.
        retrained: Margins of the same seeds, (N, F).
        density: Of one sample's margins over seeds.

    Returns:
        The scores of the unlearned models and those of the retrained ones, (N, F) each.

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    u, r = by_seed(unlearned, retrained, least=4)
    k = len(u) - 1
    sides = _without_each(u), _without_each(r)
    of_u, of_r = (density(x, *sides[0], k) - density(x, *sides[1], k) for x in (u, r))
    return of_u, of_r


def u_lira(unlearned: ArrayLike, retrained: ArrayLike, density: Density = pooled) -> Attack:
    """Attacks the models of each seed with those of all others.

    Fits that had seen the attacked model would find differences where there are none. With normal
    margins whose means are d standard deviations apart, and many seeds, the accuracy is Φ(|d|/2)
    and the AUC Φ(|d|/√2). Source: Hayes et al., "Inexact unlearning needs more careful evaluations
    to avoid a false sense of privacy" (arXiv 2403.01218), game and likelihood ratio; leaving out
    one seed and the pooled variance are ours.

    Args:
        unlearned: Margins, (N, F) with N at least 4.
        retrained: Margins of the same seeds, (N, F).
        density: Of one sample's margins over seeds: `pooled` or `shrunken`.

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    positive, negative = u_lira_scores(unlearned, retrained, density)
    per_seed = _right(positive, negative)
    return Attack(
        accuracy=float(per_seed.mean()),
        per_seed=per_seed,
        auc=auc(positive, negative),
        tpr_1pct=(
            true_positive_rate(positive, negative, 0.01) if positive.size >= _LEAST_SCORES else None
        ),
    )


def u_lira_accuracy(unlearned: ArrayLike, retrained: ArrayLike, density: Density = pooled) -> float:
    """Returns the accuracy of `u_lira` alone, for the jackknife."""
    return float(_right(*u_lira_scores(unlearned, retrained, density)).mean())


def _right(positive: Values, negative: Values) -> Values:
    """The share of right answers at a ratio above 0, of each seed; a ratio of 0 counts ½."""
    return 0.5 + (np.sign(positive).mean(1) - np.sign(negative).mean(1)) / 4


def _without_each(x: Values) -> tuple[Values, Values]:
    """Means and unbiased variances over all seeds but one, (N, F) each."""
    n = len(x)
    centred = x - x.mean(0)
    means = x - centred * (n / (n - 1))
    squares = (centred**2).sum(0) - centred**2 * (n / (n - 1))
    return means, np.maximum(squares, 0) / (n - 2)

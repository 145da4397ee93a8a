"""Attacks with few or no models of their own: retrained models stand for "never trained on"."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, ndtr

from pareto_explorer.audits.statistics.arrays import Values, model_values

__all__ = ["offline_lira", "rmia"]


def offline_lira(target: ArrayLike, out: ArrayLike) -> Values:
    """Returns how surprising margins are for models that were not trained on the samples.

    Φ((m - mean) / spread), the spread being pooled over samples. Source: Carlini et al.,
    "Membership inference attacks from first principles" (S&P 2022).

    Args:
        target: Margins of the attacked model, (F,).
        out: Margins of K retrained models, (K, F) with K at least 2.

    Returns:
        Shape (F,); larger for samples that seem trained on.

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    own, others = _target("target", target), model_values("out", out, least=2)
    spread = np.sqrt(others.var(0, ddof=1).mean())
    return np.asarray(ndtr((own - others.mean(0)) / spread))


def rmia(
    target: ArrayLike,
    out: ArrayLike,
    target_population: ArrayLike,
    out_population: ArrayLike,
    *,
    a: float,
    gamma: float = 1.0,
) -> Values:
    """Returns the share of population samples that each sample is more likely a member than.

    A sample's likelihood ratio is p / P with P = ((1 + a) p_out + 1 - a) / 2, p the probability of
    its label and p_out its mean over retrained models; it wins against population samples whose
    ratio is less than 1/γ of its own. Source: Zarifzadeh, Liu and Shokri, "Low-cost high-power
    membership inference attacks" (ICML 2024, arXiv 2312.03262), offline form.

    Args:
        target: Margins of the attacked model, (F,).
        out: Margins of K retrained models on the same samples, (K, F).
        target_population: Margins of the attacked model on samples never trained on, (G,).
        out_population: Margins of the retrained models on those, (K, G).
        a: How far models not trained on a sample are from those trained on it, in [0, 1].
        gamma: By how much to win.

    Returns:
        Shape (F,), in [0, 1]; larger for samples that seem trained on.

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    ratios = _ratios(target, out, a)
    population = np.sort(_ratios(target_population, out_population, a))
    return np.searchsorted(population, ratios / gamma, "left") / len(population)


def _ratios(target: ArrayLike, out: ArrayLike, a: float) -> Values:
    own, others = expit(_target("target", target)), expit(model_values("out", out))
    return np.asarray(own / (((1 + a) * others.mean(0) + (1 - a)) / 2))


def _target(name: str, margins: ArrayLike) -> Values:
    return model_values(name, np.atleast_2d(np.asarray(margins)))[0]

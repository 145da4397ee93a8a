"""KLoM: the Kullback-Leibler divergence of margins over models, sample by sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pareto_explorer.audits.statistics.arrays import Values, model_values

__all__ = ["gaussian_klom", "klom"]

_BINS = 20
_LARGEST = 100.0
_LEAST = 1e-5


def klom(first: ArrayLike, second: ArrayLike) -> Values:
    """Returns KL(first ‖ second) of each sample's margins, from histograms.

    Twenty bins over the common range; where the second is empty and the first is not, it counts
    1e-5, so that disjoint margins have log(1e5) = 11.5. Identical distributions are far from 0
    with few models (5.6 with 10 a side, .34 with 100): see `beside_floor`, and compare numbers of
    one number of models only. Published numbers are KL(retrained ‖ unlearned).

    Source: Georgiev et al., "Attribute-to-delete: machine unlearning via datamodel matching" (arXiv
    2410.23232), with the constants of its published code; margins at the right edge are
    counted here.

    Args:
        first: Margins, (n, F).
        second: Margins of models of other seeds, (m, F).

    Returns:
        Shape (F,), in nats; papers give its mean and its 95 % quantile.

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    p, q = (
        np.clip(model_values(name, x), -_LARGEST, _LARGEST)
        for name, x in (("first", first), ("second", second))
    )
    edges = np.linspace(np.minimum(p.min(0), q.min(0)), np.maximum(p.max(0), q.max(0)), _BINS + 1)
    shares, others = _shares(p, edges), _shares(q, edges)
    others = np.where(shares > 0, np.maximum(others, _LEAST), others)
    others = others / others.sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(shares > 0, shares * np.log(shares / others), 0.0)
    return np.asarray(terms.sum(0))


def gaussian_klom(first: ArrayLike, second: ArrayLike) -> Values:
    """Returns KL(first ‖ second) of normal distributions fitted to each sample's margins.

    Less biased than `klom` below 64 models, but not unbiased: see `beside_floor`.

    Args:
        first: Margins, (n, F) with n at least 2.
        second: Margins of models of other seeds, (m, F) with m at least 2; not all equal.

    Returns:
        Shape (F,), in nats.

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    p, q = model_values("first", first, least=2), model_values("second", second, least=2)
    own, other = p.var(0, ddof=1), q.var(0, ddof=1)
    shift = (p.mean(0) - q.mean(0)) ** 2
    return np.asarray((np.log(other / own) + (own + shift) / other - 1) / 2)


def _shares(x: Values, edges: Values) -> Values:
    """The share of models in each bin, (bins, F); the last bin has its right edge."""
    above = np.stack([(x >= edge).sum(0) for edge in edges[:-1]])
    return -np.diff(above, axis=0, append=0) / len(x)

"""What of a forget set was memorised, and how an attack does on more and less of that."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pareto_explorer.audits.statistics.arrays import Values, by_seed, model_values, same_seeds
from pareto_explorer.audits.statistics.u_lira import Density, pooled, u_lira_scores

__all__ = ["TERCILES", "memorisation", "terciles", "u_lira_by_tercile"]

TERCILES = ("low", "mid", "high")
"""The names of thirds of a forget set, from what was memorised least."""


def memorisation(original: ArrayLike, retrained: ArrayLike) -> Values:
    """Returns the share of original models that are right on a sample less that of retrained ones.

    Source: Feldman, "Does learning require memorization?" (arXiv 1906.05271), with the models that
    were trained without all forgotten samples in place of those without the one.

    Args:
        original: Margins, (N, F); a positive one is a right answer.
        retrained: Margins of the same seeds, (N, F).

    Returns:
        Shape (F,), in [-1, 1].

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    o, r = by_seed(original, retrained, least=1)
    return np.asarray((o > 0).mean(0) - (r > 0).mean(0))


def terciles(original: ArrayLike, retrained: ArrayLike) -> NDArray[np.intp]:
    """Sorts the samples by memorisation into thirds.

    Where it is equal, as between samples that all original models know and no retrained one, the
    mean distance of the margins decides.

    Args:
        original: Margins, (N, F).
        retrained: Margins of the same seeds, (N, F).

    Returns:
        Shape (F,): positions in `TERCILES`.

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    o, r = by_seed(original, retrained, least=1)
    return _thirds(np.round(len(o) * memorisation(o, r)), (o - r).mean(0))


def u_lira_by_tercile(
    original: ArrayLike, unlearned: ArrayLike, retrained: ArrayLike, density: Density = pooled
) -> Values:
    """Breaks the accuracy of `u_lira` down by memorisation.

    The models of each seed are judged on thirds that the models of all other seeds define: chosen
    with the attacked models, samples would be told apart where there is nothing to find.

    Args:
        original: Margins, (N, F) with N at least 4 and F at least 3.
        unlearned: Margins of the same seeds, (N, F).
        retrained: Likewise.
        density: See `u_lira`.

    Returns:
        The accuracies in the order of `TERCILES`.

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    positive, negative = u_lira_scores(unlearned, retrained, density)
    right = 0.5 + (np.sign(positive) - np.sign(negative)) / 4
    o, r = same_seeds(model_values("original", original), model_values("retrained", retrained))
    shares = (o > 0).astype(np.float64) - (r > 0)
    thirds = _thirds(*(values.sum(0) - values for values in (shares, o - r)))
    return np.array([right[thirds == number].mean() for number in range(len(TERCILES))])


def _thirds(shares: Values, distances: Values) -> NDArray[np.intp]:
    """The thirds of each row, by the first and, where that is equal, by the second.

    The first are whole numbers.
    """
    samples = shares.shape[-1]
    key = shares * (2 * np.abs(distances).max() + 1) + distances
    bounds = [-(-samples // 3), -(-2 * samples // 3)]
    order = np.argpartition(key, [min(bound, samples - 1) for bound in bounds], axis=-1)
    found = np.empty(shares.shape, np.intp)
    thirds = np.arange(samples) * len(TERCILES) // samples
    np.put_along_axis(found, order, np.broadcast_to(thirds, order.shape), axis=-1)
    return found

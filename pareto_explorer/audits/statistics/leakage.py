"""Leakage: was a sample forgotten, or never seen? Of models that forgot halves of the forget set.

Each seed has two unlearned models: one was trained on the retain set and a random half of the
forget set and forgot that half, one had the other half. So each sample is once forgotten and once
never seen under every seed, and `u_lira` of the two (`by_role`) is the attack.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pareto_explorer.audits.statistics.arrays import Values, model_values
from pareto_explorer.audits.statistics.u_lira import Density, pooled, u_lira_scores
from pareto_explorer.errors import InputError

__all__ = ["by_role", "swap_advantage", "swap_advantages"]


def by_role(halves: ArrayLike, first: ArrayLike) -> tuple[Values, Values]:
    """Sorts values of the two models of each seed by what the sample is to the model.

    Args:
        halves: (N, 2, F): of the model that had the first half, then of the one that had the other.
        first: (N, F), truth values: whether a sample is in the first half.

    Returns:
        Of the models that forgot the sample, and of those that never saw it, (N, F) each.

    Raises:
        InputError: The shapes do not fit, or a value is not finite.
    """
    values, mask = np.asarray(halves), _mask(first)
    if values.ndim != 3 or values.shape != (len(mask), 2, mask.shape[1]):
        raise InputError(
            f"halves: shape {values.shape} found beside halves of shape {mask.shape}; give "
            "(seeds, 2, samples)."
        )
    forgotten = np.where(mask, values[:, 0], values[:, 1])
    never_seen = np.where(mask, values[:, 1], values[:, 0])
    return model_values("halves", forgotten), model_values("halves", never_seen)


def swap_advantages(halves: ArrayLike, first: ArrayLike, density: Density = pooled) -> Values:
    """Returns by how much more an attack calls a sample forgotten where it was, for each seed.

    The calls are those of `u_lira` with the other seeds. Under one seed, the two halves swap
    roles; half of (calls in the forgotten half - calls in the never seen one), summed over both
    models, is exactly 0 where both models are the retrained one, however often the attack calls.
    Average over seeds before taking the magnitude (`swap_advantage`), which is biased otherwise.

    Source: the swap test of Tu, Hu and Ma, "Towards reliable empirical machine unlearning
    evaluation" (arXiv 2404.11577).

    Args:
        halves: Margins, (N, 2, F) with N at least 4, as for `by_role`.
        first: (N, F), truth values: whether a sample is in the first half; both halves have some.
        density: Of one sample's margins over seeds.

    Returns:
        Shape (N,), in [-1, 1].

    Raises:
        InputError: The shapes do not fit, a margin is not finite, or a half is empty.
    """
    mask = _mask(first)
    of_forgotten, of_never_seen = u_lira_scores(*by_role(halves, mask), density)
    if not (mask.any(1) & ~mask.all(1)).all():
        raise InputError("first: a half without samples found; give halves of the forget set.")
    in_first, in_second = (
        (np.sign(of_forgotten) - np.sign(of_never_seen)).mean(1, where=half) / 2
        for half in (mask, ~mask)
    )
    return np.asarray((in_first + in_second) / 2)


def swap_advantage(advantages: Values) -> float:
    """Returns the magnitude of the mean over seeds: 0 where nothing leaks, 1 where all does."""
    return abs(float(advantages.mean()))


def _mask(first: ArrayLike) -> NDArray[np.bool_]:
    mask = np.asarray(first)
    if mask.ndim != 2 or mask.dtype != np.bool_:
        raise InputError(
            f"first: {mask.dtype} of shape {mask.shape} found; give truth values, (seeds, samples)."
        )
    return mask

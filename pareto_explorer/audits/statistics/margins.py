"""The score of all per-example attacks: by how much a model prefers a sample's label."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from pareto_explorer.audits.statistics.arrays import Values
from pareto_explorer.errors import InputError

__all__ = ["margins"]


def margins(logits: ArrayLike, labels: ArrayLike) -> Values:
    """Returns log p_y - log(1 - p_y) of the label y that a sample was trained on.

    It is z_y - logsumexp of the other logits, computed as such in double precision, so that it
    does not saturate where p_y rounds to 0 or 1. Source: the logit-scaled confidence of Carlini et
    al., "Membership inference attacks from first principles" (S&P 2022).

    Args:
        logits: (..., F, C), C at least 2: of one model, or of several.
        labels: (F,), whole numbers below C.

    Returns:
        Shape (..., F).

    Raises:
        InputError: The shapes do not fit, or a label is no class.
    """
    z, y = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    if z.ndim < 2 or z.shape[-1] < 2 or y.shape != z.shape[-2:-1]:
        raise InputError(
            f"labels: shape {y.shape} found beside logits of shape {z.shape}; give (F,) and "
            "(..., F, C) with two classes or more."
        )
    if len(y) and not 0 <= y.min() <= y.max() < z.shape[-1]:
        raise InputError(f"labels: {y.min()} to {y.max()} found; give 0 to {z.shape[-1] - 1}.")
    own = np.arange(z.shape[-1]) == y[:, np.newaxis]
    rest = logsumexp(np.where(own, -np.inf, z), axis=-1)
    return np.asarray(
        np.take_along_axis(z, np.broadcast_to(y, z.shape[:-1])[..., None], -1)[..., 0] - rest
    )

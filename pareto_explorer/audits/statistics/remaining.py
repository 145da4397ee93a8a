"""What is left when a whole class was forgotten: how a model spreads it over the other classes.

A retrained model has never had an output for the class, so that its margin alone gives most
unlearned models away. Whether they differ beyond that is seen in what they say of the others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_softmax

from pareto_explorer.audits.statistics.arrays import Values

__all__ = ["remaining_accuracy", "remaining_log_probabilities"]


def remaining_log_probabilities(logits: ArrayLike, forgotten: int) -> Values:
    """Returns the log-probabilities of all classes but one, given that it is none of that.

    Args:
        logits: (..., C).
        forgotten: The class that is left out.

    Returns:
        (..., C - 1), in double precision.
    """
    others = np.delete(np.asarray(logits, dtype=np.float64), forgotten, axis=-1)
    return np.asarray(log_softmax(others, axis=-1))


def remaining_accuracy(unlearned: Values, retrained: Values) -> Values:
    """Returns how often a linear discriminant tells unlearned from retrained models, by seed.

    It is fitted to all samples of all seeds but one, with a shrunken covariance, and tried on those
    of the seed left out. Source: conditional membership inference for class unlearning (CMIA, ICML
    2026), the features; discriminant and the seed left out are ours.

    Args:
        unlearned: `remaining_log_probabilities`, (N, F, C - 1) with N at least 2.
        retrained: Those of the same seeds.

    Returns:
        The accuracy on the two models of each seed, (N,); ½ is chance.
    """
    from sklearn.covariance import OAS
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    n, samples, _ = unlearned.shape
    both = np.stack([unlearned, retrained], axis=1)  # (N, 2, F, C - 1)
    labels = np.repeat([[1, 0]], n, axis=0)[:, :, None].repeat(samples, axis=2)
    right = []
    for seed in range(n):
        others = np.arange(n) != seed
        discriminant = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=OAS())
        fitted = discriminant.fit(both[others].reshape(-1, both.shape[-1]), labels[others].ravel())
        scores = fitted.decision_function(both[seed].reshape(-1, both.shape[-1]))
        signs = np.sign(scores.reshape(2, samples))
        right.append(0.5 + (signs[0].mean() - signs[1].mean()) / 4)
    return np.array(right)

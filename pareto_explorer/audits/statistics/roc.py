"""Areas under ROC curves, and true-positive rates at few false positives."""

from __future__ import annotations

from math import floor

import numpy as np
from numpy.typing import ArrayLike

from pareto_explorer.audits.statistics.arrays import Values, model_values

__all__ = ["auc", "threshold_auc", "true_positive_rate"]


def auc(positive: Values, negative: Values) -> float:
    """Returns the probability that a positive's score is above a negative's; equal ones count ½.

    Args:
        positive: Scores of any shape.
        negative: Scores of any shape.
    """
    scores, others = np.sort(positive, axis=None), np.sort(negative, axis=None)
    below = np.searchsorted(others, scores, "left") + np.searchsorted(others, scores, "right")
    return float(below.mean() / (2 * len(others)))


def true_positive_rate(positive: Values, negative: Values, false_positives: float) -> float:
    """Returns the largest share of positives found with at most a share of false positives.

    Args:
        positive: Scores of any shape.
        negative: Scores of any shape.
        false_positives: The share of negatives that may be above the threshold, in [0, 1).
    """
    allowed = floor(false_positives * negative.size)
    threshold = np.sort(negative, axis=None)[negative.size - 1 - allowed]
    return float((positive > threshold).mean())


def threshold_auc(first: ArrayLike, second: ArrayLike) -> Values:
    """Returns, for each model, the AUC of one threshold on the margin, as a population attack has.

    The attack knows no single sample: forgotten against test samples, or forgotten against never
    seen ones (`by_role`). Both directions tell: what counts is the distance to ½ beside that of
    the retrained model. Source: Yeom et al., "Privacy risk in machine learning" (CSF 2018).

    Args:
        first: Margins of the first set, (N, F).
        second: Margins of the second set under the same models, (N, G).

    Returns:
        Shape (N,).

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    sets = model_values("first", first), model_values("second", second)
    return np.array([auc(own, other) for own, other in zip(*sets, strict=True)])

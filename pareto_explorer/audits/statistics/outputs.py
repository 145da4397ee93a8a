"""Distances of what models say: churn, calibration, Jensen-Shannon divergence."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_softmax, softmax, xlogy

__all__ = ["calibration_error", "churn", "js_divergence", "zero_retrain_forgetting"]

_BINS = 15


def churn(predictions: ArrayLike, others: ArrayLike) -> float:
    """Returns the share of samples that two models put into different classes.

    Its floor is that of two retrained models (`between_seeds`). Source: Milani Fard et al., "Launch
    and iterate: reducing prediction churn" (NIPS 2016).

    Args:
        predictions: Classes, (F,).
        others: Classes, (F,).
    """
    return float((np.asarray(predictions) != np.asarray(others)).mean())


def calibration_error(logits: ArrayLike, labels: ArrayLike) -> float:
    """Returns the expected calibration error: the mean distance of confidence and accuracy.

    Over 15 bins of equal width, weighted by their samples. It is biased upwards on few samples, so
    what to look at is the difference to the retrained model's. Source: Guo et al., "On calibration
    of modern neural networks" (ICML 2017, section 2).

    Args:
        logits: (F, C).
        labels: (F,).
    """
    probabilities = softmax(np.asarray(logits, dtype=np.float64), axis=1)
    sure = probabilities.max(1)
    right = probabilities.argmax(1) == np.asarray(labels)
    bins = np.minimum(np.ceil(sure * _BINS).astype(np.intp) - 1, _BINS - 1)
    return float(np.abs(np.bincount(bins, right - sure, _BINS)).sum() / len(sure))


def js_divergence(logits: ArrayLike, others: ArrayLike) -> float:
    """Returns the mean Jensen-Shannon divergence of two models' predictions, in nats.

    Its floor is that of two retrained models (`between_seeds`).

    Args:
        logits: (F, C).
        others: (F, C).

    Returns:
        A number from 0, for equal predictions, to log 2.
    """
    z, other = (np.asarray(x, dtype=np.float64) for x in (logits, others))
    log_p, log_q = log_softmax(z, axis=1), log_softmax(other, axis=1)
    p, q = np.exp(log_p), np.exp(log_q)
    middle = (p + q) / 2
    terms = xlogy(p, p) + xlogy(q, q) - 2 * xlogy(middle, middle)
    return max(float(terms.sum(1).mean()) / 2, 0.0)


def zero_retrain_forgetting(logits: ArrayLike, fresh: ArrayLike) -> float:
    """Returns ZRF, 1 - the Jensen-Shannon divergence to a model with random weights.

    The aim is the retrained model's value, not 1. Source: Chundawat et al., "Can bad teaching
    induce forgetting?" (AAAI 2023); its published code divides by the number of classes too.

    Args:
        logits: On the forget set, (F, C).
        fresh: Of a model with random weights, (F, C).
    """
    return 1.0 - js_divergence(logits, fresh)

"""Gaussian poison: does the model still know the noise that it was trained on?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from pareto_explorer.audits.statistics.arrays import Values

__all__ = ["poison_auc", "poison_scores"]


def poison_scores(noise: ArrayLike, gradients: ArrayLike, deviation: float) -> Values:
    """Returns how well each sample's noise is aligned with the gradient of the loss at its input.

    A model that was never trained on the noise has scores that are exactly standard normal, since
    the noise has no preferred direction, whatever the model. So the mean over F samples has the
    standard error 1/√F, and no other model is needed.

    Source: Pawelczyk et al., "Machine unlearning fails to remove data poisoning attacks" (arXiv
    2406.17216).

    Args:
        noise: What was added to the inputs, (F, ...).
        gradients: Of the loss by the input without noise, (F, ...).
        deviation: The standard deviation that the noise was drawn with.

    Returns:
        Shape (F,); 0 where a gradient is 0.
    """
    drawn, slopes = (
        np.asarray(x, dtype=np.float64).reshape(len(np.asarray(x)), -1) for x in (noise, gradients)
    )
    lengths = np.linalg.norm(slopes, axis=1)
    along = np.einsum("fd,fd->f", drawn, slopes)
    return np.divide(along, deviation * lengths, out=np.zeros(len(along)), where=lengths > 0)


def poison_auc(scores: Values) -> float:
    """Returns the AUC of the scores against those of fresh noise: ½ without memory.

    Fresh noise is standard normal, so this is the mean of Φ over the scores, with a standard error
    of 1/√(12F) without memory.
    """
    return float(ndtr(scores).mean())

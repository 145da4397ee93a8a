"""Recovery: how much comes back when the model is trained further, or its features are probed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pareto_explorer.audits.statistics.arrays import model_values
from pareto_explorer.errors import InputError

__all__ = ["probe_gain", "relearn_gain"]

_LEAST = 0.05
"""Nothing can come back where original and retrained model differ by less."""


def relearn_gain(original: ArrayLike, retrained: ArrayLike, unlearned: ArrayLike) -> float:
    """Returns how far above the retrained model's the unlearned model's relearning curve is.

    Curves are accuracies on samples of the forget set that are held back while the models are
    trained on the rest. The mean over checkpoints of the difference, in units of that between
    original and retrained model at the start: 0 for retraining, 1 if all is there all the time.

    Source: Siddiqui et al., "From dormant to deleted: tamper-resistant unlearning through
    weight-space regularization" (arXiv 2505.22310), for the protocol.

    Args:
        original: Curves of the N seeds at T checkpoints, the first of them before any step, (N, T).
        retrained: Likewise.
        unlearned: Likewise.

    Raises:
        InputError: The shapes do not fit, an accuracy is not finite, or original and retrained
            model are too close for a gain to have a meaning.
    """
    o, r, u = (
        model_values(name, curves)
        for name, curves in (
            ("original", original),
            ("retrained", retrained),
            ("unlearned", unlearned),
        )
    )
    return float((u - r).mean()) / _room(float((o - r)[:, 0].mean()))


def probe_gain(original: ArrayLike, retrained: ArrayLike, unlearned: ArrayLike) -> float:
    """Returns where between retrained and original model a few-shot probe puts the unlearned one.

    Args:
        original: Accuracies of probes of the N seeds on unseen samples of what was forgotten, (N,).
        retrained: Likewise.
        unlearned: Likewise.

    Returns:
        0 at the retrained model's mean, 1 at the original model's.

    Raises:
        InputError: As `relearn_gain`.
    """
    o, r, u = (np.asarray(x, dtype=np.float64).mean() for x in (original, retrained, unlearned))
    return float(u - r) / _room(float(o - r))


def _room(difference: float) -> float:
    if not difference >= _LEAST:
        raise InputError(
            f"retrained: accuracy only {difference:.3g} below the original model's; there is "
            "nothing to recover, so leave this audit out."
        )
    return difference

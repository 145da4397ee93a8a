"""Predictions on the forget set become uniform."""

from __future__ import annotations

import math

from torch import Tensor

from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.losses import ForgetBatch

__all__ = ["ENTRIES", "kl_uniform", "kl_uniform_reverse"]


def kl_uniform(batch: ForgetBatch) -> Tensor:
    """KL(U‖p) = −(1/C) Σ_k log p_k − log C, in [0, ∞).

    RAUL's UniDist (arXiv 2606.00399) is this plus log C: the gradients are the same, and 0 is the
    minimum here. It is bounded below only, and starts at full strength on memorised samples.
    """
    log_p = batch.logits.log_softmax(1)
    return -log_p.mean() - math.log(log_p.shape[1])


def kl_uniform_reverse(batch: ForgetBatch) -> Tensor:
    """KL(p‖U) = log C − H(p), in [0, log C].

    The variant of RAUL's UniDist (arXiv 2606.00399) that is bounded on both sides. Its gradient
    almost vanishes on memorised samples.
    """
    log_p = batch.logits.log_softmax(1)
    return (log_p.exp() * log_p).sum(1).mean() + math.log(log_p.shape[1])


ENTRIES = (
    Entry.of_loss(
        "kl_uniform",
        kl_uniform,
        summary="KL(U‖p): predictions on the forget set become uniform; bounded below only.",
        source="RAUL, Khosrowshahi et al., arXiv 2606.00399 (UniDist, forward)",
        defects="log(softmax) instead of log_softmax",
    ),
    Entry.of_loss(
        "kl_uniform_reverse",
        kl_uniform_reverse,
        summary="KL(p‖U), bounded in [0, log C]; starts slowly on memorised samples.",
        source="RAUL, Khosrowshahi et al., arXiv 2606.00399 (UniDist, reverse)",
    ),
)

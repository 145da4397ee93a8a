"""Gradient ascent on the cross-entropy of the forget set."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, absent_or_above_zero
from pareto_explorer.unlearning.core.losses import ForgetBatch, falls_below_zero

__all__ = ["ENTRIES", "negative_cross_entropy"]


@falls_below_zero
def negative_cross_entropy(batch: ForgetBatch, *, clip: float | None = None) -> Tensor:
    """−CE = log p_y, in (−∞, 0]: gradient ascent on the cross-entropy.

    Args:
        batch: The forget batch.
        clip: Samples whose cross-entropy is beyond this value count −clip and have no gradient
            (arXiv 2603.26569 uses 10); ``None`` leaves the loss unbounded below.
    """
    losses = functional.cross_entropy(batch.logits, batch.labels, reduction="none")
    if clip is not None:
        losses = losses.clamp(max=clip)
    return -losses.mean()


ENTRIES = (
    Entry.of_loss(
        "negative_cross_entropy",
        negative_cross_entropy,
        summary="Gradient ascent on the cross-entropy; unbounded unless clipped.",
        source="CUP, Hwang and Lim, arXiv 2510.19226; clipping: Cheng et al., arXiv 2603.26569",
        knobs={
            "clip": KnobSpec(
                None,
                "cross-entropy beyond which a sample has no gradient; null: none",
                absent_or_above_zero,
            ),
        },
    ),
)

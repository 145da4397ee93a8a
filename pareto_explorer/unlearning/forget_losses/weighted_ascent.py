"""Gradient ascent that weighs every prediction by how sure the model is of it."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, not_negative
from pareto_explorer.unlearning.core.losses import ForgetBatch, falls_below_zero

__all__ = ["ENTRIES", "weighted_ascent"]


@falls_below_zero
def weighted_ascent(
    batch: ForgetBatch, *, confidence_power: float = 1.0, doubt_power: float = 0.0
) -> Tensor:
    """−mean p_y^β1·(1 − p_y)^β2·CE with the weights detached, in (−∞, 0].

    With β1 above 0, what is forgotten already stops counting. With β2 above 0, what is memorised
    hardly counts either: on p_y ≈ 1 such a loss does not start.

    WGA, Wang et al. (arXiv 2502.19301), is β2 = 0; SatImp, Yang et al. (arXiv 2505.11953), has
    β1 = 5 and β2 = 1.

    Args:
        batch: The forget batch.
        confidence_power: β1; 0 and 0 give gradient ascent.
        doubt_power: β2.
    """
    losses = batch.nll()
    log_p = -losses.detach()
    weights = (confidence_power * log_p).exp() * (-torch.expm1(log_p)).pow(doubt_power)
    return -(weights * losses).mean()


ENTRIES = (
    Entry.of_loss(
        "weighted_ascent",
        weighted_ascent,
        summary="Gradient ascent in which unlikely labels hardly count; unbounded below.",
        source="WGA, Wang et al., arXiv 2502.19301; SatImp, Yang et al., arXiv 2505.11953",
        knobs={
            "confidence_power": KnobSpec(
                {"uniform": [0.0, 5.0]}, "exponent of the label's probability, β1", not_negative
            ),
            "doubt_power": KnobSpec(
                None, "exponent of the rest of the probability, β2; 1 in SatImp", not_negative
            ),
        },
    ),
)

"""The probability of the forgotten label falls to 0."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.losses import ForgetBatch

__all__ = ["ENTRIES", "bounded_cross_entropy"]


def bounded_cross_entropy(batch: ForgetBatch) -> Tensor:
    """−log(1 − p_y/2), in [0, log 2], with its minimum at p_y = 0.

    UCE of FedOSD (arXiv 2412.20412, and its authors' code). Its gradient almost vanishes on
    memorised samples.
    """
    p = batch.logits.log_softmax(1).gather(1, batch.labels[:, None]).exp()
    return -torch.log1p(-p / 2).mean()


ENTRIES = (
    Entry.of_loss(
        "bounded_cross_entropy",
        bounded_cross_entropy,
        summary="−log(1 − p_y/2), bounded in [0, log 2]; starts slowly on memorised samples.",
        source="UCE of FedOSD; MOLLM, Pan et al., arXiv 2412.20412",
    ),
)

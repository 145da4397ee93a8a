"""Distance between two models' predictions."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["js_divergence"]


def js_divergence(logits: Tensor, other: Tensor) -> float:
    """Returns the mean Jensen-Shannon divergence of two models' predictions, in nats.

    JS(p, q) = KL(p || m) / 2 + KL(q || m) / 2 with m = (p + q) / 2; symmetric, 0 for equal
    predictions and log 2 for disjoint ones. Source: Huang et al., "Unified gradient-based machine
    unlearning with remain geometry enhancement" (NeurIPS 2024).

    Args:
        logits: One model's logits, (n, C).
        other: The other model's logits on the same samples, (n, C).
    """
    p, q = logits.double().softmax(1), other.double().softmax(1)
    m = (p + q) / 2
    terms = torch.xlogy(p, p) + torch.xlogy(q, q) - 2 * torch.xlogy(m, m)
    return terms.sum(1).mean().clamp(min=0).item() / 2

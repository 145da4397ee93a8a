"""The model learns its own predictions with the forgotten label taken out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning.core.data import UnlearningData
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, whole_number
from pareto_explorer.unlearning.core.losses import ForgetBatch, demands

__all__ = ["ENTRIES", "cross_entropy_without"]


def _require_sequences(data: UnlearningData, *, skip: int = 1, **_: Any) -> None:
    if skip and not data.forget.tokens:
        raise InputError(
            f"skip: {skip} tokens of each answer given, and this task's samples have one label"
            " each; set it to 0."
        )


@demands(_require_sequences)
def cross_entropy_without(batch: ForgetBatch, *, skip: int = 1) -> Tensor:
    """Cross-entropy to the model's own softmax without the label, in [0, ∞).

    The target is the softmax of the detached logits with the label's at −∞, so the gradient in the
    logits is p_y at the label and −p_k·p_y/(1 − p_y) elsewhere, which add up to 0: it is bounded,
    and fades with p_y. The first tokens of each answer, which say how one begins, are left out; a
    sequence with no other counts for nothing.

    CE-U, Yang (arXiv 2503.01224).

    Args:
        batch: The forget batch.
        skip: Labelled tokens at the beginning of each sequence that are left out; 0 for samples
            with one label.
    """
    logits, labels = batch.logits, batch.labels[:, None]
    target = logits.detach().scatter(1, labels, -torch.inf).softmax(1)
    losses = -(target * logits.log_softmax(1)).sum(1)
    if not skip or batch.row is None:
        return losses.mean()
    first = torch.searchsorted(batch.row, batch.row)  # where its own sequence begins
    counts = (torch.arange(len(losses), device=first.device) - first >= skip).to(losses.dtype)
    return (losses * counts).sum() / counts.sum().clamp(min=1)


ENTRIES = (
    Entry.of_loss(
        "cross_entropy_without",
        cross_entropy_without,
        summary="Cross-entropy to the model's own predictions without the label; bounded gradient.",
        source="CE-U, Yang, arXiv 2503.01224",
        knobs={
            "skip": KnobSpec(
                None, "first tokens of each answer that are left out; 0 on classes", whole_number
            ),
        },
    ),
)

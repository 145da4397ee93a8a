"""Random labels take the place of the forgotten ones."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.losses import ForgetBatch

__all__ = ["ENTRIES", "random_labels"]


def random_labels(batch: ForgetBatch) -> Tensor:
    """Cross-entropy to labels drawn uniformly from all C classes, in [0, ∞).

    The labels are drawn anew for every batch and may equal the given ones, as in SalUn
    (arXiv 2310.12508) and MUNBa (arXiv 2411.15537).
    """
    labels = batch.references.random_labels(batch.labels)
    return functional.cross_entropy(batch.logits, labels)


ENTRIES = (
    Entry.of_loss(
        "random_labels",
        random_labels,
        summary="Cross-entropy to labels drawn uniformly for every batch.",
        source="SalUn, Fan et al., arXiv 2310.12508; MUNBa, Wu and Harandi, arXiv 2411.15537",
    ),
)

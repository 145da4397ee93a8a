"""Predictions on the forget set become as they are on held-out data of the same class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pareto_explorer.unlearning.core.data import UnlearningData, require_classes
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.losses import ForgetBatch, demands
from pareto_explorer.unlearning.core.references import ClassMeans, class_means, reads_original

__all__ = ["ENTRIES", "kl_heldout", "kl_heldout_detached", "kl_heldout_published"]

#: Class-mean probabilities are kept this far away from 0 and 1, as in RAUL's code.
_CLAMP = 1e-10


def _require_classes(data: UnlearningData, **_: Any) -> None:
    require_classes(data, "forget_loss", "kl_heldout", "'kl_uniform' or 'npo'")


@demands(_require_classes)
@reads_original
def kl_heldout(batch: ForgetBatch) -> Tensor:
    """Class-wise KL(q_f‖q_h) to the *original* model's mean predictions on the held-out set.

    q_f is the mean softmax output over the forget samples of one class in the batch, q_h that of
    the original model in eval mode over all held-out samples of this class, computed once. The
    loss is the mean over the classes that both sets contain, 0 if there is none, and at most
    log(1e10), since mean probabilities are clamped to [1e-10, 1 − 1e-10].

    RAUL's HeldDist (arXiv 2606.00399) with a reference distribution that cannot drift.
    """
    return _class_wise_kl(batch, batch.references.original_heldout)


@demands(_require_classes)
def kl_heldout_detached(batch: ForgetBatch) -> Tensor:
    """As :func:`kl_heldout_published`, with no gradient through the held-out predictions."""
    return _class_wise_kl(batch, batch.references.current_heldout(gradient=False))


@demands(_require_classes)
def kl_heldout_published(batch: ForgetBatch) -> Tensor:
    """Class-wise KL(q_f‖q_h) to the *current* model's mean predictions on a held-out batch.

    RAUL's HeldDist (arXiv 2606.00399) as its code has it: q_h comes from the model that is being
    unlearned, in its training mode, and the gradient flows through q_h too, so the model may also
    move its held-out predictions toward the forget predictions.
    """
    return _class_wise_kl(batch, batch.references.current_heldout(gradient=True))


def _class_wise_kl(batch: ForgetBatch, heldout: ClassMeans) -> Tensor:
    forget = class_means(batch.logits, batch.labels)
    q_f = forget.probabilities.clamp(_CLAMP, 1 - _CLAMP)
    q_h = heldout.probabilities.clamp(_CLAMP, 1 - _CLAMP)
    divergence = (q_f * (q_f.log() - q_h.log())).sum(1)
    shared = (forget.counts > 0) & (heldout.counts > 0)
    return torch.where(shared, divergence, 0.0).sum() / shared.sum().clamp(min=1)


ENTRIES = (
    Entry.of_loss(
        "kl_heldout",
        kl_heldout,
        summary="Class-wise KL to the original model's mean predictions on held-out data.",
        source=(
            "RAUL, Khosrowshahi et al., arXiv 2606.00399 (HeldDist, frozen reference distribution)"
        ),
    ),
    Entry.of_loss(
        "kl_heldout_detached",
        kl_heldout_detached,
        summary=(
            "Class-wise KL to the current model's held-out predictions, without their gradient."
        ),
        source="RAUL, Khosrowshahi et al., arXiv 2606.00399 (HeldDist, detached)",
    ),
    Entry.of_loss(
        "kl_heldout_published",
        kl_heldout_published,
        summary="Class-wise KL to the current model's held-out predictions, with their gradient.",
        source="RAUL, Khosrowshahi et al., arXiv 2606.00399 (HeldDist as its code has it)",
        defects="offered because it is one: gradient flows through the reference",
    ),
)

"""Objectives. All are batch means, and all are minimised.

A forget loss is a function of a :class:`ForgetBatch`; its knobs are keyword arguments. C is the
number of classes, p the softmax output and p_y the probability of the label.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pareto_explorer.unlearning.core.references import (
    ClassMeans,
    References,
    class_means,
    reads_original,
)

__all__ = [
    "ForgetBatch",
    "ForgetLoss",
    "bounded_cross_entropy",
    "cross_entropy",
    "kl_heldout",
    "kl_heldout_detached",
    "kl_heldout_published",
    "kl_uniform",
    "kl_uniform_reverse",
    "negative_cross_entropy",
    "random_labels",
]

#: Class-mean probabilities are kept this far away from 0 and 1, as in RAUL's code.
CLAMP = 1e-10


@dataclass(frozen=True)
class ForgetBatch:
    """What a forget loss sees of one batch of D_f.

    Attributes:
        logits: Tensor of shape (B, C), with a graph.
        labels: Integer tensor of shape (B,): the labels to be forgotten.
        references: Gives reference distributions and random labels to the losses that ask.
    """

    logits: Tensor
    labels: Tensor
    references: References


ForgetLoss = Callable[[ForgetBatch], Tensor]


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The retain loss: mean cross-entropy of logits (B, C) to labels (B,)."""
    return functional.cross_entropy(logits, labels)


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


def bounded_cross_entropy(batch: ForgetBatch) -> Tensor:
    """−log(1 − p_y/2), in [0, log 2], with its minimum at p_y = 0.

    UCE of FedOSD (arXiv 2412.20412, and its authors' code). Its gradient almost vanishes on
    memorised samples.
    """
    p = batch.logits.log_softmax(1).gather(1, batch.labels[:, None]).exp()
    return -torch.log1p(-p / 2).mean()


def random_labels(batch: ForgetBatch) -> Tensor:
    """Cross-entropy to labels drawn uniformly from all C classes, in [0, ∞).

    The labels are drawn anew for every batch and may equal the given ones, as in SalUn
    (arXiv 2310.12508) and MUNBa (arXiv 2411.15537).
    """
    labels = batch.references.random_labels(batch.labels)
    return functional.cross_entropy(batch.logits, labels)


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


def kl_heldout_detached(batch: ForgetBatch) -> Tensor:
    """As :func:`kl_heldout_published`, with no gradient through the held-out predictions."""
    return _class_wise_kl(batch, batch.references.current_heldout(gradient=False))


def kl_heldout_published(batch: ForgetBatch) -> Tensor:
    """Class-wise KL(q_f‖q_h) to the *current* model's mean predictions on a held-out batch.

    RAUL's HeldDist (arXiv 2606.00399) as its code has it: q_h comes from the model that is being
    unlearned, in its training mode, and the gradient flows through q_h too, so the model may also
    move its held-out predictions toward the forget predictions.
    """
    return _class_wise_kl(batch, batch.references.current_heldout(gradient=True))


def _class_wise_kl(batch: ForgetBatch, heldout: ClassMeans) -> Tensor:
    forget = class_means(batch.logits, batch.labels)
    q_f = forget.probabilities.clamp(CLAMP, 1 - CLAMP)
    q_h = heldout.probabilities.clamp(CLAMP, 1 - CLAMP)
    divergence = (q_f * (q_f.log() - q_h.log())).sum(1)
    shared = (forget.counts > 0) & (heldout.counts > 0)
    return torch.where(shared, divergence, 0.0).sum() / shared.sum().clamp(min=1)

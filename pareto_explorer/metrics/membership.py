"""The membership-inference attack that the unlearning literature reports."""

from __future__ import annotations

import numpy as np
from sklearn.svm import SVC
from torch import Tensor, cat

__all__ = ["confidences", "membership_inference"]

_MANY = 5000


def confidences(logits: Tensor, labels: Tensor) -> Tensor:
    """Returns the probability of each sample's label, in double precision.

    Args:
        logits: Shape (n, C).
        labels: Shape (n,).

    Returns:
        Shape (n,).
    """
    return logits.double().softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1)


def membership_inference(retain: Tensor, non_members: Tensor, forget: Tensor) -> float:
    """Returns the share of the forget set that looks as if it was never trained on.

    A support-vector classifier learns to tell members (retain samples) from non-members (samples
    never trained on) by the model's confidence in their label; the result is the share of the
    forget set that it takes for non-members. Higher is not better: the retrained model's value
    is the aim. The two classes are balanced by taking the first n of each, n being the size of
    the smaller set, since on a small data set an unbalanced fit calls everything a member.

    Beyond 5,000 samples, equal samples are fitted as one with their number as its weight, after
    rounding confidences to 1e-4: on 20,000 the fit takes 4 s otherwise, and the result moves by
    less than 0.001.

    Source: the confidence attack of Jia et al., "Model sparsity can simplify machine unlearning"
    (NeurIPS 2023), and Fan et al., "SalUn" (ICLR 2024): C=3, gamma="auto", RBF kernel.

    Args:
        retain: Confidences on the retain set in its order, (r,).
        non_members: Confidences on samples never trained on, (m,).
        forget: Confidences on the forget set, (f,).
    """
    n = min(len(retain), len(non_members))
    confidence = cat([retain[:n], non_members[:n]]).cpu()
    samples = np.stack([confidence.numpy(), np.repeat([1, 0], n)], axis=1)
    weights = None
    if 2 * n > _MANY:
        samples, weights = np.unique(samples.round(4), axis=0, return_counts=True)
    attack = SVC(C=3, gamma="auto", kernel="rbf")
    attack.fit(samples[:, :1], samples[:, 1], sample_weight=weights)
    return float((attack.predict(forget.unsqueeze(1).cpu().numpy()) == 0).mean())

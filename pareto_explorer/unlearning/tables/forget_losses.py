"""The registered forget losses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pareto_explorer.unlearning.core import forget_losses as losses
from pareto_explorer.unlearning.core.knobs import Entry, Knob, absent_or_above_zero, table

__all__ = ["FORGET_LOSSES"]

_RAUL = "RAUL, Khosrowshahi et al., arXiv 2606.00399"


def _loss(name: str, loss: Callable[..., Any], summary: str, source: str, *knobs: Knob) -> Entry:
    return Entry(name, partial(partial, loss), knobs, summary, source)


FORGET_LOSSES = table(
    _loss(
        "kl_uniform",
        losses.kl_uniform,
        "KL(U‖p): predictions on the forget set become uniform; bounded below only.",
        f"{_RAUL} (UniDist, forward)",
    ),
    _loss(
        "kl_uniform_reverse",
        losses.kl_uniform_reverse,
        "KL(p‖U), bounded in [0, log C]; starts slowly on memorised samples.",
        f"{_RAUL} (UniDist, reverse)",
    ),
    _loss(
        "kl_heldout",
        losses.kl_heldout,
        "Class-wise KL to the original model's mean predictions on held-out data.",
        f"{_RAUL} (HeldDist, frozen reference distribution)",
    ),
    _loss(
        "kl_heldout_detached",
        losses.kl_heldout_detached,
        "Class-wise KL to the current model's held-out predictions, without their gradient.",
        f"{_RAUL} (HeldDist, detached)",
    ),
    _loss(
        "kl_heldout_published",
        losses.kl_heldout_published,
        "Class-wise KL to the current model's held-out predictions, with their gradient.",
        f"{_RAUL} (HeldDist as its code has it)",
    ),
    _loss(
        "negative_cross_entropy",
        losses.negative_cross_entropy,
        "Gradient ascent on the cross-entropy; unbounded unless clipped.",
        "CUP, Hwang and Lim, arXiv 2510.19226; clipping: Cheng et al., arXiv 2603.26569",
        Knob(
            "clip",
            None,
            None,
            "cross-entropy beyond which a sample has no gradient; null: none",
            absent_or_above_zero,
        ),
    ),
    _loss(
        "bounded_cross_entropy",
        losses.bounded_cross_entropy,
        "−log(1 − p_y/2), bounded in [0, log 2]; starts slowly on memorised samples.",
        "UCE of FedOSD; MOLLM, Pan et al., arXiv 2412.20412",
    ),
    _loss(
        "random_labels",
        losses.random_labels,
        "Cross-entropy to labels drawn uniformly for every batch.",
        "SalUn, Fan et al., arXiv 2310.12508; MUNBa, Wu and Harandi, arXiv 2411.15537",
    ),
)

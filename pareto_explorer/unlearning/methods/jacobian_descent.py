"""Jacobian descent: one step along an aggregate of the retain and the forget gradient."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torchjd.aggregation import Weighting
from torchjd.linalg import PSDMatrix

from pareto_explorer.unlearning.gradients import Jacobian
from pareto_explorer.unlearning.losses import ForgetBatch, ForgetLoss, cross_entropy
from pareto_explorer.unlearning.methods.descent import GradientMethod, Setting
from pareto_explorer.unlearning.references import References

__all__ = ["DIAGNOSTICS", "JacobianDescent"]

#: Columns that every run observes, averaged over the steps since the last evaluation.
DIAGNOSTICS = (
    "loss_retain",
    "loss_forget",
    "weight_retain",
    "weight_forget",
    "norm_retain",
    "norm_forget",
    "cosine",
    "hardness",
)


@dataclass(frozen=True, kw_only=True)
class JacobianDescent(GradientMethod):
    """Descends on the retain cross-entropy and a forget loss at once.

    Each step draws one retain and one forget batch, differentiates each loss on its own graph,
    lets the weighting turn the 2×2 Gramian of the gradients into two weights, and hands
    w_r g_r + w_f g_f to the optimiser as the gradient.

    Source: Quinton and Rey (arXiv 2406.16232) for Jacobian descent, and RAUL (arXiv 2606.00399)
    for its use in unlearning.

    Attributes:
        aggregator: The weighting. A stateful one starts each run as it is given here.
        forget_loss: The objective on the forget set.
    """

    aggregator: Weighting[PSDMatrix]
    forget_loss: ForgetLoss

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        model, ledger = setting.model, setting.ledger
        retain, forget = (setting.streams.batches(name) for name in ("retain", "forget"))
        references = References(model, setting.data, setting.streams, ledger, self.forget_loss)
        jacobian = Jacobian(setting.parameters)
        weighting = copy.deepcopy(self.aggregator).to(jacobian.rows.device)

        def write_gradients() -> None:
            batch_r, batch_f = next(retain), next(forget)
            loss_r = cross_entropy(model(batch_r.inputs), batch_r.labels)
            logits = model(batch_f.inputs)
            loss_f = self.forget_loss(ForgetBatch(logits, batch_f.labels, references))
            jacobian.differentiate((loss_r, loss_f))
            gramian = jacobian.gramian()
            weights = weighting(gramian)
            jacobian.combine(weights)

            samples = len(batch_r) + len(batch_f)
            ledger.count(forward=samples, backward=samples)
            ledger.observe(_diagnostics, loss_r, loss_f, weights, gramian)

        return write_gradients


def _diagnostics(
    losses_r: Tensor, losses_f: Tensor, weights: Tensor, gramians: Tensor
) -> dict[str, Tensor]:
    """Derives :data:`DIAGNOSTICS` of n steps; a cosine with a zero gradient counts as 0."""
    norm_r, norm_f = gramians.diagonal(dim1=-2, dim2=-1).sqrt().unbind(-1)
    product, scale = gramians[:, 0, 1], norm_r * norm_f
    values = (
        losses_r,
        losses_f,
        weights[:, 0],
        weights[:, 1],
        norm_r,
        norm_f,
        torch.where(scale > 0, product / scale, 0.0),
        -product,
    )
    return dict(zip(DIAGNOSTICS, values, strict=True))

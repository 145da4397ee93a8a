"""Influence unlearning: one Newton step with an inverse Fisher matrix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, above_zero, whole_above_zero
from pareto_explorer.unlearning.methods._one_shot import Edit, OneShot
from pareto_explorer.unlearning.methods._projection import move
from pareto_explorer.unlearning.methods._squared_gradients import (
    batch_gradients,
    mean_gradient,
    shuffled,
)

__all__ = ["ENTRIES", "InfluenceUnlearning", "inverse_fisher_product"]


@dataclass(frozen=True, kw_only=True)
class InfluenceUnlearning(OneShot):
    """Moves the weights to where they had been without D_f, to first order.

    θ ← θ + strength · (damping · I + F)⁻¹ v with v = n_f/(n_f + n_r) · (ḡ_f − ḡ_r), where ḡ are
    the mean gradients of the task's loss over D_f and D_r, and F is the empirical Fisher matrix
    of retain samples, one gradient of the cross-entropy each. Where the training has converged,
    n_f ḡ_f = −n_r ḡ_r and v = −ḡ_r: strength 1 is one Newton step on the retain loss, with F in
    place of its Hessian.

    Source: the IU baseline of *Model Sparsity Can Simplify Machine Unlearning* (arXiv 2304.04934),
    after Koh and Liang (arXiv 1703.04730), with WoodFisher's inverse (Singh and Alistarh,
    arXiv 2004.14340, section 3). The published code keeps one running vector in place of F⁻¹g of
    every sample, so its result is not the inverse times v; here it is, to rounding. It reads the
    first 1,000 retain samples, here they are drawn.

    The gradients of the ``fisher_samples`` are kept: memory for that many copies of the weights.

    Attributes:
        strength: The published α. It is between 1 and 20 there, with a damping of 1, which is so
            much more than F that the step is one of gradient ascent along v.
        damping: What is added to the diagonal of F.
        fisher_samples: Retain samples in F; all of them where there are fewer.
    """

    strength: float = 0.005
    damping: float = 1e-4
    fisher_samples: int = 1000

    def edit(self, run: Edit) -> None:
        """Changes the parameters in place and counts the samples that this took."""
        model, parameters, ledger = run.model, run.parameters, run.ledger
        retain, forget = run.data.retain, run.data.forget
        of_forget, of_retain = (
            _flat(mean_gradient(model, parameters, s, run.batch_size, ledger, run.data.loss))
            for s in (forget, retain)
        )
        v = len(forget) / (len(forget) + len(retain)) * (of_forget - of_retain)
        drawn = shuffled(retain, run.streams.generator("retain"), self.fisher_samples)
        rows = torch.empty(len(drawn), len(v), dtype=v.dtype, device=v.device)
        gradients = batch_gradients(model, parameters, drawn, 1, ledger)
        for row, (_, parts) in zip(rows, gradients, strict=True):
            row.copy_(_flat(parts))
        step = inverse_fisher_product(rows, v, self.damping)
        move(parameters, step, self.strength)


def inverse_fisher_product(rows: Tensor, v: Tensor, damping: float) -> Tensor:
    """Computes (damping · I + GᵀG/N)⁻¹ v without a matrix of the size of the weights.

    By Woodbury's identity this is (v − Gᵀ (N · damping · I + GGᵀ)⁻¹ G v) / damping, which is what
    WoodFisher's recursion over the rows of G ends at.

    Args:
        rows: G, tensor of shape (N, n), one gradient a row.
        v: Tensor of shape (n,).
        damping: Above 0.

    Returns:
        Tensor of shape (n,). The system of size N is solved in float64.
    """
    gramian = (rows @ rows.mT).double()
    gramian.diagonal().add_(len(rows) * damping)
    weights = torch.linalg.solve(gramian, (rows @ v).double())
    return (v - rows.mT @ weights.to(v.dtype)) / damping


def _flat(parts: Iterable[Tensor]) -> Tensor:
    return torch.cat([part.reshape(-1) for part in parts])


ENTRIES = (
    Entry.of(
        "influence_unlearning",
        InfluenceUnlearning,
        summary="One step along an inverse Fisher matrix times the forget gradient.",
        source="IU, Jia et al., arXiv 2304.04934; WoodFisher, arXiv 2004.14340",
        defects="the published recursion does not give F⁻¹v",
        knobs={
            "strength": KnobSpec(
                {"loguniform": [0.001, 0.02]}, "length of the step; 1 is Newton's", above_zero
            ),
            "damping": KnobSpec(None, "added to the Fisher matrix's diagonal", above_zero),
            "fisher_samples": KnobSpec(
                None, "retain samples in the Fisher matrix", whole_above_zero
            ),
        },
    ),
)

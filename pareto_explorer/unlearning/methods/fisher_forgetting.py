"""Fisher forgetting: noise where the retain set does not look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pareto_explorer.tasks import Samples
from pareto_explorer.unlearning.core.budget import Ledger
from pareto_explorer.unlearning.core.data import UnlearningData, require_classes
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, above_zero, whole_above_zero
from pareto_explorer.unlearning.methods._one_shot import Edit, OneShot
from pareto_explorer.unlearning.methods._squared_gradients import shuffled

__all__ = ["ENTRIES", "FisherForgetting", "fisher_diagonal"]

#: Added to the Fisher information, as in published code, so that noise stays finite.
_FLOOR = 1e-8


@dataclass(frozen=True, kw_only=True)
class FisherForgetting(OneShot):
    """Adds Gaussian noise that is strong where the Fisher information of D_r is weak.

    θ ← θ + noise · (F + 1e-8)^(−1/4) ⊙ ε with ε ~ N(0, I), where F is the diagonal of the Fisher
    information matrix: squared gradients of log p_k, weighted by p_k, summed over all classes k
    and averaged over retain samples. D_f is never read.

    Source: Golatkar, Achille and Soatto (arXiv 1911.04933), a reconstruction. Published
    code has (noise/F)^(1/2) instead, averages over input channels, and treats the last layer and
    batch norm by thresholds of their own and the forgotten class by hand; none of this is here.

    Attributes:
        noise: The scale α of the noise.
        fisher_samples: Retain samples in F; all of them where there are fewer.
    """

    noise: float = 5e-3
    fisher_samples: int = 200

    def require(self, data: UnlearningData) -> None:
        """Raises an :class:`InputError` when labels are tokens."""
        require_classes(data, "method", "fisher_forgetting", "'ssd'")

    def edit(self, run: Edit) -> None:
        """Changes the parameters in place and counts the samples that this took."""
        drawn = shuffled(run.data.retain, run.streams.generator("retain"), self.fisher_samples)
        fisher = fisher_diagonal(run.model, run.parameters, drawn, run.ledger)
        draws = run.streams.generator("weights")
        with torch.no_grad():
            for parameter, information in zip(run.parameters, fisher, strict=True):
                normal = torch.randn(parameter.shape, generator=draws, device=draws.device)
                scale = self.noise * (information + _FLOOR).pow(-0.25)
                parameter.add_(scale * normal.to(parameter))


def fisher_diagonal(
    model: nn.Module, parameters: Sequence[nn.Parameter], samples: Samples, ledger: Ledger
) -> list[Tensor]:
    """Computes E_x Σ_k p_k (∂ log p_k/∂θ)², one tensor per parameter.

    The expectation over labels is exact and under the model's own predictions, so the labels of
    the samples are not read. Each sample counts once forward and C times backward.
    """
    total = [torch.zeros_like(p) for p in parameters]
    for inputs in torch.split(samples.inputs, 1):
        log_p = model(inputs).log_softmax(1)[0]
        classes = torch.eye(len(log_p), dtype=log_p.dtype, device=log_p.device)
        # zeros that PyTorch would put for an unused parameter have no dimension of classes
        gradients = torch.autograd.grad(
            log_p, parameters, classes, is_grads_batched=True, allow_unused=True
        )
        p = log_p.detach().exp()
        parts = [
            torch.zeros_like(whole)
            if part is None
            else torch.einsum("k,k...->...", p, part.square())
            for whole, part in zip(total, gradients, strict=True)
        ]
        torch._foreach_add_(total, parts, alpha=1 / len(samples))
        ledger.count(forward=1, backward=len(log_p))
    return total


ENTRIES = (
    Entry.of(
        "fisher_forgetting",
        FisherForgetting,
        summary="Adds noise to the weights that the retain set does not depend on.",
        source="Golatkar et al., arXiv 1911.04933",
        knobs={
            "noise": KnobSpec({"loguniform": [1e-3, 1e-2]}, "scale of the noise", above_zero),
            "fisher_samples": KnobSpec(
                None, "retain samples in the Fisher matrix", whole_above_zero
            ),
        },
    ),
)

"""FairGrad: α-fair shares of the progress."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._plane import Plane
from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, not_negative

__all__ = ["ENTRIES", "FairGrad"]

_HALVINGS = 53  # of an interval: all the digits of float64


class FairGrad(Weighting):
    """Fair resource allocation between two objectives.

    The weights solve Gw = w^(−1/α), element by element, for the Gramian G. α = 1 is MUNBa, larger
    α favours the objective that progresses less, and α = 0 is defined as the mean, as in TorchJD.
    The step never raises a loss to first order for α > 0. Its length goes with the scale s of the
    gradients as s^((1 − α)/(1 + α)).

    For two objectives the ratio of the weights is the root of a monotone function of one variable,
    in an interval that is known beforehand; it is halved a fixed number of times, on the
    device. Of a zero gradient nothing is taken, and opposite gradients make no step.

    Source: Ban and Ji, *Fair Resource Allocation in Multi-Task Learning* (arXiv 2402.15638,
    equation 4). TorchJD has the same rule with a least-squares solver on the host.

    Args:
        alpha: α, at least 0.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        if self.alpha == 0:
            return gramian.new_full(gramian.shape[:-1], 0.5)
        plane = Plane.of(gramian)
        power = -self.alpha / (1 + self.alpha)
        present = plane.squares > 0
        alone = torch.where(present, plane.squares.pow(power), 0.0)
        both = (power * self._log_rates(plane)).exp()
        weights = torch.where(present.all(-1, keepdim=True), both, alone)
        return torch.where(plane.opposite(), 0.0, weights)

    def _log_rates(self, plane: Plane) -> Tensor:
        """Solves for ln(g_i·d / w_i), of shape (..., 2).

        In units of the gradients' lengths, the weights differ by a factor e^v in favour of the
        longer gradient for α below 1, and of the shorter one for α above 1. With z = e^−v and
        k = |(1/α − 1) ln(‖g_r‖/‖g_f‖)| the equation is

            ln(1 + z cos φ) − ln(z + cos φ) + v/α = k,

        whose left side rises from 0 without bound.
        """
        log_ratio = plane.squares.log().diff(dim=-1) / 2  # of ‖g_f‖ to ‖g_r‖
        target = (log_ratio * (1 / self.alpha - 1)).abs()
        low = torch.zeros_like(target)
        high = torch.where(
            plane.cosine < 0,
            torch.minimum(self.alpha * target, -plane.cosine.abs().log()),
            self.alpha * target,
        )
        for _ in range(0 if self.alpha == 1 else _HALVINGS):  # the interval is then a point
            middle = (low + high) / 2
            z = (-middle).exp()
            gap = (1 + z * plane.cosine).log() - (z + plane.cosine).clamp(min=0).log()
            beyond = gap + middle / self.alpha > target
            low, high = torch.where(beyond, low, middle), torch.where(beyond, middle, high)

        v = (low + high) / 2
        favoured = (1 + (-v).exp() * plane.cosine).log()
        # ln(1 + cos φ e^v) has lost its digits near the end of the interval; the equation has not.
        other = favoured + v * (1 + 1 / self.alpha) - target
        forget_first = log_ratio * (1 - self.alpha) > 0
        rates = torch.cat((favoured, other), -1)
        return plane.squares.log() + torch.where(forget_first, rates.flip(-1), rates)

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"alpha={self.alpha}"


ENTRIES = (
    Entry.of(
        "fairgrad",
        FairGrad,
        summary="α-fair shares of the progress; no loss rises to first order for α above 0.",
        source="FairGrad, Ban and Ji, arXiv 2402.15638, equation 4",
        knobs={
            "alpha": KnobSpec(
                {"loguniform": [0.2, 5.0]},
                "fairness: 0 is the mean, 1 munba, larger helps the slower loss",
                not_negative,
            ),
        },
    ),
)

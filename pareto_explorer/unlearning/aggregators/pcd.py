"""PCD: priority-constrained descent with the retain gradient first."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, below_one, fraction

__all__ = ["ENTRIES", "PCD"]

_EPS = 1e-8


class PCD(Weighting):
    """Follows the retain gradient, but grants the forget gradient a share of its own progress.

    The gradients are divided by √(vᵢ + 1e-8), where vᵢ is the running mean of ‖gᵢ‖² with decay β,
    without bias. Of these, d̃ is the point next to g̃_r with g̃_f·d̃ ≥ τ‖g̃_f‖²; d is d̃ at the
    length of g_r. τ at or below the cosine leaves d = g_r; τ traces a front. A zero retain
    gradient gives no step. It keeps a state: each run of a method has a copy.

    Source: *Not All Objectives Are Born Equal: Priority-Constrained Descent* (arXiv 2606.29521);
    the closed form of TorchJD's ``PCD`` for two objectives.

    Args:
        tau: τ, in [0, 1].
        beta: β, in [0, 1).
    """

    keeps_state: ClassVar[bool] = True

    def __init__(self, tau: float = 0.02, beta: float = 0.999) -> None:
        super().__init__()
        self.tau = tau
        self.beta = beta
        self._mean: Tensor | None = None
        self._steps = 0

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        squares = gramian.diagonal(dim1=-2, dim2=-1)
        mean = torch.zeros_like(squares) if self._mean is None else self._mean
        self._mean = self.beta * mean + (1 - self.beta) * squares
        self._steps += 1
        scales = (self._mean / (1 - self.beta**self._steps) + _EPS).rsqrt()

        first, second = (squares * scales.square()).unbind(-1)
        product = gramian[..., 0, 1] * scales.prod(-1)
        push = ((self.tau * second - product) / second).clamp(min=0)
        push = torch.where(second == 0, 0.0, push)
        parts = torch.stack((torch.ones_like(push), push), -1)
        squared = first + 2 * push * product + push.square() * second
        # What rounding may leave of a step that is zero.
        precision = 10 * torch.finfo(gramian.dtype).eps
        noise = precision * (first.sqrt() + push * second.sqrt()).square()
        length = torch.where(squared <= noise, 0.0, (squares[..., 0] / squared).sqrt())
        return length[..., None] * parts * scales

    def extra_repr(self) -> str:
        """Shows the knobs in ``repr``."""
        return f"tau={self.tau}, beta={self.beta}"


ENTRIES = (
    Entry.of(
        "pcd",
        PCD,
        summary="Retain gradient, changed as little as grants the forget gradient its share.",
        source="PCD, arXiv 2606.29521",
        knobs={
            "tau": KnobSpec(
                {"uniform": [0.0, 1.0]},
                "share of its own progress that the forget gradient is granted",
                fraction,
            ),
            "beta": KnobSpec(None, "decay of the mean squared norms", below_one),
        },
    ),
)

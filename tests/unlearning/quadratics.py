"""Two quadratic losses of the parameters themselves, whose Pareto set is known exactly."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pareto_explorer.tasks import Samples
from pareto_explorer.unlearning import ForgetBatch, UnlearningData


class Point(nn.Module):
    """Parameters without a network around them: the logits of every sample are θ."""

    def __init__(self, start: tuple[float, float] = (0.0, 0.0)) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(start, dtype=torch.float64))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.theta.expand(len(inputs), -1)


class Quadratics:
    """L_r = ½ ‖θ − a‖²_A and L_f = ½ ‖θ − b‖²_B with diagonal A and B."""

    def __init__(
        self,
        a: tuple[float, float] = (0.0, 0.0),
        b: tuple[float, float] = (1.0, 2.0),
        curvature_r: tuple[float, float] = (1.0, 1.0),
        curvature_f: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        self.a, self.b = np.array(a), np.array(b)
        self.curvature_r, self.curvature_f = np.array(curvature_r), np.array(curvature_f)

    def data(self) -> UnlearningData:
        one = Samples(torch.zeros(1, 1, dtype=torch.float64), torch.zeros(1, dtype=torch.long))
        return UnlearningData(one, one, one, 2, loss=self.retain_loss)

    def retain_loss(self, logits: Tensor, labels: Tensor) -> Tensor:  # noqa: ARG002
        return _half_square(logits[0], self.a, self.curvature_r)

    def forget_loss(self, batch: ForgetBatch) -> Tensor:
        return _half_square(batch.logits[0], self.b, self.curvature_f)

    def losses(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Both losses of points (n, 2), as (n, 2)."""
        retain = (self.curvature_r * (theta - self.a) ** 2).sum(1) / 2
        forget = (self.curvature_f * (theta - self.b) ** 2).sum(1) / 2
        return np.stack((retain, forget), 1)

    def pareto_set(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The minima of (1 − λ) L_r + λ L_f for λ of shape (n,), as (n, 2)."""
        own, other = (1 - weights[:, None]) * self.curvature_r, weights[:, None] * self.curvature_f
        return (own * self.a + other * self.b) / (own + other)


def _half_square(
    theta: Tensor, centre: NDArray[np.float64], curvature: NDArray[np.float64]
) -> Tensor:
    return (torch.tensor(curvature) * (theta - torch.tensor(centre)).square()).sum() / 2

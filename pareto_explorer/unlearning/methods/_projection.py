"""Vectors over all parameters, and their projection off a few gradients."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["flat_gradient", "move", "project_off"]


def flat_gradient(
    loss: Tensor, parameters: Sequence[nn.Parameter], *, keep_graph: bool = False
) -> Tensor:
    """Differentiates one objective.

    Args:
        loss: Scalar with a graph.
        parameters: What to differentiate by.
        keep_graph: Whether the graph can be used once more; it is freed otherwise.

    Returns:
        Tensor of shape (n,), where n is the number of scalar parameters.
    """
    parts = torch.autograd.grad(loss, parameters, retain_graph=keep_graph, materialize_grads=True)
    return torch.cat([part.reshape(-1) for part in parts])


@torch.no_grad()
def move(parameters: Sequence[nn.Parameter], direction: Tensor, length: float) -> None:
    """Adds ``length`` times a direction of shape (n,) to the parameters."""
    parts = torch.split(direction, [p.numel() for p in parameters])
    steps = [part.view_as(p) for part, p in zip(parts, parameters, strict=True)]
    torch._foreach_add_(list(parameters), steps, alpha=length)


def project_off(vector: Tensor, rows: Tensor, ridge: float = 1e-8) -> Tensor:
    """Projects a vector on the orthogonal complement of a few others.

    The rows are brought to unit length first, so that the ridge means the same at every scale: a
    short row is projected off as thoroughly as a long one, parallel rows count once, and a zero
    row not at all. What is left along a row that is independent of the others is of the order of
    the ridge, relative to the vector.

    Args:
        vector: Tensor of shape (n,).
        rows: Tensor of shape (m, n), with m small.
        ridge: Added to the diagonal of the rows' Gramian, whose diagonal is 1.

    Returns:
        Tensor of shape (n,); products are accumulated in float64.
    """
    long, wide = vector.double(), rows.double()
    norms = wide.norm(dim=1, keepdim=True)
    units = wide / torch.where(norms > 0, norms, 1.0)
    gramian = units @ units.mT
    gramian.diagonal().add_(ridge)
    coefficients, _ = torch.linalg.solve_ex(gramian, units @ long)
    return (long - coefficients @ units).to(vector.dtype)

"""The Jacobian of a few objectives, its Gramian and the step, without leaving the device.

The objectives live on disjoint graphs, one batch each, so one ``torch.autograd.grad`` call per
objective costs together what one backward pass of their sum costs. Nothing here waits for the
device: weights are tensors, and every branch on their values is a ``torch.where``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["assign", "combine", "gradient", "gramian", "jacobian"]


def gradient(loss: Tensor, parameters: Sequence[nn.Parameter]) -> tuple[Tensor, ...]:
    """Differentiates one objective.

    Args:
        loss: Scalar with a graph, which is freed.
        parameters: What to differentiate by.

    Returns:
        One gradient per parameter, of its shape; zeros where the loss does not depend on it.
    """
    return torch.autograd.grad(loss, parameters, materialize_grads=True)


def jacobian(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    """Flattens the gradients of m objectives into a matrix.

    Args:
        rows: For each objective its gradients, in the order of the parameters.

    Returns:
        Tensor of shape (m, n) where n is the number of scalar parameters.
    """
    return torch.cat([g.reshape(-1) for row in rows for g in row]).view(len(rows), -1)


def gramian(jacobian: Tensor) -> Tensor:
    """Computes the inner products of the rows.

    The products are accumulated in float64: weightings divide by quantities such as
    ‖g_r‖²‖g_f‖² − (g_r·g_f)², which float32 sums lose once the gradients are nearly colinear.

    Args:
        jacobian: Tensor of shape (m, n).

    Returns:
        float64 tensor of shape (m, m), on the same device.
    """
    rows = jacobian.double()
    return rows @ rows.mT


def combine(weights: Tensor, jacobian: Tensor) -> Tensor:
    """Computes the step d = Σ wᵢ gᵢ.

    Args:
        weights: Tensor of shape (m,).
        jacobian: Tensor of shape (m, n).

    Returns:
        Tensor of shape (n,), in the Jacobian's precision.
    """
    return weights.to(jacobian.dtype) @ jacobian


def assign(parameters: Sequence[nn.Parameter], step: Tensor) -> None:
    """Makes the parts of a flat step the parameters' ``grad``, as views.

    Args:
        parameters: The parameters, in the order of the Jacobian's columns.
        step: Tensor of shape (n,).
    """
    parts = torch.split(step, [p.numel() for p in parameters])
    for parameter, part in zip(parameters, parts, strict=True):
        parameter.grad = part.view_as(parameter)

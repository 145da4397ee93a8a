"""The Jacobian of a few objectives, its Gramian and the step, without leaving the device.

The objectives live on disjoint graphs, one batch each, so one ``torch.autograd.grad`` call per
objective costs together what one backward pass of their sum costs. Nothing here waits for the
device: weights are tensors, and every branch on their values is a ``torch.where``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Jacobian", "gradient"]

#: Columns of rows that are in float64 at a time; what is shorter is multiplied as a whole.
_BLOCK = 2**24


def gradient(
    loss: Tensor, parameters: Sequence[nn.Parameter], *, keep_graph: bool = False
) -> tuple[Tensor, ...]:
    """Differentiates one objective.

    Args:
        loss: Scalar with a graph.
        parameters: What to differentiate by.
        keep_graph: Whether the graph can be used once more; it is freed otherwise.

    Returns:
        One gradient per parameter, of its shape; zeros where the loss does not depend on it.
    """
    return torch.autograd.grad(loss, parameters, retain_graph=keep_graph, materialize_grads=True)


class Jacobian:
    """Room for the gradients of m objectives, and for the step that is made of them.

    The room is allocated once and written anew in every step. Within a parameter's part of a row,
    the scalars lie as they do in the parameter's memory (weights of convolutions may have their
    channels last), so that gradients are copied in, and taken by the optimiser, without a change
    of layout. Inner products do not depend on that order; :meth:`write` takes care of it.

    Args:
        parameters: What to differentiate by; all of one precision, on one device.
        objectives: m.
        mask: Tensor of shape (n,) that every row is multiplied by, the flattened parts of the
            parameters one after another; ``None``: no such thing.

    Attributes:
        rows: Tensor of shape (m, n), one gradient a row, where n is the number of scalar
            parameters.
        step: The step that :meth:`combine` made last, one tensor per parameter, of its shape and
            layout.
    """

    def __init__(
        self, parameters: Sequence[nn.Parameter], objectives: int = 2, mask: Tensor | None = None
    ) -> None:
        self._parameters = parameters
        self._sizes = [p.numel() for p in parameters]
        n = sum(self._sizes)
        self.rows = parameters[0].new_zeros(objectives, n, requires_grad=False)
        self._step = torch.zeros_like(self.rows[0])
        self._parts = [self._by_parameter(row) for row in self.rows]
        self.step = self._by_parameter(self._step)
        self._given_mask = self._mask = mask
        if mask is not None:
            self._mask = torch.empty_like(mask)
            given = torch.split(mask, self._sizes)
            for part, values in zip(self._by_parameter(self._mask), given, strict=True):
                part.copy_(values.view(part.shape))

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickled Jacobian leaves its room behind: every step writes all of it anew."""
        return type(self), (self._parameters, len(self.rows), self._given_mask)

    def differentiate(self, losses: Sequence[Tensor]) -> None:
        """Fills the rows with the gradients of m scalars, whose graphs are freed.

        The newest graph goes first, as in one backward pass of a sum: what was allocated last is
        freed first, and is still in the cache.
        """
        rows = [gradient(loss, self._parameters) for loss in reversed(losses)]
        torch._foreach_copy_(
            [part for row in self._parts for part in row],
            [part for row in reversed(rows) for part in row],
        )
        if self._mask is not None:
            self.rows.mul_(self._mask)

    def write(self, row: int, gradients: Sequence[Tensor]) -> None:
        """Fills one row with gradients that were made elsewhere, one per parameter; no mask."""
        torch._foreach_copy_(self._parts[row], list(gradients))

    def gramian(self, others: Tensor | None = None) -> Tensor:
        """Computes the inner products of the rows.

        The products are accumulated in float64: weightings divide by quantities such as
        ‖g_r‖²‖g_f‖² − (g_r·g_f)², which float32 sums lose once the gradients are nearly colinear.

        Args:
            others: Rows of shape (m, n) to multiply with; the rows themselves by default.

        Returns:
            float64 tensor of shape (m, m), on the same device.
        """
        return _products(self.rows, others)

    def gramians(self, others: Tensor | None = None) -> Tensor:
        """Computes the inner products of the rows for each parameter tensor by itself.

        Args:
            others: Rows of shape (m, n) to multiply with; the rows themselves by default.

        Returns:
            float64 tensor of shape (k, m, m) for k parameters. For the rows themselves its sum is
            :meth:`gramian`.
        """
        parts = torch.split(_in_double(self.rows), self._sizes, dim=1)
        if others is None:
            return torch.stack([_products(part) for part in parts])
        pairs = zip(parts, torch.split(_in_double(others), self._sizes, dim=1), strict=True)
        return torch.stack([_products(part, other) for part, other in pairs])

    def combine(self, weights: Tensor) -> None:
        """Makes the step d = Σ wᵢ gᵢ the ``grad`` of the parameters.

        Args:
            weights: Tensor of shape (m,), or (k, m) with weights of their own for each of the k
                parameters.
        """
        weights = weights.to(self.rows.dtype)
        if weights.ndim == 1:
            torch.mv(self.rows.mT, weights, out=self._step)
        else:
            rows, steps = (torch.split(x, self._sizes, dim=-1) for x in (self.rows, self._step))
            for row, step, own in zip(rows, steps, weights, strict=True):
                torch.mv(row.mT, own, out=step)
        for parameter, part in zip(self._parameters, self.step, strict=True):
            parameter.grad = part

    def _by_parameter(self, flat: Tensor) -> list[Tensor]:
        """Views a vector of shape (n,) as tensors of the parameters' shapes and layouts."""
        parts = torch.split(flat, self._sizes)
        return [_laid_out_as(p, part) for part, p in zip(parts, self._parameters, strict=True)]


def _in_double(rows: Tensor) -> Tensor:
    """Rows in float64, if a block holds them whole; else as they are."""
    return rows.double() if rows.shape[1] <= _BLOCK else rows


def _products(rows: Tensor, others: Tensor | None = None) -> Tensor:
    """Inner products of rows with others, or with themselves, in float64, of shape (m, m)."""

    def product(start: int) -> Tensor:
        block = rows[:, start : start + _BLOCK].double()
        other = block if others is None else others[:, start : start + _BLOCK].double()
        return block @ other.mT

    return reduce(torch.add, map(product, range(0, max(rows.shape[1], 1), _BLOCK)))


def _laid_out_as(parameter: Tensor, flat: Tensor) -> Tensor:
    """Views a vector with the shape of a parameter and, where that has no gaps, its strides."""
    like = torch.empty_like(parameter, device="meta")  # dense, in the order of the parameter
    return flat.as_strided(like.size(), like.stride(), flat.storage_offset())

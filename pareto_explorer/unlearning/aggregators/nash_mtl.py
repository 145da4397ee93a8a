"""Nash-MTL as TorchJD has it, with its iterative solver."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning.aggregators._plane import Plane
from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, not_negative, whole_above_zero

if TYPE_CHECKING:
    from torchjd.aggregation import NashMTL as Reference

__all__ = ["ENTRIES", "NashMTL"]


class NashMTL(Weighting):
    """The bargaining game of Nash-MTL, solved by successive convex programs on the host.

    For comparison with published results:
    :class:`~pareto_explorer.unlearning.aggregators.munba.MUNBa` is the solution of the same game
    for two objectives, exact and without a solver. TorchJD's iteration, which begins at the weights
    of the step before, agrees with it within 1e-3 for most pairs of gradients and is far off for
    the rest, and by default shortens the step of length √2 to 1.

    Two zero gradients make no step: the solver has no answer. Several Gramians at once are
    solved one by one, each with a memory of its own.

    Source: Navon et al., *Multi-Task Learning as a Bargaining Game* (arXiv 2202.01017,
    algorithm 1); torchjd 0.18.

    Args:
        max_norm: Longest step that is taken; 0: any.
        update_weights_every: How many steps one solution is used for.
        optim_niter: Convex programs per solution.

    Raises:
        InputError: When the solver is not installed.
    """

    keeps_state: ClassVar[bool] = True

    def __init__(
        self, max_norm: float = 1.0, update_weights_every: int = 1, optim_niter: int = 20
    ) -> None:
        super().__init__()
        from torchjd.aggregation import NashMTL as Reference

        try:
            self._fresh = Reference(2, max_norm, update_weights_every, optim_niter)
        except ImportError as error:
            raise InputError(
                "aggregator: 'nash_mtl' needs the packages cvxpy and ecos, which are missing; "
                'install them with pip install "pareto-explorer[all]".'
            ) from error
        self._solvers: list[Reference] = []

    def reset(self) -> None:
        """Forgets the weights of earlier steps."""
        self._solvers = []

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2); the same number in every call."""
        rows = _rows(gramian).view(-1, 2, 2)
        if not self._solvers:
            self._solvers = [copy.deepcopy(self._fresh) for _ in rows]
        weights = [
            solver.weighting(row) if row.isfinite().all() and row.any() else row.new_zeros(2)
            for solver, row in zip(self._solvers, rows, strict=True)
        ]
        return torch.stack(weights).view(gramian.shape[:-1])

    def extra_repr(self) -> str:
        """Shows the knobs in ``repr``."""
        known = self._fresh
        return (
            f"max_norm={known.max_norm}, update_weights_every={known.update_weights_every}, "
            f"optim_niter={known.optim_niter}"
        )


def _rows(gramian: Tensor) -> Tensor:
    """Makes two gradients in the plane, (..., 2, 2), that have this Gramian."""
    plane = Plane.of(gramian)
    norm_r, norm_f = plane.squares.sqrt().unbind(-1)
    cosine, sine = plane.cosine[..., 0], plane.squared_sine[..., 0].sqrt()
    rows = (norm_r, torch.zeros_like(norm_r), norm_f * cosine, norm_f * sine)
    return torch.stack(rows, -1).view(gramian.shape)


ENTRIES = (
    Entry.of(
        "nash_mtl",
        NashMTL,
        summary="TorchJD's iterative solver of munba's equations; needs cvxpy and ecos.",
        source="Nash-MTL, Navon et al., arXiv 2202.01017, algorithm 1; torchjd 0.18",
        defects="TorchJD's solver is far off on some inputs: `munba` is exact",
        knobs={
            "max_norm": KnobSpec(None, "longest step that is taken; 0: any", not_negative),
            "update_weights_every": KnobSpec(
                None, "steps that one solution serves", whole_above_zero
            ),
            "optim_niter": KnobSpec(None, "convex programs per solution", whole_above_zero),
        },
    ),
)

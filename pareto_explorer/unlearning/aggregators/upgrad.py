"""UPGrad, exact and as TorchJD has it: project each gradient on the dual cone, then combine."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._preference import PreferenceWeighting, preference_knob
from pareto_explorer.unlearning.core.entries import Entry

__all__ = ["ENTRIES", "UPGrad", "UPGradTorchJD", "project"]

#: What TorchJD's projector adds to a Gramian of trace 1, and the trace below which it leaves it.
_REG_EPS = 1e-4
_NORM_EPS = 1e-4


class UPGrad(PreferenceWeighting):
    """Unconflicting projection of gradients, exact for two objectives.

    With a = ‖g_r‖², b = g_r·g_f, c = ‖g_f‖² and m = max(0, −b), the weights are
    (p_r + p_f m/a, p_f + p_r m/c): where the gradients conflict, each is replaced by its
    projection on the plane orthogonal to the other. The step never raises a loss to first order.

    A zero gradient conflicts with nothing, so the weights are then (p_r, p_f).

    Source: Quinton and Rey, *Jacobian Descent for Multi-Objective Optimization*
    (arXiv 2406.16232, section 3).

    Args:
        preference: p_f, the weight of the projected forget gradient, in [0, 1]; p_r = 1 − p_f.
    """

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        squares = gramian.diagonal(dim1=-2, dim2=-1)
        return project(squares, gramian[..., :1, 1], self.shares(gramian))


class UPGradTorchJD(PreferenceWeighting):
    """The closed form of ``torchjd.aggregation.UPGrad`` with its default projector.

    The library divides the Gramian by its trace t and adds 1e-4 to the diagonal, which is
    :class:`UPGrad` with a + 1e-4·t and c + 1e-4·t in place of a and c; below t = 1e-4 the weights
    are (p_r, p_f). Once one gradient is much shorter than the other, as ‖g_r‖ is at a converged
    model, the correction of the shorter one is damped and the promise that no loss rises is lost:
    at ‖g_r‖/‖g_f‖ = 1e-3 and an angle of 120°, cos(d, g_r) = −0.496.

    Published results that were computed with the library's defaults need this form.

    Source: torchjd 0.18, ``QuadprogProjector(norm_eps=1e-4, reg_eps=1e-4)``.

    Args:
        preference: p_f, in [0, 1]; p_r = 1 − p_f.
    """

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        squares = gramian.diagonal(dim1=-2, dim2=-1)
        trace = squares.sum(-1, keepdim=True)
        product = torch.where(trace < _NORM_EPS, 0.0, gramian[..., :1, 1])
        return project(squares + _REG_EPS * trace, product, self.shares(gramian))


def project(squares: Tensor, product: Tensor, shares: Tensor) -> Tensor:
    """Combines the projections of both gradients on their dual cone.

    Args:
        squares: (a, c), the squared norms, of shape (..., 2).
        product: b, the inner product, of shape (..., 1).
        shares: ((p_r, p_f), (p_f, p_r)).

    Returns:
        Weights of shape (..., 2).
    """
    own, other = shares
    # The product with a zero gradient is 0, so this divides 0 by a tiny number at worst.
    shift = product.clamp(max=0) / squares.clamp(min=torch.finfo(squares.dtype).tiny)
    return torch.addcmul(own, other, shift, value=-1)


ENTRIES = (
    Entry.of(
        "upgrad",
        UPGrad,
        summary="Projects both gradients on the dual cone, exactly; no loss rises to first order.",
        source="Quinton and Rey, arXiv 2406.16232, section 3",
        defects="RAUL's code: library-default regularisation; unequal step budgets",
        knobs={
            "preference": preference_knob(
                "weight of the projected forget gradient; retain has the rest"
            ),
        },
    ),
    Entry.of(
        "upgrad_torchjd",
        UPGradTorchJD,
        summary="UPGrad with TorchJD's default regularisation, which can raise the retain loss.",
        source="torchjd 0.18, QuadprogProjector defaults",
        defects="offered because it is one: no guarantee once ‖g_r‖ ≪ ‖g_f‖",
        knobs={
            "preference": preference_knob(
                "weight of the projected forget gradient; retain has the rest"
            ),
        },
    ),
)

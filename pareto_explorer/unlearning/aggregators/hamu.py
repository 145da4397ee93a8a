"""HAMU: the best step for one loss that moves the other by a quota."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from pareto_explorer.errors import unknown
from pareto_explorer.unlearning.aggregators._rule import Rule, Step
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import (
    KnobSpec,
    absent_or_above_zero,
    not_negative,
    one_of,
    true_or_false,
)

__all__ = [
    "CAPS",
    "ENTRIES",
    "HAMUQ",
    "HAMUU",
    "QUOTA_RULES",
    "RADIUS_SHARES",
    "SHARES",
    "STOPPED",
    "Demand",
    "solve",
]

QUOTA_RULES = ("absolute", "relative")
SHARES = ("norms", "hardness", "equal")
RADIUS_SHARES = ("norms", "each")
CAPS = ("cap", "skip", "published", "stop")
#: What the ledger says of a run that the stopping rule has ended.
STOPPED = "quota infeasible"

#: Below this sin²φ, products of float64 no longer determine the plane of the gradients.
_COLINEAR = 1e-10
_DIRECT, _RECTIFIED, _INFEASIBLE = range(3)


class Demand(NamedTuple):
    """What a step is asked for, in gradient units (divided by the learning rate).

    Attributes:
        quota: Q, of shape (...).
        radius: R, likewise.
    """

    quota: Tensor
    radius: Tensor


def solve(
    gramian: Tensor,
    demand: Demand,
    infeasible: Literal["cap", "skip", "published", "stop"] = "cap",
) -> tuple[Tensor, Tensor]:
    """Solves max g_r·d subject to g_f·d ≥ Q and ‖d‖ ≤ R in closed form.

    With a = ‖g_r‖², b = g_r·g_f, c = ‖g_f‖² and S² = ac − b², the first that applies:

    - infeasible, Q > R √c: d = R ĝ_f (``cap``), 0 (``skip``, and ``stop``, which the caller acts
      on) or Q g_f / c (``published``: the quota is met at a length that grows without bound as g_f
      vanishes);
    - direct, b R ≥ Q √a: d = R ĝ_r meets the quota by itself;
    - rectified: w_r = √(cR² − Q²)/S and w_f = (Q − b w_r)/c: quota and radius are tight. Where
      the gradients are colinear, S = 0, or g_r vanishes, d = Q g_f / c.

    Args:
        gramian: Shape (..., 2, 2).
        demand: Quota and radius.
        infeasible: What to do where no step within the radius meets the quota.

    Returns:
        Weights of shape (..., 2), and which branch was taken, of shape (...): 0 direct,
        1 rectified, 2 infeasible.
    """
    quota, radius = demand
    a, b, c = gramian[..., 0, 0], gramian[..., 0, 1], gramian[..., 1, 1]
    norm_r, norm_f = a.sqrt(), c.sqrt()
    reach = radius * norm_f
    impossible = quota > reach
    direct = (b * radius >= quota * norm_r) & ((a > 0) | (quota <= 0))

    area = a * c - b.square()
    flat = area <= _COLINEAR * a * c
    w_r = ((reach - quota) * (reach + quota)).clamp(min=0).sqrt() * area.rsqrt()
    w_r = torch.where(flat, 0.0, w_r)
    w_f = (quota - b * w_r) / c
    w_r = torch.where(direct, radius / norm_r, w_r)
    w_f = torch.where(direct, 0.0, w_f)
    none = torch.zeros_like(c)
    forced = {"cap": radius / norm_f, "skip": none, "published": quota / c, "stop": none}
    w_r = torch.where(impossible, 0.0, w_r)
    w_f = torch.where(impossible, forced[infeasible], w_f)
    weights = torch.stack((w_r, w_f), -1)
    # Whatever the branch, a zero gradient has no weight: the divisions by its norm are void.
    weights = torch.where(gramian.diagonal(dim1=-2, dim2=-1) == 0, 0.0, weights)
    branch = torch.where(direct, _DIRECT, _RECTIFIED)
    return weights, torch.where(impossible, _INFEASIBLE, branch)


class HAMUQ(Rule):
    """Hardness-aware multi-objective unlearning: forget by a quota, at the best for retention.

    The step solves max g_r·d subject to g_f·d ≥ Q and ‖d‖ ≤ R (see :func:`solve`), all in
    gradient units: the optimiser multiplies d by the learning rate η, so the paper's quota on the
    weight change is ηQ. For its guarantee use ``sgd`` with ``momentum`` 0 and no decay.

    Both gradients are first shortened to norm ``clip_norm``. R is the norm of the retain gradient
    (the authors' ``use_lr_radius``) unless ``radius`` gives one. Where every parameter tensor has a
    Gramian of its own (``granularity: layer``, as the authors do it), each has a radius:
    Rᵢ = R ‖g_rⁱ‖/‖g_r‖, so that Σ Rᵢ² = R² and the whole step is at most R long, or, with
    ``radius_share: each``, as the authors do it with a given radius, all of R, so that k tensors
    together move by up to R √k. Each has a share of the quota too: proportional to
    ‖g_rⁱ‖‖g_fⁱ‖ (``norms``), to exp(−κᵢ) with the hardness κᵢ = −g_rⁱ·g_fⁱ (``hardness``), or
    ``equal``. ``quota_rule: relative`` asks each tensor for Qᵢ = Q Rᵢ‖g_fⁱ‖ instead, a fraction
    of what its radius can reach, which is always feasible. The absolute quota is feasible only if
    Q ≤ R ‖g_f‖: at a model whose retain loss has converged it mostly is not, and the columns
    ``share_direct``, ``share_rectified`` and ``share_infeasible`` say how often.

    The stopping rule ends the run at the first step where no change within the radii meets the
    quota without raising the retain loss: Σ Rᵢ mᵢ < Q with mᵢ = Sᵢ/‖g_rⁱ‖ where the gradients
    conflict and ‖g_fⁱ‖ where they do not. For one tensor this is the paper's κ > κ₂, with
    κ₂² = ‖g_r‖²‖g_f‖² − Q²‖g_r‖²/R², or an infeasible quota. The authors' code only logs it by
    default, and ends a run at the first step where a single tensor cannot meet its share, which
    ``infeasible: stop`` does here; at a converged model that may be the first of all. Each of the
    two makes the host wait for the device once a step.

    Source: Chen et al., *Hardness-Aware Multi-Objective Unlearning* (arXiv 2606.02119); knobs and
    defaults from the authors' code. Not carried over: the step that it takes where it is told to go
    on at an infeasible quota, which breaks the radius (``infeasible: published`` has it); the
    aggregate stopping rule's Sᵢ/‖g_rⁱ‖ for tensors whose gradients agree, where more is within
    reach; and, in its variant for the whole gradient, the division of each tensor's part of the
    rectified direction by that part's own norm instead of the whole direction's, so that k tensors
    leave the radius by up to √k (``granularity: full`` solves the problem as the paper states it).

    Args:
        quota: Q.
        quota_rule: ``absolute`` or ``relative``.
        quota_share: ``norms``, ``hardness`` or ``equal``; read for absolute quotas of tensors.
        radius: R; ``None``: the norm of the gradient.
        radius_share: ``norms`` or ``each``; read where ``radius`` is given to tensors.
        clip_norm: Norm that the gradients are shortened to; ``None``: they are not.
        infeasible: ``cap``, ``skip``, ``published`` or ``stop``.
        stop_when_infeasible: Whether the stopping rule ends the run.

    Raises:
        InputError: When a word is not known.
    """

    def __init__(
        self,
        quota: float = 0.5,
        quota_rule: Literal["absolute", "relative"] = "absolute",
        quota_share: Literal["norms", "hardness", "equal"] = "norms",
        radius: float | None = None,
        radius_share: Literal["norms", "each"] = "norms",
        clip_norm: float | None = 1.0,
        infeasible: Literal["cap", "skip", "published", "stop"] = "cap",
        stop_when_infeasible: bool = False,
    ) -> None:
        super().__init__()
        words = {
            "quota_rule": (quota_rule, QUOTA_RULES),
            "quota_share": (quota_share, SHARES),
            "radius_share": (radius_share, RADIUS_SHARES),
            "infeasible": (infeasible, CAPS),
        }
        for name, (word, known) in words.items():
            if word not in known:
                raise unknown(name, word, known)
        self.quota = quota
        self.quota_rule = quota_rule
        self.quota_share = quota_share
        self.radius = radius
        self.radius_share = radius_share
        self.clip_norm = clip_norm
        self.infeasible: Literal["cap", "skip", "published", "stop"] = infeasible
        self.stop_when_infeasible = stop_when_infeasible

    def forward(self, step: Step, /) -> Tensor:
        """Weighs the gradients."""
        scale, gramian = self._clip(step.gramian)
        weights, branches, reachable, quota = self._solve(gramian)
        self.descent.ledger.observe(_branch_shares, branches)
        harmful = self.stop_when_infeasible and bool(reachable < quota)
        missed = self.infeasible == "stop" and bool((branches == _INFEASIBLE).any())
        if harmful or missed:
            self.descent.ledger.stopped = STOPPED
        return weights * scale

    def demand(self, gramian: Tensor) -> Demand:
        """Distributes quota and radius over the tensors.

        Args:
            gramian: Shape (..., 2, 2), of gradients that are clipped already.
        """
        norm_r, norm_f = gramian.diagonal(dim1=-2, dim2=-1).sqrt().unbind(-1)
        radius = norm_r
        if self.radius is not None and self.radius_share == "each":
            radius = torch.full_like(norm_r, self.radius)
        elif self.radius is not None:
            whole = norm_r.square().sum().sqrt()
            radius = torch.where(whole > 0, self.radius * norm_r / whole, 0.0)
        if self.quota_rule == "relative":
            return Demand(self.quota * radius * norm_f, radius)
        return Demand(self.quota * self._shares(norm_r * norm_f, gramian[..., 0, 1]), radius)

    def _shares(self, sizes: Tensor, products: Tensor) -> Tensor:
        """Shares of the quota that add up to 1 over all tensors."""
        if self.quota_share == "norms":
            whole = sizes.sum()
            equal = 1 / max(sizes.numel(), 1)
            return torch.where(whole > 0, sizes / whole, equal)
        if self.quota_share == "hardness":
            return products.flatten().softmax(0).view_as(products)
        return torch.full_like(sizes, 1 / max(sizes.numel(), 1))

    def _solve(self, gramian: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Weights, branches, and what can be had without harm, next to what is asked."""
        demand = self.demand(gramian)
        weights, branches = solve(gramian, demand, self.infeasible)
        a, b, c = gramian[..., 0, 0], gramian[..., 0, 1], gramian[..., 1, 1]
        harmless = ((a * c - b.square()).clamp(min=0) / a).sqrt()
        reach = demand.radius * torch.where((b < 0) & (a > 0), harmless, c.sqrt())
        return weights, branches, reach.sum(), demand.quota.sum()

    def _clip(self, gramian: Tensor) -> tuple[Tensor, Tensor]:
        """Factors of shape (2,) that shorten the whole gradients, and the Gramian after it."""
        if self.clip_norm is None:
            return gramian.new_ones(2), gramian
        norms = gramian.view(-1, 2, 2).sum(0).diagonal().sqrt()
        scale = torch.where(norms > self.clip_norm, self.clip_norm / norms, 1.0)
        return scale, gramian * scale * scale[:, None]

    def extra_repr(self) -> str:
        """Shows the first knobs in ``repr``."""
        return f"quota={self.quota}, quota_rule={self.quota_rule!r}"


class HAMUU(HAMUQ):
    """HAMU's dual: improve the retain loss by a gain, at the best for forgetting.

    The step solves max g_f·d subject to g_r·d ≥ U and ‖d‖ ≤ R: :class:`HAMUQ` with the two
    gradients exchanged, so R is the norm of the forget gradient unless ``radius`` gives one, and
    ``quota`` is U.

    Source: Chen et al. (arXiv 2606.02119), HAMU-U.
    """

    def _solve(self, gramian: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        weights, branches, reachable, quota = super()._solve(gramian.flip(-1, -2))
        return weights.flip(-1), branches, reachable, quota


def _branch_shares(branches: Tensor) -> dict[str, Tensor]:
    """Shares of the tensors that took each branch, over n steps."""
    names = ("share_direct", "share_rectified", "share_infeasible")
    flat = branches.view(len(branches), -1)
    return {name: (flat == k).double().mean(1) for k, name in enumerate(names)}


def _knobs(quota: str, radius: str) -> dict[str, KnobSpec]:
    return {
        "quota": KnobSpec({"uniform": [0.0, 0.9]}, quota, not_negative),
        "quota_rule": KnobSpec(
            None,
            "absolute: per unit of learning rate; relative: a fraction of what is in reach",
            one_of(QUOTA_RULES),
        ),
        "quota_share": KnobSpec(
            None,
            "how tensors share an absolute quota: by norms, hardness or equal",
            one_of(SHARES),
        ),
        "radius": KnobSpec(None, radius, absent_or_above_zero),
        "radius_share": KnobSpec(
            None,
            "radius of each tensor where one is given: norms, a share by norm; each, all of it",
            one_of(RADIUS_SHARES),
        ),
        "clip_norm": KnobSpec(
            None,
            "norm that both gradients are shortened to; null: they are not",
            absent_or_above_zero,
        ),
        "infeasible": KnobSpec(
            None,
            "where no step meets the quota: cap at the radius, skip, published (beyond it) or stop",
            one_of(CAPS),
        ),
        "stop_when_infeasible": KnobSpec(
            None,
            "whether to end the run once no harmless step meets the quota",
            true_or_false,
        ),
    }


ENTRIES = (
    Entry.of(
        "hamu_q",
        HAMUQ,
        summary="Best step for the retain loss that lowers the forget loss by a quota.",
        source="HAMU, Chen et al., arXiv 2606.02119, HAMU-Q",
        defects=(
            "infeasible branch leaves the radius (`infeasible: published` has it); its "
            "full-gradient variant divides each tensor's part by that part's own norm; its "
            "stopping rule counts less than is in reach where gradients agree"
        ),
        knobs=_knobs(
            "first-order fall of the forget loss that every step has to bring",
            "longest step per unit of learning rate; null: norm of the retain gradient",
        ),
    ),
    Entry.of(
        "hamu_u",
        HAMUU,
        summary="Best step for the forget loss that lowers the retain loss by a gain.",
        source="HAMU, Chen et al., arXiv 2606.02119, HAMU-U",
        defects="as `hamu_q`",
        knobs=_knobs(
            "first-order fall of the retain loss that every step has to bring",
            "longest step per unit of learning rate; null: norm of the forget gradient",
        ),
    ),
)

"""Scalarisations: gradient descent on one scalar of the two losses.

The scalars are those of ``torchjd.scalarization``, with the derivatives written out: they agree to
rounding and cost 6 to 54 µs a step on one core, where the graph on the two losses costs 73 to
314 µs (``benchmarks/scalarisers.py``). TorchJD's also keep preferences on the device on which they
were made, not on the model's, and its geometric mean makes the host wait in every step.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._preference import preference_knob
from pareto_explorer.unlearning.aggregators._rule import Descent, Rule, Step
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import (
    KnobSpec,
    above_zero,
    not_negative,
    whole_above_zero,
)

__all__ = [
    "COSMOS",
    "DWA",
    "ENTRIES",
    "FAMO",
    "PBI",
    "STCH",
    "UW",
    "GeometricMean",
    "Scalariser",
    "preferred",
]

#: TorchJD's: the least norm in COSMOS, what FAMO adds to a loss, and what PBI adds to a square.
_EPS = 1e-8
_LEAST = 1e-12
#: Of Adam, in FAMO.
_BETAS = 0.9, 0.999


class Scalariser(Rule):
    """Gradient descent on a scalar S(L_r, L_f): the weights are ∂S/∂L."""

    def forward(self, step: Step, /) -> Tensor:
        """Weighs the gradients."""
        return self.weigh(step.values)

    @abstractmethod
    def weigh(self, losses: Tensor) -> Tensor:
        """Differentiates S.

        Args:
            losses: float64, of shape (2,).

        Returns:
            ∂S/∂L, of the same shape.
        """


def preferred(losses: Tensor, preference: float) -> Tensor:
    """Returns (1 − p, p) where and as the losses are."""
    shares = losses.new_full((2,), 1 - preference)
    shares[1] = preference
    return shares


class STCH(Scalariser):
    """S = μ log Σ exp(λᵢ Lᵢ/μ), a smooth maximum of the weighted losses.

    The weights are λᵢ softmax(λL/μ)ᵢ: nearly all weight is on the weighted loss that is larger, the
    more so the smaller μ. Every point of a front, convex or not, is the minimum for some λ. The
    ideal point is the origin.

    Source: Lin et al., *Smooth Tchebycheff Scalarization* (arXiv 2402.19078), as
    ``torchjd.scalarization.STCH``.

    Args:
        mu: μ > 0.
        preference: λ of the forget loss, in [0, 1]; retain has the rest.
    """

    def __init__(self, mu: float = 0.1, preference: float = 0.5) -> None:
        super().__init__()
        self.mu = mu
        self.preference = preference

    def weigh(self, losses: Tensor) -> Tensor:
        """Differentiates S."""
        shares = preferred(losses, self.preference)
        return shares * (shares * losses / self.mu).softmax(0)

    def extra_repr(self) -> str:
        """Shows the knobs in ``repr``."""
        return f"mu={self.mu}, preference={self.preference}"


class PBI(Scalariser):
    """S = d₁ + θ d₂: the way along a direction ŵ, and θ times the distance from it.

    With d₁ = L·ŵ and the rest e = L − d₁ŵ the weights are ŵ + θ e/√(‖e‖² + 1e-12). Once a loss
    lies below the ray its weight can be negative: the loss is raised to return to the ray. The
    ideal point is the origin.

    Source: Zhang and Li, *MOEA/D* (IEEE TEVC 11(6), 2007), as ``torchjd.scalarization.PBI``.

    Args:
        theta: θ ≥ 0.
        preference: Component of the direction (1 − p, p) for the forget loss, in [0, 1].
    """

    def __init__(self, theta: float = 1.0, preference: float = 0.5) -> None:
        super().__init__()
        self.theta = theta
        self.preference = preference

    def weigh(self, losses: Tensor) -> Tensor:
        """Differentiates S."""
        direction = preferred(losses, self.preference)
        direction = direction / direction.norm()
        rest = losses - (losses @ direction) * direction
        return direction + self.theta * rest / (rest @ rest + _LEAST).sqrt()

    def extra_repr(self) -> str:
        """Shows the knobs in ``repr``."""
        return f"theta={self.theta}, preference={self.preference}"


class COSMOS(Scalariser):
    """S = r·L − λ cos(r, L): a weighted sum that is drawn to losses in proportion to r.

    The weights are r − λ (r/‖r‖ − cos(r, L) L/‖L‖)/‖L‖, with norms below 1e-8 counted as 1e-8.
    One preference per run: the published method also feeds r to the network, which is not done
    here.

    Source: Ruchte and Grabocka (arXiv 2103.13392), as ``torchjd.scalarization.COSMOS``.

    Args:
        penalty: λ ≥ 0.
        preference: r of the forget loss, in [0, 1]; retain has the rest.
    """

    def __init__(self, penalty: float = 1.0, preference: float = 0.5) -> None:
        super().__init__()
        self.penalty = penalty
        self.preference = preference

    def weigh(self, losses: Tensor) -> Tensor:
        """Differentiates S."""
        shares = preferred(losses, self.preference)
        size = losses.norm().clamp(min=_EPS)
        own, target = losses / size, shares / shares.norm()
        return shares - self.penalty * (target - (own @ target) * own) / size

    def extra_repr(self) -> str:
        """Shows the knobs in ``repr``."""
        return f"penalty={self.penalty}, preference={self.preference}"


class GeometricMean(Scalariser):
    """S = √(L_r L_f), also called geometric loss strategy (GLS).

    The weights are S/(2Lᵢ), so both losses contribute alike on a logarithmic scale. Both have to
    be positive.

    Source: Chennupati et al., *MultiNet++* (CVPR workshops 2019), as
    ``torchjd.scalarization.GeometricMean``.
    """

    needs_positive_losses: ClassVar[bool] = True

    def weigh(self, losses: Tensor) -> Tensor:
        """Differentiates S."""
        return (losses.flip(0) / losses).sqrt() / 2


class UW(Scalariser):
    """S = Σ (½ exp(−sᵢ) Lᵢ + ½ sᵢ) with log-variances s that descend on S as well.

    The weights are ½ exp(−sᵢ), from ½ at the start towards 1/(2Lᵢ). The log-variances take plain
    gradient steps of their own learning rate; in the paper they are parameters of the model's
    optimiser.

    Source: Kendall, Gal and Cipolla (arXiv 1705.07115), as ``torchjd.scalarization.UW``.

    Args:
        variance_lr: Learning rate of s.
    """

    def __init__(self, variance_lr: float = 0.025) -> None:
        super().__init__()
        self.variance_lr = variance_lr

    def begin(self, descent: Descent) -> None:
        """Starts with equal weights."""
        super().begin(descent)
        self._log_variances: Tensor | None = None

    def weigh(self, losses: Tensor) -> Tensor:
        """Weighs the losses, and moves the log-variances."""
        before = self._log_variances
        if before is None:
            before = torch.zeros_like(losses)
        weights = (-before).exp() / 2
        self._log_variances = before - self.variance_lr * (0.5 - weights * losses)
        return weights

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"variance_lr={self.variance_lr}"


class FAMO(Scalariser):
    """Fast adaptive multitask optimisation: both losses fall at the same relative rate.

    With z = softmax(ω) the weights are (zᵢ/Lᵢ)/Σ(z/L). After the step both losses are measured
    again on the same batches, and ω takes an Adam step against its gradient of
    Σ zᵢ log(Lᵢ before / Lᵢ after), so the loss that fell less gains weight. The second measurement
    costs a forward pass; running statistics do not move, and random labels and held-out means
    stay those of the step. Losses have to be positive; 1e-8 is added to each.

    Source: Liu et al., *FAMO* (arXiv 2306.03792), as ``torchjd.scalarization.FAMO``, which the
    authors' decay of 1e-5 differs from.

    Args:
        weight_lr: Adam's learning rate for ω.
        weight_decay_logits: L2 decay of ω.
    """

    needs_positive_losses: ClassVar[bool] = True

    def __init__(self, weight_lr: float = 0.025, weight_decay_logits: float = 1e-3) -> None:
        super().__init__()
        self.weight_lr = weight_lr
        self.weight_decay_logits = weight_decay_logits

    def begin(self, descent: Descent) -> None:
        """Starts with equal weights."""
        super().begin(descent)
        self._logits: Tensor | None = None
        self._updates = 0

    def weigh(self, losses: Tensor) -> Tensor:
        """Weighs the losses, and notes them."""
        if self._logits is None:
            self._logits, self._mean, self._square = losses.new_zeros(3, 2).unbind(0)
        self._before = losses + _EPS
        parts = self._logits.softmax(0) / self._before
        return parts / parts.sum()

    def after(self) -> None:
        """Measures the losses again and moves the logits."""
        self.update(self.descent.losses_again())

    def update(self, losses: Tensor) -> None:
        """Moves the logits.

        Args:
            losses: After the step, of shape (2,).
        """
        if self._logits is None:
            raise RuntimeError("call weigh with the losses before the step first")
        fall = (self._before / (losses.double() + _EPS)).log()
        shares = self._logits.softmax(0)
        slope = shares * (fall - shares @ fall) + self.weight_decay_logits * self._logits
        self._updates += 1
        first, second = _BETAS
        self._mean = first * self._mean + (1 - first) * slope
        self._square = second * self._square + (1 - second) * slope.square()
        mean = self._mean / (1 - first**self._updates)
        square = self._square / (1 - second**self._updates)
        self._logits = self._logits - self.weight_lr * mean / (square.sqrt() + _EPS)

    def extra_repr(self) -> str:
        """Shows the first knob in ``repr``."""
        return f"weight_lr={self.weight_lr}"


class DWA(Scalariser):
    """More weight for the loss that has been falling more slowly.

    The weights are 2 softmax(r/T), where rᵢ is the mean of loss i over the last full window of
    steps, divided by its mean over the window before; (1, 1) until there are two. The paper's
    windows are epochs, which the short runs of unlearning hardly complete. Meant for losses that
    keep their sign.

    Source: Liu, Johns and Davison (arXiv 1803.10704, section 3.3), as
    ``torchjd.scalarization.DWA``.

    Args:
        temperature: T > 0.
        window: Steps whose losses are averaged.
    """

    def __init__(self, temperature: float = 2.0, window: int = 10) -> None:
        super().__init__()
        self.temperature = temperature
        self.window = window

    def begin(self, descent: Descent) -> None:
        """Forgets all losses."""
        super().begin(descent)
        self._seen: list[Tensor] = []
        self._weights: Tensor | None = None

    def weigh(self, losses: Tensor) -> Tensor:
        """Weighs the losses, and notes them."""
        if len(self._seen) == 2 * self.window:
            older, newer = torch.stack(self._seen).view(2, self.window, 2).mean(1)
            self._weights = 2 * (newer / older / self.temperature).softmax(0)
            del self._seen[: self.window]
        self._seen.append(losses)
        return torch.ones_like(losses) if self._weights is None else self._weights

    def extra_repr(self) -> str:
        """Shows the knobs in ``repr``."""
        return f"temperature={self.temperature}, window={self.window}"


ENTRIES = (
    Entry.of(
        "stch",
        STCH,
        summary="Descends on a smooth maximum of the weighted losses.",
        source="Smooth Tchebycheff, Lin et al., arXiv 2402.19078",
        knobs={
            "mu": KnobSpec({"loguniform": [0.01, 1.0]}, "smoothing of the maximum", above_zero),
            "preference": preference_knob("weight of the forget loss; retain has the rest"),
        },
    ),
    Entry.of(
        "pbi",
        PBI,
        summary="Descends along a ray in the space of losses, with a penalty for leaving it.",
        source="PBI, Zhang and Li, IEEE TEVC 11(6), 2007",
        knobs={
            "theta": KnobSpec({"loguniform": [0.1, 10.0]}, "penalty of the distance", not_negative),
            "preference": preference_knob(
                "component of the ray for the forget loss; retain has the rest"
            ),
        },
    ),
    Entry.of(
        "cosmos",
        COSMOS,
        summary="Weighted sum that is drawn to losses in proportion to the weights.",
        source="COSMOS, Ruchte and Grabocka, arXiv 2103.13392 (its scalarisation only)",
        knobs={
            "penalty": KnobSpec(
                {"loguniform": [0.01, 8.0]},
                "reward of losses in proportion to the preference",
                not_negative,
            ),
            "preference": preference_knob("weight of the forget loss; retain has the rest"),
        },
    ),
    Entry.of(
        "geometric_mean",
        GeometricMean,
        summary="Descends on the geometric mean of the losses, which have to be positive.",
        source="GLS, Chennupati et al., MultiNet++, CVPR workshops 2019",
    ),
    Entry.of(
        "famo",
        FAMO,
        summary="Weights learn which loss fell less; needs positive losses.",
        source="FAMO, Liu et al., arXiv 2306.03792",
        knobs={
            "weight_lr": KnobSpec({"loguniform": [0.001, 1.0]}, "step of the logits", above_zero),
            "weight_decay_logits": KnobSpec(None, "decay of the logits", not_negative),
        },
    ),
    Entry.of(
        "uw",
        UW,
        summary="Uncertainty weighting: weights approach half the inverse losses.",
        source="Kendall et al., arXiv 1705.07115",
        knobs={
            "variance_lr": KnobSpec(
                {"loguniform": [0.001, 1.0]}, "step of the log-variances", above_zero
            ),
        },
    ),
    Entry.of(
        "dwa",
        DWA,
        summary="More weight for the loss that has been falling more slowly.",
        source="DWA, Liu et al., arXiv 1803.10704, section 3.3",
        knobs={
            "temperature": KnobSpec({"loguniform": [0.1, 10.0]}, "evenness", above_zero),
            "window": KnobSpec(None, "steps whose losses are averaged", whole_above_zero),
        },
    ),
)

"""The scalarisation of COSMOS."""

from __future__ import annotations

from torch import Tensor

from pareto_explorer.unlearning.rules.scalariser import Scalariser, preferred

__all__ = ["COSMOS"]

_EPS = 1e-8


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

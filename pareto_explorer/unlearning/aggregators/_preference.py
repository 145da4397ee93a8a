"""What the weightings with a preference between the two objectives share."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.knobs import KnobSpec, fraction

__all__ = ["PreferenceWeighting", "preference_knob"]


def preference_knob(summary: str) -> KnobSpec:
    """Describes p_f."""
    return KnobSpec({"uniform": [0.05, 0.95]}, summary, fraction)


class PreferenceWeighting(Weighting):
    """Holds p_f, and p_r = 1 − p_f, on the device of the Gramians.

    Args:
        preference: p_f, in [0, 1].
    """

    _shares: Tensor

    def __init__(self, preference: float = 0.5) -> None:
        super().__init__()
        self.register_buffer("_shares", _both(preference), persistent=False)

    @property
    def preference(self) -> float:
        """p_f."""
        return self._shares[0, 1].item()

    @preference.setter
    def preference(self, value: float) -> None:
        self._shares = _both(value).to(self._shares)

    def shares(self, gramian: Tensor) -> Tensor:
        """Returns ((p_r, p_f), (p_f, p_r)) in the precision and on the device of a Gramian."""
        return self._shares.to(gramian)

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"preference={self.preference}"


def _both(preference: float) -> Tensor:
    """((p_r, p_f), (p_f, p_r)), in float64."""
    own = torch.tensor((1 - preference, preference), dtype=torch.float64)
    return torch.stack((own, own.flip(0)))

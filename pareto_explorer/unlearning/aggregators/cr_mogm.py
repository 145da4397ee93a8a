"""CR-MOGM: any weighting, with its weights averaged over the steps."""

from __future__ import annotations

from functools import cache
from typing import ClassVar, get_args, get_type_hints

from torch import Tensor

from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry, collect
from pareto_explorer.unlearning.core.knobs import KnobSpec, fraction, one_of

__all__ = ["CRMOGM", "ENTRIES"]


class CRMOGM(Weighting):
    """Smooths the weights of another weighting, λ ← α λ + (1 − α) λ̂, from its first weights on.

    The promises of the weighting inside hold for the gradients of its own step only, so the
    smoothed step has none. It keeps a state: each run of a method has a copy.

    Source: Zhou et al., *On the Convergence of Stochastic Multi-Objective Gradient Manipulation
    and Beyond* (NeurIPS 2022), as TorchJD's ``CRMOGMWeighting`` has it, for stacks of Gramians
    too.

    Args:
        weighting: What gives λ̂.
        alpha: α, in [0, 1].
    """

    keeps_state: ClassVar[bool] = True

    def __init__(self, weighting: Weighting, alpha: float = 0.9) -> None:
        super().__init__()
        self.weighting = weighting
        self.alpha = alpha
        self._weights: Tensor | None = None

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        weights = self.weighting(gramian)
        if self._weights is not None:
            weights = self.alpha * self._weights + (1 - self.alpha) * weights
        self._weights = weights
        return weights

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"alpha={self.alpha}"


@cache
def _inside() -> dict[str, Entry]:
    """The weightings that keep no state; asked for late, since this module is among them."""
    return {
        name: entry
        for name, entry in collect(__package__).items()
        if any(issubclass(kind, Weighting) and not kind.keeps_state for kind in _made_by(entry))
    }


def _made_by(entry: Entry) -> tuple[type, ...]:
    """The class, or what a function is annotated to return."""
    if isinstance(entry.build, type):
        return (entry.build,)
    made = get_type_hints(entry.build).get("return", object)
    return get_args(made) or (made,)


def _has_no_state(value: object) -> str | None:
    return one_of(tuple(_inside()))(value)


def _smooth(smoothed: str = "upgrad", alpha: float = 0.9) -> CRMOGM:
    """Builds CR-MOGM around a registered weighting with its default knobs."""
    return CRMOGM(_inside()[smoothed].build(), alpha)


ENTRIES = (
    Entry.of(
        "cr_mogm",
        _smooth,
        summary="Another weighting, with its weights averaged over the steps.",
        source="CR-MOGM, Zhou et al., NeurIPS 2022",
        knobs={
            "smoothed": KnobSpec(None, "weighting inside", _has_no_state),
            "alpha": KnobSpec({"uniform": [0.0, 0.99]}, "share of the former weights", fraction),
        },
    ),
)

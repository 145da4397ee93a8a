"""IMTL-L: loss balance by learned scales."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from pareto_explorer.unlearning.aggregators.scalarised import UW
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, above_zero

__all__ = ["ENTRIES", "IMTLL"]


class IMTLL(UW):
    """S = Σ (exp(sᵢ) Lᵢ − sᵢ) with log-scales s that descend on S as well.

    The weights are exp(sᵢ), from 1 at the start towards 1/Lᵢ, at which both scaled losses are 1.
    The log-scales take plain gradient steps of their own learning rate; in the paper they are
    parameters of the model's optimiser. This is uncertainty weighting at s = −s_UW, with twice its
    weights and half its learning rate of s. The losses have to be positive: a negative one has no
    scale to settle at.

    Source: Liu et al., *Towards Impartial Multi-task Learning* (ICLR 2021, section 3.2), as
    ``torchjd.scalarization.IMTLL``.

    Args:
        scale_lr: Learning rate of s.
    """

    needs_positive_losses: ClassVar[bool] = True

    def __init__(self, scale_lr: float = 0.025) -> None:
        super().__init__(2 * scale_lr)

    @property
    def scale_lr(self) -> float:
        """Learning rate of s."""
        return self.variance_lr / 2

    @scale_lr.setter
    def scale_lr(self, value: float) -> None:
        self.variance_lr = 2 * value

    def weigh(self, losses: Tensor) -> Tensor:
        """Weighs the losses, and moves the log-scales."""
        return 2 * super().weigh(losses)

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"scale_lr={self.scale_lr}"


ENTRIES = (
    Entry.of(
        "imtl_l",
        IMTLL,
        summary="Learned scales bring positive losses to one size: uw at twice its weights.",
        source="IMTL-L, Liu et al., ICLR 2021, section 3.2",
        knobs={
            "scale_lr": KnobSpec({"loguniform": [0.001, 1.0]}, "step of the scales", above_zero),
        },
    ),
)

"""NGDiff: the sum of the unit gradients."""

from __future__ import annotations

from torch import Tensor

from pareto_explorer.unlearning.aggregators._plane import Plane
from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry

__all__ = ["ENTRIES", "NGDiff"]


class NGDiff(Weighting):
    """Normalised gradient difference: d = ĝ_r + ĝ_f.

    The weights are (1/‖g_r‖, 1/‖g_f‖). The step is the angle bisector, of length 2 cos(φ/2) at an
    angle φ between the gradients, however short they are; it never raises a loss to first order.
    Of a zero gradient nothing is taken. Its learning rate is in units of length, unlike that of
    rules that keep the scale of the gradients.

    Source: Bu et al., *Unlearning as multi-task optimization: A normalized gradient difference
    approach with an adaptive learning rate* (arXiv 2410.22086). The adaptive learning rate belongs
    to the method that steps, not to this rule.
    """

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        return Plane.of(gramian).inverse


ENTRIES = (
    Entry.of(
        "ngdiff",
        NGDiff,
        summary="Sum of the unit gradients: the angle bisector, however short the gradients are.",
        source="NGDiff, Bu et al., arXiv 2410.22086",
    ),
)

"""What all scalarisers have in common: weights that depend on the losses alone."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from pareto_explorer.unlearning.rules.rule import Rule, Step

__all__ = ["Scalariser", "preferred"]


class Scalariser(Rule):
    """Gradient descent on a scalar S(L_r, L_f): the weights are ∂S/∂L.

    The scalars are those of ``torchjd.scalarization``; their derivatives are written out, which
    saves a graph.
    """

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

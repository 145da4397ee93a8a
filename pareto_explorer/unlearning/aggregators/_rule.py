"""What an aggregator is that needs more than one Gramian, and what it is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from pareto_explorer.unlearning.core.budget import Ledger
from pareto_explorer.unlearning.core.gradients import Jacobian

__all__ = ["Descent", "Rule", "Step"]


@dataclass(frozen=True)
class Step:
    """What a rule sees of one step.

    Attributes:
        losses: The retain and the forget loss, two scalars without a graph.
        gramian: float64 Gramian of the gradients, of shape (2, 2), or (k, 2, 2) where each of k
            parameter tensors has weights of its own.
        jacobian: The gradients themselves. A rule may change ``jacobian.rows`` in place: its
            weights then combine what it has left there.
    """

    losses: tuple[Tensor, Tensor]
    gramian: Tensor
    jacobian: Jacobian

    @property
    def values(self) -> Tensor:
        """The losses as a float64 tensor of shape (2,)."""
        return torch.stack(self.losses).double()


@dataclass(frozen=True)
class Descent:
    """The run that a rule takes part in.

    Attributes:
        ledger: Where diagnostics go. A rule that sets ``stopped`` ends the run before the step.
        generator: Source of the rule's draws, on the model's device.
        lr: Gives the learning rate of the step that was taken last.
        products: Gives the Gramian of a Jacobian's rows, or their products with other rows of
            shape (2, n); of the shape of :attr:`Step.gramian`.
        draw: Gives the losses of other, fresh batches, with their graphs, and counts the samples.
        retain_again: Gives the retain loss of the step's own batch for the model as it is now.
        losses_again: Gives both losses likewise, as a tensor of shape (2,). What the forget loss
            has drawn or measured for the step, such as random labels, stays as it was.
    """

    ledger: Ledger
    generator: torch.Generator
    lr: Callable[[], float]
    products: Callable[[Jacobian, Tensor | None], Tensor]
    draw: Callable[[], tuple[Tensor, Tensor]]
    retain_again: Callable[[], Tensor]
    losses_again: Callable[[], Tensor]

    def resample(self, jacobian: Jacobian) -> tuple[Tensor, Tensor]:
        """Puts the gradients of other, fresh batches in the place of the Jacobian's rows.

        Returns:
            The rows that were there, J₁, and their products with the new ones, J₁J₂ᵀ: the Gramian
            of the expected gradients without the bias of squared noise; not symmetric.
        """
        first = jacobian.rows.clone()
        jacobian.differentiate(self.draw())
        return first, self.products(jacobian, first).mT


class Rule(nn.Module, ABC):
    """An aggregator that sees more than one Gramian.

    :class:`~pareto_explorer.unlearning.methods.jacobian_descent.JacobianDescent` takes one
    wherever it takes a weighting. Each run works on a copy, so state does not leak from one run
    into the next.

    Attributes:
        needs_positive_losses: Whether both losses have to be above 0.
    """

    needs_positive_losses: ClassVar[bool] = False

    def begin(self, descent: Descent) -> None:
        """Called once in each run, before the first step."""
        self.descent = descent

    @abstractmethod
    def forward(self, step: Step, /) -> Tensor:
        """Weighs the rows of the Jacobian, without making the host wait for the device.

        Returns:
            (w_retain, w_forget), of shape (2,) for the whole gradients or (k, 2) with a pair for
            each parameter tensor.
        """

    def after(self) -> None:
        """Called after the optimiser has taken the step."""

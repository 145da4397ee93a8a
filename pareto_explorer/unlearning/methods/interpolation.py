"""The way from the original to an unlearned model: a path to look along, no competitor."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain

import torch
from torch import Tensor, nn

from pareto_explorer.unlearning.core.budget import Budget, Ledger
from pareto_explorer.unlearning.core.data import UnlearningData
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, fraction
from pareto_explorer.unlearning.core.loss_pair import Objectives
from pareto_explorer.unlearning.core.losses import ForgetLoss, require_met
from pareto_explorer.unlearning.methods._descent import GradientMethod, Setting, Stage, descend
from pareto_explorer.unlearning.methods._lines import AlongLine, evenly, put
from pareto_explorer.unlearning.methods._optimiser import optimiser
from pareto_explorer.unlearning.methods.pareto_line import POINTS

__all__ = ["ENTRIES", "Interpolation"]


@dataclass(frozen=True, kw_only=True)
class Interpolation(GradientMethod):
    """Shows θ0 + s·(θ_u − θ0) at ``points`` places s from 0 to 1: a path between two models.

    θ0 is the original model, and θ_u descends from it on (1 − weight)·L_r + weight·L_f. Only θ_u is
    trained: what lies between answers no preference, as the models of a trained line do
    (:class:`~.pareto_line.ParetoLine`). It is there to be explored: where along the way forgetting
    sets in, and whether there is a barrier. Running statistics of batch norm go the same way.

    Source: Wortsman et al., *Robust fine-tuning of zero-shot models* (arXiv 2109.01903, section 3).

    Attributes:
        forget_loss: The objective on the forget set.
        weight: Its weight in what θ_u descends on.
        points: How many models an evaluation shows.
    """

    forget_loss: ForgetLoss
    weight: float = 0.95
    points: int = 11

    def stage(self, model: nn.Module, data: UnlearningData, ledger: Ledger) -> Stage:  # noqa: ARG002
        """Trains a copy."""
        return Stage(copy.deepcopy(model), data)

    def require(self, data: UnlearningData) -> None:
        """Lets the forget loss refuse data that it cannot work on, by an :class:`InputError`."""
        require_met(self.forget_loss, data)

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        objectives = Objectives(
            setting.model, setting.data, setting.streams, setting.ledger, self.forget_loss
        )

        def write_gradients() -> None:
            descend(setting, torch.lerp(*objectives.draw(), self.weight))

        return write_gradients

    def run(
        self,
        model: nn.Module,
        data: UnlearningData,
        budget: Budget,
        generator: torch.Generator,
    ) -> Iterator[nn.Module]:
        """Runs as ``Method.run`` says, with several models at each evaluation step."""
        show = partial(_between, copy.deepcopy(model), model)
        trained = super().run(model, data, budget, generator)
        return AlongLine(trained, show, budget.ledger, evenly(self.points))


@torch.no_grad()
def _between(
    original: nn.Module, shown: nn.Module, unlearned: nn.Module, position: float
) -> nn.Module:
    first, last = (
        dict(chain(model.named_parameters(), model.named_buffers()))
        for model in (original, unlearned)
    )

    def at(name: str) -> Tensor:
        if not first[name].is_floating_point():  # such as batch norm's count of batches
            return (first if position < 0.5 else last)[name]
        return torch.lerp(first[name], last[name], position)

    return put(shown, {name: at(name) for name in first})


ENTRIES = (
    Entry.of(
        "interpolation",
        Interpolation,
        summary="The way from the original to one unlearned model: to look along, no competitor.",
        source="Wortsman et al., arXiv 2109.01903, section 3",
        knobs=optimiser([0.003, 0.3])
        | {
            "weight": KnobSpec(None, "of the forget loss in training the unlearned end", fraction),
            "points": POINTS,
        },
    ),
)

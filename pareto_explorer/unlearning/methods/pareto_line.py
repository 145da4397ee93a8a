"""A line of models, trained in one run: each place on it weighs retaining and forgetting anew."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal, cast

import torch
from torch import Tensor, nn

from pareto_explorer.errors import unknown
from pareto_explorer.unlearning.core.budget import Budget, Ledger
from pareto_explorer.unlearning.core.data import UnlearningData
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import (
    KnobSpec,
    one_of,
    whole_above_one,
    whole_above_zero,
)
from pareto_explorer.unlearning.core.loss_pair import Objectives
from pareto_explorer.unlearning.core.losses import ForgetLoss, require_met
from pareto_explorer.unlearning.methods._descent import GradientMethod, Setting, Stage, descend
from pareto_explorer.unlearning.methods._lines import (
    MEMBERS,
    AlongLine,
    Line,
    LowRankEnds,
    evenly,
    make_line,
)
from pareto_explorer.unlearning.methods._optimiser import optimiser

__all__ = ["ENTRIES", "ParetoLine"]


@dataclass(frozen=True, kw_only=True)
class ParetoLine(GradientMethod):
    """Trains both ends of a line of models, θ(λ) = (1 − λ)·θ_a + λ·θ_b, so that all of it is good.

    Each step draws λ evenly from 0 to 1 and descends on (1 − λ)·L_r + λ·L_f of θ(λ), whose gradient
    g reaches the ends as (1 − λ)·g and λ·g. Both ends begin at the original model. A step costs
    what a step of a weighted sum costs; every evaluation shows ``points`` models of the line, each
    at its position λ.

    The ends are not the models that one loss alone would lead to: the line gives some of them up
    for its middle. Two losses whose curvatures are proportional have a straight Pareto set, which
    the line finds; others do not. A forget loss without a minimum drives the end at 1 away, and the
    middle with it: choose a bounded one.

    Running statistics of batch norm belong to one model, and those of a line are a mixture over λ:
    with batch norm, let the sweep recompute them for every model that is shown.

    Source: Dimitriadis et al., *Pareto Manifold Learning* (arXiv 2210.09759, section 4); for
    ``lora`` PaLoRA, Dimitriadis et al. (arXiv 2407.08056, section 3), without its schedule of λ and
    its larger learning rate of the ends.

    Attributes:
        forget_loss: The objective on the forget set.
        members: What the ends have of their own: ``full``, all weights; ``norm``, scale and shift
            of normalisation layers; ``lora``, additions of low rank to linear and convolutional
            layers. All other weights are shared, and trained with the whole gradient.
        points: How many models an evaluation shows, from 0 to 1 at even distances.
        rank: Of ``lora``.

    Raises:
        InputError: When a word is not known.
    """

    forget_loss: ForgetLoss
    members: Literal["full", "norm", "lora"] = "full"
    points: int = 11
    rank: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.members not in MEMBERS:
            raise unknown("members", self.members, MEMBERS)

    def stage(self, model: nn.Module, data: UnlearningData, ledger: Ledger) -> Stage:  # noqa: ARG002
        """Trains a line that begins at a copy."""
        return Stage(make_line(self.members, copy.deepcopy(model), self.rank), data)

    def require(self, data: UnlearningData) -> None:
        """Lets the forget loss refuse data that it cannot work on, by an :class:`InputError`."""
        require_met(self.forget_loss, data)

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        line = cast("Line", setting.model)
        if isinstance(line, LowRankEnds):
            line.draw(setting.streams.generator("weights"))
        objectives = Objectives(
            line, setting.data, setting.streams, setting.ledger, self.forget_loss
        )
        draws = setting.streams.generator("aggregator")

        def write_gradients() -> None:
            drawn = self.draw_preference(draws)
            line.preference = drawn.to(line.preference.device, non_blocking=True)
            losses = objectives.draw()
            descend(setting, torch.lerp(*losses, line.preference.to(losses[0].dtype)))

        return write_gradients

    def draw_preference(self, generator: torch.Generator) -> Tensor:
        """Draws λ, a scalar from 0 to 1."""
        return torch.rand((), generator=generator, device=generator.device)

    def run(
        self,
        model: nn.Module,
        data: UnlearningData,
        budget: Budget,
        generator: torch.Generator,
    ) -> Iterator[nn.Module]:
        """Runs as ``Method.run`` says, with several models at each evaluation step."""
        trained = super().run(model, data, budget, generator)
        return AlongLine(trained, partial(_show, model), budget.ledger, evenly(self.points))


def _show(shown: nn.Module, line: nn.Module, position: float) -> nn.Module:
    return cast("Line", line).show(shown, position)


#: What methods that show a line add to their knobs.
POINTS = KnobSpec(
    None, "models that an evaluation shows, from one end to the other", whole_above_one
)

ENTRIES = (
    Entry.of(
        "pareto_line",
        ParetoLine,
        summary="Trains a whole line of models at once, from retaining to forgetting.",
        source="PaMaL, Dimitriadis et al., arXiv 2210.09759; PaLoRA, arXiv 2407.08056",
        knobs=optimiser([0.003, 0.3])
        | {
            "members": KnobSpec(
                None,
                "what the ends have of their own: full, norm or lora",
                one_of(MEMBERS),
            ),
            "points": POINTS,
            "rank": KnobSpec(None, "of the additions of lora", whole_above_zero),
        },
    ),
)

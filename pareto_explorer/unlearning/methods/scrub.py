"""SCRUB: a student that disobeys its teacher on the forget set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from pareto_explorer.tasks import Samples
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, not_negative, whole_number
from pareto_explorer.unlearning.methods._descent import GradientMethod, Setting, follow_batches
from pareto_explorer.unlearning.methods._optimiser import optimiser
from pareto_explorer.unlearning.methods._phases import ROUNDS, forget_steps, take_turns
from pareto_explorer.unlearning.methods._teachers import TEMPERATURE, Teacher

__all__ = ["ENTRIES", "Scrub"]


@dataclass(frozen=True, kw_only=True)
class Scrub(GradientMethod):
    """Alternates max steps on the forget set with min steps on the retain set.

    With d the softened T²·KL(θ0‖θ) to the original model θ0 in eval mode:

    - a max step ascends on d(D_f);
    - a min step descends on γ·L(D_r) + α·d(D_r), where L is the task's loss.

    Published runs make 5 epochs; in each of the first 3, a pass of max steps over D_f precedes the
    pass of min steps over D_r, and later epochs only repair. Here an epoch is a round of the
    budget, whose steps divide among the sets by their sizes.

    d has a zero gradient at θ0. With frozen batch norm the first max step therefore does nothing;
    with batch statistics, student and teacher already differ.

    Source: Kurmanji et al., *Towards Unbounded Machine Unlearning* (arXiv 2302.09880). Defects of
    the published code that were not carried over: one version gives the optimiser the parameters
    of a model other than the student, and counts its epochs so that there is a max epoch too many.

    Attributes:
        temperature: T.
        alpha: α, weight of the divergence in min steps.
        gamma: γ, weight of the task's loss in min steps.
        rounds: Rounds that the budget is divided into.
        max_rounds: How many of them, from the first on, have max steps.
    """

    lr: float = 0.1
    temperature: float = 4.0
    alpha: float = 0.5
    gamma: float = 1.0
    rounds: int = 5
    max_rounds: int = 3

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        teacher = Teacher(setting.model, setting.ledger)

        def maximise(logits: Tensor, batch: Samples) -> Tensor:
            return -teacher.distance(logits, batch, self.temperature)

        def minimise(logits: Tensor, batch: Samples) -> Tensor:
            classification = setting.data.loss(logits, batch.labels)
            distance = teacher.distance(logits, batch, self.temperature)
            return self.gamma * classification + self.alpha * distance

        return take_turns(
            setting,
            forget_steps(setting.data, setting.steps, self.rounds, self.max_rounds),
            follow_batches(setting, "retain", minimise),
            follow_batches(setting, "forget", maximise),
        )


ENTRIES = (
    Entry.of(
        "scrub",
        Scrub,
        summary="Moves away from the original on the forget set, and back to it on the retain set.",
        source="SCRUB, Kurmanji et al., arXiv 2302.09880",
        defects="optimiser on the wrong model; one max epoch too many",
        knobs=optimiser([0.01, 0.3])
        | {
            "temperature": TEMPERATURE,
            "alpha": KnobSpec(None, "weight of the divergence in min steps", not_negative),
            "gamma": KnobSpec(None, "weight of the cross-entropy in min steps", not_negative),
            "rounds": ROUNDS,
            "max_rounds": KnobSpec(None, "rounds, from the first on, with max steps", whole_number),
        },
    ),
)

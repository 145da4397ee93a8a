"""Random labelling: overwrite the forget set with noise, then repair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from pareto_explorer.unlearning.core.data import Batch
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.losses import ForgetBatch
from pareto_explorer.unlearning.core.references import References
from pareto_explorer.unlearning.forget_losses.random_labels import random_labels
from pareto_explorer.unlearning.methods._descent import (
    GradientMethod,
    Setting,
    follow,
    follow_batches,
)
from pareto_explorer.unlearning.methods._optimiser import optimiser
from pareto_explorer.unlearning.methods._phases import ROUNDS, forget_steps, take_turns

__all__ = ["ENTRIES", "RandomLabelling"]


@dataclass(frozen=True, kw_only=True)
class RandomLabelling(GradientMethod):
    """Learns random labels on the forget set and, in turn, the given ones on the retain set.

    Labels are drawn uniformly from all classes, anew for every batch, and may equal the given
    ones, as in the code of SalUn. Published runs make 10 epochs, each a pass over D_f and then one
    over D_r; here an epoch is a round of the budget, whose steps divide among the sets by their
    sizes.

    Source: the RL baseline of SalUn (arXiv 2310.12508), after Golatkar et al. (arXiv 1911.04933).

    Attributes:
        rounds: Rounds that the budget is divided into.
    """

    lr: float = 0.1
    rounds: int = 10

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        streams, ledger = setting.streams, setting.ledger
        references = References(setting.model, setting.data, streams, ledger, random_labels)

        def noise(logits: Tensor, batch: Batch) -> Tensor:
            return random_labels(ForgetBatch.of(logits, batch, references))

        return take_turns(
            setting,
            forget_steps(setting.data, setting.steps, self.rounds),
            follow(setting, "retain", setting.data.loss),
            follow_batches(setting, "forget", noise),
        )


ENTRIES = (
    Entry.of(
        "random_labelling",
        RandomLabelling,
        summary="Learns random labels on the forget set and true ones on the retain set, in turn.",
        source=(
            "RL baseline, SalUn, Fan et al., arXiv 2310.12508; Golatkar et al., arXiv 1911.04933"
        ),
        defects="forget batches evaluated with training transforms in some forks",
        knobs=optimiser([0.01, 0.3])
        | {
            "rounds": ROUNDS,
        },
    ),
)

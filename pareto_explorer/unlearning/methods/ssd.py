"""Selective synaptic dampening: shrink the weights that matter to the forget set only."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pareto_explorer.tasks import Samples
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, above_zero, whole_above_zero
from pareto_explorer.unlearning.methods._one_shot import Edit, OneShot
from pareto_explorer.unlearning.methods._squared_gradients import shuffled, squared_gradients

__all__ = ["ENTRIES", "SelectiveSynapticDampening"]


@dataclass(frozen=True, kw_only=True)
class SelectiveSynapticDampening(OneShot):
    """Scales down the weights whose importance to D_f exceeds that to all training data.

    Where I_f > selection · I_D, θ ← θ · min(dampening · I_D / I_f, 1); elsewhere θ stays. I_f and
    I_D are mean squared gradients of the cross-entropy over D_f and over D = D_f ∪ D_r.

    Source: Foster, Schoepf and Brintrup (arXiv 2308.07707), and the batch-wise
    importances of its code. A smaller last batch counts for as many samples as it has, where the
    code gives it the weight of a full one.

    Attributes:
        selection: The paper's α; higher values touch fewer weights. What is right depends on
            the sizes of batch and forget set: 10 in the paper, 50 to 100 on digits in batches
            of 64, where 10 destroys the model.
        dampening: The paper's λ; lower values shrink them more.
        importance_batch: Samples whose gradients are averaged before they are squared; ``None``
            is the budget's batch size, as published, and 1 gives the paper's Fisher information.
    """

    selection: float = 50.0
    dampening: float = 1.0
    importance_batch: int | None = None

    def edit(self, run: Edit) -> None:
        """Changes the parameters in place and counts the samples that this took."""
        retain, forget = run.data.retain, run.data.forget
        everything = Samples(
            torch.cat((retain.inputs, forget.inputs)), torch.cat((retain.labels, forget.labels))
        )
        size = self.importance_batch or run.batch_size
        draws = run.streams.generator("weights")
        of_forget, of_all = (
            squared_gradients(run.model, run.parameters, shuffled(s, draws), size, run.ledger)
            for s in (forget, everything)
        )
        with torch.no_grad():
            for parameter, i_f, i_d in zip(run.parameters, of_forget, of_all, strict=True):
                factor = (self.dampening * i_d / i_f).clamp(max=1)
                parameter.mul_(torch.where(i_f > self.selection * i_d, factor, 1.0))


def _absent_or_whole(value: object) -> str | None:
    wanted = whole_above_zero(value)
    return None if value is None or wanted is None else f"{wanted} or null"


ENTRIES = (
    Entry.of(
        "ssd",
        SelectiveSynapticDampening,
        summary="Shrinks the weights that matter much more to the forget set than to all data.",
        source="SSD, Foster et al., arXiv 2308.07707",
        defects="smaller last batches weigh as much as full ones",
        knobs={
            "selection": KnobSpec(
                {"loguniform": [30, 200]},
                "ratio of importances from which a weight is dampened",
                above_zero,
            ),
            "dampening": KnobSpec(None, "lower values shrink selected weights more", above_zero),
            "importance_batch": KnobSpec(
                None,
                "samples per squared gradient; null: the budget's batch size",
                _absent_or_whole,
            ),
        },
    ),
)

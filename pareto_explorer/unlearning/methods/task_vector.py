"""Task arithmetic: learn the forget set better, then go the other way."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from pareto_explorer.unlearning.core.budget import Ledger
from pareto_explorer.unlearning.core.data import UnlearningData
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, above_zero
from pareto_explorer.unlearning.methods._descent import GradientMethod, Setting, Stage, follow
from pareto_explorer.unlearning.methods._optimiser import optimiser

__all__ = ["ENTRIES", "ForgetTuning", "TaskVector"]


@dataclass(frozen=True, kw_only=True)
class ForgetTuning(GradientMethod):
    """Descends on the task's loss on D_f: what task vectors are made of, no unlearning."""

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        return follow(setting, "forget", setting.data.loss)


@dataclass(frozen=True, kw_only=True)
class TaskVector(ForgetTuning):
    """Subtracts what fine-tuning on D_f adds to the weights: θ = θ0 − scale · (θ_f − θ0).

    θ_f descends from θ0 on the task's loss on D_f, and every evaluation negates what it has
    learned so far. Only trainable parameters are negated; batch-norm statistics are those of the
    original model, since negated variances would be no variances. D_r is never read.

    Source: Ilharco et al. (arXiv 2212.04089, section 3).

    Attributes:
        scale: How far to go the other way.
    """

    lr: float = 0.01
    scale: float = 2.0

    def stage(self, model: nn.Module, data: UnlearningData, ledger: Ledger) -> Stage:  # noqa: ARG002
        """Trains a copy."""
        original, tuned = copy.deepcopy(model), copy.deepcopy(model)
        return Stage(tuned, data, partial(self._negate, model, original, tuned))

    @torch.no_grad()
    def _negate(self, model: nn.Module, original: nn.Module, tuned: nn.Module) -> nn.Module:
        for parameter, start, end in zip(
            model.parameters(), original.parameters(), tuned.parameters(), strict=True
        ):
            parameter.copy_(start - self.scale * (end - start))
        return model.eval()


ENTRIES = (
    Entry.of(
        "task_vector",
        TaskVector,
        summary="Learns the forget set on, then goes the same way back from the original model.",
        source="Ilharco et al., arXiv 2212.04089, section 3",
        knobs=optimiser([1e-3, 0.03])
        | {
            "scale": KnobSpec(
                {"loguniform": [0.5, 8]}, "how far to go against the task vector", above_zero
            ),
        },
    ),
)

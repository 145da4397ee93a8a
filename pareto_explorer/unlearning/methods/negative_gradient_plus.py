"""NegGrad+: learn the retain set and unlearn the forget set in one loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from pareto_explorer.tasks import Samples
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, fraction
from pareto_explorer.unlearning.core.losses import cross_entropy
from pareto_explorer.unlearning.methods._descent import GradientMethod, Setting
from pareto_explorer.unlearning.methods._optimiser import optimiser
from pareto_explorer.unlearning.methods._phases import weighted

__all__ = ["ENTRIES", "NegativeGradientPlus"]


@dataclass(frozen=True, kw_only=True)
class NegativeGradientPlus(GradientMethod):
    """Descends on β·L(D_r) − (1 − β)·CE(D_f), one batch of each set per step.

    L is the task's loss. Nothing bounds the forget term, so only β near 1 and small steps leave a
    usable model. It is Jacobian descent with constant weights on the negative cross-entropy, kept
    under the name that the literature compares with.

    Source: Kurmanji et al., *Towards Unbounded Machine Unlearning* (arXiv 2302.09880, baselines);
    β from 0.95 to 0.9999 in published comparisons.

    Attributes:
        beta: β, the share of the retain loss.
    """

    beta: float = 0.95

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        loss = setting.data.loss

        def learn(logits: Tensor, batch: Samples) -> Tensor:
            return loss(logits, batch.labels)

        return weighted(setting, learn, _unlearn, 1 - self.beta)


def _unlearn(logits: Tensor, batch: Samples) -> Tensor:
    return -cross_entropy(logits, batch.labels)


ENTRIES = (
    Entry.of(
        "negative_gradient_plus",
        NegativeGradientPlus,
        summary="Descends on the retain and ascends on the forget cross-entropy in one sum.",
        source="NegGrad+, Kurmanji et al., arXiv 2302.09880 (baselines)",
        knobs=optimiser([0.003, 0.1])
        | {
            "beta": KnobSpec({"uniform": [0.8, 0.999]}, "share of the retain loss", fraction),
        },
    ),
)

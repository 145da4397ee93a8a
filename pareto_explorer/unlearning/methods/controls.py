"""What every method has to beat: doing nothing, one loss alone, and retraining."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pareto_explorer.unlearning.core.budget import Budget
from pareto_explorer.unlearning.core.data import UnlearningData
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.losses import cross_entropy
from pareto_explorer.unlearning.methods._descent import GradientMethod, Setting, follow
from pareto_explorer.unlearning.methods._optimiser import optimiser
from pareto_explorer.unlearning.methods._teachers import require_untrained, untrained

__all__ = ["ENTRIES", "DoNothing", "FineTune", "GradientAscent", "Retrain"]


@dataclass(frozen=True)
class DoNothing:
    """Yields the original model once, at step 0: the control that every method has to beat."""

    def run(
        self,
        model: nn.Module,
        data: UnlearningData,  # noqa: ARG002 - part of every method's interface
        budget: Budget,  # noqa: ARG002
        generator: torch.Generator,  # noqa: ARG002
    ) -> Iterator[nn.Module]:
        """Runs as ``Method.run`` says, and spends nothing."""
        yield model.eval()


@dataclass(frozen=True, kw_only=True)
class FineTune(GradientMethod):
    """Descends on the task's loss on the retain set; the forget set is never read.

    Source: the FT baseline of *Model Sparsity Can Simplify Machine Unlearning*
    (arXiv 2304.04934).
    """

    lr: float = 0.1

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        return follow(setting, "retain", setting.data.loss)


@dataclass(frozen=True, kw_only=True)
class GradientAscent(GradientMethod):
    """Ascends on the cross-entropy of the forget set; the retain set is never read.

    Nothing bounds the loss, so a model that has forgotten is soon destroyed.

    Source: the GA baseline of *Model Sparsity Can Simplify Machine Unlearning*
    (arXiv 2304.04934).
    """

    lr: float = 0.001

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        return follow(setting, "forget", _negative_cross_entropy)


def _negative_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return -cross_entropy(logits, labels)


@dataclass(frozen=True, kw_only=True)
class Retrain(GradientMethod):
    """Descends on the task's loss on the retain set from new initial weights.

    Nothing that the original model has learned is left, neither weights nor buffers (parameters
    that are not trainable have learned nothing and stay), and the forget set is never read: the
    gold standard of forgetting, as far as it gets within the budget. The ``retrained`` landmark is
    trained by the task's whole recipe instead.

    The learning rate falls linearly from ``lr`` to 0 over the budget. Published runs, of 160 to 182
    epochs, decay theirs too, and without it the models of short budgets scatter: on digits (60
    steps, nine runs) the retain accuracy is 0.997 ± 0.003 with the decay and 0.944 ± 0.071
    without. Evaluations before the last thus show a model that is not yet at rest.

    Source: the Retrain baseline of *Model Sparsity Can Simplify Machine Unlearning*
    (arXiv 2304.04934).
    """

    lr: float = 0.1

    def require(self, data: UnlearningData) -> None:
        """Raises an :class:`InputError` when the task cannot make an untrained model."""
        require_untrained(data, "retrain")

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        state = untrained(setting, "retrain").state_dict()
        fixed = {n: p for n, p in setting.model.named_parameters() if not p.requires_grad}
        setting.model.load_state_dict(state | fixed)
        learn = follow(setting, "retain", setting.data.loss)
        optimizer, ledger = setting.optimizer, setting.ledger

        def write_gradients() -> None:
            for group in optimizer.param_groups:
                group["lr"] = self.lr * (1 - ledger.step / setting.steps)
            learn()

        return write_gradients


ENTRIES = (
    Entry.of(
        "none",
        DoNothing,
        summary="Returns the original model: the do-nothing control.",
        source="-",
    ),
    Entry.of(
        "fine_tune",
        FineTune,
        summary="Trains on with the retain set only.",
        source="Jia et al., arXiv 2304.04934 (baselines)",
        knobs=optimiser([0.01, 0.3]),
    ),
    Entry.of(
        "gradient_ascent",
        GradientAscent,
        summary="Ascends on the cross-entropy of the forget set only.",
        source="Jia et al., arXiv 2304.04934 (baselines)",
        knobs=optimiser([0.0003, 0.01]),
    ),
    Entry.of(
        "retrain",
        Retrain,
        summary="Trains a new model on the retain set, as far as the budget goes.",
        source="Jia et al., arXiv 2304.04934 (baselines)",
        knobs=optimiser([0.03, 0.3], "falling linearly to 0"),
    ),
)

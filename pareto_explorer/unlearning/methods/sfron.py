"""SFRon: fine-tuning with rare, strong and masked steps of weighted gradient ascent."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pareto_explorer.tasks import Samples
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.gradients import gradient
from pareto_explorer.unlearning.core.knobs import (
    KnobSpec,
    above_zero,
    not_negative,
    whole_above_zero,
    whole_number,
)
from pareto_explorer.unlearning.core.losses import per_sample
from pareto_explorer.unlearning.methods._descent import GradientMethod, Setting
from pareto_explorer.unlearning.methods._optimiser import optimiser
from pareto_explorer.unlearning.methods._squared_gradients import shuffled, squared_gradients

__all__ = ["ENTRIES", "SFRon", "adaptive_ascent"]


@dataclass(frozen=True, kw_only=True)
class SFRon(GradientMethod):
    """Alternates one step of ascent on D_f with ``forget_every`` steps of descent on D_r.

    An ascent step follows coefficient · c_t · ∇(−Σ w_i CE_i / B) with w_i ∝ CE_i^(−adaptivity) and
    mean 1, so that samples which are forgotten already count less; it is masked to the weights
    where I_f ≥ threshold · I_r at the original model (mean squared gradients of D_f and D_r, see
    SSD) and clipped to norm ``clip_norm``. Descent steps follow the task's loss on D_r. The
    learning rate and the coefficient decay together, by c_t = (1 + cos(π t / T)) / 2.

    Source: Huang et al. (arXiv 2409.19732), and its CIFAR-10 code: one optimiser for
    both, so that its momentum and decay also move masked weights, and no averaging of slow and
    fast weights, as its setting of 1 there means. In the code ascent steps come on top of the
    counted ones; here each is a step of the budget. There, samples with a loss of exactly 0 get
    all of the weight although they have no gradient; here losses count from rounding error on.

    Attributes:
        forget_every: Descent steps after each ascent step.
        coefficient: Strength of the ascent at the beginning.
        adaptivity: The paper's λ; 0 weighs all samples alike.
        clip_norm: Longest gradient of an ascent step.
        threshold: The paper's γ; higher values let fewer weights ascend.
        importance_batch: Samples whose gradients are averaged before they are squared.
    """

    lr: float = 0.01
    forget_every: int = 5
    coefficient: float = 25.0
    adaptivity: float = 0.5
    clip_norm: float = 7.0
    threshold: float = 1.0
    importance_batch: int = 128

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        model, parameters, ledger = setting.model, setting.parameters, setting.ledger
        retain, forget = (setting.streams.batches(name) for name in ("retain", "forget"))
        masks = self._masks(setting)
        period = self.forget_every + 1

        def write_gradients() -> None:
            decay = (1 + math.cos(math.pi * ledger.step / setting.steps)) / 2
            for group in setting.optimizer.param_groups:
                group["lr"] = self.lr * decay
            ascending = ledger.step % period == 0
            batch = next(forget if ascending else retain)
            logits = model(batch.inputs)
            if ascending:
                loss = adaptive_ascent(logits, batch.labels, self.adaptivity)
                parts = gradient(self.coefficient * decay * loss, parameters)
            else:
                loss = setting.data.loss(logits, batch.labels)
                parts = gradient(loss, parameters)
            for parameter, part, mask in zip(parameters, parts, masks, strict=True):
                parameter.grad = part * mask if ascending else part
            if ascending:
                torch.nn.utils.clip_grad_norm_(parameters, self.clip_norm)
            ledger.count(forward=len(batch), backward=len(batch))
            ledger.observe(_loss_forget if ascending else _loss_retain, loss)

        return write_gradients

    def _masks(self, setting: Setting) -> list[Tensor]:
        """Marks the weights that ascend, at the original model in eval mode."""
        setting.model.eval()

        draws = setting.streams.generator("weights")

        def importance(samples: Samples) -> list[Tensor]:
            return squared_gradients(
                setting.model,
                setting.parameters,
                shuffled(samples, draws),
                self.importance_batch,
                setting.ledger,
            )

        pairs = zip(importance(setting.data.forget), importance(setting.data.retain), strict=True)
        return [i_f >= self.threshold * i_r for i_f, i_r in pairs]


def adaptive_ascent(logits: Tensor, labels: Tensor, adaptivity: float) -> Tensor:
    """−Σ_i w_i CE_i / B with weights w_i ∝ CE_i^(−adaptivity) of mean 1, without a gradient.

    Losses below the rounding error of 1 count as that in the weights.

    Args:
        logits: Tensor of shape (B, C), or (B, L, C) of sequences, whose CE_i is the mean over
            their labelled tokens.
        labels: Integer tensor of shape (B,) or (B, L).
        adaptivity: At least 0.

    Returns:
        Scalar.
    """
    losses = per_sample(logits, labels)
    least = torch.finfo(losses.dtype).eps
    weights = losses.detach().clamp(min=least).log().mul(-adaptivity).softmax(0)
    return -(weights * losses).sum()


def _loss_forget(losses: Tensor) -> dict[str, Tensor]:
    return {"loss_forget": losses}


def _loss_retain(losses: Tensor) -> dict[str, Tensor]:
    return {"loss_retain": losses}


ENTRIES = (
    Entry.of(
        "sfron",
        SFRon,
        summary="Fine-tunes on the retain set, with a masked step of weighted ascent now and then.",
        source="SFRon, Huang et al., arXiv 2409.19732",
        defects="samples without loss take all the weight",
        knobs=optimiser([0.003, 0.1])
        | {
            "forget_every": KnobSpec(None, "retain steps after each forget step", whole_number),
            "coefficient": KnobSpec(
                {"loguniform": [1, 100]}, "strength of the ascent at the beginning", above_zero
            ),
            "adaptivity": KnobSpec(None, "favours samples with low loss", not_negative),
            "clip_norm": KnobSpec(None, "longest gradient of a forget step", above_zero),
            "threshold": KnobSpec(
                None, "ratio of importances from which a weight takes forget steps", not_negative
            ),
            "importance_batch": KnobSpec(None, "samples per squared gradient", whole_above_zero),
        },
    ),
)

"""What retaining may mean: the task's own loss, or the original model's predictions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor

from pareto_explorer.unlearning.core.knobs import KnobSpec, one_of
from pareto_explorer.unlearning.core.losses import ForgetBatch, ForgetLoss
from pareto_explorer.unlearning.core.references import reads_original
from pareto_explorer.unlearning.methods._teachers import divergence

__all__ = ["RETAIN_LOSS", "RETAIN_LOSSES", "kl_to_original"]


@reads_original
def kl_to_original(batch: ForgetBatch) -> Tensor:
    """KL(p_θ0‖p_θ) on a retain batch, in [0, ∞): predictions stay the original model's.

    θ0 is in eval mode, and each step passes the batch through it too. On sequences it is the mean
    over labelled tokens; the code of TOFU and its descendants averages over prompts and padding as
    well.

    It begins at 0 with a gradient that is nothing but rounding: an aggregator that divides by the
    norms of gradients, such as ``mgda`` or ``imtl_g``, takes its first step by that.

    KL, TOFU, Maini et al. (arXiv 2401.06121).
    """
    return divergence(batch.references.original_logits(batch.drawn), batch.logits)


RETAIN_LOSSES: Mapping[str, ForgetLoss | None] = MappingProxyType(
    {"task": None, "kl": kl_to_original}
)
"""By the name that a knob gives them; ``None``: the task's own."""

RETAIN_LOSS = KnobSpec(
    None,
    "task: the task's loss; kl: divergence from the original model's predictions",
    one_of(tuple(RETAIN_LOSSES)),
)
"""The knob that chooses."""

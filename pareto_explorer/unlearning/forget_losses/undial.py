"""The original model teaches itself without the forgotten labels."""

from __future__ import annotations

from torch import Tensor

from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, not_negative
from pareto_explorer.unlearning.core.losses import ForgetBatch
from pareto_explorer.unlearning.core.references import reads_original

__all__ = ["ENTRIES", "undial"]


@reads_original
def undial(batch: ForgetBatch, *, lowered: float = 10.0) -> Tensor:
    """Cross-entropy to softmax(z_θ0 − β·onehot(y)), in [0, ∞), its entropy the minimum.

    z_θ0 are the logits of the original model in eval mode at the same predictions. The target is
    fixed, so the loss does not run away. Each step passes the forget batch through the original.

    UNDIAL, Dong et al. (arXiv 2402.10052, section 3). Published code takes the ignored label −100
    for a place in the vocabulary, lowers that logit at every token of prompt and padding, and
    averages over all of them; only labelled tokens count here.

    Args:
        batch: The forget batch.
        lowered: β, how far the label's logit is lowered.
    """
    logits = batch.references.original_logits(batch.drawn)
    label = batch.labels[:, None]
    target = logits.scatter(1, label, logits.gather(1, label) - lowered).softmax(1)
    return -(target * batch.logits.log_softmax(1)).sum(1).mean()


ENTRIES = (
    Entry.of_loss(
        "undial",
        undial,
        summary="Distils the original model with the logits of forgotten labels lowered.",
        source="UNDIAL, Dong et al., arXiv 2402.10052, section 3",
        defects="the ignored label −100 used as an index; averaged over prompt and padding",
        knobs={
            "lowered": KnobSpec(
                {"loguniform": [1, 30]}, "how far the label's logit is lowered, β", not_negative
            ),
        },
    ),
)

"""Weight saliency: which weights the forget set depends on, and how the others are held."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from pareto_explorer.tasks import Samples
from pareto_explorer.tasks.core.tokens import asked

__all__ = ["restore_masked", "saliency_mask"]


def saliency_mask(
    model: nn.Module, forget: Samples, kept: float, batch_size: int = 256
) -> list[Tensor]:
    """Marks the trainable weights whose forget gradient is largest, over all tensors together.

    The saliency of a weight is |Σ ∂CE/∂w| over the labels of the forget set, with the model in
    eval mode; the fraction ``kept`` with the largest saliency is marked. Of equal saliencies some
    are marked and some are not, so that the number of marks is as asked.

    Source: SalUn, Fan et al. (arXiv 2310.12508, section 4). Its code adds up the mean gradients
    of the batches; samples are added up here, so that the batch size does not matter.

    Args:
        model: Left exactly as it was, modes of its modules and ``grad`` included.
        forget: The forget set, on the model's device. Each sample is passed forward and backward
            once; whoever calls has to count that.
        kept: Fraction of all scalar weights to mark, in [0, 1], rounded to a whole number.
        batch_size: Samples per pass; only memory depends on it.

    Returns:
        One boolean tensor per parameter with ``requires_grad``, of its shape: ``True`` where the
        weight may move.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    totals = [torch.zeros_like(p) for p in parameters]
    batches = zip(
        *(torch.split(x, batch_size) for x in (forget.inputs, forget.labels)), strict=True
    )
    for inputs, labels in batches:
        found = asked(model(inputs), labels)
        loss = functional.cross_entropy(found.logits, found.labels, reduction="sum")
        torch._foreach_add_(totals, torch.autograd.grad(loss, parameters, materialize_grads=True))
    for module, training in modes:
        module.training = training

    saliency = torch.cat([total.abs().flatten() for total in totals])
    marks = torch.zeros_like(saliency, dtype=torch.bool)
    marks[saliency.topk(round(kept * len(saliency)), sorted=False).indices] = True
    parts = torch.split(marks, [p.numel() for p in parameters])
    return [part.view_as(p) for part, p in zip(parts, parameters, strict=True)]


def restore_masked(
    parameters: Sequence[nn.Parameter], masks: Sequence[Tensor], originals: Sequence[Tensor]
) -> None:
    """Sets the weights that a mask holds back to their original values, bit by bit.

    Called after every optimiser step, this undoes what weight decay and momentum do to weights
    without a gradient. What an optimiser keeps for them may go on changing: optimisers that
    work weight by weight do not let it reach the others.

    Args:
        parameters: What the optimiser has moved.
        masks: ``True`` where a weight may move, as :func:`saliency_mask` gives them.
        originals: Values to return to; copies that were made before the first step.
    """
    with torch.no_grad():
        for parameter, mask, original in zip(parameters, masks, originals, strict=True):
            parameter.copy_(torch.where(mask, parameter, original))

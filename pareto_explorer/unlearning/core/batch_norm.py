"""Running statistics of batch norm, estimated anew for one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pareto_explorer.tasks import Samples
from pareto_explorer.unlearning.core.budget import Ledger

__all__ = ["FormerStatistics", "recompute_statistics"]

_BATCH = 512
_SEED = 0


@dataclass(frozen=True)
class FormerStatistics:
    """What the running statistics of a model were."""

    layers: Sequence[_BatchNorm]
    values: Sequence[tuple[Tensor, ...]]

    def restore(self) -> None:
        """Puts them back."""
        for layer, values in zip(self.layers, self.values, strict=True):
            for buffer, value in zip(_statistics(layer), values, strict=True):
                buffer.copy_(value)


@torch.no_grad()
def recompute_statistics(
    model: nn.Module, retain: Samples, ledger: Ledger | None = None
) -> FormerStatistics:
    """Sets the running statistics of batch norm to those of the model's own activations on D_r.

    Running statistics follow the model of a run with a delay, and every batch that has passed
    moves them, those of the forget set too. One pass over the retain set replaces them: they are
    reset, then averaged over batches of equal weight, drawn without replacement in an order that
    is the same for every model. Only batch-norm layers are in training mode meanwhile, so dropout
    draws nothing; the samples are not augmented. What the statistics were before has no influence.
    Without batch norm nothing happens, and nothing is counted.

    Source: Izmailov et al., *Averaging Weights Leads to Wider Optima* (arXiv 1803.05407,
    section 3.2); ``torch.optim.swa_utils.update_bn``.

    Args:
        model: The model; in eval mode afterwards.
        retain: The retain set, on the model's device.
        ledger: Where the samples of the pass are counted.

    Returns:
        The statistics as they were before.
    """
    layers = [
        module
        for module in model.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats
    ]
    former = FormerStatistics(layers, [tuple(b.clone() for b in _statistics(m)) for m in layers])
    model.eval()
    if not layers:
        return former
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
        layer.train()
    order = torch.randperm(len(retain), generator=torch.Generator().manual_seed(_SEED))
    batches = order.to(retain.labels.device).tensor_split(-(-len(retain) // _BATCH))
    try:
        for index in batches:
            model(retain.inputs[index])
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        model.eval()
    if ledger is not None:
        ledger.count(forward=len(retain))
    return former


def _statistics(layer: _BatchNorm) -> list[Tensor]:
    found = (layer.running_mean, layer.running_var, layer.num_batches_tracked)
    return [buffer for buffer in found if buffer is not None]

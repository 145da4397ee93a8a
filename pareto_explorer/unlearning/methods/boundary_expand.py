"""Boundary expanding: give forget samples a class of their own, then take the class away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import ImageClassifier
from pareto_explorer.unlearning.core.budget import Ledger
from pareto_explorer.unlearning.core.data import UnlearningData, require_classes
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.losses import cross_entropy
from pareto_explorer.unlearning.methods._descent import (
    GradientMethod,
    Setting,
    Stage,
    follow,
    uncompiled,
)
from pareto_explorer.unlearning.methods._optimiser import optimiser

__all__ = ["ENTRIES", "BoundaryExpand"]


@dataclass(frozen=True, kw_only=True)
class BoundaryExpand(GradientMethod):
    """Descends on the cross-entropy of D_f to an additional class, with a logit of its own.

    The last linear layer gets one more row, which starts as PyTorch initialises one. Models are
    yielded, and so evaluated, without it: they have C logits at any time. D_r is never read.

    Source: Chen et al. (arXiv 2303.11570).

    Raises:
        InputError: When the model's logits are not the output of an ``nn.Linear``.
    """

    lr: float = 0.001

    def require(self, data: UnlearningData) -> None:
        """Raises an :class:`InputError` when labels are tokens."""
        require_classes(data, "method", "boundary_expand", "'random_labelling'")

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        cast("_Widened", setting.model).draw_row(setting.streams.generator("weights"))
        new = setting.data.n_classes

        def loss(logits: Tensor, labels: Tensor) -> Tensor:
            return cross_entropy(logits, torch.full_like(labels, new))

        return follow(setting, "forget", loss)

    def stage(self, model: nn.Module, data: UnlearningData, ledger: Ledger) -> Stage:
        """Widens the model."""
        head = _head(model.eval(), data.forget.inputs[:2])
        ledger.count(forward=min(2, len(data.forget)))
        return Stage(_Widened(model, head), data, model.eval)


class _Widened(nn.Module):
    """A model with one more logit, whose weights are kept outside of it.

    Args:
        model: Maps a batch to logits of shape (B, C).
        head: The linear layer in it that computes them.
    """

    def __init__(self, model: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.model = model
        weight = head.weight
        self.weight = nn.Parameter(weight.new_zeros(1, head.in_features))
        self.bias = None if head.bias is None else nn.Parameter(weight.new_zeros(1))
        self._head = (head,)  # in a tuple: not a second child

    def draw_row(self, generator: torch.Generator) -> None:
        """Draws the additional row as ``nn.Linear`` does: U(−1/√n, 1/√n) for n features."""
        bound = self.weight.shape[1] ** -0.5
        with torch.no_grad():
            for parameter in self.parameters(recurse=False):
                drawn = torch.rand(parameter.shape, generator=generator, device=generator.device)
                parameter.copy_(bound * (2 * drawn - 1))

    def forward(self, inputs: Tensor) -> Tensor:
        """Returns logits of shape (B, C + 1)."""
        features = []
        handle = self._head[0].register_forward_pre_hook(
            lambda _, arguments: features.append(arguments[0])
        )
        try:
            with uncompiled():
                logits = self.model(inputs)
        finally:
            handle.remove()
        new = functional.linear(features[-1].to(self.weight.dtype), self.weight, self.bias)
        return torch.cat((logits, new), 1)


def _head(model: nn.Module, inputs: Tensor) -> nn.Linear:
    """Finds the linear layer whose output is the model's output, or its network's."""
    network = model.network if isinstance(model, ImageClassifier) else model
    outputs: list[tuple[nn.Module, Tensor]] = []
    handles = [
        module.register_forward_hook(lambda layer, _, output: outputs.append((layer, output)))
        for module in {network, *(m for m in model.modules() if isinstance(m, nn.Linear))}
    ]
    try:
        with torch.no_grad(), uncompiled():
            model(inputs)
    finally:
        for handle in handles:
            handle.remove()
    logits = next(output for layer, output in reversed(outputs) if layer is network)
    for layer, output in outputs:
        if output is logits and isinstance(layer, nn.Linear):
            return layer
    raise InputError(
        "method: 'boundary_expand' needs a model whose logits are the output of an nn.Linear;"
        f" {type(network).__name__} has none, choose 'boundary_shrink'."
    )


ENTRIES = (
    Entry.of(
        "boundary_expand",
        BoundaryExpand,
        summary="Learns an additional class for the forget set, which is then dropped.",
        source="Boundary unlearning, Chen et al., arXiv 2303.11570",
        knobs=optimiser([1e-4, 0.01]),
    ),
)

"""NoT: negate an early layer, then let fine-tuning repair what the retain set needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, whole_number
from pareto_explorer.unlearning.methods._descent import GradientMethod, Setting, follow
from pareto_explorer.unlearning.methods._optimiser import optimiser

__all__ = ["ENTRIES", "NegatedLayer"]


@dataclass(frozen=True, kw_only=True)
class NegatedLayer(GradientMethod):
    """Multiplies one layer's weights by −1, then descends on the task's loss on D_r.

    The negation breaks how layers work together, and is said to leave them well placed to be
    repaired. Weight and bias change sign, so the layer's output does. D_f is never read.

    Source: Khalil et al. (arXiv 2503.05657), where the method is called NoT and is federated; a
    reconstruction for one trainer.

    Attributes:
        layer: Which layer: 0 is the first of those with a trainable weight of two or more
            dimensions (convolutions, linear layers, embeddings), in the order in which the model
            lists them.

    Raises:
        InputError: When the model has no such layer.
    """

    lr: float = 0.1
    layer: int = 0

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        layers = [module for module in setting.model.modules() if _is_layer(module)]
        if not 0 <= self.layer < len(layers):
            raise InputError(
                f"layer: {self.layer!r} must be a whole number from 0 to {len(layers) - 1},"
                " which is the model's last layer with a trainable weight matrix."
            )
        with torch.no_grad():
            for parameter in layers[self.layer].parameters(recurse=False):
                if parameter.requires_grad:
                    parameter.neg_()
        return follow(setting, "retain", setting.data.loss)


def _is_layer(module: nn.Module) -> bool:
    weight = getattr(module, "weight", None)
    return isinstance(weight, nn.Parameter) and weight.requires_grad and weight.ndim >= 2


ENTRIES = (
    Entry.of(
        "not",
        NegatedLayer,
        summary="Negates the weights of an early layer, then trains on with the retain set.",
        source="NoT, Khalil et al., arXiv 2503.05657",
        knobs=optimiser([0.01, 0.3])
        | {
            "layer": KnobSpec(None, "which layer is negated, from the input", whole_number),
        },
    ),
)

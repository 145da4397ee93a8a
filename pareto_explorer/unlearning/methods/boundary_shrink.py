"""Boundary shrinking: push forget samples over their nearest decision boundary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import Samples
from pareto_explorer.unlearning.core.budget import Ledger
from pareto_explorer.unlearning.core.data import UnlearningData, require_classes
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, above_zero
from pareto_explorer.unlearning.core.losses import cross_entropy
from pareto_explorer.unlearning.methods._descent import GradientMethod, Setting, Stage, follow
from pareto_explorer.unlearning.methods._optimiser import optimiser

__all__ = ["ENTRIES", "BoundaryShrink", "nearest_labels"]

_BATCH = 256
_TRIED = 8


@dataclass(frozen=True, kw_only=True)
class BoundaryShrink(GradientMethod):
    """Descends on the cross-entropy of D_f to the nearest label that is not its own.

    The nearest label of a sample (x, y) is argmax_{k ≠ y} of the original model's logits at
    x + bound · sign(∇_x CE). It is found once for all of D_f. D_r is never read.

    Source: Chen et al. (arXiv 2303.11570); its bound is that of published code. That
    code takes the argmax over all k, so that samples which the attack leaves in their class are
    trained on the very label to be forgotten; not here. It also rounds attacked inputs to 8 bits
    in [0, 1]; here they stay within the range of D_f's inputs, whatever their scale. And it labels
    each augmented batch anew with the original model, where here each sample has one label.

    Images of bytes are attacked as numbers in [0, 1], which their model has to take too: a model
    whose logits are other ones there is refused.

    Attributes:
        bound: Length of the attack in every component, in units of the inputs; of [0, 1] where
            they are bytes.
    """

    lr: float = 0.001
    bound: float = 0.1

    def require(self, data: UnlearningData) -> None:
        """Refuses inputs that cannot be moved a little.

        Raises:
            InputError: When the inputs are neither floating-point nor bytes, or labels are tokens.
        """
        require_classes(data, "method", "boundary_shrink", "'random_labelling'")
        dtype = data.forget.inputs.dtype
        if not (dtype.is_floating_point or dtype == torch.uint8):
            raise InputError(
                "method: 'boundary_shrink' moves inputs along a gradient, and this task's are"
                f" {str(dtype).removeprefix('torch.')} numbers such as token ids; choose"
                " 'boundary_expand'."
            )

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        return follow(setting, "forget", cross_entropy)

    def stage(self, model: nn.Module, data: UnlearningData, ledger: Ledger) -> Stage:
        """Gives the forget set its nearest labels.

        Raises:
            InputError: When the inputs cannot be moved, or are bytes that the model knows only as
                such.
        """
        self.require(data)
        inputs, n = data.forget.inputs, len(data.forget)
        if inputs.dtype == torch.uint8:
            _require_fractions(model.eval(), inputs[:_TRIED])
            ledger.count(forward=2 * min(n, _TRIED))
        labels = nearest_labels(model.eval(), data.forget, self.bound)
        ledger.count(forward=2 * n, backward=n)
        return Stage(model, replace(data, forget=Samples(inputs, labels)))


def nearest_labels(model: nn.Module, samples: Samples, bound: float) -> Tensor:
    """Finds the wrong label on the other side of the nearest decision boundary.

    Passes every sample forward twice and backward once.

    Args:
        model: In eval mode; its weights get no gradient.
        samples: n samples, of floating-point inputs or of bytes, which are divided by 255.
        bound: Length of the one-step attack in every component.

    Returns:
        Integer tensor of shape (n,), nowhere equal to the samples' labels.
    """
    lowest, highest = map(_moveable, samples.inputs.aminmax())
    found = []
    batches = torch.split(samples.inputs, _BATCH), torch.split(samples.labels, _BATCH)
    for stored, labels in zip(*batches, strict=True):
        clean = _moveable(stored)
        inputs = clean.detach().clone().requires_grad_()
        loss = functional.cross_entropy(model(inputs), labels, reduction="sum")
        (slope,) = torch.autograd.grad(loss, inputs)
        with torch.no_grad():
            logits = model((clean + bound * slope.sign()).clamp(lowest, highest))
            wrong = logits.scatter(1, labels[:, None], -torch.inf)
        found.append(wrong.argmax(1))
    return torch.cat(found)


def _require_fractions(model: nn.Module, pixels: Tensor) -> None:
    """Refuses a model that does not take bytes over 255 for the same images."""
    with torch.no_grad():
        expected, found = model(pixels), model(_moveable(pixels))
    if not torch.allclose(found, expected, rtol=0.01, atol=0.01 * float(expected.abs().max())):
        raise InputError(
            "method: 'boundary_shrink' attacks images of bytes as numbers from 0 to 1, and this"
            " task's model does not take those for the same images; let it divide by 255 only what"
            " is bytes, or choose 'boundary_expand'."
        )


def _moveable(inputs: Tensor) -> Tensor:
    return inputs / 255 if inputs.dtype == torch.uint8 else inputs


ENTRIES = (
    Entry.of(
        "boundary_shrink",
        BoundaryShrink,
        summary=(
            "Learns the nearest wrong label of each forget sample; the retain set is never read."
        ),
        source="Boundary unlearning, Chen et al., arXiv 2303.11570",
        defects="8-bit rounding of the attacked inputs; labels found anew for each augmented batch",
        knobs=optimiser([1e-4, 0.01])
        | {
            "bound": KnobSpec(None, "length of the attack, in units of the inputs", above_zero),
        },
    ),
)

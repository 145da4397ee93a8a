"""RMU: steer what one layer makes of the forget set to a random direction."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError, brief, unknown
from pareto_explorer.tasks import IGNORED, Samples
from pareto_explorer.tasks.core.tokens import in_float32
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.gradients import gradient
from pareto_explorer.unlearning.core.knobs import KnobSpec, above_zero, not_negative
from pareto_explorer.unlearning.methods._descent import GradientMethod, Setting, uncompiled
from pareto_explorer.unlearning.methods._optimiser import optimiser

__all__ = ["ENTRIES", "RMU", "middle_block"]

ALL = "all"


@dataclass(frozen=True, kw_only=True)
class RMU(GradientMethod):
    """Descends on γ·‖h − c‖²/d on D_f + α·‖h − h_θ0‖²/d on D_r, where h is one layer's output.

    The target c = s·u/‖u‖ is drawn once in a run, u evenly from [0, 1]^d; h_θ0 is the output of the
    original model in eval mode. On sequences h are the hidden states of d numbers at the labelled
    tokens, of which each sequence counts the mean; on samples with one label, h is the layer's
    whole output, flattened. A layer that returns a tuple is known by the first of it.

    Source: Li et al., *The WMDP Benchmark* (arXiv 2403.03218, section 4), whose code trains a few
    weights around the layer only and averages over padding; that of open-unlearning, as here, over
    labelled tokens and, on TOFU, trains all. Weights that are not trained get no decay either.

    Attributes:
        layer: Name of the module, as ``model.named_modules()`` has it. ``None``: the middle one of
            the model's blocks, see :func:`middle_block`.
        steering: s, the length of the target. What is right depends on how long hidden states are.
        forget_coefficient: γ.
        retain_coefficient: α.
        trained: Which parameters move: ``all``, or a pattern of their names, such as
            ``*.layers.[567].mlp.down_proj.*``.

    Raises:
        InputError: When the model has no such layer, or no such parameter.
    """

    lr: float = 1e-4
    optimizer: Literal["sgd", "adamw"] = "adamw"
    weight_decay: float = 0.01
    layer: str | None = None
    steering: float = 2.0
    forget_coefficient: float = 1.0
    retain_coefficient: float = 1.0
    trained: str = ALL

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        model, ledger = setting.model, setting.ledger
        name = middle_block(model) if self.layer is None else self.layer
        here = _Layer(model, name)
        original = _Layer(copy.deepcopy(model).eval(), name)
        parameters = self._trained(model)
        retain, forget = (setting.streams.batches(part) for part in ("retain", "forget"))
        draws = setting.streams.generator("weights")
        target: Tensor | None = None

        def write_gradients() -> None:
            nonlocal target
            batch_r, batch_f = next(retain), next(forget)
            with torch.no_grad():
                before = original(batch_r)
            loss_r = _distance(here(batch_r), before, batch_r)
            hidden = here(batch_f)
            if target is None:
                drawn = torch.rand(hidden.shape[-1], generator=draws, device=draws.device)
                target = (self.steering * drawn / drawn.norm()).to(hidden)
            loss_f = _distance(hidden, target, batch_f)
            loss = self.retain_coefficient * loss_r + self.forget_coefficient * loss_f
            for parameter, part in zip(parameters, gradient(loss, parameters), strict=True):
                parameter.grad = part
            samples = len(batch_r) + len(batch_f)
            ledger.count(forward=samples + len(batch_r), backward=samples)
            ledger.observe(_losses, loss_r, loss_f)

        return write_gradients

    def _trained(self, model: nn.Module) -> list[nn.Parameter]:
        """Those that move; the optimiser passes over the others, which never have a gradient."""
        movable = {name: p for name, p in model.named_parameters() if p.requires_grad}
        if self.trained == ALL:
            return list(movable.values())
        chosen = [p for name, p in movable.items() if fnmatchcase(name, self.trained)]
        if not chosen:
            raise InputError(
                f"trained: no trainable parameter has a name like {brief(self.trained)}; the first"
                f" is {next(iter(movable))!r}, and 'all' takes all."
            )
        return chosen


def middle_block(model: nn.Module) -> str:
    """The name of the middle one of a model's blocks.

    Blocks are the children of the ``nn.ModuleList`` or ``nn.Sequential`` with most parameters whose
    children, two or more, are all of one class; where no list is like that, of the
    ``nn.Sequential`` with most parameters; and without one, of the model itself. Of two in the
    middle it is the first.

    Raises:
        InputError: The model has no parts.
    """
    lists = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList | nn.Sequential) and len(module) > 1
    }
    alike = {n: blocks for n, blocks in lists.items() if len({type(b) for b in blocks}) == 1}
    chains = {n: blocks for n, blocks in lists.items() if isinstance(blocks, nn.Sequential)}
    found: dict[str, nn.Module] = {**(alike or chains)} or {"": model}
    name = max(found, key=lambda n: sum(p.numel() for p in found[n].parameters()))
    children = [child for child, _ in found[name].named_children()]
    if not children:
        raise InputError(
            f"method: 'rmu' needs a layer inside the model, and {type(model).__name__} has none;"
            " choose another method."
        )
    return ".".join(filter(None, (name, children[(len(children) - 1) // 2])))


class _Layer:
    """What one module of a model gives, as the whole model passes forward.

    Args:
        model: The model.
        name: Of the module.
    """

    def __init__(self, model: nn.Module, name: str) -> None:
        if name not in _names(model):
            raise unknown("layer", name, _names(model))
        self._model, self._name = model, name
        self._module = model.get_submodule(name)

    def __call__(self, batch: Samples) -> Tensor:
        """Returns hidden states of a batch: (B, L, d) of sequences, (B, d) else; float32 at least.

        Raises:
            InputError: The module takes no part, or gives something else.
        """
        outputs: list[Tensor] = []

        def keep(_: nn.Module, __: object, output: Tensor | tuple[Tensor, ...]) -> None:
            outputs.append(output[0] if isinstance(output, tuple) else output)

        handle = self._module.register_forward_hook(keep)
        try:
            with uncompiled():
                self._model(batch.inputs)
        finally:
            handle.remove()
        hidden = outputs[-1] if outputs else torch.empty(0)
        leading = batch.labels.shape
        if hidden.shape[: len(leading)] != leading or (batch.tokens and hidden.ndim != 3):
            kind = "each token" if batch.tokens else "each sample"
            raise InputError(
                f"layer: {self._name!r} gives no hidden state of {kind} (its output has shape"
                f" {tuple(hidden.shape)}); take another one."
            )
        hidden = in_float32(hidden)
        return hidden if batch.tokens else hidden.flatten(1)


def _names(model: nn.Module) -> list[str]:
    return [name for name, _ in model.named_modules() if name]


def _distance(hidden: Tensor, target: Tensor, batch: Samples) -> Tensor:
    """Mean squared distance of hidden states at labels, sample by sample and then of the batch."""
    squares = (hidden - target).square().mean(-1)
    if not batch.tokens:
        return squares.mean()
    labelled = batch.labels != IGNORED
    return ((squares * labelled).sum(1) / labelled.sum(1)).mean()


def _losses(losses_r: Tensor, losses_f: Tensor) -> dict[str, Tensor]:
    return {"loss_retain": losses_r, "loss_forget": losses_f}


def _absent_or_name(value: object) -> str | None:
    return (
        None if value is None or (isinstance(value, str) and value) else "a module's name or null"
    )


def _name(value: object) -> str | None:
    return None if isinstance(value, str) and value else "all or a pattern of names"


ENTRIES = (
    Entry.of(
        "rmu",
        RMU,
        summary="Steers a layer's hidden states of the forget set to one random direction.",
        source="RMU, Li et al., arXiv 2403.03218, section 4",
        defects="distances averaged over padding",
        knobs=optimiser([1e-5, 3e-3])
        | {
            "layer": KnobSpec(
                None,
                "name of the module; null: the middle one of the model's blocks",
                _absent_or_name,
            ),
            "steering": KnobSpec(
                {"loguniform": [0.5, 50]}, "length of the target that is steered to", above_zero
            ),
            "forget_coefficient": KnobSpec(None, "weight of the steering", not_negative),
            "retain_coefficient": KnobSpec(
                {"loguniform": [0.1, 10]}, "weight of keeping hidden states elsewhere", not_negative
            ),
            "trained": KnobSpec(
                None, "parameters that move: all, or a pattern of their names", _name
            ),
        },
    ),
)

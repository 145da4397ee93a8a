"""Untrained models of the architecture of a trained one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from pareto_explorer.errors import InputError

__all__ = ["Fresh"]


@dataclass(frozen=True, eq=False)
class Fresh:
    """Makes untrained copies of a model that is given as an object.

    Layers draw new weights by their own ``reset_parameters``, as they do when they are built, so
    an initialisation that the model's constructor makes on top of that is not repeated; whoever
    needs it gives a class or a function in place of an object. Parameters that are not trainable
    have learned nothing from the task's data and stay, and so does all of a layer that has no
    others. Buffers of layers without ``reset_parameters`` are taken for constants.

    Attributes:
        template: A copy of the model, on the CPU.

    Raises:
        InputError: When a layer with trainable parameters of its own cannot be reset.
    """

    template: nn.Module

    def __post_init__(self) -> None:
        object.__setattr__(self, "template", copy.deepcopy(_inner(self.template)).cpu())
        for name, module in self.template.named_modules():
            if _trainable(module) and _reset(module) is None:
                where = f"its layer {name!r} of type" if name else "the type"
                raise InputError(
                    f"model: {where} {type(module).__name__} has parameters but no"
                    " reset_parameters, so no untrained model can be made from it; add the method,"
                    " or give a class or a function that builds the model, and the weights apart."
                )

    def __call__(self) -> nn.Module:
        """Returns a new model; the weights come from PyTorch's global generator."""
        model = copy.deepcopy(self.template)
        fixed = {name: p.detach().clone() for name, p in model.named_parameters() if _frozen(p)}
        for module in reversed(list(model.modules())):  # whoever contains others has the last word
            reset = _reset(module)
            if reset is not None and (_trainable(module) or not _own(module)):
                reset()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name in fixed:
                    parameter.copy_(fixed[name])
        return model


def _inner(model: nn.Module) -> nn.Module:
    """The model itself, without what makes it parallel or compiled."""
    for wrapper in ("_orig_mod", "module"):
        inside = getattr(model, wrapper, None)
        wraps = wrapper == "_orig_mod" or isinstance(model, nn.DataParallel)
        if isinstance(inside, nn.Module) and wraps:
            return _inner(inside)
    return model


def _own(module: nn.Module) -> list[nn.Parameter]:
    return list(module.parameters(recurse=False))


def _frozen(parameter: nn.Parameter) -> bool:
    return not parameter.requires_grad


def _trainable(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in _own(module))


def _reset(module: nn.Module) -> Callable[[], Any] | None:
    # nn.MultiheadAttention alone has no public one.
    name = "_reset_parameters" if isinstance(module, nn.MultiheadAttention) else "reset_parameters"
    return getattr(module, name, None)

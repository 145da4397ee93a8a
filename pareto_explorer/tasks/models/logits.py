"""A forward pass that gives logits and leaves its inputs alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.core.task import UnlearningTask

__all__ = ["logits_of", "version_of"]


def logits_of(model: nn.Module, inputs: Tensor, task: UnlearningTask) -> Tensor:
    """Passes inputs through a model, in the mode that it is in.

    Inputs are often the task's own data, or a view of them: a model that scales them in place
    would make every later number wrong.

    Args:
        model: The model.
        inputs: Tensor of shape (B, ...).
        task: What the model is of: it says how many logits there have to be.

    Returns:
        The logits, of shape (B, C), or (B, L, C) of sequences.

    Raises:
        InputError: The model changes its inputs, or returns something else.
    """
    before = version_of(inputs)
    found = model(inputs)
    mode = "in training mode, " if model.training else ""
    if version_of(inputs) != before:
        raise InputError(
            f"model: {mode}{type(model).__name__} changes its inputs in place, and so the task's "
            "data; let it make new tensors, as x = x / 4 does and x /= 4 does not, and set "
            "inplace=False in a first layer."
        )
    if not isinstance(found, Tensor):
        raise InputError(f"model: {mode}it returns a {type(found).__name__}; return the logits.")
    wanted = task.logits_shape(inputs)
    if tuple(found.shape) != wanted:
        raise InputError(
            f"model: {mode}its output has shape {tuple(found.shape)} for {len(inputs)} inputs; it "
            f"must be {wanted}, one logit per {'token' if len(wanted) == 3 else 'class'}."
        )
    if not found.is_floating_point():
        raise InputError(
            f"model: {mode}its output is {found.dtype}; return logits, which are floating-point."
        )
    if found.layout is not torch.strided:
        raise InputError(
            f"model: {mode}its output is sparse; return dense logits, as logits.to_dense() gives "
            "them."
        )
    return found


def version_of(values: Tensor) -> int:
    """How often a tensor's memory has been changed in place; 0 for one that nothing can change."""
    return 0 if values.is_inference() else values._version

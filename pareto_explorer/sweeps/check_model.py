"""What can be seen of a task's model before it is trained."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from ray import cloudpickle
from torch import Tensor, nn

from pareto_explorer.sweeps.check_data import Finding
from pareto_explorer.tasks import Samples, UnlearningTask, restore_model

__all__ = ["ModelFacts", "check_model"]

_BATCH = 8
_CLOSE = 0.05
"""Differences of logits, as a share of their spread, that rounding may cause; bfloat16 does."""


@dataclass(frozen=True)
class ModelFacts:
    """A task's model.

    Attributes:
        name: Its class.
        parameters: Scalars that can be trained.
        frozen: Scalars that cannot.
        state_bytes: Size of its weights and buffers.
        output: Shape of its output for a batch of inputs.
        batch: How many inputs that batch has.
    """

    name: str
    parameters: int
    frozen: int
    state_bytes: int
    output: tuple[int, ...]
    batch: int


def check_model(
    task: UnlearningTask, device: str
) -> tuple[nn.Module | None, ModelFacts | None, list[Finding]]:
    """Builds the model and passes a few samples through it, forward and backward.

    Args:
        task: The task, on any device.
        device: Where to compute.

    Returns:
        The model, untrained and in eval mode (``None``: no model can be used), its facts (``None``
        if it takes no inputs), and the findings.
    """
    findings: list[Finding] = []
    batch = task.retain.take(torch.arange(min(_BATCH, len(task.retain_indices)))).to(device)
    model = None
    with _reporting("model", findings):
        torch.manual_seed(0)
        model = task.model().to(device)
    if model is None:
        return None, None, findings
    findings += _shipped(task, model)
    findings += _given(task)
    logits = None
    with _reporting("model, forward pass in eval mode", findings), torch.no_grad():
        logits = model.eval()(batch.inputs)
    if logits is None:
        return None, None, findings
    facts = _facts(model, logits, len(batch))
    findings += _output(task, model, batch, logits)
    if not _errors(findings):
        findings += _step(task, copy.deepcopy(model), batch)
    return (None if _errors(findings) else model), facts, findings


def _facts(model: nn.Module, logits: object, batch: int) -> ModelFacts:
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return ModelFacts(
        name=_name(model),
        parameters=sum(n for n, trained in sizes if trained),
        frozen=sum(n for n, trained in sizes if not trained),
        state_bytes=sum(v.numel() * v.element_size() for v in model.state_dict().values()),
        output=tuple(logits.shape) if isinstance(logits, Tensor) else (),
        batch=batch,
    )


def _name(model: nn.Module) -> str:
    inner = getattr(model, "network", None)
    name = type(model).__name__
    return f"{name} of {type(inner).__name__}" if isinstance(inner, nn.Module) else name


def _shipped(task: UnlearningTask, model: nn.Module) -> Iterator[Finding]:
    """Whether workers can get the model, and make the same one again."""
    try:
        cloudpickle.dumps((task.model, task.augment, task.loss))  # type: ignore[no-untyped-call]
    except Exception as error:
        yield Finding(
            "error",
            f"task: workers cannot get its model, augmentation or loss ({_reason(error)}); use "
            "module-level functions and classes.",
        )
    try:
        copy.deepcopy(model)
    except Exception as error:
        yield Finding("error", f"model: it cannot be copied ({_reason(error)}).")
    again = {name: value.shape for name, value in task.model().state_dict().items()}
    if again != {name: value.shape for name, value in model.state_dict().items()}:
        yield Finding("error", "model: two calls of the factory give different weights to fill.")
    if not any(p.requires_grad for p in model.parameters()):
        yield Finding("error", "model: it has no parameter that can be trained.")


def _given(task: UnlearningTask) -> Iterator[Finding]:
    if task.original is None:
        return
    try:
        restore_model(task, dict(task.original))
    except Exception as error:
        yield Finding("error", f"original: the weights do not fit the model ({_reason(error)}).")


def _output(
    task: UnlearningTask, model: nn.Module, batch: Samples, logits: object
) -> Iterator[Finding]:
    wanted = (len(batch), task.n_classes)
    if not isinstance(logits, Tensor):
        yield Finding("error", f"model: it returns a {type(logits).__name__}; return the logits.")
        return
    if tuple(logits.shape) != wanted:
        yield Finding(
            "error",
            f"model: its output has shape {tuple(logits.shape)} for {len(batch)} inputs; it must "
            f"be {wanted}, one logit per class.",
        )
        return
    if not bool(logits.isfinite().all()):
        yield Finding("error", "model: untrained, it already returns NaN or infinite logits.")
        return
    if _probabilities(logits):
        yield Finding(
            "warning",
            "model: its outputs are above 0 and sum to 1 as probabilities do; return the logits "
            "before the softmax.",
        )
    try:
        with torch.no_grad():
            alone, again = model(batch.inputs[:1]), model(batch.inputs)
    except Exception as error:
        yield Finding("error", f"model: in eval mode, it cannot take one input ({_reason(error)}).")
        return
    if tuple(alone.shape) != (1, task.n_classes):
        yield Finding(
            "error",
            f"model: its output for one input has shape {tuple(alone.shape)}; it must be "
            f"{(1, task.n_classes)}.",
        )
    elif not _close(again, logits):
        yield Finding(
            "warning",
            "model: in eval mode, two passes differ; a part of it draws at random, so no point "
            "can be reproduced.",
        )
    elif not _close(alone, logits[:1], like=logits):
        yield Finding(
            "warning",
            "model: in eval mode, an input's logits depend on the rest of its batch, so metrics "
            "depend on the evaluation's batches.",
        )


def _step(task: UnlearningTask, model: nn.Module, batch: Samples) -> Iterator[Finding]:
    """One pass forward and backward in training mode, with augmentation and loss."""
    inputs = batch.inputs
    if task.augment is not None:
        try:
            inputs = task.augment(inputs, torch.Generator(inputs.device).manual_seed(0))
        except Exception as error:
            yield Finding("error", f"augment: it fails on a batch ({_reason(error)}).")
            return
        if inputs.shape != batch.inputs.shape or inputs.dtype != batch.inputs.dtype:
            yield Finding(
                "error",
                f"augment: it turns {batch.inputs.dtype} of shape {tuple(batch.inputs.shape)} into "
                f"{inputs.dtype} of shape {tuple(inputs.shape)}; both must stay.",
            )
            return
    where = "model"
    try:
        logits = model.train()(inputs)
        where = "loss"
        loss = task.loss(logits, batch.labels)
        if not isinstance(loss, Tensor) or loss.ndim:
            yield Finding("error", f"loss: it returns {_kind(loss)}; it must be a scalar tensor.")
            return
        where = "backward pass"
        trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
        gradients = torch.autograd.grad(loss, list(trained.values()), allow_unused=True)
    except Exception as error:
        yield Finding("error", f"{where}: it fails in training mode ({_reason(error)}).")
        return
    if not bool(loss.isfinite()):
        yield Finding("error", f"loss: it is {loss.item()} for the untrained model.")
    unused = [name for name, part in zip(trained, gradients, strict=True) if part is None]
    if unused:
        yield Finding(
            "warning",
            f"model: {len(unused)} of {len(trained)} parameter tensors get no gradient "
            f"({', '.join(unused[:3])}{', ...' if len(unused) > 3 else ''}).",
        )


def _probabilities(logits: Tensor) -> bool:
    sums = logits.float().sum(1)
    return bool((logits >= 0).all()) and bool(((sums - 1).abs() < 1e-3).all())


def _close(found: Tensor, expected: Tensor, like: Tensor | None = None) -> bool:
    spread = (expected if like is None else like).float().std()
    return float((found.float() - expected.float()).abs().max()) <= _CLOSE * float(spread) + 1e-6


def _kind(value: object) -> str:
    return f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def _errors(findings: list[Finding]) -> bool:
    return any(finding.level == "error" for finding in findings)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


@contextmanager
def _reporting(where: str, findings: list[Finding]) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        findings.append(Finding("error", f"{where}: it fails ({_reason(error)})."))

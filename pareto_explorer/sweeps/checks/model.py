"""What can be seen of a task's model before it is trained."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from ray import cloudpickle
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.checks.data import Finding
from pareto_explorer.tasks import Samples, UnlearningTask, restore_model
from pareto_explorer.tasks.models.causal import shape_of_model
from pareto_explorer.tasks.models.logits import logits_of

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
        output: Shape of its output for a batch of inputs; empty if that is not one of logits.
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
        if none can be built), and the findings.
    """
    findings: list[Finding] = []
    batch = task.train.take(task.retain_indices[:_BATCH]).to(device)
    model = None
    with _reporting("model", findings):
        torch.manual_seed(0)
        model = task.model().to(device)
    if model is None:
        return None, None, findings
    findings += _parameters(model)
    if _errors(findings):
        return None, None, findings
    facts = None
    with _reporting("model", findings):
        findings += _shipped(task, model)
        findings += _given(task)
        facts = _facts(model, len(batch))
    if facts is None:
        return None, None, findings
    logits = None
    with _reporting("model, forward pass in eval mode", findings), torch.no_grad():
        logits = _untouching(model.eval(), batch.inputs, task)
    if logits is None:
        return None, facts, _explained(findings, model, batch.inputs)
    facts = replace(facts, output=tuple(logits.shape))
    findings += _output(task, model, batch, logits)
    if not _errors(findings):
        findings += _step(task, copy.deepcopy(model), batch)
    return (None if _errors(findings) else model), facts, findings


def _facts(model: nn.Module, batch: int) -> ModelFacts:
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    shape = shape_of_model(model)
    shared = shape.parameters if shape is not None and shape.adapters else 0
    return ModelFacts(
        name=_name(model),
        parameters=sum(n for n, trained in sizes if trained),
        frozen=shared + sum(n for n, trained in sizes if not trained),
        state_bytes=sum(v.numel() * v.element_size() for v in model.state_dict().values()),
        output=(),
        batch=batch,
    )


def _name(model: nn.Module) -> str:
    inner = getattr(model, "network", None)
    name = type(model).__name__
    return f"{name} of {type(inner).__name__}" if isinstance(inner, nn.Module) else name


def _parameters(model: nn.Module) -> Iterator[Finding]:
    """Whether there are weights of one type that is a real one."""
    named = [*model.named_parameters(), *model.named_buffers()]
    lazy = [name for name, value in named if is_lazy(value)]
    if lazy:
        yield Finding(
            "error",
            f"model: {lazy[0]} has no shape before the first batch, as in a lazy layer; give the "
            "layer its sizes, or let the function that builds the model pass a batch through it.",
        )
        return
    trained = {value.dtype: name for name, value in model.named_parameters() if value.requires_grad}
    unreal = [name for kind, name in trained.items() if not kind.is_floating_point]
    if unreal:
        yield Finding(
            "error",
            f"model: {unreal[0]} is complex; keep its real and imaginary parts as real parameters "
            "(torch.view_as_complex makes one of them in the forward pass).",
        )
    elif len(trained) > 1:
        kinds = " and ".join(f"{_type(kind)} ({name})" for kind, name in trained.items())
        yield Finding(
            "error",
            f"model: its trainable parameters are of several types, {kinds}; bring them to one, "
            "as model.float() does, since gradients are compared and combined over all of them.",
        )


def _untouching(model: nn.Module, inputs: Tensor, task: UnlearningTask) -> Tensor:
    """The logits; the values of the inputs are compared too, since some ways are not counted."""
    before = inputs.clone()
    logits = logits_of(model, inputs, task)
    if not torch.equal(before, inputs):
        raise InputError(
            f"model: {_name(model)} changes its inputs, and so the task's data; let it make new "
            "tensors."
        )
    return logits


def _explained(findings: list[Finding], model: nn.Module, inputs: Tensor) -> list[Finding]:
    """Says what is behind a failure where inputs and parameters are of two types."""
    kinds = {value.dtype for value in model.parameters()}
    *earlier, last = findings
    told = last.raised and "type" in last.text
    if not told or not kinds or not inputs.is_floating_point() or inputs.dtype in kinds:
        return findings
    own = " and ".join(sorted(map(_type, kinds)))
    text = (
        f"model: its parameters are {own} and the inputs {_type(inputs.dtype)}; bring the model "
        "to the inputs' type, as model.float() does, or give Samples of inputs of its own."
    )
    return [*earlier, Finding("error", text)]


def _type(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")


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
    for kind, state in task.given.items():
        try:
            restore_model(task, dict(state))
        except Exception as error:
            yield Finding("error", f"{kind}: the weights do not fit the model ({_reason(error)}).")


def _output(
    task: UnlearningTask, model: nn.Module, batch: Samples, logits: Tensor
) -> Iterator[Finding]:
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
            alone, again = (
                logits_of(model, inputs, task) for inputs in (batch.inputs[:1], batch.inputs)
            )
    except InputError as error:
        yield Finding("error", str(error))
        return
    except Exception as error:
        text = f"model: in eval mode, it cannot take one input ({_reason(error)})."
        yield Finding("error", text, raised=True)
        return
    if not _close(again, logits):
        yield Finding(
            "warning",
            "model: in eval mode, two passes differ; a part of it draws at random, so no point "
            "can be reproduced.",
        )
    elif task.tokens and not _causal(task, model, batch, logits):
        yield Finding(
            "error",
            "model: its logits at a token depend on the tokens after it; give a causal model, "
            "which predicts each token from those before it.",
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
        untouched = inputs.clone()
        try:
            inputs = task.augment(inputs, torch.Generator(inputs.device).manual_seed(0))
        except Exception as error:
            text = f"augment: it fails on a batch ({_reason(error)})."
            yield Finding("error", text, raised=True)
            return
        if not torch.equal(untouched, batch.inputs):
            yield Finding(
                "error",
                "augment: it changes its inputs in place, and so the task's data; let it make new "
                "tensors, as x = x + noise does and x += noise does not.",
            )
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
        logits = _untouching(model.train(), inputs, task)
        where = "loss"
        loss = task.loss(logits, batch.labels)
        if not isinstance(loss, Tensor) or loss.ndim:
            yield Finding("error", f"loss: it returns {_kind(loss)}; it must be a scalar tensor.")
            return
        where = "backward pass"
        trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
        gradients = torch.autograd.grad(loss, list(trained.values()), allow_unused=True)
    except InputError as error:
        yield Finding("error", str(error))
        return
    except Exception as error:
        text = f"{where}: it fails in training mode ({_reason(error)})."
        yield Finding("error", text, raised=True)
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


def _causal(task: UnlearningTask, model: nn.Module, batch: Samples, logits: Tensor) -> bool:
    """Whether another last token leaves the logits before it as they were."""
    other = batch.inputs.clone()
    other[:, -1] = (other[:, -1] + 1) % task.n_classes
    with torch.no_grad():
        found = logits_of(model, other, task)
    return _close(found[:, :-1], logits[:, :-1], like=logits)


def _probabilities(logits: Tensor) -> bool:
    sums = logits.float().sum(-1)
    return bool((logits >= 0).all()) and bool(((sums - 1).abs() < 1e-3).all())


def _close(found: Tensor, expected: Tensor, like: Tensor | None = None) -> bool:
    spread = (expected if like is None else like).float().std()
    return float((found.float() - expected.float()).abs().max()) <= _CLOSE * float(spread) + 1e-6


def _kind(value: object) -> str:
    return f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def _errors(findings: list[Finding]) -> bool:
    return any(finding.level == "error" for finding in findings)


def _reason(error: Exception | SystemExit) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


@contextmanager
def _reporting(where: str, findings: list[Finding]) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        findings.append(Finding("error", str(error)))
    except (Exception, SystemExit) as error:  # whatever a user's model raises
        findings.append(Finding("error", f"{where}: it fails ({_reason(error)}).", raised=True))

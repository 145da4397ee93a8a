"""Landmarks: the original and the retrained model of each training seed."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.task import Samples, UnlearningTask

__all__ = [
    "RECIPE_VERSION",
    "LandmarkKind",
    "fingerprint",
    "restore_model",
    "train_landmark",
    "train_model",
]

LandmarkKind = Literal["original", "retrained"]

RECIPE_VERSION = 1
"""Raise it whenever `train_model` changes what it computes."""


def train_model(
    task: UnlearningTask,
    samples: Samples,
    training_seed: int,
    device: torch.device | str = "cpu",
) -> nn.Module:
    """Trains a new model of the task by its recipe.

    Initial weights, the order of the samples and any randomness inside the model come from the
    seed, and the caller's random state is left alone. The same seed gives the same initial
    weights and, on the same device type with as many threads, the same model.

    Args:
        task: Gives the model and the recipe.
        samples: What to train on.
        training_seed: Seed of every draw.
        device: Where to train.

    Returns:
        The trained model on ``device``, in eval mode.

    Raises:
        InputError: When the training diverges.
    """
    recipe, device = task.recipe, torch.device(device)
    samples = samples.to(device)
    batch_size = min(recipe.batch_size, len(samples))
    batches = len(samples) // batch_size
    cudnn = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True)
    with _seeded(training_seed, device), cudnn, torch.enable_grad():
        model = task.model().to(device).train()
        optimizer = torch.optim.SGD(
            model.parameters(),
            lr=recipe.lr,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=True,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, recipe.lr, total_steps=recipe.epochs * batches + 1, cycle_momentum=False
        )
        for _ in range(recipe.epochs):
            order = torch.randperm(len(samples)).to(device)
            for index in torch.split(order[: batches * batch_size], batch_size):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(samples.inputs[index]), samples.labels[index])
                torch.autograd.backward(loss)
                optimizer.step()
                schedule.step()
    if not all(bool(parameter.isfinite().all()) for parameter in model.parameters()):
        raise InputError(f"recipe.lr: training diverged at {recipe.lr}; use a lower learning rate.")
    return model.eval()


def train_landmark(
    task: UnlearningTask,
    kind: LandmarkKind,
    training_seed: int,
    device: torch.device | str = "cpu",
) -> dict[str, Tensor]:
    """Trains the original model (on all training data) or the retrained one (on D_r).

    Returns:
        The state dict, on the CPU.
    """
    model = train_model(task, _training_samples(task, kind), training_seed, device)
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


def restore_model(
    task: UnlearningTask, state: dict[str, Tensor], device: torch.device | str = "cpu"
) -> nn.Module:
    """Builds the task's model with the weights of ``state``, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        model = task.model()
    model.load_state_dict(state)
    return model.to(device).eval()


def fingerprint(task: UnlearningTask, kind: LandmarkKind, training_seed: int) -> str:
    """Names a landmark by everything that determines it.

    That is: the samples that it is trained on (inputs and labels, bit by bit and in order), the
    recipe, the architecture, the seed, the kind and `RECIPE_VERSION`. What does not change the
    landmark does not change the name: tasks that differ only in which correctly labelled samples
    they forget share their original models. The architecture is the printed module tree, the
    names, shapes and types of the state, and the source text of module classes from outside
    PyTorch, so that an edited ``forward`` counts; functions that it calls do not.

    Returns:
        A sha256 in hexadecimal.
    """
    samples = _training_samples(task, kind)
    digest = hashlib.sha256()
    for values in (samples.inputs, samples.labels):
        digest.update(f"{values.dtype} {tuple(values.shape)}".encode())
        digest.update(values.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    facts = {
        "recipe": asdict(task.recipe),
        "architecture": _architecture(task),
        "training_seed": training_seed,
        "kind": kind,
        "version": RECIPE_VERSION,
    }
    digest.update(json.dumps(facts, sort_keys=True).encode())
    return digest.hexdigest()


def _training_samples(task: UnlearningTask, kind: LandmarkKind) -> Samples:
    return task.train if kind == "original" else task.retain


def _architecture(task: UnlearningTask) -> list[str]:
    with torch.random.fork_rng(devices=[]):
        model = task.model()
    classes = dict.fromkeys(type(module) for module in model.modules())
    state = model.state_dict().items()
    return [
        repr(model),
        *(f"{name} {tuple(value.shape)} {value.dtype}" for name, value in state),
        *(f"{cls.__module__}.{cls.__qualname__} {_source(cls)}" for cls in classes),
    ]


def _source(cls: type) -> str:
    if cls.__module__.partition(".")[0] == "torch":
        return ""
    try:
        return inspect.getsource(cls)
    except (OSError, TypeError):
        return ""


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        for each in devices:
            with torch.cuda.device(each):
                torch.cuda.manual_seed(seed)
        yield

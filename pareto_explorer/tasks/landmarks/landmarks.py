"""Landmarks: the original and the retrained model of each training seed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError, first_line
from pareto_explorer.tasks.core.task import LandmarkKind, Samples, UnlearningTask
from pareto_explorer.tasks.landmarks.training import Training
from pareto_explorer.tasks.models.causal import model_for

__all__ = [
    "LandmarkKind",
    "Stage",
    "builds_its_original",
    "given_landmark",
    "restore_model",
    "train_landmark",
    "train_model",
    "train_stages",
    "training_samples",
    "untrained_model",
]


class Stage(NamedTuple):
    """A landmark after one of its epochs.

    Attributes:
        epoch: Epochs done.
        epochs: Epochs in all.
        loss: Mean training loss of the epoch; NaN for weights that were given.
        snapshot: What training can go on from, where one was made.
        state: The trained state dict, on the CPU; in the last stage only.
        seconds: What all epochs take, by those that were trained here; in the last stage only, and
            0 for weights that were given.
    """

    epoch: int
    epochs: int
    loss: float
    snapshot: bytes | None = None
    state: dict[str, Tensor] | None = None
    seconds: float = 0.0


def train_model(
    task: UnlearningTask,
    samples: Samples,
    training_seed: int,
    device: torch.device | str = "cpu",
) -> nn.Module:
    """Trains a new model of the task by its recipe.

    Initial weights, the order of the samples, the augmentation and any randomness inside the model
    come from the seed, and the caller's random state is left alone. The same seed gives the same
    initial weights and, on the same device type with as many threads, the same model.

    Args:
        task: Gives the model, the loss, the augmentation and the recipe.
        samples: What to train on.
        training_seed: Seed of every draw.
        device: Where to train.

    Returns:
        The trained model on ``device``, in eval mode.

    Raises:
        InputError: When the training diverges.
    """
    training = Training(task, samples, training_seed, torch.device(device))
    while training.epoch < task.recipe.epochs:
        training.advance()
    return training.trained()


def train_stages(
    task: UnlearningTask,
    kind: LandmarkKind,
    training_seed: int,
    device: torch.device | str = "cpu",
    start: bytes | None = None,
    every_seconds: float = 60.0,
) -> Iterator[Stage]:
    """Trains a landmark epoch by epoch, so that it can be watched and taken up again.

    Training that goes on from a snapshot ends with the weights that it would have ended with
    without the interruption, bit by bit. A landmark that the task brings is its only stage.

    Args:
        task: The task.
        kind: ``original`` (trained on all training data) or ``retrained`` (on D_r).
        training_seed: Seed of every draw.
        device: Where to train.
        start: A snapshot of the same training. One that is damaged, or was made on another type
            of device or by another version of PyTorch, is left aside with a warning.
        every_seconds: A snapshot is made at the end of an epoch once so long has passed since the
            last one.

    Yields:
        One stage per epoch that is left, the last with the trained weights.

    Raises:
        InputError: When the training diverges, or the weights that the task brings do not fit its
            model.
    """
    given = given_landmark(task, kind)
    if given is not None:
        yield Stage(0, 0, math.nan, state=given)
        return
    training = _begun(task, kind, training_seed, torch.device(device), start)
    epochs, told = task.recipe.epochs, perf_counter()
    first, working = training.epoch, 0.0
    while training.epoch < epochs:
        started = perf_counter()
        loss, snapshot = training.advance(), None
        working += perf_counter() - started
        if training.epoch == epochs:
            break
        if perf_counter() - told >= every_seconds:
            snapshot, told = training.snapshot(), perf_counter()
        yield Stage(training.epoch, epochs, loss, snapshot)
    state = training.trained().state_dict()
    copied = {name: value.detach().cpu().clone() for name, value in state.items()}
    seconds = working / (epochs - first) * epochs
    yield Stage(epochs, epochs, loss, state=copied, seconds=seconds)


def train_landmark(
    task: UnlearningTask,
    kind: LandmarkKind,
    training_seed: int,
    device: torch.device | str = "cpu",
) -> dict[str, Tensor]:
    """Trains the original model (on all training data) or the retrained one (on D_r).

    Returns:
        The state dict, on the CPU. A landmark that the task brings is returned as it is.
    """
    *_, last = train_stages(task, kind, training_seed, device, every_seconds=math.inf)
    assert last.state is not None  # noqa: S101
    return last.state


def given_landmark(task: UnlearningTask, kind: LandmarkKind) -> dict[str, Tensor] | None:
    """Returns the weights of a landmark that the task brings, on the CPU, or None.

    Raises:
        InputError: When they do not fit the task's model.
    """
    if kind not in task.given:
        return None
    given = {name: value.detach().cpu() for name, value in task.given[kind].items()}
    wanted = model_for(given, untrained_model(task)).state_dict()
    for name in (*wanted, *given):
        found, needed = (part[name].shape if name in part else None for part in (given, wanted))
        if found != needed:
            raise InputError(
                f"task.{kind}: {name} {_shape(found)} there and {_shape(needed)} in the task's"
                " model; give the weights of that architecture."
            )
    return given


def restore_model(
    task: UnlearningTask, state: dict[str, Tensor], device: torch.device | str = "cpu"
) -> nn.Module:
    """Builds the task's model with the weights of ``state``, in eval mode.

    Where a task trains adapters and the state has all weights, as a landmark that is given may
    have, it is a model of its own without adapters.
    """
    model = model_for(state, untrained_model(task))
    model.load_state_dict(state)
    return model.to(device).eval()


def training_samples(task: UnlearningTask, kind: LandmarkKind) -> Samples:
    """Returns what a landmark of this kind is trained on."""
    return task.train if kind == "original" else task.retain


def _begun(
    task: UnlearningTask,
    kind: LandmarkKind,
    training_seed: int,
    device: torch.device,
    start: bytes | None,
) -> Training:
    samples = training_samples(task, kind)
    training = Training(task, samples, training_seed, device)
    if start is None:
        return training
    try:
        training.resume(start)
    except Exception as error:  # whatever the bytes make PyTorch raise
        reason = first_line(error)
        warnings.warn(
            f"The snapshot of a landmark cannot be used ({reason}); its training starts again.",
            stacklevel=3,
        )
        return Training(task, samples, training_seed, device)
    return training


def builds_its_original(task: UnlearningTask) -> bool:
    """Whether the task's untrained model is the original that it brings.

    So it is where a trained language model stays frozen beneath adapters that do nothing at first.
    """
    if task.original is None:
        return False
    state, given = untrained_model(task).state_dict(), task.original
    return state.keys() == given.keys() and all(
        torch.equal(value.cpu(), given[name].cpu()) for name, value in state.items()
    )


def untrained_model(task: UnlearningTask) -> nn.Module:
    """Builds the task's model, the same one each time; the caller's random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return task.model()


def _shape(shape: torch.Size | None) -> str:
    return "is missing" if shape is None else f"has shape {tuple(shape)}"

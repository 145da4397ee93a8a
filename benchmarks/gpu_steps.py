"""Training and unlearning steps for benchmarks/gpu.py, each as its users would write it."""

from __future__ import annotations

import copy
import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from loops import LR, Loop, WeightedSum
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchjd.aggregation import UPGrad
from torchjd.autojac import backward, jac_to_grad

from pareto_explorer.sweeps.trials.replicate import unlearning_data
from pareto_explorer.tasks import Recipe, UnlearningTask, make_task
from pareto_explorer.tasks.landmarks.landmarks import train_stages
from pareto_explorer.unlearning import Budget, UnlearningData, make_method
from pareto_explorer.unlearning.core.losses import cross_entropy

__all__ = [
    "METHOD",
    "PRECISIONS",
    "Timing",
    "ceiling",
    "flops_per_image",
    "make",
    "steps",
    "training",
]

METHOD = {"method": "jacobian_descent", "aggregator": "upgrad", "forget_loss": "kl_uniform"}
PRECISIONS: dict[str, dict[str, Any]] = {
    "bfloat16, channels last": {"precision": "bfloat16", "channels_last": True},
    "float32": {"precision": "float32"},
}


@dataclass(frozen=True)
class Timing:
    """Seconds of one step, and how many images it passes forward and backward."""

    seconds: float
    images: int
    failed: str = ""

    @property
    def rate(self) -> float:
        """Images per second."""
        return self.images / self.seconds


def make(options: Mapping[str, Any], model: Mapping[str, Any], device: str) -> UnlearningTask:
    """The textures task with a model of the given precision, on the device."""
    network = {**options["model"], **model}
    return make_task({"name": "textures", **options, "model": network, "device": device}).to(device)


def wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def ceiling(device: str, side: int, rounds: int = 10) -> float:
    """FLOP/s of the best bfloat16 product of two square matrices."""
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    best = math.inf
    for _ in range(rounds):
        wait(device)
        started = time.perf_counter()
        for _ in range(4):
            a @ b
        wait(device)
        best = min(best, (time.perf_counter() - started) / 4)
    return 2 * side**3 / best


def flops_per_image(task: UnlearningTask, images: int = 4) -> float:
    """FLOPs of passing one image forward and backward, counted operation by operation."""
    batch = task.train.take(torch.arange(images, device=task.train.labels.device)).to("cpu")
    model = task.model().train()
    counter = FlopCounterMode(display=False)
    with counter:
        loss = cross_entropy(model(batch.inputs), batch.labels)
        torch.autograd.grad(loss, list(model.parameters()))
    return counter.get_total_flops() / images


def training(task: UnlearningTask, batch_size: int, device: str, epochs: int) -> Timing:
    """Landmark training: the fastest epoch after the first, by the code that sweeps use."""
    recipe = Recipe(epochs=epochs, batch_size=batch_size, lr=0.05)
    taken, started = [], time.perf_counter()
    for _ in train_stages(replace(task, recipe=recipe), "original", 0, device, None, math.inf):
        wait(device)
        taken.append(time.perf_counter() - started)
        started = time.perf_counter()
    batches = len(task.train) // batch_size
    return Timing(min(taken[1:]) / batches, batch_size)


class Path(Protocol):
    """A way to take unlearning steps."""

    def round(self) -> None:
        """Takes the steps of one round."""
        ...


class TorchJD(Loop):
    """The loop of TorchJD's documentation, with its UPGrad."""

    rows_at_once: int | None = None

    def round(self) -> None:
        """Takes the steps of one round."""
        aggregator = UPGrad()
        for _ in range(self.steps):
            backward(list(self.losses()), parallel_chunk_size=self.rows_at_once)
            jac_to_grad(self.parameters, aggregator)
            self.optimizer.step()
            self.optimizer.zero_grad()


class TorchJDByRow(TorchJD):
    """The same, which differentiates one loss after the other."""

    rows_at_once = 1


class Ours:
    """The package's method as a sweep runs it, diagnostics included."""

    def __init__(
        self,
        model: nn.Module,
        data: UnlearningData,
        batch: int,
        steps: int,
        draws: torch.Generator,
    ) -> None:
        budget = Budget(10_000 * steps, batch, steps)
        method = make_method({**METHOD, "lr": LR, "batch_norm": "batch"})
        self.models = method.run(copy.deepcopy(model), data, budget, draws)

    def round(self) -> None:
        """Goes on to the next evaluation."""
        next(self.models)


PATHS: dict[str, Callable[[nn.Module, UnlearningData, int, int, torch.Generator], Path]] = {
    "unlearning, this package": Ours,
    "(a) TorchJD's loop": TorchJD,
    "(a) TorchJD's loop, row by row": TorchJDByRow,
    "(b) weighted sum": WeightedSum,
}


def steps(
    task: UnlearningTask, batch: int, device: str, rounds: int, in_round: int
) -> dict[str, Timing]:
    """Times the unlearning steps in interleaved rounds; medians over the rounds."""
    torch.manual_seed(0)
    model, data = task.model().to(device), unlearning_data(task)
    failed: dict[str, Timing] = {}
    paths: dict[str, Path] = {}
    for name, build in PATHS.items():
        draws = torch.Generator(data.retain.labels.device).manual_seed(0)
        path = build(model, data, batch, in_round, draws)
        try:
            path.round()
            paths[name] = path
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            failed[name] = Timing(math.inf, 2 * batch, reason)
    times: dict[str, list[float]] = {name: [] for name in paths}
    order = list(paths)
    for _ in range(rounds):
        for name in order:
            wait(device)
            started = time.perf_counter()
            paths[name].round()
            wait(device)
            times[name].append((time.perf_counter() - started) / in_round)
        order.append(order.pop(0))
    found = {name: Timing(statistics.median(own), 2 * batch) for name, own in times.items()}
    return {name: (found | failed)[name] for name in PATHS}

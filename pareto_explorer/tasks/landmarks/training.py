"""Training by a recipe, epoch by epoch, with arithmetic that is the same each time."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.core.recipes import Recipe
from pareto_explorer.tasks.core.task import Samples, UnlearningTask
from pareto_explorer.tasks.models.logits import logits_of

__all__ = [
    "Training",
    "repeatable",
]


@contextmanager
def repeatable() -> Iterator[None]:
    """Keeps cuDNN to algorithms that give the same result each time, chosen without a race."""
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before


class Training:
    """Trains a new model of a task by its recipe, epoch by epoch.

    The data stay on the device, batches are indexed there, and nothing waits for the device but
    the end of an epoch and, with sequences, a look at where those of a batch end. PyTorch's global
    generators are the training's own during an epoch and the caller's between two.

    Args:
        task: Gives the model, the loss, the augmentation and the recipe.
        samples: What to train on.
        training_seed: Seed of every draw.
        device: Where to train.

    Attributes:
        epoch: Epochs done.
    """

    def __init__(
        self, task: UnlearningTask, samples: Samples, training_seed: int, device: torch.device
    ) -> None:
        self.epoch = 0
        self._task = task
        self._device = device
        self._samples = samples.to(device)
        self._batch_size = min(task.recipe.batch_size, len(samples))
        self._steps = len(samples) // self._batch_size
        self._random = _seeded(training_seed, device)
        # A stream of its own: devices differ in what else they draw from the global generators.
        self._augment_draws = torch.Generator().manual_seed(_other_seed(training_seed))
        with self._own_draws():
            self._model = task.model().to(device).train()
        self._optimizer = _optimizer(task.recipe, self._model)
        self._schedule = _schedule(task.recipe, self._optimizer, self._steps)

    def advance(self) -> float:
        """Trains for one epoch.

        Returns:
            Its mean loss.

        Raises:
            InputError: When the training diverges, or the model gives no logits or changes its
                inputs.
        """
        mean = float(self._pass()) / self._steps
        self.epoch += 1
        if math.isnan(mean):
            raise _diverged(self._task.recipe)
        return mean

    def trained(self) -> nn.Module:
        """Returns the model, in eval mode.

        Raises:
            InputError: When the training has diverged.
        """
        if not all(bool(parameter.isfinite().all()) for parameter in self._model.parameters()):
            raise _diverged(self._task.recipe)
        return self._model.eval()

    def snapshot(self) -> bytes:
        """The state between two epochs, without the data."""
        buffer = io.BytesIO()
        held = {
            "made_on": self._place(),
            "epoch": self.epoch,
            "model": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "random": self._random,
            "augment": self._augment_draws.get_state(),
        }
        torch.save(held, buffer)
        return buffer.getvalue()

    def resume(self, snapshot: bytes) -> None:
        """Goes on from a snapshot of a training with the same arguments.

        Raises:
            Exception: Whatever PyTorch raises at bytes that are no such snapshot; the training is
                of no use then.
        """
        held = torch.load(io.BytesIO(snapshot), map_location="cpu", weights_only=True)
        if held["made_on"] != self._place():
            raise ValueError(f"it was made on {held['made_on']}, this is {self._place()}")
        self._model.load_state_dict(held["model"])
        self._optimizer.load_state_dict(held["optimizer"])
        self._schedule.load_state_dict(held["schedule"])
        self._random = held["random"]
        self._augment_draws.set_state(held["augment"])
        self.epoch = held["epoch"]

    def _pass(self) -> Tensor:
        """Takes the steps of an epoch without waiting for the device; returns their summed loss."""
        task, samples = self._task, self._samples
        total = torch.zeros((), device=self._device)
        with self._own_draws(), repeatable(), torch.enable_grad():
            order = torch.randperm(len(samples)).to(self._device, non_blocking=True)
            for index in torch.split(order[: self._steps * self._batch_size], self._batch_size):
                batch = samples.take(index).trimmed()
                inputs = batch.inputs
                if task.augment is not None:
                    inputs = task.augment(inputs, self._augment_draws)
                self._optimizer.zero_grad()
                logits = logits_of(self._model, inputs, task)
                loss = task.loss(logits, batch.labels)
                torch.autograd.backward(loss)
                self._optimizer.step()
                self._schedule.step()
                total += loss.detach()
        return total

    def _place(self) -> str:
        """What the same draws and the same arithmetic ask for."""
        return f"{self._device.type} with PyTorch {torch.__version__}"

    @contextmanager
    def _own_draws(self) -> Iterator[None]:
        with torch.random.fork_rng(devices=_cuda(self._device)):
            host, *cards = self._random
            torch.set_rng_state(host)
            for each, state in zip(_cuda(self._device), cards, strict=True):
                torch.cuda.set_rng_state(state, each)
            yield
            self._random = _random_state(self._device)


def _optimizer(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(
            model.parameters(),
            lr=recipe.lr,
            betas=(recipe.momentum, 0.999),
            weight_decay=recipe.weight_decay,
        )
    return torch.optim.SGD(
        model.parameters(),
        lr=recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.nesterov,
    )


def _schedule(
    recipe: Recipe, optimizer: torch.optim.Optimizer, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """The schedule of a recipe, in steps; ``steps`` is the length of an epoch."""
    schedulers = torch.optim.lr_scheduler
    if recipe.schedule == "multistep":
        return schedulers.MultiStepLR(optimizer, [steps * epoch for epoch in recipe.milestones])
    if recipe.schedule == "cosine":
        return schedulers.CosineAnnealingLR(optimizer, steps * recipe.epochs)
    return schedulers.OneCycleLR(
        optimizer, recipe.lr, total_steps=steps * recipe.epochs + 1, cycle_momentum=False
    )


def _diverged(recipe: Recipe) -> InputError:
    return InputError(f"recipe.lr: training diverged at {recipe.lr}; use a lower learning rate.")


def _cuda(device: torch.device) -> list[torch.device]:
    return [device] if device.type == "cuda" else []


def _random_state(device: torch.device) -> list[Tensor]:
    """States of the global generators: the host's, then that of the card, if any."""
    cards = [torch.cuda.get_rng_state(each) for each in _cuda(device)]
    return [torch.get_rng_state(), *cards]


def _seeded(seed: int, device: torch.device) -> list[Tensor]:
    with torch.random.fork_rng(devices=_cuda(device)):
        torch.default_generator.manual_seed(seed)
        for each in _cuda(device):
            with torch.cuda.device(each):
                torch.cuda.manual_seed(seed)
        return _random_state(device)


def _other_seed(seed: int) -> int:
    draws = torch.Generator().manual_seed(seed)
    return int(torch.randint(2**62, (), generator=draws))

"""What an evaluator is, and what it finds of a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

__all__ = ["Diverged", "Evaluation", "Evaluator", "evaluating"]


class Diverged(ArithmeticError):  # noqa: N818 - a state of the model, as its rows record it
    """A model's predictions are NaN or infinite."""


class Evaluation(NamedTuple):
    """What is found of a model.

    Attributes:
        metrics: All that a model has by itself, in the order of `METRICS`.
        forget_margins: Its margins on the forget set, (f,), for what compares models of several
            training seeds.
    """

    metrics: dict[str, float]
    forget_margins: NDArray[np.float64]


class Evaluator(Protocol):
    """Measures models of one task against the landmarks of one replicate.

    Models are evaluated in eval mode without gradients, and are left exactly as found.

    Attributes:
        landmarks: What is found of the original model and, where there is one, of the retrained
            model, by its kind; with what is measured of last models.
    """

    landmarks: dict[str, Evaluation]

    @property
    def original(self) -> dict[str, float]:
        """The original model's metrics."""
        return self.landmarks["original"].metrics

    @property
    def retrained(self) -> dict[str, float] | None:
        """The retrained model's metrics, or None."""
        found = self.landmarks.get("retrained")
        return None if found is None else found.metrics

    def __call__(self, model: nn.Module) -> dict[str, float]:
        """Returns every metric that a model has by itself; see `evaluate`."""
        return self.evaluate(model).metrics

    def evaluate(self, model: nn.Module, *, last: bool = False) -> Evaluation:
        """Measures a model.

        Args:
            model: The model, on the task's device.
            last: Whether it is the last of its run, of which what is costly is measured too.

        Raises:
            Diverged: When the model's logits are not finite.
            InputError: When the model does not return the logits of the task, or changes its
                inputs.
        """
        ...


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode without gradients; every submodule's training flag is put back afterwards."""
    flags = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            yield
    finally:
        for module, training in flags:
            module.training = training

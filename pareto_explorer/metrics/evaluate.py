"""Every metric of a model, from one pass over the task's data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from pareto_explorer.metrics.measures import (
    accuracy,
    accuracy_drop,
    average_gap,
    confidences,
    forget_accuracy_gap,
    js_divergence,
    mean_gap,
    membership_inference,
    tug_of_war,
)
from pareto_explorer.tasks import Samples, UnlearningTask
from pareto_explorer.tasks.models.logits import logits_of

__all__ = ["Diverged", "Evaluator"]

_BATCH_SIZE = 1024

_GAPS = {
    "forget_gap": ("unlearning_accuracy", "membership_inference"),
    "retain_gap": ("retain_accuracy", "test_accuracy"),
    "validation_forget_gap": ("unlearning_accuracy", "validation_membership_inference"),
    "validation_retain_gap": ("retain_accuracy", "validation_accuracy"),
}


class Diverged(ArithmeticError):  # noqa: N818 - a state of the model, as its rows record it
    """A model's predictions are NaN or infinite."""


class Evaluator:
    """Measures models of one task against the landmarks of one replicate.

    Models are evaluated in eval mode without gradients, and are left exactly as found.

    Args:
        task: The data; on the device that the models are on.
        original: The model before unlearning.
        retrained: The model trained from scratch on the retain set; None where there is none, and
            then no metric that needs it is measured.

    Attributes:
        original: The original model's metrics.
        retrained: The retrained model's metrics, or None.

    Raises:
        Diverged: When a landmark's logits are not finite.
        InputError: When a landmark does not return one logit per class, or changes its inputs.
    """

    def __init__(
        self, task: UnlearningTask, original: nn.Module, retrained: nn.Module | None
    ) -> None:
        self._task = task
        self._parts = {"retain": task.retain_indices, "forget": task.forget_indices}
        if task.adjacent_indices is not None and task.remote_indices is not None:
            self._parts |= {"adjacent": task.adjacent_indices, "remote": task.remote_indices}
        self._labels = {
            name: labels.cpu()
            for name, labels in {
                **{name: task.train.labels[index] for name, index in self._parts.items()},
                "heldout": task.heldout.labels,
                "validation": task.validation.labels,
                "test": task.test.labels,
            }.items()
        }
        before = self._predict(original)
        self._start = self._measure(before)
        self._target: dict[str, float] | None = None
        self.retrained: dict[str, float] | None = None
        if retrained is not None:
            logits = self._predict(retrained)
            self._target_logits = logits["forget"]
            self._target = self._measure(logits)
            self.retrained = self._compare(self._target, self._target_logits)
        self.original = self._compare(self._start, before["forget"])

    def __call__(self, model: nn.Module) -> dict[str, float]:
        """Returns every metric of `METRICS` for a model, in that order.

        ``adjacent_accuracy`` and ``remote_accuracy`` are there only if the task has an adjacent
        set, and what needs the retrained model only if there is one.

        Raises:
            Diverged: When the model's logits are not finite.
            InputError: When the model does not return one logit per class, or changes its inputs.
        """
        logits = self._predict(model)
        return self._compare(self._measure(logits), logits["forget"])

    def _predict(self, model: nn.Module) -> dict[str, Tensor]:
        """Returns the logits on each set, on the CPU."""
        task = self._task
        with _evaluating(model):
            train, heldout, validation, test = (
                _logits(model, samples, task.n_classes)
                for samples in (task.train, task.heldout, task.validation, task.test)
            )
            logits = {
                **{name: train[index] for name, index in self._parts.items()},
                "heldout": heldout,
                "validation": validation,
                "test": test,
            }
        logits = {name: values.float().cpu() for name, values in logits.items()}
        for name, values in logits.items():
            if not bool(values.isfinite().all()):
                raise Diverged(f"The model's logits on the {name} set are not finite.")
        return logits

    def _measure(self, logits: dict[str, Tensor]) -> dict[str, float]:
        sure = {
            name: confidences(logits[name], self._labels[name])
            for name in ("retain", "forget", "validation", "test")
        }
        right = {name: accuracy(logits[name], self._labels[name]) for name in logits}
        return {
            "unlearning_accuracy": 1 - right["forget"],
            "retain_accuracy": right["retain"],
            "test_accuracy": right["test"],
            "validation_accuracy": right["validation"],
            "heldout_accuracy": right["heldout"],
            **{f"{name}_accuracy": right[name] for name in ("adjacent", "remote") if name in right},
            "membership_inference": membership_inference(
                sure["retain"], sure["test"], sure["forget"]
            ),
            "validation_membership_inference": membership_inference(
                sure["retain"], sure["validation"], sure["forget"]
            ),
        }

    def _compare(self, metrics: dict[str, float], forget_logits: Tensor) -> dict[str, float]:
        oracle_free = {
            "forget_accuracy_gap": forget_accuracy_gap(metrics, self._start),
            "accuracy_drop": accuracy_drop(metrics, self._start),
        }
        if self._target is None:
            return {**metrics, **oracle_free}
        return {
            **metrics,
            **oracle_free,
            **{name: mean_gap(metrics, self._target, over) for name, over in _GAPS.items()},
            "average_gap": average_gap(metrics, self._target),
            "tug_of_war": tug_of_war(metrics, self._target),
            "js_divergence": js_divergence(forget_logits, self._target_logits),
        }


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode without gradients; every submodule's training flag is put back afterwards."""
    flags = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            yield
    finally:
        for module, training in flags:
            module.training = training


def _logits(model: nn.Module, samples: Samples, n_classes: int) -> Tensor:
    parts = torch.split(samples.inputs, _BATCH_SIZE)
    return torch.cat([logits_of(model, inputs, n_classes) for inputs in parts])

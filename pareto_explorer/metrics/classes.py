"""Every metric of a classifier, from one pass over the task's data."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pareto_explorer.audits.statistics import margins
from pareto_explorer.metrics.evaluation import Diverged, Evaluation, Evaluator, evaluating
from pareto_explorer.metrics.functions import (
    OWN,
    TO_ORIGINAL,
    TO_RETRAINED,
    Measured,
    Predictions,
)
from pareto_explorer.metrics.measures import accuracy, confidences
from pareto_explorer.schema.metrics import METRICS, MetricEntry
from pareto_explorer.tasks import GaussianNoise, Samples, UnlearningTask
from pareto_explorer.tasks.models.logits import logits_of

__all__ = ["ClassEvaluator"]

_BATCH_SIZE = 1024
_LEAST = 8  # samples of a batch, however large each is
_CPU_NUMBERS = 2**17  # of a batch's inputs; with more, memory costs a CPU more than it saves
_ATTACKED = ("retain", "forget", "validation", "test")


class ClassEvaluator(Evaluator):
    """Measures classifiers of one task against the landmarks of one replicate.

    Models are evaluated in eval mode without gradients, and are left exactly as found.

    Args:
        task: The data; on the device that the models are on.
        original: The model before unlearning.
        retrained: The model trained from scratch on the retain set; None where there is none, and
            then no metric that needs it is measured.

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
        self._start = self._measure(original)
        self._target = None if retrained is None else self._measure(retrained)
        self.landmarks = {"original": self._compare(self._start)}
        if self._target is not None:
            self.landmarks["retrained"] = self._compare(self._target)

    def evaluate(self, model: nn.Module, *, last: bool = False) -> Evaluation:  # noqa: ARG002
        """Measures a model.

        ``adjacent_accuracy`` and ``remote_accuracy`` are there only if the task has an adjacent
        set, what measures the trace of noise or of swapped labels only if the forget request
        planted it, and what needs the retrained model only if there is one. What compares models
        of several training seeds is not there.

        Raises:
            Diverged: When the model's logits are not finite.
            InputError: When the model does not return one logit per class, or changes its inputs.
        """
        return self._compare(self._measure(model))

    def _predict(self, model: nn.Module) -> Predictions:
        task = self._task
        with evaluating(model):
            train, heldout, validation, test = (
                _logits(model, samples, task)
                for samples in (task.train, task.heldout, task.validation, task.test)
            )
            slopes = _slopes(model, task) if isinstance(task.planted, GaussianNoise) else None
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
        return Predictions(
            logits,
            self._labels,
            {name: accuracy(values, self._labels[name]) for name, values in logits.items()},
            {name: confidences(logits[name], self._labels[name]) for name in _ATTACKED},
            task.planted,
            slopes,
        )

    def _measure(self, model: nn.Module) -> Measured:
        predictions = self._predict(model)
        own = {
            name: compute(predictions) for name, compute in OWN.items() if self._has(METRICS[name])
        }
        forget = predictions.logits["forget"]
        return Measured(own, forget, margins(forget.numpy(), self._labels["forget"].numpy()))

    def _has(self, metric: MetricEntry) -> bool:
        planted = self._task.planted
        if metric.needs_adjacent and "adjacent" not in self._parts:
            return False
        return metric.request in ("", planted.request if planted else "")

    def _compare(self, model: Measured) -> Evaluation:
        found = dict(model.own)
        found |= {name: compute(model, self._start) for name, compute in TO_ORIGINAL.items()}
        if self._target is not None:
            found |= {name: compute(model, self._target) for name, compute in TO_RETRAINED.items()}
        metrics = {name: found[name] for name in METRICS if name in found}
        return Evaluation(metrics, model.forget_margins)


def _logits(model: nn.Module, samples: Samples, task: UnlearningTask) -> Tensor:
    parts = torch.split(samples.inputs, _batch_size(samples.inputs))
    return torch.cat([logits_of(model, inputs, task) for inputs in parts])


def _batch_size(inputs: Tensor) -> int:
    """How many samples are passed through a model at once (``benchmarks/speedups.py``)."""
    if inputs.device.type != "cpu":
        return _BATCH_SIZE
    return max(_LEAST, min(_BATCH_SIZE, _CPU_NUMBERS // max(1, inputs[:1].numel())))


def _slopes(model: nn.Module, task: UnlearningTask) -> Tensor:
    """The gradient of the loss by each forget input without its noise, (f, ...), up to its length.

    In eval mode no sample's logits depend on another's, so neither does the gradient's direction.
    """
    assert isinstance(task.planted, GaussianNoise)  # noqa: S101 - the caller asks
    clean = task.forget.inputs - task.planted.values
    size, found = _batch_size(clean), []
    with torch.enable_grad():
        for inputs, labels in zip(
            torch.split(clean, size), torch.split(task.forget.labels, size), strict=True
        ):
            inputs.requires_grad_()
            loss = task.loss(logits_of(model, inputs, task), labels)
            found.append(torch.autograd.grad(loss, inputs)[0])
    return torch.cat(found).float().cpu()

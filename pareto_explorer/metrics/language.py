"""Every metric of a language model, in one pass over the task's sequences that keeps no logits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pareto_explorer.audits.statistics.roc import auc
from pareto_explorer.metrics.evaluation import Diverged, Evaluation, evaluating
from pareto_explorer.metrics.measures import mean_gap
from pareto_explorer.schema.metrics import METRICS
from pareto_explorer.tasks import Samples, UnlearningTask
from pareto_explorer.tasks.core.tokens import IGNORED, asked
from pareto_explorer.tasks.models.logits import logits_of

__all__ = ["LanguageEvaluator", "Scores", "score"]

_TOKENS = 2**13  # of a batch, padding included


class Scores(NamedTuple):
    """What a model says of n sequences, token by token, summed up.

    Attributes:
        nll: Sum of the negative log-likelihoods of the labelled tokens, (n,), in double precision.
        tokens: Labelled tokens, (n,).
        right: How many of them the model would say itself, (n,).
    """

    nll: Tensor
    tokens: Tensor
    right: Tensor

    @property
    def loss(self) -> Tensor:
        """Mean negative log-likelihood per token, (n,)."""
        return self.nll / self.tokens

    @property
    def exact(self) -> float:
        """The share of sequences of which every labelled token is right."""
        return (self.right == self.tokens).double().mean().item()


def score(model: nn.Module, samples: Samples, task: UnlearningTask) -> Scores:
    """Passes sequences through a model, those of like length together."""
    lengths = _lengths(samples)
    order = lengths.argsort()
    found = torch.zeros(3, len(samples), dtype=torch.float64, device=samples.labels.device)
    start = 0
    while start < len(samples):
        size = max(1, _TOKENS // int(lengths[order[min(len(order) - 1, start)]]))
        index = order[start : start + size]
        batch = samples.take(index).trimmed()
        logits, labels, row = asked(logits_of(model, batch.inputs, task), batch.labels)
        log_p = logits.float().log_softmax(1)
        nll = -log_p.gather(1, labels[:, None]).squeeze(1).double()
        ones = torch.ones_like(nll)
        right = (log_p.argmax(1) == labels).double()
        for into, values in zip(found, (nll, ones, right), strict=True):
            sums = torch.zeros(len(index), dtype=torch.float64, device=into.device)
            into[index] = sums.index_add(0, row, values)
        start += size
    nll, tokens, right = found.cpu()
    return Scores(nll, tokens, right)


def _lengths(samples: Samples) -> Tensor:
    places = torch.arange(1, samples.labels.shape[1] + 1, device=samples.labels.device)
    return ((samples.labels != IGNORED) * places).amax(1)


class LanguageEvaluator:
    """Measures language models of one task against the landmarks of one replicate.

    Args:
        task: The data; on the device that the models are on.
        original: The model before unlearning.
        retrained: The model trained from scratch on the retain set; None where there is none.
    """

    def __init__(
        self, task: UnlearningTask, original: nn.Module, retrained: nn.Module | None
    ) -> None:
        self._task = task
        retain = task.retain_indices
        if task.language is not None and task.language.retain_sample is not None:
            retain = task.language.retain_sample
        self._sets = {
            "retain": task.train.take(retain),
            "forget": task.forget,
            "heldout": task.heldout,
            "validation": task.validation,
            "test": task.test,
        }
        self._start = self._measure(original)
        self._target = None if retrained is None else self._measure(retrained)
        self.landmarks = {
            "original": self._compare(self._start),
            **({} if self._target is None else {"retrained": self._compare(self._target)}),
        }
        self.original = self.landmarks["original"].metrics
        self.retrained = None if retrained is None else self.landmarks["retrained"].metrics

    def __call__(self, model: nn.Module) -> dict[str, float]:
        """Returns every metric that a model has by itself; see `evaluate`."""
        return self.evaluate(model).metrics

    def evaluate(self, model: nn.Module, *, last: bool = False) -> Evaluation:  # noqa: ARG002
        """Measures a model, as `Evaluator` says."""
        return self._compare(self._measure(model))

    def _measure(self, model: nn.Module) -> dict[str, Scores]:
        with evaluating(model):
            found = {name: score(model, part, self._task) for name, part in self._sets.items()}
        for name, scores in found.items():
            if not bool(scores.nll.isfinite().all()):
                raise Diverged(f"The model's losses on the {name} set are not finite.")
        return found

    def _compare(self, found: Mapping[str, Scores]) -> Evaluation:
        own = _own(found)
        if self._target is not None:
            target = _own(self._target)
            own["forget_gap"] = mean_gap(
                own, target, ("unlearning_accuracy", "forget_probability", "membership_inference")
            )
            own["retain_gap"] = mean_gap(
                own, target, ("retain_accuracy", "retain_probability", "test_accuracy")
            )
        p = (-found["forget"].loss).exp().clamp(1e-12, 1 - 1e-12)
        margins = (p.log() - torch.log1p(-p)).numpy()
        return Evaluation({name: own[name] for name in METRICS if name in own}, margins)


def _own(found: Mapping[str, Scores]) -> dict[str, float]:
    forget, retain = found["forget"], found["retain"]
    return {
        "unlearning_accuracy": 1 - forget.exact,
        "retain_accuracy": retain.exact,
        "test_accuracy": found["test"].exact,
        "validation_accuracy": found["validation"].exact,
        "heldout_accuracy": found["heldout"].exact,
        "forget_probability": (-forget.loss).exp().mean().item(),
        "retain_probability": (-retain.loss).exp().mean().item(),
        "membership_inference": auc((-forget.loss).numpy(), (-found["heldout"].loss).numpy()),
    }

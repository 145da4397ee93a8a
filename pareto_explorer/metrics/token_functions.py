"""The function that computes each metric of a language model, by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pareto_explorer.audits.statistics import auc
from pareto_explorer.metrics.measures import accuracy_drop, mean_gap, tug_of_war
from pareto_explorer.metrics.token_measures import (
    AnswerScores,
    KolmogorovSmirnov,
    extraction_strength,
    harmonic_mean,
    kolmogorov_smirnov,
    log_truth_ratios,
    privleak,
    share_of_right,
    token_memorisation,
    truthfulness,
)
from pareto_explorer.metrics.token_scores import Scores
from pareto_explorer.schema.metrics import METRICS, as_measured
from pareto_explorer.tasks import UnlearningTask

__all__ = ["OWN", "TO_ORIGINAL", "TO_RETRAINED", "Measured", "Predictions", "halves", "parts_of"]


@dataclass(frozen=True)
class Predictions:
    """What a model says of the task's sequences.

    Attributes:
        scores: By set: ``retain``, ``forget``, ``heldout``, ``validation`` and ``test``, and where
            the task has an adjacent set, ``adjacent`` and ``remote``, as far as the retained
            samples are measured.
        forget: Of answers to the questions of the forget set.
        retain: Of answers to the retained questions that are measured.
        knowledge: Of answers to questions on what is known from elsewhere.
        compressed: Bytes of the compressed answers of the sets ``forget`` and ``heldout``.
        recalls: Mean ROUGE-L recall of generated answers, by set: ``forget``, ``retain``, and the
            names of ``knowledge``. Empty where none were generated.
    """

    scores: Mapping[str, Scores]
    forget: AnswerScores | None = None
    retain: AnswerScores | None = None
    knowledge: Mapping[str, AnswerScores] = field(default_factory=dict)
    compressed: Mapping[str, Tensor] = field(default_factory=dict)
    recalls: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """What is kept of a model to compare it with another.

    Attributes:
        own: Its metrics of `OWN`.
        forget_margins: The log-odds of its probability of each forgotten answer, (f,).
        truth_ratios: The logarithms of its truth ratios on the questions of the forget set, each
            once, where there are other answers to them.
    """

    own: Mapping[str, float]
    forget_margins: NDArray[np.float64]
    truth_ratios: Tensor | None = None


def parts_of(task: UnlearningTask) -> frozenset[str]:
    """What a task of sequences has, of `schema.metrics.PARTS`."""
    found = {"non_members"} if len(task.heldout) > 1 else set()
    language = task.language
    if language is not None:
        known = [language.retain, *language.knowledge.values()]
        speaks = language.speech is not None and language.speech.generate != "never"
        found |= {"forget_answers"} if language.forget and language.forget.wrong else set()
        found |= {"utility_answers"} if any(own and own.wrong for own in known) else set()
        found |= {"compressed"} if {"forget", "heldout"} <= language.compressed.keys() else set()
        found |= {"speech"} if speaks else set()
    return frozenset(found)


def halves(n: int) -> tuple[Tensor, Tensor]:
    """Splits n held-out rows at random, the same way each time.

    Every other row would not do: rows are often sorted by what is asked.

    Returns:
        Positions of those that models are picked by, and of those that report on them.
    """
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    return order[: n // 2], order[n // 2 :]


_CHOOSING = slice(0, None, 2)
"""The rows of questions on what is known from elsewhere that models are picked by."""

OWN: dict[str, Callable[[Predictions], float]] = {
    "unlearning_accuracy": lambda of: 1 - of.scores["forget"].exact,
    "retain_accuracy": lambda of: of.scores["retain"].exact,
    "test_accuracy": lambda of: of.scores["test"].exact,
    "validation_accuracy": lambda of: of.scores["validation"].exact,
    "heldout_accuracy": lambda of: of.scores["heldout"].exact,
    "adjacent_accuracy": lambda of: of.scores["adjacent"].exact,
    "remote_accuracy": lambda of: of.scores["remote"].exact,
    "membership_inference": lambda of: _attack(of, _likelihood),
    "validation_membership_inference": lambda of: _attack(of, _likelihood, 0),
    "forget_probability": lambda of: of.scores["forget"].probability.mean().item(),
    "retain_probability": lambda of: of.scores["retain"].probability.mean().item(),
    "token_memorisation": lambda of: token_memorisation(of.scores["forget"]),
    "extraction_strength": lambda of: extraction_strength(of.scores["forget"]),
    "truth_ratio": lambda of: (-_forget_truth(of).abs()).exp().mean().item(),
    "model_utility": lambda of: harmonic_mean(_read(of)),
    "validation_model_utility": lambda of: harmonic_mean(_read(of, _CHOOSING)),
    "model_utility_rouge": lambda of: harmonic_mean([*_read(of), *_said(of)]),
    "min_k_auc": lambda of: _attack(of, lambda of, name: of.scores[name].lowest),
    "min_k_plus_auc": lambda of: _attack(of, lambda of, name: of.scores[name].lowest_standard),
    "zlib_auc": lambda of: _attack(
        of, lambda of, name: _likelihood(of, name) / of.compressed[name].cpu()
    ),
    "rouge_forget": lambda of: of.recalls["forget"],
    "rouge_retain": lambda of: of.recalls["retain"],
}
"""Metrics that follow from a model's own predictions."""

Comparison = Callable[[Measured, Measured], float]

TO_ORIGINAL: dict[str, Comparison] = {
    "forget_accuracy_gap": lambda model, original: abs(
        1 - model.own["unlearning_accuracy"] - original.own["heldout_accuracy"]
    ),
    "accuracy_drop": lambda model, original: accuracy_drop(model.own, original.own),
}
"""Metrics that compare a model with the original one."""


def _gap(over: tuple[str, ...]) -> Comparison:
    return lambda model, other: mean_gap(model.own, other.own, over)


TO_RETRAINED: dict[str, Comparison] = {
    **{
        name: _gap(row.over)
        for name in METRICS
        if (row := as_measured(name, tokens=True)) is not None and row.over
    },
    "tug_of_war": lambda model, retrained: tug_of_war(model.own, retrained.own),
    "truth_distance": lambda model, retrained: _ks(model, retrained).distance,
    "forget_quality": lambda model, retrained: _ks(model, retrained).p,
    "privleak": lambda model, retrained: privleak(
        model.own["min_k_auc"], retrained.own["min_k_auc"]
    ),
}
"""Metrics that compare a model with the retrained one, and need one; of a gap, the row says all."""


def _likelihood(of: Predictions, name: str) -> Tensor:
    return -of.scores[name].loss


def _attack(of: Predictions, surety: Callable[[Predictions, str], Tensor], half: int = 1) -> float:
    """How often a forgotten sequence is surer than one of half of the held-out set."""
    heldout = surety(of, "heldout")
    return auc(surety(of, "forget").numpy(), heldout[halves(len(heldout))[half]].numpy())


def _forget_truth(of: Predictions) -> Tensor:
    assert of.forget is not None  # noqa: S101 - as the metric's row says
    return log_truth_ratios(of.forget)


def _ks(model: Measured, retrained: Measured) -> KolmogorovSmirnov:
    assert model.truth_ratios is not None  # noqa: S101 - as the metric's row says
    assert retrained.truth_ratios is not None  # noqa: S101
    return kolmogorov_smirnov(model.truth_ratios, retrained.truth_ratios)


def _read(of: Predictions, rows: slice = slice(None)) -> Iterator[float]:
    """The parts of model utility that need no generated answers.

    ``rows`` are those of the questions on what is known from elsewhere.

    Of questions on what is known from elsewhere, the probability of an answer is its share beside
    the wrong ones'.
    """
    yield of.scores["retain"].probability.mean().item()
    if of.retain is not None and of.retain.wrong:
        yield truthfulness(of.retain)
    for answers in of.knowledge.values():
        if answers.wrong:
            yield share_of_right(answers.take(rows))
            yield truthfulness(answers.take(rows))


def _said(of: Predictions) -> Iterator[float]:
    """The parts of model utility that generated answers give."""
    return (recall for name, recall in of.recalls.items() if name != "forget")

"""Every metric of a language model, in one pass over the task's sequences that keeps no logits."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pareto_explorer.metrics.evaluation import Evaluation, Evaluator, evaluating
from pareto_explorer.metrics.generation import mean_recall, require_rouge
from pareto_explorer.metrics.token_functions import (
    OWN,
    TO_ORIGINAL,
    TO_RETRAINED,
    Measured,
    Predictions,
    parts_of,
)
from pareto_explorer.metrics.token_measures import AnswerScores, log_odds, log_truth_ratios
from pareto_explorer.metrics.token_scores import Scores, score
from pareto_explorer.schema.metrics import METRICS, as_measured
from pareto_explorer.tasks import Answers, Language, Samples, UnlearningTask

__all__ = ["LanguageEvaluator"]


class LanguageEvaluator(Evaluator):
    """Measures language models of one task against the landmarks of one replicate.

    Models are evaluated in eval mode without gradients, and are left exactly as found. Sequences
    go through a model in batches bounded by tokens and by logits; of each, some sums are kept.

    Args:
        task: The data; on the device that the models are on.
        original: The model before unlearning.
        retrained: The model trained from scratch on the retain set; None where there is none, and
            then no metric that needs it is measured.

    Raises:
        Diverged: When a landmark's losses are not finite.
        InputError: When a landmark does not return the logits of the task, or changes its inputs,
            or generated answers cannot be compared.
    """

    def __init__(
        self, task: UnlearningTask, original: nn.Module, retrained: nn.Module | None
    ) -> None:
        self._task = task
        self._language = task.language or Language()
        self._parts = parts_of(task)
        if "speech" in self._parts:
            require_rouge()
        retained = self._language.retain_sample
        retained = task.retain_indices if retained is None else retained
        self._retained = task.train.take(retained)
        self._distinct = _distinct(self._language.forget)
        adjacent = task.adjacent_indices
        self._adjacent = None if adjacent is None else torch.isin(retained, adjacent).cpu()
        self._start = self._measure(original, speak=True)
        self._target = None if retrained is None else self._measure(retrained, speak=True)
        self.landmarks = {"original": self._compare(self._start)}
        if self._target is not None:
            self.landmarks["retrained"] = self._compare(self._target)

    def evaluate(self, model: nn.Module, *, last: bool = False) -> Evaluation:
        """Measures a model.

        A metric is there if the task has what it needs; what compares models of several training
        seeds is not.

        Args:
            model: The model, on the task's device.
            last: Whether it is the last of its run. It answers by itself then, unless the task says
                that no model does, or every one.

        Raises:
            Diverged: When the model's losses are not finite.
            InputError: When the model does not return the logits of the task, or changes its
                inputs.
        """
        speech = self._language.speech
        speak = speech is not None and (last or speech.generate == "every")
        return self._compare(self._measure(model, speak=speak))

    def _measure(self, model: nn.Module, *, speak: bool) -> Measured:
        with evaluating(model):
            found = self._predict(model, speak=speak and "speech" in self._parts)
        own = {name: compute(found) for name, compute in OWN.items() if self._has(name, found)}
        return Measured(
            own,
            log_odds(found.scores["forget"].probability),
            log_truth_ratios(found.forget.take(self._distinct))
            if found.forget and found.forget.wrong
            else None,
        )

    def _predict(self, model: nn.Module, *, speak: bool) -> Predictions:
        task, language = self._task, self._language

        def scored(name: str, samples: Samples) -> Scores:
            return score(model, samples, task, name)

        def answered(name: str, answers: Answers) -> AnswerScores:
            wrong = [scored(f"{name}.wrong", samples) for samples in answers.wrong]
            return AnswerScores(scored(f"{name}.right", answers.right), wrong)

        scores = {
            "retain": scored("retain", self._retained),
            "forget": scored("forget", task.forget),
            "heldout": scored("heldout", task.heldout),
            "validation": scored("validation", task.validation),
            "test": scored("test", task.test),
        }
        if self._adjacent is not None:
            for name, rows in (("adjacent", self._adjacent), ("remote", ~self._adjacent)):
                scores[name] = scores["retain"].take(rows)
        return Predictions(
            scores,
            language.forget and answered("forget", language.forget),
            language.retain and answered("retain", language.retain),
            {name: answered(name, answers) for name, answers in language.knowledge.items()},
            language.compressed,
            self._recalls(model) if speak else {},
        )

    def _recalls(self, model: nn.Module) -> dict[str, float]:
        assert self._language.speech is not None  # noqa: S101 - the caller has asked
        known = {name: answers.right for name, answers in self._language.knowledge.items()}
        return {
            name: mean_recall(model, samples, self._task, self._language.speech)
            for name, samples in {
                "forget": self._task.forget,
                "retain": self._retained,
                **known,
            }.items()
        }

    def _has(self, name: str, found: Predictions) -> bool:
        metric = as_measured(name, tokens=True)
        if metric is None or (metric.needs_adjacent and not self._both_parts()):
            return False
        there = self._parts if found.recalls else self._parts - {"speech"}
        return there.issuperset(metric.needs)

    def _both_parts(self) -> bool:
        """Whether adjacent and other retained samples are measured."""
        return self._adjacent is not None and 0 < int(self._adjacent.sum()) < len(self._adjacent)

    def _compare(self, model: Measured) -> Evaluation:
        found = dict(model.own)
        for landmark, comparisons in ((self._start, TO_ORIGINAL), (self._target, TO_RETRAINED)):
            if landmark is not None:
                found |= {
                    name: compute(model, landmark)
                    for name, compute in comparisons.items()
                    if (metric := as_measured(name, tokens=True)) is not None
                    and self._parts.issuperset(metric.needs)
                }
        metrics = {name: found[name] for name in METRICS if name in found}
        return Evaluation(metrics, model.forget_margins)


def _distinct(answers: Answers | None) -> Tensor:
    """The first row of each question: one that is asked in several rows is one draw of a test."""
    if answers is None:
        return torch.empty(0, dtype=torch.int64)
    seen = {tuple(row): i for i, row in reversed(list(enumerate(answers.right.inputs.tolist())))}
    return torch.tensor(sorted(seen.values()))

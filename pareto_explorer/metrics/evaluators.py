"""The evaluator of a task."""

from __future__ import annotations

from torch import nn

from pareto_explorer.metrics.classes import ClassEvaluator
from pareto_explorer.metrics.evaluation import Evaluator
from pareto_explorer.metrics.language import LanguageEvaluator
from pareto_explorer.tasks import UnlearningTask

__all__ = ["evaluator_of"]


def evaluator_of(
    task: UnlearningTask, original: nn.Module, retrained: nn.Module | None
) -> Evaluator:
    """Makes what measures models of a task against its landmarks.

    Args:
        task: The data; on the device that the models are on.
        original: The model before unlearning.
        retrained: The model trained from scratch on the retain set; None where there is none, and
            then no metric that needs it is measured.

    Raises:
        Diverged: When a landmark's logits are not finite.
        InputError: When a landmark does not return the logits of the task, or changes its inputs.
    """
    if task.tokens:
        return LanguageEvaluator(task, original, retrained)
    return ClassEvaluator(task, original, retrained)

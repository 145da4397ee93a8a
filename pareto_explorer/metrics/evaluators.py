"""The evaluator of a task."""

from __future__ import annotations

from torch import nn

from pareto_explorer.metrics.classes import ClassEvaluator
from pareto_explorer.metrics.evaluation import Evaluator
from pareto_explorer.metrics.generation import require_rouge
from pareto_explorer.metrics.language import LanguageEvaluator
from pareto_explorer.metrics.token_functions import parts_of
from pareto_explorer.schema.metrics import PARTS, as_measured
from pareto_explorer.tasks import UnlearningTask
from pareto_explorer.text import listing

__all__ = ["evaluator_of", "lacking", "require_measurable"]


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


def lacking(metric: str, task: UnlearningTask) -> str:
    """Says what a task would have to be or have for a metric; empty where it lacks nothing.

    Adjacent sets and kinds of forget requests stand in the metric's row.

    >>> from pareto_explorer.tasks import make_task
    >>> task = make_task({"name": "digits", "forget": {"kind": "random", "fraction": 0.1}})
    >>> lacking("retain_gap", task), lacking("truth_ratio", task)
    ('', 'sequences with a label per token')

    Args:
        metric: One of `METRICS`.
        task: The task.
    """
    row = as_measured(metric, task.tokens)
    if row is None:
        return "one label per sample" if task.tokens else "sequences with a label per token"
    there = parts_of(task) if task.tokens else frozenset(PARTS)
    return listing([words for part, words in PARTS.items() if part in set(row.needs) - there])


def require_measurable(task: UnlearningTask) -> None:
    """Refuses a task that asks for generated answers where nothing can compare them.

    Raises:
        InputError: A package is missing.
    """
    if task.tokens and "speech" in parts_of(task):
        require_rouge()

"""How good an unlearned model is, measured against the landmarks of its replicate.

What there is to measure is a row in ``METRICS``; the evaluator of a task computes all of it for a
model that does not compare the models of several training seeds.
The functions beneath are there for a model of one's own.

>>> import torch
>>> from pareto_explorer.metrics import accuracy, mean_gap
>>> logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 1.0], [0.0, 4.0]])
>>> accuracy(logits, torch.tensor([0, 1, 1, 1]))
0.75
>>> unlearned = {"retain_accuracy": 0.75, "test_accuracy": 0.50}
>>> retrained = {"retain_accuracy": 1.00, "test_accuracy": 0.75}
>>> mean_gap(unlearned, retrained, ("retain_accuracy", "test_accuracy"))
0.25

| to | there is |
|---|---|
| know the metrics | ``METRICS``, ``MetricEntry`` |
| measure a model | ``evaluator_of``, ``Evaluator``, ``Evaluation``, ``Diverged`` |
| know what a task has | ``lacking``, ``require_measurable`` |
| compare predictions | ``accuracy``, ``confidences``, ``js_divergence`` |
| score sequences | ``score``, ``Scores``, ``log_odds`` |
| attack them | ``membership_inference`` |
| compare with a landmark | ``mean_gap``, ``average_gap``, ``tug_of_war``, \
``accuracy_drop``, ``forget_accuracy_gap`` |
| compare models of several training seeds | ``across_seeds`` |
"""

from pareto_explorer.metrics.evaluation import Diverged, Evaluation, Evaluator
from pareto_explorer.metrics.evaluators import evaluator_of, lacking, require_measurable
from pareto_explorer.metrics.functions import across_seeds
from pareto_explorer.metrics.measures import (
    accuracy,
    accuracy_drop,
    confidences,
    forget_accuracy_gap,
    js_divergence,
    mean_gap,
    membership_inference,
    tug_of_war,
)
from pareto_explorer.metrics.token_measures import log_odds
from pareto_explorer.metrics.token_scores import Scores, score
from pareto_explorer.schema.metrics import METRICS, MetricEntry

__all__ = [
    "METRICS",
    "Diverged",
    "Evaluation",
    "Evaluator",
    "MetricEntry",
    "Scores",
    "accuracy",
    "accuracy_drop",
    "across_seeds",
    "confidences",
    "evaluator_of",
    "forget_accuracy_gap",
    "js_divergence",
    "lacking",
    "log_odds",
    "mean_gap",
    "membership_inference",
    "require_measurable",
    "score",
    "tug_of_war",
]

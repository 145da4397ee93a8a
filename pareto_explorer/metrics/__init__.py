"""How good an unlearned model is, measured against the landmarks of its replicate."""

from pareto_explorer.metrics.accuracy import accuracy
from pareto_explorer.metrics.divergence import js_divergence
from pareto_explorer.metrics.evaluate import Diverged, Evaluator
from pareto_explorer.metrics.gaps import (
    accuracy_drop,
    average_gap,
    forget_accuracy_gap,
    mean_gap,
    tug_of_war,
)
from pareto_explorer.metrics.membership import confidences, membership_inference
from pareto_explorer.metrics.registry import METRICS, MetricEntry

__all__ = [
    "METRICS",
    "Diverged",
    "Evaluator",
    "MetricEntry",
    "accuracy",
    "accuracy_drop",
    "average_gap",
    "confidences",
    "forget_accuracy_gap",
    "js_divergence",
    "mean_gap",
    "membership_inference",
    "tug_of_war",
]

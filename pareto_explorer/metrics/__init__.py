"""How good an unlearned model is, measured against the landmarks of its replicate."""

from pareto_explorer.metrics.evaluate import Diverged, Evaluator
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
from pareto_explorer.schema.metrics import METRICS, MetricEntry

__all__ = [
    "METRICS",
    "Diverged",
    "Evaluator",
    "MetricEntry",
    "accuracy",
    "accuracy_drop",
    "confidences",
    "forget_accuracy_gap",
    "js_divergence",
    "mean_gap",
    "membership_inference",
    "tug_of_war",
]

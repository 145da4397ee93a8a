"""What a choice may look at: validation metrics in place of test metrics."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pandas as pd

from pareto_explorer.fronts.core.box import Box

__all__ = ["spares_test", "twin", "validation_box"]

_PREFIX = "validation_"
_WITHOUT_TEST = {
    "accuracy_drop",
    "adjacent_accuracy",
    "forget_accuracy_gap",
    "heldout_accuracy",
    "js_divergence",
    "remote_accuracy",
    "retain_accuracy",
    "samples",
    "seconds",
    "unlearning_accuracy",
}


def twin(metric: str, columns: Collection[str]) -> str:
    """Names the validation twin of a metric.

    It is ``validation_<metric>`` (``forget_gap`` -> ``validation_forget_gap``), where "test" gives
    way to "validation" (``test_accuracy`` -> ``validation_accuracy``).

    Args:
        metric: A metric.
        columns: The columns that there are.

    Returns:
        The twin if it is among the columns, else the metric itself.

    >>> twin("test_accuracy", {"test_accuracy", "validation_accuracy"})
    'validation_accuracy'
    """
    for name in (f"{_PREFIX}{metric}", f"{_PREFIX}{metric.removeprefix('test_')}"):
        if name in columns:
            return name
    return metric


def validation_box(points: pd.DataFrame, box: Box) -> Box:
    """Replaces each objective by its validation twin, where the table has measured one.

    Choosing a model on the metrics that are then reported flatters it; the twins are measured on
    other samples. A metric without a twin stays, for then there is nothing else to choose by; so
    does one whose twin is another objective already.

    Args:
        points: A points table, or replicate means.
        box: The objectives.

    Returns:
        A box with the same directions, bounds and reference point.
    """
    free = {str(name) for name in points.columns[points.notna().any()]} - set(box.metrics)
    objectives = []
    for objective in box.objectives:
        metric = twin(objective.metric, free)
        free.discard(metric)
        objectives.append(replace(objective, metric=metric))
    return Box(tuple(objectives), box.reference)


def spares_test(metric: str) -> bool:
    """Whether a column is known to be measured without the test set.

    >>> spares_test("accuracy_drop"), spares_test("retain_gap"), spares_test("one_of_my_own")
    (True, False, False)
    """
    return metric in _WITHOUT_TEST or metric.startswith(_PREFIX)

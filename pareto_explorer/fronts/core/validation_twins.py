"""What a choice may look at: validation metrics in place of test metrics."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pandas as pd

from pareto_explorer.fronts.core.box import Box
from pareto_explorer.schema.audited import AUDITED
from pareto_explorer.schema.metrics import METRICS

__all__ = ["spares_test", "twin", "validation_box"]

_PREFIX = "validation_"
_COSTS = ("samples", "seconds")


def twin(metric: str, columns: Collection[str]) -> str:
    """Names the validation twin of a metric.

    That of a known metric stands in its row of `METRICS`. Of a column of the user's own it is
    ``validation_<column>``, where "test" gives way to "validation" (``test_loss`` ->
    ``validation_loss``).

    Args:
        metric: A metric.
        columns: The columns that there are.

    Returns:
        The twin if it is among the columns, else the metric itself.

    >>> twin("test_accuracy", {"test_accuracy", "validation_accuracy"})
    'validation_accuracy'
    """
    known = METRICS.get(metric)
    if known is not None and known.twin is not None:
        names = [known.twin]
    else:
        names = [f"{_PREFIX}{metric}", f"{_PREFIX}{metric.removeprefix('test_')}"]
    return next((name for name in names if name in columns), metric)


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
    if metric in METRICS:
        return not METRICS[metric].reads_test
    if metric in AUDITED:
        return AUDITED[metric].of != "test"
    return metric in _COSTS or metric.startswith(_PREFIX)

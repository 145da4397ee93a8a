"""What the columns of a run mean: metrics, statuses, names and types.

The bottom of the package: everything else reads these tables, and they import neither torch nor
Ray. A metric is one row of `METRICS`, and the function in ``pareto_explorer.metrics`` that
computes it:

>>> from pareto_explorer.schema import METRICS, TRIAL_STATUSES, label
>>> gap = METRICS["forget_gap"]
>>> gap.direction, gap.label, gap.twin, gap.needs_retrained
('min', 'Forget gap', 'validation_forget_gap', True)
>>> [name for name, metric in METRICS.items() if metric.reads_test and metric.twin is None]
['average_gap', 'tug_of_war']
>>> label("js_divergence"), label("one_of_my_own")
('JS divergence', 'One of my own')
>>> list(TRIAL_STATUSES)
['running', 'finished', 'stopped', 'diverged', 'failed']

| name | what it is |
|---|---|
| `METRICS`, `MetricEntry` | every metric by name, in the order of the columns |
| `label`, `inline`, `caption` | a column in words: as a heading, in a sentence, under an axis |
| `measure`, `number` | a metric as text, any value as text |
| `POINT_STATUSES`, `TRIAL_STATUSES` | every status and what it means, mild ones first |

The columns of the points table, their order and their types are in `schema.columns`.
"""

from pareto_explorer.schema.metrics import (
    METRICS,
    MetricEntry,
    caption,
    inline,
    label,
    measure,
    number,
)
from pareto_explorer.schema.statuses import POINT_STATUSES, TRIAL_STATUSES

__all__ = [
    "METRICS",
    "POINT_STATUSES",
    "TRIAL_STATUSES",
    "MetricEntry",
    "caption",
    "inline",
    "label",
    "measure",
    "number",
]

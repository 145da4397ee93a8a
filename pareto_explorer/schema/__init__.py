"""What the columns of a run mean: metrics, statuses, names and types.

The bottom of the package: everything else reads these tables, and they import neither torch nor
Ray. A metric is one row of `METRICS`, and the function in ``pareto_explorer.metrics`` that
computes it:

>>> from pareto_explorer.schema import METRICS, TRIAL_STATUSES, as_measured, label
>>> gap = METRICS["forget_gap"]
>>> gap.direction, gap.label, gap.twin, gap.needs_retrained
('min', 'Forget gap', 'validation_forget_gap', True)
>>> [name for name, metric in METRICS.items() if metric.request == "gaussian_poison"]
['poison_score', 'poison_auc']
>>> as_measured("retain_accuracy", tokens=True).caption
'share of retained answers said exactly'
>>> label("js_divergence"), label("one_of_my_own")
('JS divergence', 'One of my own')
>>> list(TRIAL_STATUSES)
['running', 'finished', 'stopped', 'diverged', 'failed']

| name | what it is |
|---|---|
| `METRICS`, `MetricEntry`, `OnTokens` | every metric by name, in the order of the columns |
| `as_measured`, `tokens_in` | its row as it reads on classes or on tokens; whether a table is of \
tokens |
| `label`, `inline`, `caption` | a column in words: as a heading, in a sentence, under an axis |
| `measure`, `number` | a metric as text, any value as text |
| `POINT_STATUSES`, `TRIAL_STATUSES` | every status and what it means, mild ones first |

The columns of the points table, their order and their types are in `schema.columns`.
"""

from pareto_explorer.schema.metrics import (
    METRICS,
    MetricEntry,
    OnTokens,
    as_measured,
    caption,
    inline,
    label,
    measure,
    number,
    tokens_in,
)
from pareto_explorer.schema.statuses import POINT_STATUSES, TRIAL_STATUSES

__all__ = [
    "METRICS",
    "POINT_STATUSES",
    "TRIAL_STATUSES",
    "MetricEntry",
    "OnTokens",
    "as_measured",
    "caption",
    "inline",
    "label",
    "measure",
    "number",
    "tokens_in",
]

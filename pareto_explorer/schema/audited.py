"""Statistics of audits that a point has one value of, so that they can be bounded like a metric."""

from __future__ import annotations

from typing import NamedTuple

from pareto_explorer.schema.columns import MEMBER, Checkpoint

__all__ = [
    "AUDITED",
    "NOTHING",
    "NOT_ON_TOKENS",
    "Audited",
    "is_nothing",
    "nothing_beside",
]

NOTHING = ("none", 0, 0.0)
"""What doing nothing is called in the tables of an audit: its trial, step and position."""


def nothing_beside(point: Checkpoint) -> Checkpoint:
    """What doing nothing is called in the run of a point, where several may be together."""
    member, mark, _ = point[0].rpartition(MEMBER)
    return f"{member}{mark}{NOTHING[0]}", *NOTHING[1:]


def is_nothing(point: Checkpoint) -> bool:
    """Whether a point is doing nothing, in any of the runs that may be together."""
    return point == nothing_beside(point)


class Audited(NamedTuple):
    """Where the value stands in ``audit.parquet``: in the row of all seeds.

    Attributes:
        statistic: Its name there.
        of: The set that it is measured on.
    """

    statistic: str
    of: str


AUDITED = {
    "attack_accuracy": Audited("attack_accuracy", "forget"),
    "attack_auc": Audited("attack_auc", "forget"),
    "excess_forget": Audited("excess_auc2", "forget"),
    "excess_retain": Audited("excess_auc2", "retain"),
    "excess_test": Audited("excess_auc2", "test"),
    "leak_accuracy": Audited("leak_accuracy", "forget"),
    "leak_auc": Audited("leak_auc", "forget"),
    "swap_advantage": Audited("swap_advantage", "forget"),
    "relearn_gain": Audited("relearn_gain", "forget_heldback"),
}
"""By the name that a bound has; smaller is better in each, down to the retrained model's."""

NOT_ON_TOKENS = (
    "not measured: churn, JS divergence, calibration error, ZRF and the probe of features, which "
    "ask for the classes that models predict; here samples are sequences"
)
"""What is said of audits that have no meaning where samples have a label per token."""

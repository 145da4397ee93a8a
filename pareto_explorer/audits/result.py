"""What an audit has found, in Python."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pareto_explorer.audits.plan import AuditPlan
from pareto_explorer.schema.columns import checkpoint_of
from pareto_explorer.text import count

__all__ = ["HEADLINES", "Audit"]

HEADLINES = (
    ("attack_accuracy", "forget"),
    ("attack_accuracy", "test"),
    ("remaining_accuracy", "forget"),
    ("equivalent_auc", "forget"),
    ("equivalent_auc", "retain"),
    ("equivalent_auc", "test"),
    ("leak_accuracy", "forget"),
    ("relearn_gain", "forget_heldback"),
    ("probe_gain", "forget"),
    ("churn", "test"),
    ("ece_gap", "test"),
    ("rmia_auc", "forget"),
    ("threshold_auc", "forget"),
)
"""The statistics that are shown first, with their set."""


@dataclass(frozen=True, eq=False)
class Audit:
    """The audits of a run.

    Attributes:
        plan: What the last audit was to do.
        table: All statistics of all audits of the run; empty where the plan was all that was asked
            for.
        samples: What is known of each forgotten sample.
        notes: Sentences on what is left out, and why.
    """

    plan: AuditPlan
    table: pd.DataFrame
    samples: pd.DataFrame
    notes: tuple[str, ...] = ()

    def headlines(self) -> pd.DataFrame:
        """The first statistics of the points of the plan, and of doing nothing.

        Returns:
            The columns of `table`, of all seeds together, and, where there are any, of the fresh
            ones, which did not choose the model.
        """
        points = set(self.plan.points)
        of_points = [checkpoint_of(row) in points for row in self.table.to_dict("records")]
        shown = self.table[of_points]
        shown = shown[shown["seeds"] != "own"]
        kept = [pair in HEADLINES for pair in zip(shown["statistic"], shown["set"], strict=True)]
        return shown[kept].reset_index(drop=True)

    def __repr__(self) -> str:
        seeds = self.plan.seeds("indistinguishability")
        points = ", ".join(map(str, self.plan.points))
        return f"<Audit of {points}: {count(len(seeds), 'seed')}, values {len(self.table)}>"

    def _repr_html_(self) -> str:
        shown = self.headlines()
        columns = ["trial_id", "statistic", "set", "seeds", "n_models", "value", "low", "high"]
        return str(shown[[*columns, "floor"]].to_html(index=False, float_format="{:.3f}".format))

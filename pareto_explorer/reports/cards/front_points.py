"""The points of the pooled front, each with the command that runs it again."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pareto_explorer.figures.words import label, measure, number
from pareto_explorer.reports.card import Card
from pareto_explorer.reports.material import Material
from pareto_explorer.runs import config_columns

__all__ = ["front_points_card"]

_ALSO_SHOWN = ("unlearning_accuracy", "retain_accuracy", "test_accuracy", "membership_inference")


def front_points_card(material: Material) -> Card:
    """The candidates that one would choose from."""
    title = "Points on the front"
    front = material.front
    if front.empty:
        return Card("front_points", title, reason="No trial has given a finite point yet.")
    objectives = material.run.box.metrics
    metrics = [*objectives, *(m for m in _ALSO_SHOWN if m in front and m not in objectives)]
    rows = [_row(row, metrics, material) for row in front.to_dict("records")]
    return Card(
        "front_points",
        title,
        "No other point of any family is at least as good in every objective and better in one.",
        how_to_read=(
            "Values are means over replicates ± their standard deviation. Each number under "
            "“run again” copies the command that re-runs this point for one replicate."
        ),
        data=pd.DataFrame(
            [
                {
                    "family": row["family"],
                    "configuration": ", ".join(f"{k}={v}" for k, v in row["knobs"]),
                    "step": row["step"],
                    **{label(m): v for m, (v, _) in zip(metrics, row["values"], strict=True)},
                    "run again": row["commands"][0][1],
                }
                for row in rows
            ]
        ),
        context={"rows": rows, "labels": [label(metric) for metric in metrics]},
    )


def _row(row: dict[Any, Any], metrics: list[str], material: Material) -> dict[str, Any]:
    trial, step = str(row["trial_id"]), int(row["step"])
    columns = config_columns(material.run.points)
    return {
        "family": row["family"],
        "trial": trial,
        "step": step,
        "knobs": [
            (column.partition(".")[2], number(row[column]))
            for column in columns
            if not pd.isna(row[column])
        ],
        "values": [(_fixed(row[metric]), _fixed(row.get(f"{metric}.std"))) for metric in metrics],
        "commands": [(r, material.reproduce(trial, r, step)) for r in material.replicates],
    }


def _fixed(value: Any) -> str:
    return "" if value is None or pd.isna(value) else measure(value)

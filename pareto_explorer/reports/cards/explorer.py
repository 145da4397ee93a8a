"""The linked explorer: scatter, parallel coordinates and table of all points."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pareto_explorer.reports.shared.explorer_data import explorer_data
from pareto_explorer.reports.shared.legend import crowd_note, legend_entries, shown_families
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.runs import config_columns
from pareto_explorer.schema.columns import (
    CONFIG_PREFIX,
    POSITION,
    checkpoint_of,
    plain_position,
    uses_positions,
)
from pareto_explorer.schema.metrics import label, measure, number
from pareto_explorer.text import count, listing, plural

__all__ = ["explorer_card"]

_TITLE = "Explore every point"

_HOW_TO_READ = (
    "A point is one checkpoint of one configuration, averaged over the replicates; the front is "
    "what no other point beats in every objective. Drag over the figure or along an axis, or "
    "type limits at an axis's ends: figure, lines and table always show the same points. "
    "Values past the end of an axis are drawn at its end."
)
_SPREAD = "its standard deviation over replicates after ±"
_RETRAINED = "its distance to the retrained model"
_COMMANDS = "the commands that run it again and write its weights to a file"


@guarded("explorer", _TITLE)
def explorer_card(material: Material) -> Card:
    """Every point, to filter and to compare."""
    means = material.means
    if means.empty:
        return Card("explorer", _TITLE, reason="No trial has given a finite point yet.")
    payload = explorer_data(material, means)
    hidden = payload["total"] - payload["rows"]
    thinned = (
        f" Of {payload['total']:,} points, {hidden:,} dominated ones that lie on top of others "
        "are left out."
        if hidden
        else ""
    )
    note = crowd_note(shown_families(material), material)
    depth = len(payload["axes"]) == 3
    n_front = int(means["on_front"].sum())
    return Card(
        "explorer",
        _TITLE,
        f"{count(len(means), 'point')}, of which {n_front:,} "
        f"{plural(n_front, 'is', 'are')} on the front of all families. Filter, compare, and "
        f"pin the ones to look at closely.{thinned}",
        how_to_read=" ".join(filter(None, [note, _help(material)])),
        data=_front_points(material, payload["table"]),
        context={
            "legend": legend_entries(material, flat=not depth),
            "landmarks": [(mark["kind"], mark["title"]) for mark in payload["landmarks"]],
            "depth": depth,
            "n_front": n_front,
            "n_family_front": int(means["on_family_front"].sum()),
            "n_points": len(means),
        },
        payload=payload,
    )


def _help(material: Material) -> str:
    run = material.run
    told = [_SPREAD, *[_RETRAINED] * run.retrained, *[_COMMANDS] * run.repeatable]
    return f"{_HOW_TO_READ} What is pinned is told in full, with {listing(told)}."


def _front_points(material: Material, metrics: list[str]) -> pd.DataFrame:
    """The front as a table for readers without a browser."""
    knobs = config_columns(material.front)
    replicate = material.replicates[0] if material.run.repeatable else None
    rows = material.front.to_dict("records")
    return pd.DataFrame([_front_point(material, row, knobs, metrics, replicate) for row in rows])


def _front_point(
    material: Material,
    row: dict[Any, Any],
    knobs: list[str],
    metrics: list[str],
    replicate: int | None,
) -> dict[str, Any]:
    trial, step, position = checkpoint_of(row)
    settings = (
        f"{knob.removeprefix(CONFIG_PREFIX)}={number(row[knob])}"
        for knob in knobs
        if not pd.isna(row[knob])
    )
    again = {}
    if replicate is not None:
        again["run again"] = material.reproduce(trial, replicate, step, position)
    return {
        "family": row["family"],
        "configuration": ", ".join(settings),
        "step": step,
        **({POSITION: plain_position(position)} if uses_positions(material.front) else {}),
        **{label(metric): measure(row[metric]) for metric in metrics},
        **again,
    }

"""The front: every point in a scatter plot, to look at in any two quantities."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pareto_explorer.reports.shared.explorer_data import explorer_data
from pareto_explorer.reports.shared.legend import crowd_note, shown_families
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.runs import config_columns
from pareto_explorer.schema.columns import (
    CONFIG_PREFIX,
    POSITION,
    checkpoint_of,
    plain_position,
    uses_positions,
)
from pareto_explorer.schema.metrics import GOOD_CORNER, inline, label, measure, number
from pareto_explorer.text import count, listing, plural

__all__ = ["front_card"]

_TITLE = "The front"

_HOW_TO_READ = (
    "A point is one checkpoint of one configuration, averaged over the replicates; faded points "
    "are not selected. The front is what no other point beats in every objective."
)
_FLAT = (
    "A staircase is a family's front inside the dotted box, up to the reference point; the area "
    "behind it, for the family pointed at or shown alone, is what the family dominates. Drag to "
    "select, click to pin. With the keyboard: arrows go from point to point, Enter pins, Escape "
    "clears."
)
_DEEP = (
    "The dotted frame is the box and the plus its reference point. Drag to turn the figure, click "
    "to pin."
)
_LANDMARKS = {
    "original": "The original model is there once for each training seed.",
    "retrained": "So is the retrained one.",
    "between": (
        "Open marks show how far two retrained models are from each other: gaps of that size "
        "cannot be blamed on a method."
    ),
}


@guarded("front", _TITLE)
def front_card(material: Material) -> Card:
    """The scatter plot of all points, with the data that the points' card works on too."""
    means = material.means
    if means.empty:
        return Card("front", _TITLE, reason="No trial has given a finite point yet.")
    payload = explorer_data(material, means)
    flat = len(payload["axes"]) == 2
    return Card(
        "front",
        _TITLE,
        _sentence(material, payload, flat=flat),
        how_to_read=" ".join(filter(None, _help(material, payload, flat=flat))),
        data=_front_points(material, payload["table"]),
        context={"depth": not flat},
        payload=payload,
    )


def _sentence(material: Material, payload: dict[str, Any], *, flat: bool) -> str:
    box = material.run.box
    names = listing([inline(metric) for metric in box.metrics])
    first, second, *_ = (objective.direction for objective in box.objectives)
    good = (
        f"The {GOOD_CORNER[first, second]} corner is best."
        if flat
        else "Each axis says which end is better."
    )
    total = len(material.means)
    n_front = int(material.means["on_front"].sum())
    hidden = total - payload["rows"]
    thinned = (
        f" {count(hidden, 'dominated point')} that lie on top of others are left out."
        if hidden
        else ""
    )
    return (
        f"{names[:1].upper()}{names[1:]} of {count(total, 'point')}, of which {n_front:,} "
        f"{plural(n_front, 'is', 'are')} on the front of all families. {good}{thinned}"
    )


def _help(material: Material, payload: dict[str, Any], *, flat: bool) -> list[str]:
    kinds = [mark["kind"] for mark in payload["landmarks"]]
    return [
        crowd_note(shown_families(material), material),
        _HOW_TO_READ,
        _FLAT if flat else _DEEP,
        *(_LANDMARKS[kind] for kind in kinds),
    ]


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

"""What the front of all families would lose without a family or a knob's value."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pareto_explorer.fronts import family_contributions, knob_contributions, pooled_hypervolume
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.reports.shared.phrases import share
from pareto_explorer.schema.columns import CONFIG_PREFIX
from pareto_explorer.text import count

__all__ = ["contributions_card"]

_TITLE = "What the front would lose"

_MOST = 10
_VISIBLE = 0.0005  # what three decimals show
_HOW_TO_READ = (
    "Families that are alike take each other's contribution: a family with a large hypervolume "
    "loses little when another one reaches the same. The value over replicates is the mean of what "
    "the front of each replicate would lose. A knob's values are grouped where there are many."
)


@guarded("contributions", _TITLE)
def contributions_card(material: Material) -> Card:
    """Exclusive hypervolume by family and by knob."""
    if not material.has_points:
        return Card("contributions", _TITLE, reason="No trial has given a finite point yet.")
    points, box = material.run.points, material.run.box
    of_means = family_contributions(points, box, means=material.means)
    over = family_contributions(points, box, over="replicates")
    ranked = sorted(of_means, key=lambda name: (-of_means[name], -over[name], name))
    knobs = knob_contributions(points, box, means=material.means).sort_values(
        "contribution", ascending=False, kind="stable"
    )
    pooled = pooled_hypervolume(points, box).of_means.value
    families: list[dict[str, Any]] = [
        {"name": name, "contribution": of_means[name], "over_replicates": over[name]}
        for name in ranked
    ]
    kept = [row for row in families if max(row["contribution"], row["over_replicates"]) >= _VISIBLE]
    values = knobs.to_dict("records")
    trivial = _shared(material, values)
    telling = [row for row in values if row not in trivial]
    seen = [row for row in telling if row["contribution"] >= _VISIBLE][:_MOST]
    return Card(
        "contributions",
        _TITLE,
        f"The hypervolume of the front of all families is {share(pooled)}; this much of it nobody "
        "else would bring.",
        how_to_read=_HOW_TO_READ,
        data=_data(families, values),
        context={
            "families": kept[:_MOST],
            "no_family": _none(families, kept[:_MOST], "family", "families"),
            "knobs": seen,
            "no_knob": _none(telling, seen, "value", "values"),
            "shared": [f"{row['knob'].replace('_', ' ')} = {row['value']}" for row in trivial],
            "summary": pd.DataFrame(kept[:_MOST]).rename(
                columns={"name": "family", "over_replicates": "over replicates"}
            ),
        },
        folded=True,
    )


def _shared(material: Material, values: list[dict[Any, Any]]) -> list[dict[Any, Any]]:
    """Words that all of the front has, and most points: without them hardly anything is left."""
    front, points = material.front, len(material.means)
    front = front[~front["beyond_box"].astype(bool)]
    return [
        row
        for row in values
        for column in [row["knob"] if row["knob"] in front else f"{CONFIG_PREFIX}{row['knob']}"]
        if 2 * row["points"] > points
        and not pd.api.types.is_numeric_dtype(front[column].dtype)
        and (front[column].astype(str) == row["value"]).all()
    ]


def _data(families: list[dict[str, Any]], knobs: list[dict[Any, Any]]) -> pd.DataFrame:
    rows = [{"of": "family", "knob": "", "value": row["name"], **row} for row in families]
    rows += [{"of": "knob", **row} for row in knobs]
    columns = ["of", "knob", "value", "points", "contribution", "over_replicates"]
    return pd.DataFrame(rows).reindex(columns=columns)


def _none(every: list[Any], shown: list[Any], noun: str, plural: str) -> str:
    rest = len(every) - len(shown)
    if not rest:
        return ""
    others = (
        f"the {count(rest, noun, plural)}"
        if not shown
        else count(rest, f"other {noun}", f"other {plural}")
    )
    return f"{others[:1].upper()}{others[1:]} would be missed less or not at all."

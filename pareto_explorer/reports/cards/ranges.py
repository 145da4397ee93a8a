"""Whether the knobs' ranges were covered, and whether they were wide enough."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.reports.shared.phrases import percent

__all__ = ["ranges_card"]

_TITLE = "Were the ranges right?"

_HOW_TO_READ = (
    "A range is cut into equal parts, on its own scale: as many as the largest power of two that "
    "is at most the number of configurations. “Tried” is the share of them that hold a value, or "
    "of the options of a choice; the largest hole is the longest stretch without one. “Best” names "
    "an end of the range where the configuration with the largest hypervolume of its own lies in "
    "the outer tenth, the family loses 5 % of its hypervolume or more without that tenth, and the "
    "other configurations are better on that side too."
)


@guarded("ranges", _TITLE)
def ranges_card(material: Material) -> Card:
    """Coverage of every knob of every family, and the edges."""
    if not material.run.domains:
        return Card(
            "ranges", _TITLE, reason="The run does not record what its knobs were drawn from."
        )
    data = material.coverage.merge(
        material.edges[["family", "knob", "end"]], on=["family", "knob"], how="left"
    )
    if data.empty:
        return Card("ranges", _TITLE, reason="No knob was drawn.")
    warnings = material.range_warnings
    return Card(
        "ranges",
        _TITLE,
        "How much of each knob's range was tried, and where the best values lie at its end."
        if warnings
        else "Each knob's range was tried evenly, and no family is best at the end of one.",
        how_to_read=_HOW_TO_READ,
        data=data,
        context={
            "sentences": warnings,
            "rows": [_row(row) for row in data.to_dict("records")],
            "edges": data["end"].notna().any(),
        },
        folded=True,
    )


def _row(row: dict[Any, Any]) -> dict[str, str]:
    if row["untried"]:
        hole = f"without {row['untried']}"
    elif pd.isna(row["largest_hole"]):
        hole = ""
    else:
        hole = f"{percent(row['largest_hole'])}, {row['hole_from']:.3g} to {row['hole_to']:.3g}"
    return {
        "family": row["family"],
        "knob": row["knob"],
        "domain": row["domain"],
        "tried": percent(row["tried"]),
        "hole": hole,
        "end": "" if pd.isna(row["end"]) else f"{row['end']} end",
    }

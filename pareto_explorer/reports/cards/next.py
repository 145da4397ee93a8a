"""What to try next, by what the run has shown."""

from __future__ import annotations

import pandas as pd

from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.reports.shared.next_steps import next_steps
from pareto_explorer.text import count

__all__ = ["next_card"]

_TITLE = "What to try next"

_FEW = 4


@guarded("next", _TITLE)
def next_card(material: Material) -> Card:
    """What applies of a fixed list, the most important first."""
    steps = next_steps(material)
    if not steps and material.validation_means.empty:
        return Card("next", _TITLE, reason="No trial has given a finite point yet.")
    if not steps:
        return Card(
            "next",
            _TITLE,
            "Nothing stands out: all trials ended well, no range ends too early, and the leading "
            "family is told from the others.",
        )
    return Card(
        "next",
        _TITLE,
        f"{count(len(steps), 'suggestion')} from the numbers of this run, the most important first."
        if len(steps) > 1
        else "One suggestion from the numbers of this run.",
        context={
            "steps": steps[:_FEW],
            "others": steps[_FEW:],
            "summary": pd.DataFrame([step._asdict() for step in steps]).drop(columns="card"),
        },
    )

"""Trials that did not end well, and why."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from pareto_explorer.figures.shared.hover import told_knobs
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.schema.columns import CONFIG_PREFIX, checkpoint_of
from pareto_explorer.schema.metrics import number
from pareto_explorer.schema.statuses import DIVERGED, FAILED, RUNNING
from pareto_explorer.text import count

__all__ = ["failures_card"]

_TITLE = "Failures"

_BAD = (FAILED, DIVERGED, RUNNING)
_SAID = {RUNNING: "not finished"}
_NO_MESSAGE = {
    DIVERGED: "a loss or a metric was no longer finite",
    RUNNING: "it has not ended yet, or was interrupted",
}
_HOW_TO_READ = (
    "Trials that ended for the same reason stand together; numbers in a message do not make it "
    "another reason. The command runs the trial's last point again, in one replicate."
)


@guarded("failures", _TITLE)
def failures_card(material: Material) -> Card:
    """Failed, diverged and unfinished trials, with their errors, by cause."""
    trials = material.trials
    bad = trials[trials["trial_status"].isin(_BAD)]
    total = material.unfinished[1]
    waiting = total - len(trials)
    if bad.empty:
        ended = count(len(trials), "trial")
        reason = f"None: all {ended} ended as they should."
        if trials.empty:
            reason = "No trial has ended yet."
        elif waiting:
            reason = f"None of the {ended} that ended; {waiting:,} of {total:,} have not started."
        return Card("failures", _TITLE, reason=reason)
    knobs = told_knobs(trials)
    rows = [_row(material, row, knobs) for row in bad.to_dict("records")]
    data = pd.DataFrame(rows).drop(columns=["again", "place"])
    return Card(
        "failures",
        _TITLE,
        f"{count(len(bad), 'trial')} of {total:,} did not run to the end"
        f"{f', and {waiting:,} have not started' if waiting else ''}. Points evaluated "
        "before that count like all others where every replicate has them.",
        how_to_read=_HOW_TO_READ if material.run.repeatable else "",
        data=data,
        context={"causes": _causes(rows)},
    )


def _row(material: Material, row: dict[Any, Any], knobs: list[str]) -> dict[str, Any]:
    status, trial = row["trial_status"], row["trial_id"]
    error = "" if pd.isna(row["error"]) else str(row["error"])
    settings = (
        f"{knob.removeprefix(CONFIG_PREFIX)} = {number(row[knob])}"
        for knob in knobs
        if not pd.isna(row[knob])
    )
    again = ""
    if material.run.repeatable and status != RUNNING:
        again = material.reproduce(trial, int(row["replicate"]), *checkpoint_of(row)[1:])
    return {
        "trial": trial,
        "family": row["family"],
        "status": _SAID.get(status, status),
        "step": int(row["step"]),
        "configuration": ", ".join(settings),
        "error": error or _NO_MESSAGE.get(status, "no message was kept"),
        "again": again,
        "place": _place(material, trial),
    }


def _place(material: Material, trial: str) -> str:
    """Where the traceback is, as the user would open it; empty where none was kept."""
    run, own = material.run.locate(trial)
    file = run.directory.path / "errors" / f"{own}.txt"
    return f"{run.shown.rstrip('/')}/errors/{own}.txt" if file.is_file() else ""


def _causes(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with the same status and message together, the largest group first."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["status"], re.sub(r"\d+", "#", row["error"])), []).append(row)
    found = [
        {"status": status, "error": members[0]["error"], "rows": members}
        for (status, _), members in groups.items()
    ]
    return sorted(found, key=lambda cause: -len(cause["rows"]))

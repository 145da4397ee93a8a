"""Trials that did not end well."""

from __future__ import annotations

import pandas as pd

from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.schema.statuses import DIVERGED, FAILED, RUNNING
from pareto_explorer.text import count

__all__ = ["failures_card"]

_TITLE = "Failures"

_BAD = (FAILED, DIVERGED, RUNNING)


@guarded("failures", _TITLE)
def failures_card(material: Material) -> Card:
    """Failed, diverged and unfinished trials, with their errors."""
    trials = material.trials
    bad = trials[trials["trial_status"].isin(_BAD)]
    total = material.unfinished[1]
    waiting = total - len(trials)
    if bad.empty:
        ended = count(len(trials), "trial")
        reason = f"None: all {ended} ended as they should."
        if waiting:
            reason = f"None of the {ended} that ended; {waiting:,} of {total:,} have not started."
        return Card("failures", _TITLE, reason=reason)
    data = pd.DataFrame(
        [
            {
                "trial": row["trial_id"],
                "family": row["family"],
                "status": {RUNNING: "not finished"}.get(row["trial_status"], row["trial_status"]),
                "step": int(row["step"]),
                "error": "" if pd.isna(row["error"]) else row["error"],
            }
            for row in bad.to_dict("records")
        ]
    )
    return Card(
        "failures",
        _TITLE,
        f"{count(len(bad), 'trial')} of {total:,} did not run to the end"
        f"{f', and {waiting:,} have not started' if waiting else ''}. Points evaluated "
        "before that count like all others where every replicate has them.",
        data=data,
        context={"rows": data.to_dict("records")},
    )

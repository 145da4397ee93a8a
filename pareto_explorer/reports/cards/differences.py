"""The leading family against each other one, replicate by replicate."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pareto_explorer.figures import DifferenceInfo, difference_info, draw_difference
from pareto_explorer.figures.frame import NEAR, WHOLE
from pareto_explorer.fronts import Comparison
from pareto_explorer.fronts.statistics.comparison import SEPARABLE_FROM
from pareto_explorer.fronts.statistics.to_forget import NO_RANKING
from pareto_explorer.reports.cards.finding import verdict_pending
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.reports.shared.phrases import p_value, percent, share, signed
from pareto_explorer.text import count

__all__ = ["differences_card"]

_TITLE = "Is the lead real?"

_HOW_TO_READ = (
    "Replicates share the original model and the random numbers, so the difference within each is "
    "less noisy than the hypervolumes. Dots are the replicates, the line is their mean and the bar "
    "{bounds}; the dotted line is no difference."
)
_HOLDS = (
    "Which configurations were drawn moves a hypervolume too: a lead holds in so many of the "
    "half-samples of the configurations (a random half of each family's, where a knob is common "
    "the same half)."
)
_CORRECTED = (
    "The corrected p-value accounts for all {pairs} of the run (Westfall and Young); a pair is "
    "distinguishable where it is at most 0.05 and the lead holds in at least 95 % of the "
    "half-samples. The other p-value is Wilcoxon's for this pair alone."
)
_TOO_FEW = (
    "With fewer than {needed} replicates no difference can be significant after correction, so "
    "there are no p-values."
)
_FIGURE = (
    "In the figure, a tinted part of the box is reached in more replicates by the family of that "
    "colour, the stronger the tint the more; the lines are the two median fronts."
)


@guarded("differences", _TITLE)
def differences_card(material: Material) -> Card:
    """The table of paired differences, and where the two leading families differ."""
    if not material.has_points:
        return Card("differences", _TITLE, reason="No trial has given a finite point yet.")
    if material.nothing_to_forget:
        return Card("differences", _TITLE, reason=NO_RANKING)
    pairs = material.comparisons
    if not pairs:
        reason = (
            "No two families were run in the same replicate."
            if len(material.hypervolumes) > 1
            else "There are no two families to compare."
        )
        return Card("differences", _TITLE, reason=reason)
    leader = pairs[0].first
    against = [pair for pair in pairs if pair.first == leader]
    n = max(len(pair.differences) for pair in against)
    if n < 2:
        reason = "With one replicate, nothing tells a lead from chance; run at least two."
        return Card("differences", _TITLE, reason=reason)
    tested = n >= SEPARABLE_FROM
    fullest = next(pair for pair in against if len(pair.differences) == n)
    bootstrap = fullest.interval.kind == "bootstrap"
    bounds = f"the {fullest.interval.words()} of the mean" if bootstrap else "their range"
    verdict = (
        _CORRECTED.format(pairs=count(len(pairs), "pair"))
        if tested
        else (_TOO_FEW.format(needed=SEPARABLE_FROM))
    )
    help_text = f"{_HOW_TO_READ.format(bounds=bounds)} {_HOLDS} {verdict}"
    fewer = any(len(pair.differences) < n for pair in against)
    paired = f"up to {count(n, 'replicate')}" if fewer else count(n, "replicate")
    pending = f" {verdict_pending(material.unfinished)}" if material.unfinished[0] else ""
    info = _where(material, against[0])
    rows = [_row(pair, tested=tested) for pair in against]
    return Card(
        "differences",
        _TITLE,
        f"The hypervolume of {leader}, which has the largest mean, minus that of each other "
        f"family, paired over {paired}{' in which both were run' if fewer else ''}.{pending}",
        how_to_read=f"{help_text} {_FIGURE}" if info else help_text,
        data=_data(pairs),
        draw=(lambda theme: draw_difference(info, theme=theme)) if info else None,
        context={
            "rows": rows,
            "tested": tested,
            "drawn": any(pair.draw_share is not None for pair in against),
            "bounds": "95 % over seeds" if bootstrap else "Range over seeds",
            "span": _span(against),
            "families": [{"name": name, "shown": True} for name in (leader, against[0].second)],
            "views": (NEAR, WHOLE),
            "summary": pd.DataFrame(
                [
                    {
                        "against": row["family"],
                        "difference": row["mean"],
                        "lowest": row["low"],
                        "highest": row["high"],
                        "ahead in": row["ahead"],
                        "holds in half-samples": row["holds"],
                        **({"corrected p": row["corrected"]} if tested else {}),
                    }
                    for row in rows
                ]
            ),
        },
    )


def _where(material: Material, pair: Comparison) -> DifferenceInfo | None:
    """Where the two leading families differ, with two objectives."""
    box = material.run.box
    if len(box.objectives) != 2:
        return None
    return difference_info(
        material.run.points, box, pair.first, pair.second, attainment=material.attainment
    )


def _row(pair: Comparison, *, tested: bool) -> dict[str, Any]:
    n = len(pair.differences)
    ahead = sum(value > 0 for value in pair.differences.values())
    return {
        "family": pair.second,
        "mean": signed(pair.mean),
        "value": pair.mean,
        "low": signed(pair.interval[0]),
        "high": signed(pair.interval[1]),
        "ends": tuple(pair.interval),
        "differences": list(pair.differences.values()),
        "ahead": f"{ahead} of {n}",
        "probability": share(pair.probability),
        "holds": "no draw" if pair.draw_share is None else percent(pair.draw_share),
        "wilcoxon": p_value(pair.wilcoxon) if tested else "",
        "corrected": p_value(pair.corrected) if tested and n >= SEPARABLE_FROM else "",
        "distinguishable": pair.distinguishable,
    }


def _span(pairs: list[Comparison]) -> tuple[float, float]:
    """The ends of the strips: all differences and none."""
    values = [v for pair in pairs for v in (*pair.differences.values(), *pair.interval, 0.0)]
    low, high = min(values), max(values)
    return low, high if high > low else low + 1.0


def _data(pairs: list[Comparison]) -> pd.DataFrame:
    """All pairs, not only those of the leader."""
    return pd.DataFrame(
        [
            {
                "first": pair.first,
                "second": pair.second,
                "difference": pair.mean,
                "lowest": pair.interval[0],
                "highest": pair.interval[1],
                "interval": pair.interval.kind,
                "interval_covers": "seeds",
                "replicates": len(pair.differences),
                "probability_of_improvement": pair.probability,
                "wilcoxon": pair.wilcoxon,
                "corrected": pair.corrected,
                "holds_in_half_samples": pair.draw_share,
                "distinguishable": pair.distinguishable,
            }
            for pair in pairs
        ]
    )

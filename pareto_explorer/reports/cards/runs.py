"""The same family in two runs, replicate by replicate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pareto_explorer.fronts import Comparison
from pareto_explorer.fronts.statistics.comparison import (
    SEPARABLE_FROM,
    compare_pairs,
    without_verdict,
)
from pareto_explorer.fronts.statistics.to_forget import NO_RANKING
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.reports.shared.phrases import p_value, percent, share, signed
from pareto_explorer.runs import config_columns
from pareto_explorer.schema.columns import MEMBER
from pareto_explorer.text import count, listing

__all__ = ["runs_card"]

_TITLE = "Run against run"

_HOW_TO_READ = (
    "Each row is one family, its hypervolume in the second run minus that in the first: dots are "
    "the replicates, paired by their seeds, the line is their mean and the bar {bounds}; the "
    "dotted line is no difference. {verdict}"
)
_TESTED = (
    "The corrected p-value flips the signs of whole replicates and accounts for all families of "
    "the pair (Westfall and Young); a family differs where it is at most 0.05 and the difference "
    "holds in at least 95 % of the half-samples of the configurations."
)
_TOO_FEW = f"With fewer than {SEPARABLE_FROM} replicates no difference can be significant."
_DRAWS = (
    " Where a family's configurations were drawn anew, the difference within a seed does not "
    "include what that draw did: “Holds in half-samples” is the share of random halves of both "
    "draws in which the same run is ahead."
)


@guarded("runs", _TITLE)
def runs_card(material: Material) -> Card:
    """The first run against each other one; where there is one run, nothing."""
    members = material.run.members
    if not members:
        return Card("runs", _TITLE, absent=True)
    if not material.has_points:
        return Card("runs", _TITLE, reason="No trial has given a finite point yet.")
    if material.nothing_to_forget:
        return Card("runs", _TITLE, reason=NO_RANKING)
    first, *others = members
    pairs = [_pair(material, first, other) for other in others]
    compared = [row for pair in pairs for row in pair.rows]
    bootstrap = any(row.interval.kind == "bootstrap" for row in compared)
    tested = any(row.wilcoxon is not None for row in compared)
    redrawn = any(pair.drawn[row.first] for pair in pairs for row in pair.rows)
    bounds = "the 95 % bootstrap interval of that mean" if bootstrap else "their range"
    explained = _HOW_TO_READ.format(bounds=bounds, verdict=_TESTED if tested else _TOO_FEW)
    data = pd.DataFrame([_data(pair, row) for pair in pairs for row in pair.rows])
    return Card(
        "runs",
        _TITLE,
        " ".join(pair.sentence for pair in pairs),
        how_to_read=explained + _DRAWS * redrawn,
        data=data,
        context={
            "pairs": [_shown(pair, tested=tested) for pair in pairs],
            "tested": tested,
            "bounds": "95 % over seeds" if bootstrap else "Range over seeds",
            "span": _span(compared),
        },
    )


@dataclass(frozen=True)
class _Pair:
    """Two runs: their common families compared, and what either has alone.

    Attributes:
        first: The name of the run that others are compared with.
        second: The other one.
        rows: The second minus the first, by family, the largest difference first.
        drawn: By the family's name in the second run, what is to say of its configurations.
        alone: The families that one of them lacks, by run.
        changes: Where the specifications differ: the entry and its value in either.
    """

    first: str
    second: str
    rows: Sequence[Comparison]
    drawn: Mapping[str, str]
    alone: Mapping[str, list[str]]
    changes: Sequence[tuple[str, str, str]]

    @property
    def sentence(self) -> str:
        """What the comparison has found."""
        names = f"{self.second} against {self.first}"
        if not self.rows:
            return f"{names}: no family was run in both, in replicates of the same seeds."
        apart = [row for row in self.rows if row.distinguishable]
        n = max(len(row.differences) for row in self.rows)
        common = f"{names}, {count(len(self.rows), 'common family', 'common families')}"
        if n < SEPARABLE_FROM:
            replicates = count(n, "replicate")
            return f"{common}: {replicates} cannot tell them apart; it takes {SEPARABLE_FROM}."
        if not apart:
            return f"{common}: none can be told apart over {n} replicates."
        better = [_own(row.first) for row in apart if row.mean > 0]
        worse = [_own(row.first) for row in apart if row.mean < 0]
        said = [f"{listing(better)} better in {self.second}"] if better else []
        said += [f"{listing(worse)} better in {self.first}"] if worse else []
        rest = len(self.rows) - len(apart)
        said += [f"of {rest} nothing can be told"] if rest else []
        return f"{common}: {'; '.join(said)}."


def _pair(material: Material, first: str, second: str) -> _Pair:
    own = {
        run: [_own(name) for name in material.hypervolumes if name.startswith(f"{run}{MEMBER}")]
        for run in (first, second)
    }
    common = [family for family in own[second] if family in own[first]]
    names = [(f"{second}{MEMBER}{family}", f"{first}{MEMBER}{family}") for family in common]
    rows = compare_pairs(material.hypervolumes, names)
    if material.unfinished[0]:
        rows = without_verdict(rows)
    return _Pair(
        first,
        second,
        sorted(rows, key=lambda row: -abs(row.mean)),
        {one: _draws(material, one, other) for one, other in names},
        {
            first: [family for family in own[first] if family not in common],
            second: [family for family in own[second] if family not in common],
        },
        _changes(*(material.run.members[run].manifest.get("spec", {}) for run in (first, second))),
    )


def _own(family: str) -> str:
    return family.split(MEMBER, 1)[1]


def _draws(material: Material, one: str, other: str) -> str:
    """Says that two runs of a family differ in the configurations, empty where they do not."""
    points = material.run.points
    trials = points.drop_duplicates("trial_id")
    knobs = config_columns(points)
    drawn = [
        {tuple(row) for row in rows[knobs].round(9).astype(str).itertuples(index=False)}
        for rows in (trials[trials["family"] == name] for name in (one, other))
    ]
    if drawn[0] == drawn[1]:
        return ""
    shared = len(drawn[0] & drawn[1])
    counts = " and ".join(str(len(found)) for found in reversed(drawn))
    return f"{counts} configurations, {f'{shared} of them the same' if shared else 'none the same'}"


def _changes(first: Any, second: Any, where: str = "") -> list[tuple[str, str, str]]:
    """The entries in which two specifications differ, innermost."""
    if first == second:
        return []
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        keys = dict.fromkeys([*first, *second])
        return [
            change
            for key in keys
            for change in _changes(
                first.get(key), second.get(key), f"{where}.{key}" if where else str(key)
            )
        ]
    if where == "families":
        return []  # which families either has is told by name
    return [(where, _brief(first), _brief(second))]


def _brief(value: Any) -> str:
    return "not set" if value is None else str(value)


def _shown(pair: _Pair, *, tested: bool) -> dict[str, Any]:
    return {
        "title": f"{pair.second} minus {pair.first}",
        "first": pair.first,
        "second": pair.second,
        "rows": [_row(pair, row, tested=tested) for row in pair.rows],
        "redrawn": any(pair.drawn[row.first] for row in pair.rows),
        "alone": {run: families for run, families in pair.alone.items() if families},
        "changes": pair.changes,
    }


def _row(pair: _Pair, row: Comparison, *, tested: bool) -> dict[str, Any]:
    n = len(row.differences)
    enough = tested and n >= SEPARABLE_FROM
    return {
        "family": _own(row.first),
        "styled": row.first,
        "mean": signed(row.mean),
        "value": row.mean,
        "ends": tuple(row.interval),
        "differences": list(row.differences.values()),
        "low": signed(row.interval[0]),
        "high": signed(row.interval[1]),
        "better": f"{sum(value > 0 for value in row.differences.values())} of {n}",
        "drawn": pair.drawn[row.first],
        "holds": "no draw" if row.draw_share is None else percent(row.draw_share),
        "corrected": p_value(row.corrected) if enough else "",
        "differs": row.distinguishable,
    }


def _span(rows: Sequence[Comparison]) -> tuple[float, float]:
    """The ends of the strips: all differences and none."""
    values = [v for row in rows for v in (*row.differences.values(), *row.interval)]
    low, high = min([*values, 0.0]), max([*values, 0.0])
    return low, high if high > low else low + 1.0


def _data(pair: _Pair, row: Comparison) -> dict[str, Any]:
    return {
        "family": _own(row.first),
        "run": pair.second,
        "against": pair.first,
        "difference": row.mean,
        "lowest": row.interval[0],
        "highest": row.interval[1],
        "interval": row.interval.kind,
        "replicates": len(row.differences),
        "wilcoxon": row.wilcoxon,
        "corrected": row.corrected,
        "holds_in_half_samples": row.draw_share,
        "configurations": pair.drawn[row.first] or "the same",
        "distinguishable": row.distinguishable,
        **{f"replicate {r}": share(value) for r, value in row.differences.items()},
    }

"""How much of each knob's range was tried."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.fronts.core.domains import KnobDomain
from pareto_explorer.fronts.statistics.knobs import present
from pareto_explorer.schema.columns import CONFIG_PREFIX
from pareto_explorer.text import listing

__all__ = ["coverage_sentences", "knob_coverage"]

_COLUMNS = [
    "family",
    "knob",
    "domain",
    "configurations",
    "parts",
    "tried",
    "largest_hole",
    "hole_from",
    "hole_to",
    "untried",
    "poor",
]
_POOR = 0.75
_NAMED = 2


def knob_coverage(
    points: pd.DataFrame, domains: Mapping[str, Mapping[str, KnobDomain]]
) -> pd.DataFrame:
    """Says for each knob of each family how much of its range was tried.

    A range is cut into as many equal parts as the largest power of two that is at most the number
    of configurations, on the domain's own scale; balanced draws reach each of them. What is tried
    is the share of these parts that hold a value. A choice is measured by its options: the share
    of those tried, of as many as could be.

    Args:
        points: A points table.
        domains: By family and knob.

    Returns:
        One row per family and drawn knob: ``family``, ``knob``, ``domain`` in words,
        ``configurations``, ``parts``, the share ``tried``, the ``largest_hole`` as a share of the
        range, with the values or ends that it lies between (``hole_from``, ``hole_to``; NaN for a
        choice), the options ``untried`` (empty for a range), and whether the coverage is ``poor``:
        less than three quarters, or a single configuration.
    """
    trials = points.drop_duplicates("trial_id")
    rows = [
        {"family": family, "knob": knob, "domain": str(domain)} | _covered(values, domain)
        for family, knobs in domains.items()
        for knob, domain in knobs.items()
        for values in [_values(trials[trials["family"] == family], knob)]
        if len(values)
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def coverage_sentences(coverage: pd.DataFrame) -> list[str]:
    """Warns of what was poorly covered, families with the same holes together.

    Args:
        coverage: What ``knob_coverage`` gives.
    """
    poor = coverage[coverage["poor"].astype(bool)]
    same = [name for name in _COLUMNS if name not in ("family", "poor")]
    return [
        f"{row['knob']} of {listing(list(families), _NAMED)}: {_words(row)}"
        for row, families in (
            (group.iloc[0], group["family"])
            for _, group in poor.groupby(same, sort=False, dropna=False)
        )
    ]


def _words(row: pd.Series[Any]) -> str:
    if row["configurations"] == 1:
        return f"one value of {row['domain']} was tried, which says nothing of the others."
    if row["untried"]:
        return f"of {row['domain']}, {row['untried']} was never tried."
    tried = round(row["tried"] * row["parts"])
    return (
        f"only {tried} of {row['parts']} equal parts of {row['domain']} tried, and nothing between "
        f"{row['hole_from']:.3g} and {row['hole_to']:.3g}."
    )


def _values(trials: pd.DataFrame, knob: str) -> pd.Series[Any]:
    column = f"{CONFIG_PREFIX}{knob}"
    if column not in trials:
        return pd.Series([], dtype=object)
    return trials[column][present(trials[column])]


def _recorded(option: Any) -> set[Any]:
    """How the points table may hold an option."""
    return {json.dumps(option)} if isinstance(option, list | dict) else {option, str(option)}


def _covered(values: pd.Series[Any], domain: KnobDomain) -> dict[str, Any]:
    n = len(values)
    if domain.options:
        found = {str(value) for value in values} | set(values)
        untried = [option for option in domain.options if not _recorded(option) & found]
        parts = min(n, len(domain.options))
        tried = min((len(domain.options) - len(untried)) / parts, 1.0)
        hole: dict[str, Any] = dict.fromkeys(["largest_hole", "hole_from", "hole_to"], np.nan)
    else:
        numbers = np.sort(values.to_numpy(dtype=np.float64))
        untried, parts = [], 2 ** (n.bit_length() - 1)
        stretches = domain.positions(numbers)
        tried, hole = _tried(stretches, parts), _hole(numbers, stretches, domain)
    return {
        "configurations": n,
        "parts": parts,
        "tried": tried,
        **hole,
        "untried": listing([str(option) for option in untried]) if untried else "",
        "poor": n == 1 or tried < _POOR,
    }


def _tried(stretches: NDArray[np.float64], parts: int) -> float:
    """The share of equal parts that some stretch reaches into."""
    first = np.minimum(np.floor(stretches[:, 0] * parts), parts - 1)
    last = np.maximum(np.ceil(stretches[:, 1] * parts) - 1, first)
    number = np.arange(parts)[:, np.newaxis]
    return float(((first <= number) & (number <= last)).any(axis=1).mean())


def _hole(
    numbers: NDArray[np.float64], stretches: NDArray[np.float64], domain: KnobDomain
) -> dict[str, float]:
    """The widest gap between neighbouring stretches or the ends of the range."""
    low, high = domain.arguments[:2] if domain.bounded else (-np.inf, np.inf)
    gaps = np.append(stretches[:, 0], 1.0) - np.insert(stretches[:, 1], 0, 0.0)
    widest = int(np.argmax(gaps))
    return {
        "largest_hole": float(max(gaps[widest], 0.0)),
        "hole_from": float(np.insert(numbers, 0, low)[widest]),
        "hole_to": float(np.append(numbers, high)[widest]),
    }

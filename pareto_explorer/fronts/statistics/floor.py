"""The retrain floor: how far two retrained models are from each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.validation_twins import validation_box
from pareto_explorer.fronts.statistics.cross_fitting import checkpoints
from pareto_explorer.schema.metrics import METRICS, as_measured, inline, tokens_in
from pareto_explorer.text import families, listing, plural

__all__ = [
    "RetrainFloor",
    "between_retrained",
    "families_inside",
    "floor_sentence",
    "mean_between_retrained",
    "retrain_floor",
]

_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class RetrainFloor:
    """How far retrained models are from each other, one row per pair of training seeds.

    Attributes:
        metrics: The m objectives' metrics.
        distances: (pairs, m) in metric units: for a gap, the gap that the one model would have if
            the other were its target; for another metric, the absolute difference.
        mean: (m,), the mean over the pairs.
    """

    metrics: tuple[str, ...]
    distances: NDArray[np.float64]
    mean: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "metrics": list(self.metrics),
            "pairs": len(self.distances),
            "mean": list(self.mean),
        }


def between_retrained(
    landmarks: pd.DataFrame, metrics: Sequence[str]
) -> tuple[NDArray[np.float64], list[tuple[int, int]]]:
    """Places each pair of retrained models among points whose metrics are gaps.

    Args:
        landmarks: A landmarks table.
        metrics: The m metrics of the axes.

    Returns:
        (pairs, m) and the training seeds of each pair: a gap is the distance of the two, another
        metric their mean. No pairs if no metric is a gap, or if one needs the models' predictions.
    """
    if not any(map(_is_gap, metrics)):
        return np.empty((0, len(metrics))), []
    return _pairs(landmarks, metrics, others="mean")


def retrain_floor(landmarks: pd.DataFrame, box: Box) -> RetrainFloor | None:
    """Measures how far two retrained models are from each other in each objective.

    Args:
        landmarks: A landmarks table.
        box: The objectives.

    Returns:
        The floor; None where there are not two retrained models of different training seeds, or
        where an objective cannot be computed from two models' metrics.
    """
    distances, _ = _pairs(landmarks, box.metrics, others="distance")
    if not len(distances):
        return None
    return RetrainFloor(box.metrics, distances, tuple(distances.mean(axis=0).tolist()))


def mean_between_retrained(landmarks: pd.DataFrame, metric: str) -> float | None:
    """The retrain floor of one metric: the mean distance over pairs of training seeds.

    Args:
        landmarks: A landmarks table.
        metric: The metric.

    Returns:
        The distance in metric units; None where ``retrain_floor`` has none.
    """
    distances, _ = _pairs(landmarks, [metric], others="distance")
    return float(distances.mean()) if len(distances) else None


def families_inside(points: pd.DataFrame, landmarks: pd.DataFrame, box: Box) -> dict[str, bool]:
    """Tells which families come as near to the retrained model as another retrained model.

    A gap is a distance to the retrained model of the same replicate already; for another metric
    the distance is the absolute difference from that model's value. Of many checkpoints one is
    near by chance, so what is judged is not the nearest of all: in each replicate, the checkpoint
    counts that is nearest in the others, by the validation twins of the objectives where there are
    any, in units of the floor and in the objective in which it is farthest. With one replicate the
    twins alone choose. Distances are averaged over the replicates, as the floor is over pairs. Only
    checkpoints count that are usable in every replicate of the table, each of which has a retrained
    model.

    Args:
        points: A points table.
        landmarks: A landmarks table.
        box: The objectives.

    Returns:
        For each family, sorted by name, whether its checkpoints so chosen are at most the mean
        floor away in every objective; empty where there is no floor.

    Raises:
        InputError: An objective is no column of the table.
    """
    floor = retrain_floor(landmarks, box)
    if floor is None:
        return {}
    table = checkpoints(points, box)
    measured = _distances(table.values, table.replicates, landmarks, box)
    looked_at, units = measured, floor.mean
    if table.twins is not None:
        twins = validation_box(points, box)
        twin_floor = retrain_floor(landmarks, twins)
        if twin_floor is not None:
            looked_at = _distances(table.twins, table.replicates, landmarks, twins)
            units = twin_floor.mean
    complete = ~np.isnan(measured).any(axis=(1, 2)) & ~np.isnan(looked_at).any(axis=(1, 2))
    scaled = looked_at / np.maximum(units, _ROUNDING)
    found = {}
    for family in sorted(points["family"].unique()):
        own = complete & (table.family == family)
        found[str(family)] = bool(own.any()) and bool(
            (_chosen(scaled[own], measured[own]) <= np.array(floor.mean) + _ROUNDING).all()
        )
    return found


def floor_sentence(
    floor: RetrainFloor | None, inside: Mapping[str, bool], replicates: int = 0
) -> str:
    """Says how far two retrained models are from each other, and which families are nearer.

    Args:
        floor: What ``retrain_floor`` returns.
        inside: What ``families_inside`` returns.
        replicates: Their number; not told unless given.
    """
    if floor is None:
        return (
            "There is no retrain floor to compare with: it takes two retrained models of different "
            "training seeds, and objectives that follow from the metrics of two models."
        )
    names = [name for name, near in inside.items() if near]
    who = families(names) or "No family"
    verb = plural(max(len(names), 1), "comes", "come")
    over = f", on average over {replicates} replicates" if names and replicates > 1 else ""
    distances = [
        f"{value:.3g} in {inline(metric)}"
        for metric, value in zip(floor.metrics, floor.mean, strict=True)
    ]
    pairs = len(floor.distances)
    apart = f", on average over {pairs} pairs of training seeds" if pairs > 1 else ""
    more = " An attacker who looks at each sample may see more: an audit tries." if names else ""
    return (
        f"{who} {verb} as near to the retrained model as another retrained model does{over}: two "
        f"of them are {listing(distances)} apart{apart}.{more}"
    )


def _is_gap(metric: str) -> bool:
    """Whether it is a mean of distances, which those metrics of two models give anew."""
    return metric in METRICS and bool(METRICS[metric].over)


def _averaged(metric: str, tokens: bool) -> list[str]:
    """The metrics over which it is a mean of distances, if it is one."""
    row = as_measured(metric, tokens)
    return list(row.over) if row else []


def _is_other_distance(metric: str) -> bool:
    """Whether it is another distance to the retrained model, which two models' rows do not give."""
    return metric in METRICS and METRICS[metric].needs_retrained and not METRICS[metric].over


def _chosen(scaled: NDArray[np.float64], measured: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean distance of what the other replicates choose in each one.

    Args:
        scaled: (n, r, m) distances to choose by, in units of the floor.
        measured: (n, r, m) distances to tell.

    Returns:
        (m,)
    """
    n_replicates = scaled.shape[1]
    if n_replicates == 1:
        return np.asarray(measured[scaled[:, 0].max(axis=1).argmin(), 0])
    others = (scaled.sum(axis=1, keepdims=True) - scaled) / (n_replicates - 1)
    best = others.max(axis=2).argmin(axis=0)
    return np.asarray(measured[best, np.arange(n_replicates)].mean(axis=0))


def _distances(
    values: NDArray[np.float64], replicates: Sequence[int], landmarks: pd.DataFrame, box: Box
) -> NDArray[np.float64]:
    """Distances to the retrained model of the same replicate, (n, r, m); NaN without one."""
    targets = landmarks[landmarks["landmark"] == "retrained"].set_index("replicate")
    distances = values.copy()
    for column, metric in enumerate(box.metrics):
        if not _is_gap(metric):
            own = targets[metric].reindex(list(replicates)).to_numpy(dtype=np.float64)
            distances[:, :, column] = np.abs(distances[:, :, column] - own)
    return distances


def _pairs(
    landmarks: pd.DataFrame, metrics: Sequence[str], *, others: str
) -> tuple[NDArray[np.float64], list[tuple[int, int]]]:
    tokens = tokens_in(landmarks.columns)
    parts = {metric: _averaged(metric, tokens) or [metric] for metric in metrics}
    needed = sorted({part for names in parts.values() for part in names})
    known = set(needed).issubset(landmarks.columns)
    if not known or any(map(_is_other_distance, metrics)):
        return np.empty((0, len(metrics))), []
    retrained = landmarks[landmarks["landmark"] == "retrained"].drop_duplicates("training_seed")
    finite = np.isfinite(retrained[needed].to_numpy(dtype=np.float64)).all(axis=1)
    retrained = retrained[finite]
    seeds = [int(seed) for seed in retrained["training_seed"]]
    first, second = np.array(list(combinations(range(len(seeds)), 2)), int).reshape(-1, 2).T
    columns = []
    for metric, names in parts.items():
        values = retrained[names].to_numpy(dtype=np.float64)
        a, b = values[first], values[second]
        mean = others == "mean" and not _is_gap(metric)
        columns.append(((a + b) / 2 if mean else np.abs(a - b)).mean(axis=1))
    return np.stack(columns, axis=1), list(combinations(seeds, 2))

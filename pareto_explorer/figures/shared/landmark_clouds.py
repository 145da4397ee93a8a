"""The landmarks as clouds of points: one for each training seed, never a single dot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from pareto_explorer.figures.shared.hover import landmark_hover
from pareto_explorer.fronts.statistics.floor import between_retrained
from pareto_explorer.runs import metric_columns

__all__ = ["LandmarkCloud", "landmark_clouds"]


class LandmarkCloud(NamedTuple):
    """Landmarks of one kind, in metric units: ``values`` is (n, number of objectives)."""

    kind: str
    title: str
    values: npt.NDArray[np.float64]
    hover: tuple[str, ...]


def landmark_clouds(landmarks: pd.DataFrame, metrics: Sequence[str]) -> tuple[LandmarkCloud, ...]:
    """The original models, the retrained models, and the retrained ones against each other.

    A gap is a distance to the retrained model of the same replicate, so each retrained model has
    a gap of zero to itself. How far apart two retrained models are is what says which gaps no
    method can be blamed for: that is the third cloud, one point for each pair of training seeds.

    Args:
        landmarks: Landmarks table.
        metrics: The metrics of the axes.

    Returns:
        The clouds that have points, in the order above.
    """
    clouds = [
        _own(landmarks, "original", "Original model", metrics),
        _own(landmarks, "retrained", "Retrained model", metrics),
        _between(landmarks, metrics),
    ]
    return tuple(cloud for cloud in clouds if len(cloud.values))


def _own(landmarks: pd.DataFrame, kind: str, title: str, metrics: Sequence[str]) -> LandmarkCloud:
    columns = list(metrics)
    landmarks = landmarks.reindex(columns=landmarks.columns.union(columns, sort=False))
    table = _seeds_once(landmarks, kind).dropna(subset=columns)
    measured = metric_columns(landmarks)
    hover = tuple(
        landmark_hover(
            title,
            f"training seed {row['training_seed']}",
            [(m, row[m]) for m in measured if not pd.isna(row[m])],
        )
        for row in table.to_dict("records")
    )
    return LandmarkCloud(kind, title, table[columns].to_numpy(float), hover)


def _between(landmarks: pd.DataFrame, metrics: Sequence[str]) -> LandmarkCloud:
    title = "Retrained models, each against another"
    values, pairs = between_retrained(landmarks, metrics)
    hover = tuple(
        landmark_hover(
            title, f"training seeds {a} and {b}", zip(metrics, point.tolist(), strict=True)
        )
        for (a, b), point in zip(pairs, values, strict=True)
    )
    return LandmarkCloud("between", title, values, hover)


def _seeds_once(landmarks: pd.DataFrame, kind: str) -> pd.DataFrame:
    return landmarks[landmarks["landmark"] == kind].drop_duplicates("training_seed")

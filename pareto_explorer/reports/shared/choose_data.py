"""What the card that chooses works on: every model that a rule can take, in full precision."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from pareto_explorer.fronts import Box, objective_values
from pareto_explorer.fronts.selection.one_standard_error import knob_counts, replicate_values
from pareto_explorer.reports.shared.packing import pack_numbers, pack_text
from pareto_explorer.runs import config_columns
from pareto_explorer.schema.columns import CONFIG_PREFIX, POSITION, STD_SUFFIX
from pareto_explorer.schema.metrics import inline, label, number

__all__ = ["candidates", "choose_data"]

_ROWS = 1_000
_DIGITS = 7  # significant digits of what is only shown
_SPREAD_DIGITS = 4


def choose_data(
    points: pd.DataFrame,
    means: pd.DataFrame,
    box: Box,
    validation: Box,
    metrics: list[str],
    limit: int = _ROWS,
) -> dict[str, Any]:
    """The models of a run and all that ``fronts.select`` looks at, as plain data for JSON.

    A rule without one standard error takes a model of the front of the families that it chooses
    among, and every such front is part of the families' own: these are always here. With one
    standard error any model can be taken; of a large run, those are looked at that are here.

    Args:
        points: The points table.
        means: ``replicate_means(points, validation)``, at least one row.
        box: The objectives that are reported.
        validation: The same with validation metrics.
        metrics: What is told of a model.
        limit: How many models there are, families' fronts apart; see ``candidates``.

    Returns:
        ``rows`` models in the order of the table, by column: ``means`` and ``values`` of the
        objectives, (rows, m) and (rows, replicates, m), as the bytes of their float64 in base 64;
        what the order of preference looks at; ``models`` and ``inside`` count for each of
        ``families`` all models and those inside the box, whether they are here or not.
    """
    here = means[candidates(means, validation, limit)].reset_index(drop=True)
    families = sorted(means["family"].unique())
    by_family = means["family"].value_counts()
    inside = means.loc[~means["beyond_box"], "family"].value_counts()
    replicates = replicate_values(points, here, validation.metrics)
    return {
        "objectives": [
            {
                "metric": told.metric,
                "column": asked.metric,
                "label": inline(told.metric),
                "direction": asked.direction,
                "ideal": asked.ideal,
                "nadir": asked.nadir,
            }
            for told, asked in zip(box.objectives, validation.objectives, strict=True)
        ],
        "rows": len(here),
        "replicates": replicates.shape[1],
        "means": _exactly(objective_values(here, validation)),
        "values": _exactly(replicates),
        "families": families,
        "family": pd.Categorical(here["family"], families).codes.tolist(),
        "models": [int(by_family[name]) for name in families],
        "inside": [int(inside.get(name, 0)) for name in families],
        "trial": pack_text(here["trial_id"]),
        "step": here["step"].astype(int).tolist(),
        POSITION: _plain(here[POSITION]),
        "samples": _plain(here["samples"]),
        "knobs": knob_counts(here).tolist(),
        "beyond": here["beyond_box"].astype(int).tolist(),
        "settings": pack_text(_settings(here)),
        "metrics": [
            {
                "key": metric,
                "label": label(metric),
                "mean": pack_numbers(here[metric], _DIGITS),
                "std": pack_numbers(here[metric + STD_SUFFIX], _SPREAD_DIGITS),
            }
            for metric in metrics
        ],
    }


def candidates(means: pd.DataFrame, box: Box, limit: int) -> npt.NDArray[np.bool_]:
    """Marks the models to choose from: all, or the fronts of a large run and what is near them.

    Args:
        means: Replicate means with marks.
        box: The objectives that the marks are of.
        limit: At most as many models, or else the front of every family. Those nearest to the
            front of all families are added to the fronts, as far as the limit goes.
    """
    if len(means) <= limit:
        return np.ones(len(means), dtype=np.bool_)
    kept = means["on_family_front"].to_numpy(bool).copy()
    free = max(limit - int(kept.sum()), 0)
    values = box.normalise(objective_values(means, box))
    others = np.flatnonzero(~kept)
    distance, _ = cKDTree(values[means["on_front"].to_numpy(bool)]).query(values[others])
    kept[others[np.argsort(distance, kind="stable")[:free]]] = True
    return kept


def _exactly(values: npt.NDArray[np.float64]) -> str:
    return base64.b64encode(values.astype("<f8").tobytes()).decode("ascii")


def _plain(values: pd.Series[Any]) -> list[int | float]:
    """Numbers in full, whole ones without a point."""
    return [int(value) if float(value).is_integer() else float(value) for value in values]


def _settings(means: pd.DataFrame) -> pd.Series[Any]:
    """The configuration of each model in words."""
    knobs = config_columns(means)
    told = [
        ", ".join(
            f"{knob.removeprefix(CONFIG_PREFIX)} = {number(value)}"
            for knob, value in zip(knobs, values, strict=True)
            if not pd.isna(value)
        )
        for values in means[knobs].itertuples(index=False, name=None)
    ]
    return pd.Series(told, dtype=object)

"""Whether what a run directory holds is of one run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from pareto_explorer.errors import InputError, brief
from pareto_explorer.runs.journal import as_plain
from pareto_explorer.runs.manifest import RunDirectory

__all__ = ["require_own", "require_planned"]

SEEDS = ("training_seed", "unlearning_seed")
_FIX = "take the lines of another run out of points.jsonl and delete points.parquet"


def require_own(
    run: RunDirectory,
    manifest: Mapping[str, Any],
    points: pd.DataFrame,
    landmarks: pd.DataFrame | None = None,
) -> None:
    """Refuses rows of another run: another family, or another replicate than the manifest has.

    A run that was made elsewhere numbers its replicates as it likes, and manifests of early
    versions do not tell the families; there, nothing is refused.

    Args:
        run: The run directory, for the message.
        manifest: Its manifest.
        points: Its points table.
        landmarks: Its landmarks table.

    Raises:
        InputError: A row is of another run.
    """
    if "imported" in manifest:
        return
    families = manifest.get("domains")
    if families:
        other = ~points["family"].isin(list(families)).to_numpy()
        _refuse(run, points, other, "family", f"sweep.yaml has {_few(families)}")
    seeds = manifest.get("spec", {}).get("replicates")
    if seeds:
        training, unlearning = (
            seeds.get(f"{kind}_seeds", [0]) for kind in ("training", "unlearning")
        )
        n = max(len(training), 1) * max(len(unlearning), 1)
        other = points["replicate"].to_numpy() >= n
        _refuse(run, points, other, "replicate", f"sweep.yaml has {n}, numbered from 0")
    pairs = points.drop_duplicates(["replicate", *SEEDS]).sort_values("replicate", kind="stable")
    twice = np.flatnonzero(pairs.duplicated("replicate"))
    if len(twice):
        one, two = (pairs.iloc[int(twice[0]) + offset] for offset in (-1, 0))
        raise InputError(
            f"points: in {str(run.path)!r}, replicate {one['replicate']} has {_seeds(one)} in "
            f"trial {brief(one['trial_id'])} and {_seeds(two)} in trial {brief(two['trial_id'])}; "
            f"{_FIX}."
        )
    if landmarks is not None:
        _require_same_seeds(run, pairs, landmarks)


def require_planned(
    run: RunDirectory, points: pd.DataFrame, plans: Mapping[str, Any], trials: Collection[str]
) -> None:
    """Refuses rows and plans of trials that a sweep does not have.

    Args:
        run: The run directory, for the message.
        points: Its points table.
        plans: What was drawn while the sweep ran, by trial.
        trials: The trials that the specification plans.

    Raises:
        InputError: A trial is another one.
    """
    for trial in dict.fromkeys([*plans, *points["trial_id"].unique().tolist()]):
        if trial not in trials:
            raise InputError(
                f"points: the specification plans no trial {brief(trial)}, which "
                f"{str(run.path)!r} has; {_FIX}."
            )


def _refuse(
    run: RunDirectory, points: pd.DataFrame, other: np.ndarray[Any, Any], column: str, but: str
) -> None:
    if other.any():
        row = points.iloc[int(np.flatnonzero(other)[0])]
        raise InputError(
            f"points: trial {brief(row['trial_id'])} in {str(run.path)!r} has {column} "
            f"{brief(as_plain(row[column]))}, but {but}; {_FIX}."
        )


def _require_same_seeds(run: RunDirectory, pairs: pd.DataFrame, landmarks: pd.DataFrame) -> None:
    seeds = dict(zip(pairs["replicate"].tolist(), pairs["training_seed"].tolist(), strict=True))
    for replicate, seed in zip(
        landmarks["replicate"].tolist(), landmarks["training_seed"].tolist(), strict=True
    ):
        if seeds.get(replicate, seed) != seed:
            raise InputError(
                f"landmarks: replicate {replicate} in {str(run.landmarks)!r} has training seed "
                f"{seed}, but {seeds[replicate]} in the points; restore the file, or delete it and "
                "run the sweep's command again to measure the landmarks anew."
            )


def _seeds(row: pd.Series[Any]) -> str:
    return f"seeds {row[SEEDS[0]]} and {row[SEEDS[1]]}"


def _few(names: Mapping[str, Any]) -> str:
    shown = [brief(name) for name in list(names)[:5]]
    return ", ".join([*shown, "..."] if len(names) > 5 else shown)

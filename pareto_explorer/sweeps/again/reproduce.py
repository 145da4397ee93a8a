"""Running one point again from its row, in this process and without Ray."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from pareto_explorer.errors import InputError, brief, unknown
from pareto_explorer.runs import (
    RunDirectory,
    read_manifest,
    read_points,
    require_own,
)
from pareto_explorer.runs.remote.copies import local_path
from pareto_explorer.schema.columns import BUNDLE, KEY, MACHINE_TIMES, place, plain_position
from pareto_explorer.sweeps.again.trust import recorded_spec
from pareto_explorer.sweeps.driver.provenance import Change, changes_since
from pareto_explorer.sweeps.spec.families import recorded_plan
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.sweeps.trials.bundles import points_of
from pareto_explorer.sweeps.trials.given_task import task_of
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, run_replicate
from pareto_explorer.tasks import LandmarkCache, UnlearningTask, default_cache_dir

__all__ = ["Reproduction", "local_landmarks", "reproduce"]


@dataclass(frozen=True)
class Reproduction:
    """A point that was run again.

    Attributes:
        values: Index: every metric and diagnostic; columns ``recorded`` and ``again``.
        model: The model, on the CPU.
        changes: Recorded versions, and the processor or GPU, that are different here.
    """

    values: pd.DataFrame
    model: nn.Module
    changes: tuple[Change, ...] = ()

    @property
    def largest_difference(self) -> float:
        """Largest absolute difference between the recorded and the new values.

        NaN where there is nothing to compare or a value is on one side only.
        """
        missing = self.values.isna()
        if not len(self.values) or (missing["recorded"] != missing["again"]).any():
            return float("nan")
        return float((self.values["again"] - self.values["recorded"]).abs().max())

    def explanation(self, tolerance: float = 0.0) -> str:
        """A sentence that names the changes, where values differ by more; empty if none does."""
        if self.largest_difference <= tolerance:
            return ""
        if self.changes:
            return f"Of what the run records, this differs: {'; '.join(map(str, self.changes))}."
        return "Nothing that the run records of its versions and its machine differs here."


def reproduce(
    run_path: str | Path,
    trial_id: str,
    replicate: int,
    step: int,
    position: float = 0.0,
    *,
    cache_dir: str | Path | None = None,
    task: UnlearningTask | None = None,
    trust: bool = False,
    spec: SweepSpec | None = None,
) -> Reproduction:
    """Runs one point of a run again.

    Args:
        run_path: The run directory, or the URI of one.
        trial_id: The trial, as in the points table.
        replicate: Number of the replicate.
        step: Gradient steps at which the point was evaluated.
        position: Where it is among the models that the trial showed at this step.
        cache_dir: Folder of the landmark cache; by default the user's.
        task: The task, for a run whose task was built in Python.
        trust: Whether to import and call code that the run names beyond this package.
        spec: The specification that was swept, for a run that names code of your own: then it
            needs no trust.

    Raises:
        InputError: The run has no such point, its task was built in Python and is not given, or it
            names code that is not trusted.
    """
    run = RunDirectory(local_path(run_path).resolve())
    points = read_points(run)
    recorded = _recorded(points, trial_id, replicate, step, position)
    manifest = read_manifest(run)
    require_own(run, manifest, points)
    spec = recorded_spec(run, manifest, trust=trust, given=spec, without_task=task is not None)
    families = {family.name: family for family in spec.family_list()}
    try:
        plan = recorded_plan(recorded.to_dict(), families)
        pairs = [spec.replicate_list()[index] for index in _bundle(points, trial_id, replicate)]
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"`trial_id`: trial {trial_id}, replicate {replicate} of {str(run.path)!r} does not go "
            f"with its specification ({type(error).__name__}: {brief(error.args)}); restore "
            "sweep.yaml and the points."
        ) from error
    task = task_of(manifest, task)
    torch.set_num_threads(spec.resources.threads)
    cache = LandmarkCache(Path(cache_dir) if cache_dir else default_cache_dir())
    device = spec.resources.device if torch.cuda.is_available() else "cpu"
    landmarks = {
        seed: local_landmarks(task, seed, cache, retrain=spec.needs_retrained, device=device)
        for seed in dict.fromkeys(pair.training_seed for pair in pairs)
    }
    bench = Bench(task, landmarks, device)
    budget = plan.family.within(spec.budget)
    runs = {pair.index: run_replicate(bench, plan, pair, budget) for pair in pairs}
    for row, model, *_ in points_of(replicate, runs):
        if (row["step"], row["position"]) == (step, position):
            numbers = [
                name
                for name, value in row.items()
                if isinstance(value, float)
                and name in recorded
                and name not in (*KEY, *MACHINE_TIMES)
                and not name.startswith("config.")
            ]
            values = pd.DataFrame(
                {
                    "recorded": recorded[numbers].astype(float),
                    "again": pd.Series({name: row[name] for name in numbers}),
                }
            )
            return Reproduction(values, model, changes_since(manifest))
    raise InputError(
        f"`step`: the trial ended before {place(step, position)} when it was run again."
    )


def _bundle(points: pd.DataFrame, trial_id: str, replicate: int) -> Sequence[int]:
    """The replicates that a replicate began to step with, itself included.

    Bundles are of neighbours, and the first row of each replicate says how many those are.
    """
    rows = points[points["trial_id"] == trial_id].sort_values("step")
    if BUNDLE not in rows:
        return [replicate]
    sizes = rows.groupby("replicate")[BUNDLE].first().fillna(1).astype(int)
    first = 0
    while first + (size := sizes.get(first, 1)) <= replicate:
        first += size
    return range(first, first + size)


def _recorded(
    points: pd.DataFrame, trial_id: str, replicate: int, step: int, position: float
) -> pd.Series:
    of_trial = points[points["trial_id"] == trial_id]
    if of_trial.empty:
        raise unknown("`trial_id`", trial_id, points["trial_id"].unique())
    of_replicate = of_trial[of_trial["replicate"] == replicate]
    if of_replicate.empty:
        raise unknown("`replicate`", replicate, map(str, of_trial["replicate"].unique()))
    found = of_replicate[of_replicate["step"] == step]
    if found.empty:
        raise unknown("`step`", step, map(str, of_replicate["step"].unique()))
    there = found[found["position"] == position]
    if there.empty:
        raise unknown("`position`", position, map(plain_position, found["position"]))
    return there.iloc[0]


def local_landmarks(
    task: UnlearningTask,
    training_seed: int,
    cache: LandmarkCache,
    *,
    retrain: bool = True,
    device: str = "cpu",
) -> Landmarks:
    """Loads the landmarks of one training seed, or trains them in this process."""
    return Landmarks(
        cache.obtain(task, "original", training_seed, device),
        cache.obtain(task, "retrained", training_seed, device) if retrain else None,
    )

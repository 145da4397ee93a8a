"""What draws the trials of a sweep: the plan, the budget of its families, or a search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from ray.tune.search import Searcher

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box
from pareto_explorer.results import load_run
from pareto_explorer.runs import RunDirectory, config_columns
from pareto_explorer.schema.columns import PATH
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.search.compare import (
    Ended,
    FamilyBudget,
    PlannedTrials,
    SamplesPerFamily,
    SecondsPerFamily,
)
from pareto_explorer.sweeps.search.explore import (
    Outcome,
    ParetoSearch,
    starting_points,
)
from pareto_explorer.sweeps.spec.families import Family, TrialPlan
from pareto_explorer.sweeps.spec.parts import ExploreSearch, SecondsBudget
from pareto_explorer.sweeps.spec.plan import left_to_do
from pareto_explorer.sweeps.spec.spec import SweepSpec

__all__ = ["Sweep", "at_a_time", "concurrency_of", "searcher_for", "starts_of"]

Start = tuple[Family, Mapping[str, Any]]
_PREFIX = "config."


@dataclass(frozen=True)
class Sweep:
    """A sweep as it stands when its trials are about to run.

    Attributes:
        spec: The specification.
        run: The run directory.
        trials: Those that are planned, or that earlier runs of the sweep have drawn.
        ended: How those of them ended that have.
        points: Their points.
        starts: Configurations that a search tries first.
    """

    spec: SweepSpec
    run: RunDirectory
    trials: Sequence[TrialPlan]
    ended: Mapping[str, str]
    points: pd.DataFrame
    starts: Sequence[Start]

    @property
    def families(self) -> dict[str, Family]:
        """The families by their names."""
        return {family.name: family for family in self.spec.family_list()}

    @property
    def goes_on(self) -> bool:
        """Whether there may be a trial to run."""
        return left_to_do(self.spec.plan(), self.ended)


def searcher_for(sweep: Sweep, box: Box, keep: Callable[[TrialPlan], None]) -> Searcher:
    """Makes what hands trials to Ray.

    Args:
        sweep: The sweep.
        box: The objectives.
        keep: Called with each trial that is drawn, before it starts.
    """
    search, families = sweep.spec.search, sweep.spec.family_list()
    if isinstance(search, ExploreSearch):
        return ParetoSearch(
            families,
            box,
            search,
            sweep.run.path / "optuna.journal",
            sweep.trials,
            _outcomes(sweep.points, sweep.ended),
            sweep.starts,
            keep,
        )
    if (budget := search.compute_per_family) is not None:
        per_family: type[FamilyBudget]
        if isinstance(budget, SecondsBudget):
            per_family, amount, spent = SecondsPerFamily, budget.seconds, _seconds(sweep.points)
        else:
            per_family, amount, spent = SamplesPerFamily, budget.samples, _samples(sweep.points)
        ended = {name: Ended(status, spent.get(name, 0.0)) for name, status in sweep.ended.items()}
        return per_family(families, amount, search.seed, sweep.trials, ended, keep)
    left = [plan for plan in sweep.trials if plan.trial_id not in sweep.ended]
    spread = sweep.spec.resources.replicate_parallelism == "replicate"
    numbers = [replicate.index for replicate in sweep.spec.replicate_list()] if spread else []
    return PlannedTrials(left, numbers)


def concurrency_of(spec: SweepSpec, room: int) -> int | None:
    """Most trials at a time; a search should know what it can before it draws the next.

    Args:
        spec: The specification.
        room: How many fit the cluster as it is now.
    """
    if isinstance(spec.search, ExploreSearch):
        return spec.search.concurrency or max(room, 1)
    return max(room, 1) if spec.search.compute_per_family is not None else None


def at_a_time(spec: SweepSpec, room: int) -> int:
    """How many trials run at a time.

    Args:
        spec: The specification.
        room: How many fit the cluster.
    """
    return min(concurrency_of(spec, room) or room, room)


def starts_of(spec: SweepSpec, progress: Progress) -> list[Start]:
    """Configurations that a search tries first: an earlier front, the families' defaults.

    Args:
        spec: The specification.
        progress: Told what was taken from an earlier run.

    Raises:
        InputError: The earlier run cannot be read, or nothing on its front fits this sweep.
    """
    search = spec.search
    if not isinstance(search, ExploreSearch):
        return []
    front: list[tuple[str, dict[str, Any]]] = []
    if search.warm_start is not None:
        earlier = load_run(search.warm_start).front()
        knobs = config_columns(earlier)
        for row in earlier.to_dict("records"):
            moving = f"{_PREFIX}{row.get(PATH)}"  # differs between the points of one trial
            given = {
                k.removeprefix(_PREFIX): row[k]
                for k in knobs
                if k != moving and not pd.isna(row[k])
            }
            if (row["family"], given) not in front:
                front.append((str(row["family"]), given))
    starts, strangers = starting_points(
        spec.family_list(), front, defaults=search.start_from_defaults
    )
    if search.warm_start is not None:
        taken = len(front) - sum(name in strangers for name, _ in front)
        if not taken:
            raise InputError(
                f"search.warm_start: no family on the front of {search.warm_start!r} "
                f"({', '.join(strangers) or 'it is empty'}) is in this sweep; name them alike."
            )
        left = f"; not in this sweep: {', '.join(strangers)}" if strangers else ""
        progress.stage(f"warm start: {taken} of {len(front)} configurations of its front{left}")
    return starts


def _outcomes(points: pd.DataFrame, ended: Mapping[str, str]) -> dict[str, Outcome]:
    """How each ended trial ended, with the means of its replicates' last points.

    What shows several models at its last step is told by the mean of all of them.
    """
    own = ["trial_id", "replicate"]
    measures = points.select_dtypes("number").columns.difference(own)
    last = points["step"] == points.groupby(own)["step"].transform("max")
    means = points[last].groupby(own)[list(measures)].mean().groupby("trial_id").mean()
    found = {
        str(name): {str(measure): float(value) for measure, value in row.items()}
        for name, row in means.to_dict("index").items()
    }
    return {name: (status, found.get(name, {})) for name, status in ended.items()}


def _seconds(points: pd.DataFrame) -> dict[str, float]:
    """Seconds of unlearning of every trial, summed over its replicates."""
    last = points.groupby(["trial_id", "replicate"])["seconds"].max()
    return {str(name): float(value) for name, value in last.groupby("trial_id").sum().items()}


def _samples(points: pd.DataFrame) -> dict[str, float]:
    """Samples that one replicate of every trial has processed."""
    return {str(k): float(v) for k, v in points.groupby("trial_id")["samples"].max().items()}

"""A run whose points are to be audited: its task, its seeds, and what its parts take."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd
import torch

from pareto_explorer.audits.compute import Point
from pareto_explorer.audits.plan import Costs
from pareto_explorer.audits.records import Shadow
from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory
from pareto_explorer.schema.columns import of_checkpoint
from pareto_explorer.schema.metrics import METRICS
from pareto_explorer.sweeps.again.trust import recorded_spec
from pareto_explorer.sweeps.audit.halves import other_half
from pareto_explorer.sweeps.audit.relearning import CHECKPOINTS
from pareto_explorer.sweeps.spec.families import TrialPlan, recorded_plan
from pareto_explorer.sweeps.spec.parts import Replicate
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.sweeps.trials.given_task import task_of
from pareto_explorer.sweeps.trials.landmark_training import KINDS
from pareto_explorer.tasks import LandmarkCache, LandmarkKind, UnlearningTask, fingerprint

__all__ = ["AuditedRun"]


@dataclass(frozen=True, eq=False)
class AuditedRun:
    """What an audit has to know of a run.

    Attributes:
        directory: The run directory.
        spec: Its specification.
        task: Its task.
        points: Its points table.
        cache: The landmark cache.
    """

    directory: RunDirectory
    spec: SweepSpec
    task: UnlearningTask
    points: pd.DataFrame
    cache: LandmarkCache

    @classmethod
    def open(
        cls,
        directory: RunDirectory,
        manifest: Mapping[str, Any],
        points: pd.DataFrame,
        cache_dir: Path,
        *,
        task: UnlearningTask | None,
        trust: bool,
        spec: SweepSpec | None,
    ) -> AuditedRun:
        """Builds the task of a run, once what it names may be imported.

        Raises:
            InputError: The run cannot be repeated, names code that is not trusted, or has an
                original that was brought along, so that there are no models of other seeds.
        """
        if "imported" in manifest:
            raise InputError(
                "run: it was made elsewhere, so that its models cannot be trained here; audit a "
                "run of pareto-explorer."
            )
        found = recorded_spec(
            directory, manifest, trust=trust, given=spec, without_task=task is not None
        )
        built = task_of(manifest, task)
        if built.given:
            raise InputError(
                f"run: its task brings its own {' and '.join(built.given)}, so that there is one "
                "training seed, and an attacker has models of several; sweep a task whose "
                "landmarks are trained."
            )
        return cls(directory, found, built, points, LandmarkCache(cache_dir))

    @property
    def own(self) -> list[int]:
        """The training seeds of the sweep."""
        return list(self.spec.replicates.training_seeds)

    def cached(self, landmark: Shadow) -> bool:
        """Whether a landmark is trained already."""
        return self.fingerprint(landmark) in self.cache

    def fingerprint(self, landmark: Shadow) -> str:
        """The name of a landmark in the cache.

        The original of a half is a retrained model: what it lacks is the other half.
        """
        seed, half = landmark.seed, landmark.half
        if half:
            return fingerprint(other_half(self.task, seed, half), "retrained", seed)
        kind: LandmarkKind = "original" if landmark.role == "original" else "retrained"
        return fingerprint(self.task, kind, seed)

    def replicate(self, seed: int) -> Replicate:
        """The replicate of a training seed: the sweep's first one, or a further one like it."""
        for replicate in self.spec.replicate_list():
            if replicate.training_seed == seed:
                return replicate
        index = len(self.spec.replicate_list()) + seed - max(self.own) - 1
        return Replicate(index, seed, self.spec.replicates.unlearning_seeds[0])

    def plan(self, point: Point) -> TrialPlan:
        """The configuration of a point."""
        families = {family.name: family for family in self.spec.family_list()}
        return recorded_plan(self._rows(point).iloc[0].to_dict(), families)

    def recorded(self, point: Point, seed: int) -> dict[str, float]:
        """The metrics of a point with a training seed; empty for seeds that the sweep has not."""
        rows = self._rows(point)
        rows = rows[rows["replicate"] == self.replicate(seed).index]
        if rows.empty:
            return {}
        return {name: float(rows.iloc[0][name]) for name in METRICS if name in rows}

    def costs(self, points: Sequence[Point]) -> Costs:
        """What was measured, in seconds: by the cache of landmarks, and by the run of the rest.

        Where the cache does not say, a landmark takes as long as its samples take in unlearning.
        """
        unlearn = {}
        for point in points:
            rows = self._rows(point)
            unlearn[point] = float((rows["seconds"] + rows["evaluation_seconds"]).mean())
        working = self.points[self.points["samples"] > 0]
        rate = float((working["seconds"] / working["samples"]).median()) if len(working) else 0.0
        landmarks = [Shadow(kind, seed) for kind in KINDS for seed in self.own]
        told = [self.cache.seconds(self.fingerprint(landmark)) for landmark in landmarks]
        known = [seconds for seconds in told if seconds is not None]
        train = fmean(known) if known else rate * self.task.recipe.epochs * len(self.task.train)
        relearn = rate * CHECKPOINTS[-1] * self.spec.budget.batch_size
        return Costs(train, unlearn, self._evaluation, relearn, self._slots)

    @property
    def _evaluation(self) -> float:
        """What one evaluation takes; rows have what all have taken up to them."""
        by_replicate = self.points.groupby(["trial_id", "replicate"])["evaluation_seconds"]
        found = (by_replicate.max() / by_replicate.size()).median()
        return 0.0 if math.isnan(found) else float(found)

    @property
    def _slots(self) -> int:
        if self.spec.resources.gpu:
            return max(1, int(torch.cuda.device_count() / self.spec.resources.gpu))
        return max(1, int((os.cpu_count() or 1) / self.spec.resources.cpu))

    def _rows(self, point: Point) -> pd.DataFrame:
        return self.points[of_checkpoint(self.points, *point)]

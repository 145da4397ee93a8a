"""One Ray Tune trial: one configuration with all its replicates."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch
from ray import tune

from pareto_explorer.sweeps.families import TrialPlan
from pareto_explorer.sweeps.replicate import Bench, Landmarks, Point, Row, describe, run_replicate
from pareto_explorer.sweeps.spec import BudgetSpec, Replicate
from pareto_explorer.tasks import UnlearningTask

__all__ = ["Job", "UnlearningTrial"]


@dataclass(frozen=True)
class Job:
    """What the trials of a sweep share; each worker gets it once.

    Attributes:
        plans: The trials by their ids.
        task: The task, on the CPU.
        landmarks: Landmarks by training seed.
        replicates: Seeds of every trial.
        budget: What a replicate may spend.
        device: Where trials compute.
        threads: Threads that PyTorch may use in a trial.
    """

    plans: Mapping[str, TrialPlan]
    task: UnlearningTask
    landmarks: Mapping[int, Landmarks]
    replicates: Sequence[Replicate]
    budget: BudgetSpec
    device: str
    threads: int


class UnlearningTrial(tune.Trainable):
    """Moves every replicate to its next evaluation at each ``step``.

    The actor keeps the task and the landmarks on the device between trials. An error in one
    replicate ends the trial as ``failed`` but neither the actor nor the sweep.
    """

    def setup(self, config: dict[str, Any], *, job: Job) -> None:  # type: ignore[override]
        """Loads what all trials share; Ray calls it once for each actor."""
        torch.set_num_threads(job.threads)
        self.job = job
        self.bench = Bench(job.task, job.landmarks, job.device)
        self._begin(config["trial_id"])

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Takes the next trial in the same actor."""
        self._begin(new_config["trial_id"])
        return True

    def step(self) -> dict[str, Any]:
        """Advances every replicate by one evaluation interval.

        Returns:
            ``rows`` for the points table, the mean of each of their measures over the replicates,
            ``done``, and ``trial_status`` with ``error`` once done.
        """
        rows: list[Row] = []
        for index in list(self._running):
            replicate = self.job.replicates[index]
            try:
                row = self._next(index)
                if row is not None and row["step"] >= self.job.budget.steps:
                    rows.append(row)
                    row = self._next(index)
            except Exception as error:
                return self._failed(replicate, rows, error)
            if row is None:
                del self._running[index]
            else:
                rows.append(row)
        result: dict[str, Any] = {**_means(rows), "rows": rows, "done": not self._running}
        if not self._running:
            result |= {"trial_status": self._status, "error": self._error}
        return result

    def _begin(self, trial_id: str) -> None:
        self.plan = self.job.plans[trial_id]
        self._status, self._error = "finished", ""
        self._running: dict[int, Iterator[Point]] = {
            index: run_replicate(self.bench, self.plan, replicate, self.job.budget)
            for index, replicate in enumerate(self.job.replicates)
        }

    def _next(self, index: int) -> Row | None:
        point = next(self._running[index], None)
        if point is None:
            return None
        if point.row["status"] == "diverged":
            self._status, self._error = "diverged", point.row["error"]
        elif point.stopped and self._status == "finished":
            self._status = f"stopped: {point.stopped}"
        return point.row

    def _failed(self, replicate: Replicate, rows: list[Row], error: Exception) -> dict[str, Any]:
        reason = f"{type(error).__name__}: {error}"
        rows.append(describe(self.plan, replicate) | {"status": "failed", "error": reason})
        self._running = {}
        return {
            "rows": rows,
            "done": True,
            "trial_status": "failed",
            "error": reason,
            "traceback": "".join(traceback.format_exception(error)),
        }


def _means(rows: Sequence[Row]) -> dict[str, float]:
    """Replicate means of what every row measures, for whoever watches the trial through Ray."""
    measures = [
        name
        for name in (rows[0] if rows else ())
        if not name.startswith("config.") and all(isinstance(r.get(name), float) for r in rows)
    ]
    return {name: fmean(row[name] for row in rows) for name in measures}

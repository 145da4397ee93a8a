"""One Ray Tune trial: one configuration with all its replicates."""

from __future__ import annotations

import json
import logging
import shutil
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from tempfile import mkdtemp
from time import perf_counter
from typing import Any, NamedTuple

import torch
from ray import tune
from ray.tune.result import TIMESTEPS_TOTAL

from pareto_explorer.runs import atomic_path, write_text
from pareto_explorer.schema.columns import POSITION
from pareto_explorer.schema.statuses import DIVERGED, FAILED, FINISHED, OK, stopped
from pareto_explorer.sweeps.spec.families import Family, plan_of
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.across_seeds import AcrossSeeds
from pareto_explorer.sweeps.trials.bundles import bundles, size_of
from pareto_explorer.sweeps.trials.card_share import limit_memory
from pareto_explorer.sweeps.trials.model_store import Kept, ModelStore
from pareto_explorer.sweeps.trials.replicate import (
    Bench,
    Landmarks,
    Point,
    ReplicateRun,
    Row,
    describe,
    run_replicate,
    step_together,
)
from pareto_explorer.tasks import UnlearningTask
from pareto_explorer.unlearning.bundle import MemberError

__all__ = ["Job", "UnlearningTrial"]

_LOGGER = logging.getLogger(__name__)
_STATE = "trial.json"


@dataclass(frozen=True)
class Job:
    """What the trials of a sweep share; each worker gets it once.

    Attributes:
        families: The families by their names.
        task: The task, on the CPU.
        landmarks: Landmarks by training seed.
        replicates: Seeds of every trial.
        budget: What a replicate may spend, unless its family has a budget of its own.
        device: Where trials compute.
        threads: Threads that PyTorch may use in a trial.
        checkpoint_seconds: Seconds of computing after which a trial asks for a checkpoint.
        models: Where evaluated models go; None if none is kept.
        across_seeds: The metrics wanted that compare the replicates of a trial.
        bundles: How many replicates of a trial step together, by family; one where none is named.
    """

    families: Mapping[str, Family]
    task: UnlearningTask
    landmarks: Mapping[int, Landmarks]
    replicates: Sequence[Replicate]
    budget: BudgetSpec
    device: str
    threads: int
    checkpoint_seconds: float = 60.0
    models: ModelStore | None = None
    across_seeds: Sequence[str] = ()
    bundles: Mapping[str, int] = field(default_factory=dict)


class UnlearningTrial(tune.Trainable):
    """Moves every replicate to its next evaluation at each ``step``.

    The configuration is that of ``TrialPlan.to_config``; with ``replicate`` in it, the Ray trial
    is that replicate alone.

    The actor keeps the task and the landmarks on the device between trials; one that shares a GPU
    takes no more than its share of the memory. An error in one replicate ends the trial as
    ``failed`` but neither the actor nor the sweep.

    Where its family has bundles, replicates step together up to their evaluation, and each is
    evaluated by itself.

    A trial that has lost its worker goes on from its last checkpoint: points after the checkpoint
    are reported once more, with the same keys and values. A replicate of a method that cannot be
    saved starts again, its bundle with it, and repeats in one step all that it had come to.
    """

    _running: dict[int, ReplicateRun]
    _last: dict[int, list[Row]]  # of each replicate, at the last step that it has shown
    _reached: dict[int, int]  # steps of what a replicate may repeat
    _unsaved_seconds: float
    _trial_info: Any = None  # Ray's; there is none in a trial that is made without it

    def setup(self, config: dict[str, Any], *, job: Job) -> None:  # type: ignore[override]
        """Loads what all trials share; Ray calls it once for each actor."""
        torch.set_num_threads(job.threads)
        limit_memory(self._gpu)
        self.job = job
        self.bench = Bench(job.task, job.landmarks, job.device)
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Takes the next trial in the same actor."""
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Advances every replicate by one evaluation interval: by all models of one step.

        Returns:
            ``rows`` for the points table and the ``kept`` models; for whoever watches the trial
            through Ray, the mean of each measure over the replicates' last points, for a line also
            the means at each position in ``line``, their ``step`` and the ``share`` of all steps
            that it is, the ``spent_seconds`` of all replicates and the ``spent_samples`` of one;
            ``done``, ``trial_status`` with ``error`` once done, and ``should_checkpoint`` when it
            is time for one.
        """
        started = perf_counter()
        points: list[Point] = []
        self._kept: list[Kept | None] = []
        for bundle in bundles(self._running, self._size):
            index = bundle[0]
            try:
                while bundle:
                    step_together([self._running[index] for index in bundle])
                    behind = []
                    for index in bundle:
                        step = self._advance(index, points)
                        if step is not None and step <= self._reached.get(index, -1):
                            behind.append(index)
                        elif step is not None and step >= self._budget.steps:
                            step = self._advance(index, points)
                        if step is None:
                            del self._running[index]
                    bundle = behind
            except MemberError as error:
                return self._failed(self.job.replicates[bundle[error.member]], points, error.cause)
            except Exception as error:
                return self._failed(self.job.replicates[index], points, error)
        self._reached = {}
        result = self._report(points) | {"done": not self._running}
        if not self._running:
            result |= {"trial_status": self._status, "error": self._error}
        self._unsaved_seconds += perf_counter() - started
        if self._unsaved_seconds >= self.job.checkpoint_seconds and any(
            run.can_save for run in self._running.values()
        ):
            result["should_checkpoint"] = True
        return result

    def save(self, checkpoint_dir: str | None = None) -> Any:
        """Saves a checkpoint in the storage, for Ray.

        Where that fails, the trial goes on without it and tries again when the next one is due:
        without a checkpoint, only time can be lost.
        """
        folder = checkpoint_dir or mkdtemp()
        saved: Any = _Unsaved()
        try:
            saved = super().save(folder)
        except Exception as error:
            _LOGGER.warning(
                "%s goes on without a checkpoint (%s: %s)",
                *(self.plan.trial_id, type(error).__name__, error),
            )
        if not checkpoint_dir and (saved.checkpoint is None or saved.checkpoint.path != folder):
            shutil.rmtree(folder, ignore_errors=True)
        self._unsaved_seconds = 0.0
        return saved

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Writes one file for each replicate that is running and can be saved."""
        folder = Path(checkpoint_dir)
        for index, run in self._running.items():
            snapshot = run.snapshot()
            if snapshot is not None:
                with atomic_path(folder / _snapshot_name(index)) as temporary:
                    temporary.write_bytes(snapshot)
        state = {
            "trial_id": self.plan.trial_id,
            "running": list(self._running),
            "trial_status": self._status,
            "error": self._error,
            "last": list(self._last.items()),
            "across_seeds": self._across.state(),
        }
        write_text(folder / _STATE, json.dumps(state))
        self._unsaved_seconds = 0.0

    def load_checkpoint(self, checkpoint: str) -> None:  # type: ignore[override]
        """Takes up what :meth:`save_checkpoint` has written, on whatever device this trial has.

        Raises:
            ValueError: The checkpoint is another trial's.
        """
        folder = Path(checkpoint)
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        if state["trial_id"] != self.plan.trial_id:
            raise ValueError(
                f"the checkpoint is one of trial {state['trial_id']}, not of {self.plan.trial_id}"
            )
        self._status, self._error = state["trial_status"], state["error"]
        self._last = dict(state["last"])
        self._reached = {index: rows[-1]["step"] for index, rows in self._last.items()}
        self._across.restore(state.get("across_seeds", []))  # none before 0.2
        self._running = {
            index: self._taken_up(index, folder / _snapshot_name(index))
            for index in state["running"]
        }
        for bundle in bundles(range(len(self.job.replicates)), self._size):
            running = [self._running[index] for index in bundle if index in self._running]
            if len(bundle) > 1 and not all(run.begun for run in running):
                self._running |= {index: self._new(index) for index in bundle}
        self._running = dict(sorted(self._running.items()))
        self._unsaved_seconds = 0.0

    @property
    def _gpu(self) -> float:
        """GPUs, or the share of one, that Ray has booked for this trial."""
        booked = self.trial_resources
        return 0.0 if booked is None else float(booked.required_resources.get("GPU", 0.0))

    def _taken_up(self, index: int, file: Path) -> ReplicateRun:
        if file.exists():
            start = (self.bench, self.plan, self.job.replicates[index], self._budget)
            try:
                return ReplicateRun.resumed(*start, file.read_bytes())
            except Exception as error:  # by a damaged file, only time is lost
                _LOGGER.warning(
                    "replicate %d of %s starts again: its checkpoint cannot be read (%s: %s)",
                    *(index, self.plan.trial_id, type(error).__name__, error),
                )
        return self._new(index)

    def _new(self, index: int) -> ReplicateRun:
        return run_replicate(self.bench, self.plan, self.job.replicates[index], self._budget)

    def _begin(self, config: Mapping[str, Any]) -> None:
        self.plan = plan_of(config, self.job.families)
        self._budget = self.plan.family.within(self.job.budget)
        self._size = size_of(self.plan, self.job.bundles)
        self._status, self._error = FINISHED, ""
        self._unsaved_seconds = 0.0
        self._last = {}
        self._reached = {}
        self._across = AcrossSeeds(self.job.across_seeds, self.bench)
        alone = config.get("replicate")
        self._running = {
            index: self._new(index)
            for index in range(len(self.job.replicates))
            if alone is None or index == alone
        }

    def _advance(self, index: int, points: list[Point]) -> int | None:
        """Adds all models of a replicate's next step; the step, None where there is none."""
        point = self._next(index)
        while point is not None:
            points.append(point)
            if not point.more:
                return int(point.row["step"])
            point = self._next(index)
        return None

    def _next(self, index: int) -> Point | None:
        point = next(self._running[index], None)
        if point is None:
            return None
        if point.row["status"] == DIVERGED:
            self._status, self._error = DIVERGED, point.row["error"]
        elif point.stopped and self._status == FINISHED:
            self._status = stopped(point.stopped)
        if self.job.models is not None and point.row["status"] == OK:
            where = (self.plan.trial_id, index, point.row["step"])
            position = point.row["position"]
            self._kept.append(self.job.models.write(*where, point.model, position))
        line, step, position = self._last.get(index, []), point.row["step"], point.row["position"]
        goes_on = all(row["step"] == step and row["position"] != position for row in line)
        self._last[index] = [*line, point.row] if goes_on else [point.row]
        return point

    def _report(self, points: list[Point]) -> dict[str, Any]:
        self._across.fill(points)
        lines = list(self._last.values())
        step = max((rows[-1]["step"] for rows in lines), default=0)
        return {
            **_means([row for rows in lines for row in rows]),
            **({"line": _line(lines)} if any(len(rows) > 1 for rows in lines) else {}),
            "step": step,
            "share": step / self._budget.steps,
            TIMESTEPS_TOTAL: step,  # the axis of Ray's loggers
            "spent_seconds": sum(rows[-1]["seconds"] for rows in lines),
            "spent_samples": max((rows[-1]["samples"] for rows in lines), default=0),
            "rows": [point.row for point in points],
            "kept": self._kept,
        }

    def _failed(
        self, replicate: Replicate, points: list[Point], error: Exception
    ) -> dict[str, Any]:
        reason = f"{type(error).__name__}: {error}"
        row = describe(self.plan, replicate) | {"status": FAILED, "error": reason}
        self._running = {}
        result = self._report(points)
        return result | {
            "rows": [*result["rows"], row],
            "done": True,
            "trial_status": FAILED,
            "error": reason,
            "traceback": "".join(traceback.format_exception(error)),
        }


class _Unsaved(NamedTuple):
    """What Ray takes for a checkpoint that is not there."""

    checkpoint: None = None


def _snapshot_name(index: int) -> str:
    return f"replicate-{index}.pkl"


def _line(lines: Sequence[Sequence[Row]]) -> list[dict[str, float]]:
    """The means at each position that all replicates show at their last steps."""
    at: dict[float, list[Row]] = {}
    for row in (row for rows in lines for row in rows):
        at.setdefault(row["position"], []).append(row)
    return [_means(rows) for rows in at.values() if len(rows) == len(lines)]


def _means(rows: Sequence[Row]) -> dict[str, float]:
    """Replicate means of what every row measures, for whoever watches the trial through Ray."""
    measures = [
        name
        for name in (rows[0] if rows else ())
        if not name.startswith("config.")
        and name != POSITION
        and all(isinstance(r.get(name), float) for r in rows)
    ]
    return {name: fmean(row[name] for row in rows) for name in measures}

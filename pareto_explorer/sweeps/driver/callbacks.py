"""What happens on the driver when a trial reports: rows and models are kept, progress is shown."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ray import tune
from ray.tune.search import Searcher

from pareto_explorer.errors import WriteError
from pareto_explorer.interruption import Held
from pareto_explorer.runs import PointsWriter, RunDirectory
from pareto_explorer.schema.statuses import DIVERGED, FAILED, TRIAL_STATUSES, ending, stopped
from pareto_explorer.sweeps.cluster.workers import Patience
from pareto_explorer.sweeps.driver.keeper import Keeper
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.spec.families import Family, TrialPlan, plan_of
from pareto_explorer.sweeps.spec.parts import Replicate
from pareto_explorer.sweeps.stopping.hypervolume_stopper import HypervolumeStopper
from pareto_explorer.sweeps.stopping.pareto_asha import ParetoASHA
from pareto_explorer.sweeps.trials.replicate import describe

__all__ = ["SWEEP_ENDED", "Driver", "Over", "OverInOrder", "SweepCallback"]

SWEEP_ENDED = "stopped: the hypervolume has stopped growing"
"""Status of a trial that was running when the stopper ended the sweep."""

Rows = Sequence[Mapping[str, Any]]
End = tuple[str, str]
"""Status and error."""


@dataclass(frozen=True)
class Driver:
    """What the driver works with while trials run.

    Attributes:
        run: The run directory.
        writer: Its points table.
        keeper: Its models.
        progress: The display.
        families: The families by their names.
        replicates: Seeds of every trial.
        parts: Ray trials that a trial is made of: one, or one for each replicate.
        searcher: What draws the trials.
        scheduler: Ends trials early, where the specification says so.
        stopper: Ends the sweep early, where the specification says so.
        changed: Called after the run directory has changed.
        patience: Told how many trials run.
        held: A signal that is held back until Ray can end.
        over: How it ends then.
    """

    run: RunDirectory
    writer: PointsWriter
    keeper: Keeper
    progress: Progress
    families: Mapping[str, Family]
    replicates: Sequence[Replicate]
    parts: int
    searcher: Searcher
    scheduler: ParetoASHA | None
    stopper: HypervolumeStopper | None
    changed: Callable[[], None]
    patience: Patience
    held: Held
    over: Over


class Over(BaseException):
    """Ends Ray's loop on the spot: the sweep was interrupted, or can no longer be written down."""


class OverInOrder(Over, Exception):  # noqa: N818 - no error
    """Ends Ray's loop once it has put its workers away, where their cluster lives on."""


class SweepCallback(tune.Callback):
    """Writes every row as it arrives, keeps what models are worth it, and tells the display.

    A trial that has lost its worker repeats points. Where it gives other values than before, its
    points cannot be computed again, so it ends as ``failed``; but it goes on till then, the first
    report of every point stays, and what is new is kept.

    Attributes:
        failure: Why the run directory cannot be written any more; Ray then ends the sweep.
    """

    failure: WriteError | None = None

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._running: set[str] = set()  # Ray's names
        self._ended: set[str] = set()
        self._ends: dict[str, list[End]] = defaultdict(list)
        self._contradicted: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles callbacks to restore them, but a sweep resumes from its table."""
        return {}

    def setup(self, *_: Any, **info: Any) -> None:
        """Ray calls this once it listens to signals, at which it would end as if all were done."""
        self._driver.held.listen()

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Ray calls this at every turn of its loop."""
        if self.failure is not None or self._driver.held.stop is not None:
            raise self._driver.over
        running = len(self._running)
        self._driver.progress.refresh(running)
        self._driver.patience.look(running)

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Counts the trial, which may have run before, as running."""
        self._running.add(trial.trial_id)
        self._driver.progress.starts(trial.trial_id, trial.config["trial_id"])

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial has lost its worker and waits for another."""
        self._running.discard(trial.trial_id)
        self._driver.progress.loses(trial.trial_id)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Drops Ray's statistics of every measure, most of what the driver holds of a trial."""
        self._running.discard(trial.trial_id)
        self._driver.progress.leaves(trial.trial_id)
        trial.metric_analysis.clear()
        trial.metric_n_steps.clear()

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: Mapping[str, Any], **info: Any
    ) -> None:
        """Keeps the rows and models of one report, and the end of the trial if it was the last."""
        if self.failure is not None:  # Ray is about to end
            return
        with self._writing():
            rows, kept = self._settled(trial, result["rows"]), result.get("kept", ())
            self._driver.progress.rows(rows)
            if not result["done"]:
                if rows:
                    self._driver.progress.reaches(trial.trial_id, result["share"])
                    self._driver.writer.append(rows)
                self._driver.keeper.report(rows, kept)
            else:
                status, error = self._verdict(trial, result)
                self._end(trial, status, error, rows, kept)
                if "traceback" in result:
                    self._note(trial, result["traceback"])
            self._driver.changed()

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Keeps a row for a trial that Ray lost, for instance with its worker."""
        self._running.discard(trial.trial_id)
        self._driver.progress.leaves(trial.trial_id)
        if self.failure is not None or trial.trial_id in self._ended:
            return  # nothing can be kept, or only what Ray does after the end has failed
        text = str(trial.get_error() or "the worker died").strip()
        reason = text.splitlines()[-1]
        index = trial.config.get("replicate", 0)
        failed = {"status": FAILED, "error": reason}
        row = describe(self._plan(trial), self._driver.replicates[index]) | failed
        with self._writing():
            self._end(trial, FAILED, reason, self._settled(trial, [row]))
            self._note(trial, text)
            self._driver.changed()

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        """Ends the trials that had reported something when the stopper ended the sweep.

        Ray only drops them. Those of an interrupted sweep run again, and have not ended.
        """
        stopper = self._driver.stopper
        if self.failure is not None or stopper is None or not stopper.stop_all():
            return
        cut = [t for t in trials if t.trial_id not in self._ended and "rows" in t.last_result]
        for trial in cut:
            self._driver.searcher.on_trial_complete(trial.trial_id, {})
        plans = {trial.config["trial_id"]: self._plan(trial) for trial in trials}
        for trial_id in dict.fromkeys([*self._ends, *(t.config["trial_id"] for t in cut)]):
            self._close(plans[trial_id], *_worst([*self._ends[trial_id], (SWEEP_ENDED, "")]))
        self._driver.changed()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Remembers why nothing can be written, of which Ray would only tell in a traceback."""
        try:
            yield
        except OSError as error:
            self.failure = WriteError.of(error, self._driver.run.path)
            raise

    def _plan(self, trial: Any) -> TrialPlan:
        return plan_of(trial.config, self._driver.families)

    def _verdict(self, trial: Any, result: Mapping[str, Any]) -> tuple[str, str]:
        """Status and error of a trial with its last report."""
        if "trial_status" in result:
            return result["trial_status"], result["error"]
        for row in result["rows"]:
            if row["status"] == DIVERGED:
                return DIVERGED, row["error"]
        scheduler = self._driver.scheduler
        reason = scheduler.reason(trial.config["trial_id"]) if scheduler else ""
        return stopped(reason or "early"), ""

    def _end(
        self, trial: Any, status: str, error: str, rows: Rows, kept: Sequence[Any] = ()
    ) -> None:
        driver, plan = self._driver, self._plan(trial)
        self._ended.add(trial.trial_id)
        ends = self._ends[plan.trial_id]
        ends.append((status, error))
        if len(ends) == driver.parts:
            self._close(plan, *_worst(ends), rows, kept)
            return
        if rows:
            driver.writer.append(rows)
        driver.keeper.report(rows, kept)

    def _close(
        self, plan: TrialPlan, status: str, error: str, rows: Rows = (), kept: Sequence[Any] = ()
    ) -> None:
        """Keeps the end of a whole trial."""
        driver = self._driver
        del self._ends[plan.trial_id]
        if status != FAILED and plan.trial_id in self._contradicted:
            status, error = FAILED, self._contradicted[plan.trial_id]
        driver.writer.finish(plan.trial_id, status, error or None, rows)
        driver.keeper.report(rows, kept)
        driver.keeper.ended(plan.trial_id)
        driver.progress.ended(plan, status)
        if driver.stopper is not None:
            driver.stopper.trial_ended(plan.trial_id)

    def _settled(self, trial: Any, rows: Rows) -> Rows:
        """The rows of a report that count; of those that contradict earlier ones a note is made."""
        settled = self._driver.writer.settle(rows)
        for found in settled.contradictions:
            reason = (
                f"{found}, since what ran again after a lost worker came out differently; let "
                "the trials run on machines of one kind, and a method of your own draw all its "
                "numbers from `generator`"
            )
            self._contradicted.setdefault(trial.config["trial_id"], reason)
            both = (json.dumps(row, default=str) for row in (found.first, found.again))
            self._note(trial, "\n".join([reason, *both, ""]))
        return settled.rows

    def _note(self, trial: Any, text: str) -> None:
        folder = self._driver.run.path / "errors"
        folder.mkdir(exist_ok=True)
        with (folder / f"{trial.config['trial_id']}.txt").open("a", encoding="utf-8") as file:
            file.write(text)


def _worst(ends: Sequence[End]) -> End:
    """How a trial has ended whose replicates have ended each on its own."""
    order = list(TRIAL_STATUSES)
    return max(ends, key=lambda end: order.index(ending(end[0])))

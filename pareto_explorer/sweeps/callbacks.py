"""What happens on the driver when a trial reports: rows are kept, progress is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ray import tune

from pareto_explorer.runs import PointsWriter, RunDirectory
from pareto_explorer.sweeps.families import TrialPlan
from pareto_explorer.sweeps.progress import Progress
from pareto_explorer.sweeps.replicate import describe
from pareto_explorer.sweeps.spec import Replicate

__all__ = ["SweepCallback"]


class SweepCallback(tune.Callback):
    """Writes every row as it arrives and tells the display.

    Args:
        run: The run directory.
        writer: Its points table.
        progress: The display.
        plans: The trials by their ids.
        first_replicate: Named in the row of a trial that lost its worker before it could report.
    """

    def __init__(
        self,
        run: RunDirectory,
        writer: PointsWriter,
        progress: Progress,
        plans: Mapping[str, TrialPlan],
        first_replicate: Replicate,
    ) -> None:
        self._run = run
        self._writer = writer
        self._progress = progress
        self._plans = plans
        self._first_replicate = first_replicate

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles callbacks to restore them, but a sweep resumes from its table."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Ray calls this at every turn of its loop."""
        self._progress.refresh(sum(trial.status == "RUNNING" for trial in trials))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: Mapping[str, Any], **info: Any
    ) -> None:
        """Keeps the rows of one report, and the end of the trial if this was the last."""
        rows = result["rows"]
        self._progress.rows(rows)
        if result["done"]:
            plan = self._plans[trial.config["trial_id"]]
            self._end(plan, result["trial_status"], result["error"], rows)
            if "traceback" in result:
                self._keep_traceback(plan, result["traceback"])
        elif rows:
            self._writer.append(rows)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Keeps a row for a trial that Ray lost, for instance with its worker."""
        plan = self._plans[trial.config["trial_id"]]
        text = str(trial.get_error() or "the worker died").strip()
        reason = text.splitlines()[-1]
        row = describe(plan, self._first_replicate) | {"status": "failed", "error": reason}
        self._end(plan, "failed", reason, [row])
        self._keep_traceback(plan, text)

    def _end(
        self, plan: TrialPlan, status: str, error: str, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        self._writer.finish(plan.trial_id, status, error or None, rows)
        self._progress.ended(plan, status)

    def _keep_traceback(self, plan: TrialPlan, text: str) -> None:
        folder = self._run.path / "errors"
        folder.mkdir(exist_ok=True)
        (folder / f"{plan.trial_id}.txt").write_text(text)

"""Early stopping over several objectives: successive halving on non-dominated layers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import pandas as pd
from ray.tune.schedulers import FIFOScheduler

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, replicate_means
from pareto_explorer.fronts.core.values import finite_number
from pareto_explorer.schema.statuses import RUNNING
from pareto_explorer.sweeps.stopping.rung import Rung, farthest_first

__all__ = ["ParetoASHA"]

_STEP = ("trial_id", "family", "step")


class ParetoASHA(FIFOScheduler):
    """Stops a trial that is far behind the trade-offs that others had after as many steps.

    Asynchronous successive halving (Li et al., MLSys 2020), stopping variant: nothing is paused or
    promoted. At the first result at or beyond a rung the trial enters it. The rung is ordered by
    non-dominated layers, and inside a layer so that the first points cover it (Schmucker et al.,
    2021). The trial goes on if it is among the first ``ceil(n / eta)`` of the n trials there, or if
    no other in its rung beats it by more than the margin in every objective; so the ends of the
    trade-off survive whatever their rank.

    A trial that shows several models at a step is compared as the set of them: it has the rank of
    its best one, and is beaten where each of them is.

    It reads ``trial_id`` and ``family`` from a trial's ``config``, ``step`` and the objectives
    (replicate means) from its results, those of several models from their ``line``. An objective
    that is missing or not finite ends the trial, and that result enters no rung. Ray does not save
    rungs: ``seed_rungs`` rebuilds them.

    Args:
        box: The objectives; all comparisons are made in its normalised units.
        max_steps: Gradient steps of a whole trial; rungs lie before it.
        grace: Gradient steps of the first rung; the next ones are at grace · eta, grace · eta², ...
        eta: One in eta trials passes a rung by its rank; in a rung of fewer, all pass.
        margin: How much better another point must be, in every objective.
        by_family: Compares a trial with those of its own family only.

    Raises:
        InputError: A number is out of range.
    """

    cover = staticmethod(farthest_first)

    def __init__(
        self,
        box: Box,
        max_steps: int,
        grace: int,
        eta: float = 2.0,
        margin: float = 0.02,
        by_family: bool = True,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if not 0 < finite_number("early_stopping.grace", grace) < max_steps:
            raise InputError(
                f"early_stopping.grace: {grace!r} does not lie inside a trial of {max_steps} "
                f"steps; give a number of gradient steps from 1 to {max_steps - 1}."
            )
        if finite_number("early_stopping.eta", eta) <= 1:
            raise InputError(f"early_stopping.eta: {eta!r} is not above 1; give for example 2.")
        if finite_number("early_stopping.margin", margin) < 0:
            raise InputError(f"early_stopping.margin: {margin!r} is negative; give 0 or more.")
        self.box, self.eta, self.margin, self.by_family = box, eta, margin, by_family
        self.levels: list[float] = []
        while grace * eta ** len(self.levels) < max_steps:
            self.levels.append(grace * eta ** len(self.levels))
        self._rungs: dict[tuple[str, float], Rung] = {}
        self._reasons: dict[str, str] = {}

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:  # noqa: ARG002
        """Leaves Tune's single metric unset; the box says what is compared."""
        return True

    def on_trial_result(self, controller: Any, trial: Any, result: Mapping[str, Any]) -> str:  # noqa: ARG002
        """Decides about a trial when it reports."""
        trial_id, family = trial.config["trial_id"], trial.config["family"]
        if "step" in result and trial_id not in self._reasons:
            step, line = result["step"], result.get("line") or [result]
            missing = next(filter(None, map(self._missing, line)), "")
            if missing:
                self._reasons[trial_id] = f"step {step:g}: no finite {missing}"
                return str(self.STOP)
            for level, rung in self._enter(trial_id, family, step, line):
                verdict = self._verdict(rung)
                if verdict:
                    self._reasons[trial_id] = f"rung at step {level:g}: {verdict}"
        return str(self.STOP if trial_id in self._reasons else self.CONTINUE)

    def on_trial_complete(self, controller: Any, trial: Any, result: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Takes the last report of a trial, about which there is nothing to decide."""
        line = result.get("line") or [result]
        if "step" in result and not any(map(self._missing, line)):
            self._enter(trial.config["trial_id"], trial.config["family"], result["step"], line)

    def seed_rungs(self, points: pd.DataFrame) -> None:
        """Enters the trials of an earlier run of the sweep, however they ended.

        Args:
            points: A points table. Trials that are still running in it are left out, since they
                will report again; so are checkpoints that some replicate did not reach.

        Raises:
            InputError: An objective is no column of the table.
        """
        ended = points[points["trial_status"] != RUNNING]
        means = replicate_means(ended, self.box).to_dict("records")
        for (trial_id, family, step), line in groupby(means, itemgetter(*_STEP)):
            self._enter(str(trial_id), str(family), step, list(line))

    def reason(self, trial_id: str) -> str:
        """Why a trial was stopped, for its ``trial_status``; empty if it was not."""
        return self._reasons.get(trial_id, "")

    def debug_string(self) -> str:
        """What Ray prints about the scheduler."""
        sizes: Counter[float] = Counter()
        for (_, level), rung in self._rungs.items():
            sizes[level] += len(rung)
        rungs = ", ".join(f"{sizes[level]} at step {level:g}" for level in self.levels)
        return f"ParetoASHA: {len(self._reasons)} trials stopped; trials in rungs: {rungs}"

    def _missing(self, result: Mapping[Any, Any]) -> str:
        """The first objective that a result does not have, or not as a finite number."""
        values = ((metric, result.get(metric, math.nan)) for metric in self.box.metrics)
        return next((metric for metric, value in values if not math.isfinite(value)), "")

    def _enter(
        self, trial_id: str, family: str, step: float, line: Sequence[Mapping[Any, Any]]
    ) -> list[tuple[float, Rung]]:
        """Puts the results of a step into every rung that the trial reaches, and returns those."""
        values = self.box.normalise([[row[m] for m in self.box.metrics] for row in line])
        entered = []
        for level in self.levels:
            key = (family if self.by_family else "", level)
            rung = self._rungs.setdefault(key, Rung(len(self.box.metrics)))
            if step >= level and trial_id not in rung:
                rung.add(trial_id, values)
                entered.append((level, rung))
        return entered

    def _verdict(self, rung: Rung) -> str:
        """Why the last one to enter has to stop; empty if it may go on."""
        n = len(rung)
        if n < self.eta or not rung.beaten(self.margin):
            return ""
        place = rung.place(self.box.reference, self.cover)
        return "" if place < math.ceil(n / self.eta) else f"dominated, rank {place + 1} of {n}"

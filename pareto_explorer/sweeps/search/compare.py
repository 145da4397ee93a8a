"""Compare mode: trials as they are planned, or drawn until every family's seconds are spent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from ray.tune.search import Searcher

from pareto_explorer.schema.statuses import FAILED
from pareto_explorer.sweeps.search.unsaved import Unsaved
from pareto_explorer.sweeps.spec.domains import compare_configurations
from pareto_explorer.sweeps.spec.families import Family, TrialPlan, draws_of, slugs

__all__ = ["FamilyBudget", "PlannedTrials"]


class PlannedTrials(Unsaved, Searcher):
    """Hands out planned trials one after another, so that Ray holds only those that run.

    Args:
        plans: The trials, in order.
        replicates: For trials that are spread over workers: the numbers of the replicates, of
            which each becomes a Ray trial; empty where one worker runs them all.
    """

    def __init__(self, plans: Sequence[TrialPlan], replicates: Sequence[int] = ()) -> None:
        super().__init__(metric="step", mode="max")
        self._left: list[dict[str, Any]] = []
        for plan in plans:
            config = plan.to_config()
            self._left += [config | {"replicate": r} for r in replicates] or [config]
        self._left.reverse()

    def suggest(  # type: ignore[override]
        self,
        trial_id: str,  # noqa: ARG002 - Ray's name
    ) -> dict[str, Any] | str:
        """The next trial."""
        return self._left.pop() if self._left else Searcher.FINISHED

    def on_trial_complete(
        self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False
    ) -> None:
        """Learns nothing."""


class FamilyBudget(Unsaved, Searcher):
    """Gives the next trial to the family that has spent least.

    What a running trial will spend counts as the mean of its family's ended ones, and as nothing
    before the first has ended. A family may exceed its budget by the trials that were running when
    it was reached. The configurations are those of compare mode in their order, so two sweeps with
    one seed differ only in how far each family came.

    A trial that failed counts as a usual one of its family, and as the whole budget while there is
    none: a family that always fails comes to an end.

    Args:
        families: The families; one without a drawn knob has a single configuration.
        seconds: What each may spend, summed over trials and replicates.
        seed: Seed of the draws.
        drawn: Trials that earlier runs of this sweep have drawn.
        ended: Seconds that those of them spent that have ended; None for one that failed.
        keep: Called with each new trial before it starts, so that it is on record.
    """

    def __init__(
        self,
        families: Sequence[Family],
        seconds: float,
        seed: int,
        drawn: Sequence[TrialPlan],
        ended: Mapping[str, float | None],
        keep: Callable[[TrialPlan], None],
    ) -> None:
        super().__init__(metric="seconds", mode="min")
        self._families = list(families)
        self._slugs = slugs(families)
        self._seconds = seconds
        self._draws = draws_of(families, seed)
        self._keep = keep
        self._unfinished = [plan for plan in drawn if plan.trial_id not in ended]
        self._number = {family.name: 0 for family in families}
        self._spent: dict[str, list[float | None]] = defaultdict(list)
        self._running: dict[str, TrialPlan] = {}
        for plan in drawn:
            self._number[plan.family.name] += 1
            if plan.trial_id in ended:
                self._spent[plan.family.name].append(ended[plan.trial_id])

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        """The next trial: one that was interrupted, else one of the family that spent least."""
        if self._unfinished:
            plan = self._unfinished.pop(0)
        else:
            able = [family for family in self._families if self._may_draw(family)]
            if not able:
                return Searcher.FINISHED
            family = min(able, key=lambda f: (self._expected(f), self._number[f.name]))
            if self._expected(family) >= self._seconds:
                return None  # whether the running trials leave something will be seen
            plan = self._draw(family)
            self._keep(plan)
        self._running[trial_id] = plan
        return plan.to_config()

    def on_trial_complete(
        self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False
    ) -> None:
        """Books what a trial spent."""
        family = self._running.pop(trial_id).family.name
        failed = error or not result or result.get("trial_status") == FAILED
        self._spent[family].append(None if failed or not result else result["spent_seconds"])

    def _draw(self, family: Family) -> TrialPlan:
        index = self._number[family.name]
        self._number[family.name] += 1
        name = f"{self._slugs[family.name]}-{index:03d}"
        knobs = compare_configurations(family.name, family.knobs, index + 1, self._draws)[index]
        return TrialPlan(name, family, knobs)

    def _may_draw(self, family: Family) -> bool:
        """Whether the ended trials leave something, and there is a configuration to draw."""
        left = bool(family.domains) or self._number[family.name] == 0
        return left and sum(self._booked(family)) < self._seconds

    def _expected(self, family: Family) -> float:
        booked = self._booked(family)
        running = sum(plan.family.name == family.name for plan in self._running.values())
        return sum(booked) + running * (fmean(booked) if booked else 0.0)

    def _booked(self, family: Family) -> list[float]:
        spent = self._spent[family.name]
        known = [seconds for seconds in spent if seconds is not None]
        usual = fmean(known) if known else self._seconds
        return [usual if seconds is None else seconds for seconds in spent]

"""Compare mode: trials as they are planned, or drawn until every family's budget is spent."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from ray.tune.search import Searcher

from pareto_explorer.schema.statuses import FAILED
from pareto_explorer.sweeps.search.unsaved import Unsaved
from pareto_explorer.sweeps.spec.domains import compare_configurations
from pareto_explorer.sweeps.spec.families import Family, TrialPlan, draws_of, slugs

__all__ = ["FamilyBudget", "PlannedTrials", "SamplesPerFamily", "SecondsPerFamily"]


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

    What a running trial will spend counts as the mean of its family's ended ones. The
    configurations are those of compare mode in their order, so two sweeps with one seed differ only
    in how far each family came.

    A trial that failed counts as a usual one of its family, and as the whole budget while there is
    none: a family that always fails comes to an end.

    Args:
        families: The families; one without a drawn knob has a single configuration.
        budget: What each may spend.
        seed: Seed of the draws.
        drawn: Trials that earlier runs of this sweep have drawn.
        ended: What those of them spent that have ended; None for one that failed.
        keep: Called with each new trial before it starts, so that it is on record.
    """

    spent: str
    """What a trial's result calls that which it has spent."""

    def __init__(
        self,
        families: Sequence[Family],
        budget: float,
        seed: int,
        drawn: Sequence[TrialPlan],
        ended: Mapping[str, float | None],
        keep: Callable[[TrialPlan], None],
    ) -> None:
        super().__init__(metric=self.spent, mode="min")
        self._families = list(families)
        self._slugs = slugs(families)
        self._budget = budget
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
            ready = [family for family in able if self._has_room(family, self._expected(family))]
            if not ready:
                return None  # whether the running trials leave something will be seen
            plan = self._draw(min(ready, key=lambda f: (self._expected(f), self._number[f.name])))
            self._keep(plan)
        self._running[trial_id] = plan
        return plan.to_config()

    def on_trial_complete(
        self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False
    ) -> None:
        """Books what a trial spent."""
        family = self._running.pop(trial_id).family.name
        failed = error or not result or result.get("trial_status") == FAILED
        self._spent[family].append(None if failed or not result else result[self.spent])

    def _draw(self, family: Family) -> TrialPlan:
        index = self._number[family.name]
        self._number[family.name] += 1
        name = f"{self._slugs[family.name]}-{index:03d}"
        knobs = compare_configurations(family.name, family.knobs, index + 1, self._draws)[index]
        return TrialPlan(name, family, knobs)

    def _may_draw(self, family: Family) -> bool:
        """Whether the ended trials leave something, and there is a configuration to draw."""
        left = bool(family.domains) or self._number[family.name] == 0
        return left and self._has_room(family, sum(self._booked(family)))

    def _has_room(self, family: Family, spent: float) -> bool:
        """Whether a family that has spent so much may start one more trial."""
        raise NotImplementedError

    def _expected(self, family: Family) -> float:
        running = sum(plan.family.name == family.name for plan in self._running.values())
        return sum(self._booked(family)) + (running * self._usual(family) if running else 0.0)

    def _usual(self, family: Family) -> float:
        """What a trial of a family that is running will spend."""
        booked = self._booked(family)
        return fmean(booked) if booked else 0.0

    def _booked(self, family: Family) -> list[float]:
        spent = self._spent[family.name]
        known = [value for value in spent if value is not None]
        usual = fmean(known) if known else self._budget
        return [usual if value is None else value for value in spent]


class SecondsPerFamily(FamilyBudget):
    """Until each family has spent its seconds, summed over trials and replicates.

    A family may exceed them by the trials that were running when it had spent them: as many as
    there are slots while none of its trials has ended.
    """

    spent = "spent_seconds"

    def _has_room(self, family: Family, spent: float) -> bool:  # noqa: ARG002 - a usual one's cost is no bound
        return spent < self._budget


class SamplesPerFamily(FamilyBudget):
    """As many trials as fit the samples that one replicate of a family may process.

    A family's first trial runs alone, since it tells what the others will take, and runs even if it
    takes more than there is. Where its trials take equally much, no clock decides how many there
    are.
    """

    spent = "spent_samples"

    def _has_room(self, family: Family, spent: float) -> bool:
        one_more = self._usual(family) if self._spent[family.name] else 0.0
        return spent + one_more <= self._budget

    def _usual(self, family: Family) -> float:
        return super()._usual(family) if self._spent[family.name] else math.inf

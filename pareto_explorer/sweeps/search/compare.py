"""Compare mode: trials as they are planned, or drawn until every family's budget is spent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from ray.tune.search import Searcher

from pareto_explorer.schema.statuses import FAILED, FINISHED, STOPPED
from pareto_explorer.sweeps.search.unsaved import Unsaved
from pareto_explorer.sweeps.spec.domains import compare_configurations
from pareto_explorer.sweeps.spec.families import Family, TrialPlan, draws_of, slugs

__all__ = ["Ended", "FamilyBudget", "PlannedTrials", "SamplesPerFamily", "SecondsPerFamily"]


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


class Ended(NamedTuple):
    """How a trial ended, and what it has spent.

    Attributes:
        status: Its status.
        spent: Its seconds or samples.
    """

    status: str
    spent: float


class FamilyBudget(Unsaved, Searcher, ABC):
    """Gives the next trial to the family that has spent least.

    The configurations are those of compare mode in their order, so two sweeps with one seed differ
    only in how far each family came. Of a family whose first trials fail, nothing is known of what
    one takes: it comes to an end.

    Args:
        families: The families; one without a drawn knob has a single configuration.
        budget: What each may spend.
        seed: Seed of the draws.
        drawn: Trials that earlier runs of this sweep have drawn.
        ended: Those of them that have ended.
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
        ended: Mapping[str, Ended],
        keep: Callable[[TrialPlan], None],
    ) -> None:
        super().__init__(metric=self.spent, mode="min")
        self._families = list(families)
        self._slugs = slugs(families)
        self._budget = budget
        self._draws = draws_of(families, seed)
        self._keep = keep
        self._unfinished = [plan for plan in drawn if plan.trial_id not in ended]
        self._number = Counter(plan.family.name for plan in drawn)
        self._ended: dict[str, list[Ended]] = defaultdict(list)
        self._running: dict[str, TrialPlan] = {}
        for plan in drawn:
            if plan.trial_id in ended:
                self._ended[plan.family.name].append(ended[plan.trial_id])

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        """The next trial: one that was interrupted, else one of the family that spent least."""
        if self._unfinished:
            plan = self._unfinished.pop(0)
        else:
            able = [family for family in self._families if self._may_draw(family)]
            if not able:
                return Searcher.FINISHED
            ready = [family for family in able if self._may_start(family.name)]
            if not ready:
                return None  # whether the running trials leave something will be seen
            plan = self._draw(
                min(ready, key=lambda f: (self._expected(f.name), self._number[f.name]))
            )
            self._keep(plan)
        self._running[trial_id] = plan
        return plan.to_config()

    def on_trial_complete(
        self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False
    ) -> None:
        """Books what a trial spent."""
        family = self._running.pop(trial_id).family.name
        if error or not result:
            self._ended[family].append(Ended(FAILED, 0.0))
        else:
            status = result.get("trial_status", STOPPED)
            self._ended[family].append(Ended(status, result[self.spent]))

    def _draw(self, family: Family) -> TrialPlan:
        index = self._number[family.name]
        self._number[family.name] += 1
        name = f"{self._slugs[family.name]}-{index:03d}"
        knobs = compare_configurations(family.name, family.knobs, index + 1, self._draws)[index]
        return TrialPlan(name, family, knobs)

    def _may_draw(self, family: Family) -> bool:
        """Whether the ended trials leave something, and there is a configuration to draw."""
        left = bool(family.domains) or self._number[family.name] == 0
        return left and self._has_room(family.name, running=0)

    def _may_start(self, family: str) -> bool:
        """Whether the trials that are running leave something as well."""
        return self._has_room(family, self._n_running(family))

    def _n_running(self, family: str) -> int:
        return sum(plan.family.name == family for plan in self._running.values())

    def _known(self, family: str) -> list[float]:
        return [ended.spent for ended in self._ended[family] if ended.status != FAILED]

    @abstractmethod
    def _has_room(self, family: str, running: int) -> bool:
        """Whether one more trial may start beside so many."""

    @abstractmethod
    def _expected(self, family: str) -> float:
        """What a family will have spent when its running trials have ended."""


class SecondsPerFamily(FamilyBudget):
    """Until each family has spent its seconds, summed over trials and replicates.

    What a running trial will spend counts as the mean of its family's ended ones, and as nothing
    before the first has ended; so a family may exceed its budget by the trials that were running
    when it was reached. A trial that failed counts as a usual one of its family.
    """

    spent = "spent_seconds"

    def _has_room(self, family: str, running: int) -> bool:
        return self._sum(family, running) < self._budget

    def _expected(self, family: str) -> float:
        return self._sum(family, self._n_running(family))

    def _sum(self, family: str, running: int) -> float:
        known, ended = self._known(family), len(self._ended[family])
        if not ended:
            return 0.0
        return (ended + running) * (fmean(known) if known else self._budget)


class SamplesPerFamily(FamilyBudget):
    """As many trials as fit the samples that one replicate of a family may process.

    Each counts as the largest of its family so far, and one at a time runs until the first is
    finished, which tells what they take, and which may take more than there is. So where finished
    trials take equally much, no clock decides how many there are; what diverged ones and those
    that were stopped have saved is not spent on others. Where trials take nothing, one is enough.
    """

    spent = "spent_samples"

    def _has_room(self, family: str, running: int) -> bool:
        ended = self._ended[family]
        if all(each.status != FINISHED for each in ended) and running:
            return False
        largest = self._largest(family)
        trials = len(ended) + running
        return not trials or (largest > 0 and (trials + 1) * largest <= self._budget)

    def _expected(self, family: str) -> float:
        return (len(self._ended[family]) + self._n_running(family)) * self._largest(family)

    def _largest(self, family: str) -> float:
        return max(self._known(family), default=self._budget if self._ended[family] else 0.0)

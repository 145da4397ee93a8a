"""Compare mode: every trial is known beforehand and handed to Ray in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ray.tune.search import Searcher

from pareto_explorer.sweeps.families import TrialPlan

__all__ = ["PlannedTrials"]


class PlannedTrials(Searcher):
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

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles searches to restore them, but a sweep resumes from its table."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Saves nothing either."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Restores nothing."""

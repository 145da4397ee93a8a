"""Explore mode: one multi-objective search over all families, by Optuna through Ray."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch

from pareto_explorer.fronts import Box
from pareto_explorer.schema.statuses import DIVERGED, FAILED, FINISHED, STOPPED
from pareto_explorer.sweeps.search.optuna_space import distributions, draw, knobs_to_params
from pareto_explorer.sweeps.search.unsaved import Unsaved
from pareto_explorer.sweeps.spec.families import Family, TrialPlan, slugs
from pareto_explorer.sweeps.spec.parts import ExploreSearch
from pareto_explorer.sweeps.spec.plan import number_of_trials

__all__ = ["STUDY", "Outcome", "ParetoSearch", "starting_points"]

STUDY = "pareto-explorer"
"""The name of the study in the run's Optuna storage."""

_TRIAL = "trial_id"

Outcome = tuple[str, Mapping[str, float]]
"""The status that a trial ended with, and its last replicate means."""


class ParetoSearch(Unsaved, OptunaSearch):
    """Proposes trials; learns only from those that spent their whole budget on finite values.

    Optuna hears of a failed or diverged trial as FAIL and of one that was stopped early as PRUNED,
    so that values of a smaller budget never count as final ones.

    The study lives in a file that ``optuna-dashboard`` opens. The run's points table stays the only
    truth: a trial that ended there but not in the study is told, one that is in the table and not
    in the study is added, and one that never ended there is run again as it was.

    Args:
        families: The families.
        box: The objectives.
        search: Sampler, seed, number of configurations and constraints.
        storage: The file of the study.
        drawn: Trials that earlier runs of this sweep have drawn, in the order of the draws.
        ended: Those of them that have ended.
        starts: Configurations to try first, each a family and knobs; see ``starting_points``.
        keep: Called with each new trial before it starts, so that it is on record.
    """

    def __init__(
        self,
        families: Sequence[Family],
        box: Box,
        search: ExploreSearch,
        storage: Path,
        drawn: Sequence[TrialPlan],
        ended: Mapping[str, Outcome],
        starts: Sequence[tuple[Family, Mapping[str, Any]]],
        keep: Callable[[TrialPlan], None],
    ) -> None:
        self._families = {family.name: family for family in families}
        self._slugs = slugs(families)
        self._box = box
        self._bounds = search.bounds
        self._drawn = len(drawn)
        self._unfinished = [plan for plan in drawn if plan.trial_id not in ended]
        self._keep = keep
        cells = _cells(families) if search.sampler == "grid" else []
        self._wanted = number_of_trials(search, families)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        super().__init__(
            space=_defined_by_running,
            metric=list(box.metrics),
            mode=[objective.direction for objective in box.objectives],
            study_name=STUDY,
            storage=JournalStorage(JournalFileBackend(str(storage))),
            sampler=_sampler(search, families, (search.seed + 1_000_003 * len(drawn)) % 2**32),
        )
        self._reconcile(drawn, ended)
        if cells:
            self._enqueue(self._left(cells, drawn))
        elif not drawn and not self.study.get_trials(deepcopy=False):
            self._enqueue([knobs_to_params(*start) for start in starts])

    @property
    def study(self) -> optuna.Study:
        """The study; its trials carry the sweep's ``trial_id``."""
        study: Any = self._ot_study
        return study

    @property
    def metric(self) -> None:  # type: ignore[override]
        """None: Ray ends a sweep at a result without it, and a diverged trial has no objective."""

    def on_trial_result(self, trial_id: str, result: Mapping[str, Any]) -> None:
        """Learns nothing: only the end of a trial counts."""

    def suggest(self, trial_id: str) -> dict[str, Any] | str:  # type: ignore[override]
        """The next trial: one that was interrupted, else a new one."""
        if self._unfinished:
            plan = self._unfinished.pop(0)
            self._ot_trials[trial_id] = self._running[plan.trial_id]
        elif self._drawn < self._wanted:
            trial = self._ot_trials[trial_id] = self.study.ask()
            family, knobs = draw(trial, self._families)
            name = f"{self._slugs[family.name]}-{self._drawn:04d}"
            plan = TrialPlan(name, family, knobs)
            trial.set_user_attr(_TRIAL, name)
            self._drawn += 1
            self._keep(plan)
        else:
            return Searcher.FINISHED
        return plan.to_config()

    def on_trial_complete(
        self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False
    ) -> None:
        """Tells Optuna how a trial ended."""
        trial = self._ot_trials.pop(trial_id)
        values = result or {}
        diverged = any(row["status"] == DIVERGED for row in values.get("rows", ()))
        status = DIVERGED if diverged else str(values.get("trial_status", STOPPED))
        self._tell(trial, (FAILED if error else status, values))

    def _enqueue(self, configurations: Sequence[dict[str, Any]]) -> None:
        for params in configurations[: self._wanted - self._drawn]:
            self.study.enqueue_trial(params)

    def _left(
        self, cells: Sequence[tuple[Family, Mapping[str, Any]]], drawn: Sequence[TrialPlan]
    ) -> list[dict[str, Any]]:
        """Combinations that are neither drawn nor waiting."""
        known = [knobs_to_params(plan.family, plan.knobs) for plan in drawn]
        waiting = self.study.get_trials(states=[TrialState.WAITING])
        known += [trial.system_attrs["fixed_params"] for trial in waiting]
        return [params for cell in cells if (params := knobs_to_params(*cell)) not in known]

    def _tell(self, trial: optuna.Trial, outcome: Outcome) -> None:
        state, values = _verdict(outcome, self._box)
        if values is not None:
            for bound in self._bounds:
                value = float(outcome[1].get(bound.metric, math.nan))
                violation = bound.violation(value) if math.isfinite(value) else math.inf
                trial.set_constraint(str(bound), violation)
        self.study.tell(trial, values, state=state)

    def _reconcile(self, drawn: Sequence[TrialPlan], ended: Mapping[str, Outcome]) -> None:
        """Brings the study in line with the points table."""
        known: dict[str, FrozenTrial] = {
            trial.user_attrs[_TRIAL]: trial
            for trial in self.study.get_trials(deepcopy=False)
            if _TRIAL in trial.user_attrs
        }
        names = {plan.trial_id for plan in drawn}
        for stray in self.study.get_trials(states=[TrialState.RUNNING]):
            if stray.user_attrs.get(_TRIAL) not in names:  # killed before it was on record
                self.study.tell(stray.number, state=TrialState.FAIL)
        self._running: dict[str, optuna.Trial] = {}
        for plan in drawn:
            found = known.get(plan.trial_id)
            if found is None or (plan.trial_id not in ended and found.state.is_finished()):
                found = self._add(plan)
            if plan.trial_id not in ended:
                self._running[plan.trial_id] = self._live(found)
            elif not found.state.is_finished():
                self._tell(self._live(found), ended[plan.trial_id])

    def _live(self, trial: FrozenTrial) -> optuna.Trial:
        return optuna.Trial(self.study, trial._trial_id)

    def _add(self, plan: TrialPlan) -> FrozenTrial:
        """Adds a trial that the study does not have, as a running one."""
        params = knobs_to_params(plan.family, plan.knobs)
        spaces = distributions(plan.family, list(self._families))
        self.study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params=params,
                distributions={name: spaces[name] for name in params},
                user_attrs={_TRIAL: plan.trial_id},
            )
        )
        return self.study.get_trials(deepcopy=False)[-1]


def starting_points(
    families: Sequence[Family], front: Sequence[tuple[str, Mapping[str, Any]]], *, defaults: bool
) -> tuple[list[tuple[Family, Mapping[str, Any]]], list[str]]:
    """Configurations to try first.

    Args:
        families: The families of the sweep.
        front: Family names and knobs of an earlier run's front.
        defaults: Whether every family's defaults come too, after the front.

    Returns:
        Families with their knobs; a knob outside of its domain is left out and will be drawn.
        And the names in ``front`` that no family of the sweep has.
    """
    by_name = {family.name: family for family in families}
    starts = [(by_name[name], knobs) for name, knobs in front if name in by_name]
    strangers = sorted({name for name, _ in front if name not in by_name})
    if defaults:
        starts += [(family, family.defaults) for family in families]
    return starts, strangers


def _defined_by_running(trial: optuna.Trial) -> None:
    """Keeps Ray from reading a space elsewhere; ``suggest`` draws."""


def _verdict(outcome: Outcome, box: Box) -> tuple[TrialState, list[float] | None]:
    """State and values under which Optuna hears of a trial."""
    status, means = outcome
    if status in (FAILED, DIVERGED):
        return TrialState.FAIL, None
    if status != FINISHED:
        return TrialState.PRUNED, None
    values = [float(means.get(metric, math.nan)) for metric in box.metrics]
    if not all(map(math.isfinite, values)):
        return TrialState.FAIL, None
    return TrialState.COMPLETE, values


def _cells(families: Sequence[Family]) -> list[tuple[Family, Mapping[str, Any]]]:
    """Every combination of every family's choices."""
    return [
        (family, dict(zip(family.domains, values, strict=True)))
        for family in families
        for values in itertools.product(*(d.arguments for d in family.domains.values()))
    ]


class _WholeSpaceQMC(optuna.samplers.QMCSampler):
    """Scrambled Sobol' points over the family and every family's knobs, a dimension each.

    Optuna takes for the space what the first trial had, and draws the knobs of all other families
    independently.
    """

    def __init__(self, families: Sequence[Family], seed: int) -> None:
        super().__init__(scramble=True, seed=seed)
        names = [family.name for family in families]
        self._space: dict[str, BaseDistribution] = {}
        for family in families:
            self._space |= distributions(family, names)

    def infer_relative_search_space(
        self,
        study: optuna.Study,  # noqa: ARG002 - Optuna's name
        trial: FrozenTrial,  # noqa: ARG002 - Optuna's name
    ) -> dict[str, BaseDistribution]:
        """The family and the knobs of all families."""
        return self._space


def _sampler(search: ExploreSearch, families: Sequence[Family], seed: int) -> BaseSampler:
    population = max(4, min(50, search.configurations // 4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        match search.sampler:
            case "tpe":
                return optuna.samplers.TPESampler(
                    seed=seed,
                    multivariate=True,
                    group=True,  # families have knobs of their own
                    constant_liar=True,  # several trials run at a time
                )
            case "nsga2":
                return optuna.samplers.NSGAIISampler(seed=seed, population_size=population)
            case "nsga3":
                return optuna.samplers.NSGAIIISampler(seed=seed, population_size=population)
            case "gp":
                return optuna.samplers.GPSampler(seed=seed)
            case "qmc":
                return _WholeSpaceQMC(families, seed)
            case _:
                return optuna.samplers.RandomSampler(seed=seed)

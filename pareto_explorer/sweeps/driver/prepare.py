"""Everything about a sweep that is decided before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray import tune

from pareto_explorer.runs import RunDirectory, forget_unfinished, require_own, require_planned
from pareto_explorer.runs.files.atomic import remove_stale
from pareto_explorer.runs.manifest import TRIALS
from pareto_explorer.sweeps.checks.refuse_model import refuse_model
from pareto_explorer.sweeps.cluster.loggers import loggers_for
from pareto_explorer.sweeps.cluster.shipping import modules_of
from pareto_explorer.sweeps.driver.continuing import earlier_manifest, require_balanced
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.search.trial_source import Sweep, starts_of
from pareto_explorer.sweeps.spec.draws import DRAWS, RULE
from pareto_explorer.sweeps.spec.families import plan_of
from pareto_explorer.sweeps.spec.parts import CompareSearch, Replicate
from pareto_explorer.sweeps.spec.plan import DrawnWhileRunning, left_to_do, total
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.sweeps.trials.given_task import (
    BUILT,
    GIVEN,
    digest_of,
    names_of,
    require_no_given,
)
from pareto_explorer.sweeps.trials.refusals import refused_methods, refused_metrics, representatives
from pareto_explorer.tasks import UnlearningTask, make_task

__all__ = ["Prepared", "prepare", "swept_task"]


@dataclass(frozen=True)
class Prepared:
    """A sweep that nothing keeps from running, as far as one can say before it does.

    Attributes:
        sweep: The sweep, its trials as they stand.
        task: The task.
        replicates: Seeds of every trial.
        manifest: That of the run with which the sweep goes on; None for a new one.
        entries: What the manifest tells beside the specification.
        loggers: Ray's callbacks that the specification names.
        modules: The user's own modules that workers must have.
    """

    sweep: Sweep
    task: UnlearningTask
    replicates: Sequence[Replicate]
    manifest: Mapping[str, Any] | None
    entries: Mapping[str, Any]
    loggers: Sequence[tune.Callback]
    modules: Sequence[Path]

    @property
    def recorded(self) -> bool:
        """Whether the run's manifest has this very specification."""
        return self.manifest is not None and self.manifest["spec"] == self.sweep.spec.to_mapping()


def swept_task(
    spec: SweepSpec, run: RunDirectory, task: UnlearningTask | None
) -> tuple[UnlearningTask, dict[str, str]]:
    """The task of a sweep, and the digests by which a run knows one that Python has built.

    Args:
        spec: The specification.
        run: The run directory, which may not be there yet.
        task: The task, where it was built by the caller.

    Raises:
        InputError: The task is not there or cannot be built, or its model does not work.
    """
    if task is not None:
        refuse_model(spec, task)
        return task, {GIVEN: digest_of(task)}
    require_no_given(run)
    task = make_task(spec.task)
    refuse_model(spec, task)
    return task, {BUILT: digest_of(task)} if ":" in str(spec.task.get("name")) else {}


def prepare(
    spec: SweepSpec,
    run: RunDirectory,
    task: UnlearningTask,
    digests: Mapping[str, str],
    progress: Progress,
) -> Prepared:
    """Reads what a run directory holds and refuses a sweep that cannot go on with it, or at all.

    Args:
        spec: The specification.
        run: The run directory, which nobody else writes to. What a killed process left of
            unfinished trials is forgotten.
        task: The task; see `swept_task`, as for the next.
        digests: By their key in a manifest.
        progress: Told how many trials there are, and what a search starts from.

    Raises:
        InputError: The directory or the task does not fit.
    """
    remove_stale(run.path)
    remove_stale(run.report)
    manifest = earlier_manifest(run, spec, digests)
    recorded = forget_unfinished(run)
    ended, points = recorded.ended, recorded.points
    families = {family.name: family for family in spec.family_list()}
    require_own(run, {"domains": families, **(manifest or {})}, points)
    plan = spec.plan()
    if isinstance(plan, DrawnWhileRunning):
        trials = [plan_of(row, families) for row in recorded.plans.values()]
    else:
        require_planned(run, points, recorded.plans, {trial.trial_id for trial in plan})
        trials = list(plan)
    progress.expect(trials, ended, total(plan))
    draws = _rule(spec) if manifest is None else manifest.get(DRAWS)
    if left_to_do(plan, ended):
        require_balanced(run, spec, draws)
    starts = [] if trials else starts_of(spec, progress)
    for lacking in refused_metrics(spec, task):
        raise lacking
    for _, refused in refused_methods([*trials, *representatives(spec.family_list())], task):
        raise refused
    entries = {**digests, DRAWS: draws, TRIALS: total(plan)}
    own = names_of(task) if GIVEN in digests else []
    return Prepared(
        sweep=Sweep(spec, run, trials, ended, points, starts),
        task=task,
        replicates=spec.replicate_list(),
        manifest=manifest,
        entries={key: value for key, value in entries.items() if value},
        loggers=loggers_for(spec.loggers, run),
        modules=modules_of(spec.to_mapping() | {"own": own}),
    )


def _rule(spec: SweepSpec) -> str | None:
    """How the configurations of a new run are drawn, where they are not searched."""
    return RULE if isinstance(spec.search, CompareSearch) else None

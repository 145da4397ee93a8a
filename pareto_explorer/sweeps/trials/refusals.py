"""What a task cannot be swept with: objectives that it lacks, methods that refuse it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pareto_explorer.errors import InputError
from pareto_explorer.metrics import lacking, require_measurable
from pareto_explorer.schema.metrics import METRICS
from pareto_explorer.sweeps.spec.families import Family, TrialPlan
from pareto_explorer.sweeps.spec.parts import ExploreSearch
from pareto_explorer.sweeps.spec.plan import DrawnWhileRunning
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.sweeps.trials.replicate import unlearning_data
from pareto_explorer.tasks import UnlearningTask
from pareto_explorer.unlearning import Demanding, make_method

__all__ = [
    "first_of_each",
    "known_or_any",
    "refused_methods",
    "refused_metrics",
    "representatives",
]


def representatives(families: Sequence[Family]) -> list[TrialPlan]:
    """One configuration of every family, with the defaults of the knobs that are drawn."""
    return [
        TrialPlan(family.name, family, {**family.knobs, **family.defaults}) for family in families
    ]


def known_or_any(spec: SweepSpec) -> Sequence[TrialPlan]:
    """The trials of a sweep, or where they are drawn while it runs, one of every family."""
    plan = spec.plan()
    return representatives(spec.family_list()) if isinstance(plan, DrawnWhileRunning) else plan


def first_of_each(spec: SweepSpec) -> dict[str, TrialPlan]:
    """A trial of every family, by the family's name: the first, or where none is known, any."""
    found: dict[str, TrialPlan] = {}
    for trial in known_or_any(spec):
        found.setdefault(trial.family.name, trial)
    return found


def refused_metrics(spec: SweepSpec, task: UnlearningTask) -> Iterator[InputError]:
    """Says of each objective or bound that the task does not have why that is so.

    So it does of answers that the task wants generated, where nothing here can compare them.
    """
    if task.given:
        for metric in spec.across_seeds:
            yield InputError(
                f"{_where(spec, metric)}: {metric} compares the models of "
                f"{METRICS[metric].least_seeds} training seeds or more, and this task brings its "
                f"own {' and '.join(task.given)}, so there is one; choose another metric."
            )
    yield from _not_measured(spec, task)
    try:
        require_measurable(task)
    except InputError as error:
        yield error
    for index, metric in enumerate(spec.metrics):
        if METRICS[metric].needs_adjacent and task.adjacent_indices is None:
            yield InputError(
                f"objectives.{index}.metric: this task has no {metric}; its forget request "
                "defines no adjacent set, choose another metric or request."
            )
        if METRICS[metric].request not in ("", task.planted and task.planted.request):
            yield InputError(
                f"objectives.{index}.metric: this task has no {metric}, which needs a forget "
                f"request of kind {METRICS[metric].request}; choose another metric or request."
            )


def _not_measured(spec: SweepSpec, task: UnlearningTask) -> Iterator[InputError]:
    """What there is only on another kind of task, or with more than this one has."""
    bounds = spec.search.bounds if isinstance(spec.search, ExploreSearch) else []
    named = [(f"objectives.{index}.metric", metric) for index, metric in enumerate(spec.metrics)]
    named += [("search.constraints", bound.metric) for bound in bounds]
    for where, metric in named:
        needed = lacking(metric, task)
        if needed:
            yield InputError(
                f"{where}: this task has no {metric}, which needs {needed}; choose another metric "
                "or task."
            )


def _where(spec: SweepSpec, metric: str) -> str:
    return "objectives" if metric in spec.metrics else "search.constraints"


def refused_methods(
    plans: Sequence[TrialPlan], task: UnlearningTask
) -> Iterator[tuple[TrialPlan, InputError]]:
    """Lets every method that asks something of the data refuse it before anything runs."""
    data = unlearning_data(task)
    for plan in plans:
        try:
            method = make_method(plan.config)
            if isinstance(method, Demanding):
                method.require(data)
        except InputError as error:
            yield plan, error

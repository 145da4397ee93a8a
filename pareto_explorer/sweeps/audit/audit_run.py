"""An audit from a run directory to its tables; asking for it again continues it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pareto_explorer.audits.compute import Point
from pareto_explorer.audits.plan import GAMES, AuditPlan, plan_audit
from pareto_explorer.audits.records import (
    COLUMNS,
    NONE,
    SAMPLE_COLUMNS,
    audit_table,
    read_audit,
    read_samples,
    read_shadows,
)
from pareto_explorer.audits.result import Audit
from pareto_explorer.errors import InputError, unknown
from pareto_explorer.results import Run, load_run
from pareto_explorer.schema.columns import checkpoints_of
from pareto_explorer.sweeps.audit.audited_run import AuditedRun
from pareto_explorer.sweeps.audit.execute import execute_audit
from pareto_explorer.sweeps.driver.settings import Settings
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.tasks import UnlearningTask, default_cache_dir
from pareto_explorer.text import count

__all__ = ["audit_run", "points_of"]

MOST_POINTS = 12
"""Points of a front that are audited."""
LEAST_FORGOTTEN = 10
"""Forgotten samples of which a half, or all but a tenth, still say something."""


def audit_run(
    path: str | Path,
    chosen: Mapping[str, Any],
    settings: Settings,
    *,
    front: bool,
    models: int,
    budget: float | None,
    games: Collection[str],
    task: UnlearningTask | None,
    trust: bool,
    spec: SweepSpec | None,
    dry_run: bool,
    planned: Callable[[AuditPlan], object],
) -> Audit:
    """Plans an audit, does it, and computes its tables; see `pareto_explorer.audit`.

    Args:
        path: The run directory, on this machine.
        chosen: The arguments of ``Run.select`` that choose the model.
        settings: How it is run.
        front: Audits the points of the front instead.
        models: Most models of each role.
        budget: Seconds.
        games: Some of `GAMES`.
        task: The task, where it was built in Python.
        trust: Whether to import code that the run names.
        spec: The specification that was swept.
        dry_run: Stops after the plan.
        planned: Is given the plan before anything is done.
    """
    run = load_run(path)
    _require(models, budget, games)
    points, notes = points_of(run, chosen, front=front)
    cache_dir = Path(settings.cache_dir) if settings.cache_dir else default_cache_dir()
    parts = (run.directory, run.manifest, run.points, cache_dir)
    audited = AuditedRun.open(*parts, task=task, trust=trust, spec=spec)
    forgotten = len(audited.task.forget_indices)
    if forgotten < LEAST_FORGOTTEN:
        games = GAMES[:1]
        notes.append(
            f"{count(forgotten, 'forgotten sample')}: neither leakage nor recovery, which take "
            f"{LEAST_FORGOTTEN} or more, is audited"
        )
    plan = plan_audit(
        points,
        audited.own,
        models=models,
        games=games,
        measured=read_shadows(run.directory),
        cached=audited.cached,
        costs=audited.costs(points),
        budget=budget,
    )
    planned(plan)
    if dry_run:
        empty = audit_table([], COLUMNS), audit_table([], SAMPLE_COLUMNS)
        return Audit(plan, *empty, (*notes, *plan.notes))
    notes += execute_audit(audited, plan, settings)
    return Audit(plan, *_tables(run), (*notes, *plan.notes))


def points_of(run: Run, chosen: Mapping[str, Any], *, front: bool) -> tuple[list[Point], list[str]]:
    """The points to audit, and a sentence where some of a front are left out.

    Raises:
        InputError: As for ``Run.select``; or a choice beside ``front``.
    """
    if not front:
        selection = run.select(**chosen)
        return [Point(selection.trial_id, selection.step, selection.position)], []
    given = [name for name, value in chosen.items() if value]
    if given:
        raise InputError(
            f"`front`: all points of the front are audited, so that `{given[0]}` has nothing to "
            "choose; leave out one of them."
        )
    method = run.points.groupby("trial_id")["method"].first()
    points = [
        Point(*point)
        for point in checkpoints_of(run.front())
        if method[point[0]] != NONE  # audited anyway
    ]
    if len(points) <= MOST_POINTS:
        return points, []
    kept = [points[round(i * (len(points) - 1) / (MOST_POINTS - 1))] for i in range(MOST_POINTS)]
    left = count(len(points) - MOST_POINTS, "point")
    return kept, [f"{left} of the front are left out: {MOST_POINTS} are the most, evenly spread"]


def _tables(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    table, samples = read_audit(run.directory), read_samples(run.directory)
    if table is None or samples is None:
        raise AssertionError("an audit ends with its tables")
    return table, samples


def _require(models: int, budget: float | None, games: Collection[str]) -> None:
    if isinstance(models, bool) or not isinstance(models, int) or models < 2:
        raise InputError(f"`models`: {models} found; give 2 or more, and 4 for most audits.")
    if budget is not None and not budget > 0:
        raise InputError(f"`budget`: {budget} seconds found; give more than 0, or leave it out.")
    for game in games:
        if game not in GAMES:
            raise unknown("`games`", game, GAMES)
    if not games:
        raise InputError(f"`games`: none is given; choose from {', '.join(GAMES)}.")

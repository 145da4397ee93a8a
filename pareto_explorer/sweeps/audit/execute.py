"""The models of an audit on Ray: trained and unlearned as a sweep does, asked, and recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
import ray
import torch

from pareto_explorer.audits.compute import Point, samples_table, statistics_table
from pareto_explorer.audits.plan import AuditPlan
from pareto_explorer.audits.records import DATA, HALVES, NONE, Arrays, Journal, Shadow, write_audit
from pareto_explorer.errors import InputError
from pareto_explorer.schema.audited import NOT_ON_TOKENS
from pareto_explorer.sweeps.again.export import TOLERANCE
from pareto_explorer.sweeps.audit.audited_run import AuditedRun
from pareto_explorer.sweeps.audit.halves import other_half
from pareto_explorer.sweeps.audit.models import (
    How,
    UnlearnedPoint,
    ask_half,
    ask_landmarks,
    ask_unlearned,
    questions,
)
from pareto_explorer.sweeps.audit.pictures import with_pictures
from pareto_explorer.sweeps.cluster.connect import connect
from pareto_explorer.sweeps.cluster.room import slots
from pareto_explorer.sweeps.cluster.shipping import modules_of
from pareto_explorer.sweeps.cluster.workers import completed
from pareto_explorer.sweeps.driver.endings import told, tracebacks, written
from pareto_explorer.sweeps.driver.lock import exclusive
from pareto_explorer.sweeps.driver.output import output
from pareto_explorer.sweeps.driver.settings import Settings
from pareto_explorer.sweeps.trials.given_task import digest_of, names_of
from pareto_explorer.sweeps.trials.landmark_training import (
    Wanted,
    obtain_landmarks,
    prepare_landmarks,
)
from pareto_explorer.sweeps.trials.replicate import Landmarks

__all__ = ["execute_audit"]

AT_A_TIME = 8
"""Seeds whose landmarks are in memory together."""


def execute_audit(audited: AuditedRun, plan: AuditPlan, settings: Settings) -> list[str]:
    """Does what a plan says and is not done, and writes the tables of all audits of the run.

    Args:
        audited: The run.
        plan: The plan.
        settings: How it is run.

    Returns:
        Sentences on what went otherwise than it should.

    Raises:
        InputError: Another process writes to the run, the address does not fit, or a model fails.
        WriteError: The run directory can no longer be written.
        Interrupted: Somebody has stopped it; what is done is kept.
    """
    run, progress = audited.directory, settings.progress
    with exclusive(run, "run"), written(run):
        work = _Work(audited, plan, settings, _journal(audited))
        with told(work.count), tracebacks(run):
            if work.left:
                modules = modules_of(audited.spec.to_mapping() | {"own": names_of(audited.task)})
                with (
                    connect(
                        settings.address,
                        verbose=settings.verbose,
                        dashboard=settings.dashboard,
                        modules=modules,
                        progress=progress,
                    ),
                    output(run, verbose=settings.verbose),
                    progress,
                ):
                    slots(audited.spec.resources)
                    work.run()
            work.journal.close()
            write_tables(audited, plan, work.journal.models)
            settings.changed()
    unmeasured = [NOT_ON_TOKENS] if audited.task.tokens else []
    return [*work.notes, *_differences(plan, work.journal.models), *unmeasured]


def write_tables(audited: AuditedRun, plan: AuditPlan, models: Mapping[Shadow, Arrays]) -> None:
    """Computes and writes the tables of all points that were ever audited, those of a plan first.

    Args:
        audited: The run.
        plan: The last plan.
        models: What the models say.
    """
    earlier = sorted({_point(s) for s in models if s.role == "unlearned"})
    points = list(dict.fromkeys([*plan.points, *earlier]))
    table = statistics_table(models, audited.own, points)
    samples = with_pictures(samples_table(models, points), audited.task)
    write_audit(audited.directory, table, samples)


def _journal(audited: AuditedRun) -> Journal:
    journal, data = Journal(audited.directory), questions(audited.task)
    data["task"] = np.array(digest_of(audited.task))
    if DATA not in journal.models:
        journal.add(DATA, data)
    known = journal.models[DATA]
    if any(not np.array_equal(known.get(name, []), values) for name, values in data.items()):
        raise InputError(
            f"audit: that of {str(audited.directory.path)!r} is of another task than the run's "
            "now; delete the folder audit of the run and audit it again."
        )
    return journal


def _differences(plan: AuditPlan, models: Mapping[Shadow, Arrays]) -> list[str]:
    """Says where the sweep's own models came out otherwise when they were unlearned again."""
    points = set(plan.points)
    apart = max(
        (
            float(arrays["difference"])
            for shadow, arrays in models.items()
            if "difference" in arrays and _point(shadow) in points
        ),
        default=0.0,
    )
    if apart <= TOLERANCE:
        return []
    return [
        "unlearned again, the sweep's own models differ from their rows by up to "
        f"{apart:.2g}: what is audited is the configuration, on this machine"
    ]


@dataclass
class _Work:
    """What an audit has left to do, and does, in the order of the plan.

    What comes back when a model is trained further is asked with all else, as long as it is there.
    """

    audited: AuditedRun
    plan: AuditPlan
    settings: Settings
    journal: Journal
    notes: list[str] = field(default_factory=list)
    done: int = 0

    def __post_init__(self) -> None:
        spec = self.audited.spec
        self.recovered = frozenset(self.plan.seeds("recovery"))
        self.left = [
            shadow
            for stage in self.plan.stages
            if stage.fits and stage.game != "recovery"
            for half in (HALVES if stage.game == "leakage" else ("",))
            for seed in stage.seeds
            for shadow in self._wanted(seed, half)
            if self._lacks(shadow)
        ]
        self.total = len(self.left)
        self.how = How(spec.budget, spec.resources.device, spec.resources.threads)

    def _wanted(self, seed: int, half: str) -> Iterator[Shadow]:
        yield Shadow("original", seed, half=half)
        if not half:
            yield Shadow("retrained", seed)
        for point in self.plan.points:
            if point.trial_id != NONE:
                yield point.shadow(seed, half)

    def _lacks(self, shadow: Shadow) -> bool:
        said = self.journal.models.get(shadow)
        recovered = shadow.seed in self.recovered and not shadow.half
        return said is None or (bool(said) and recovered and "relearn" not in said)

    def run(self) -> None:
        """Asks all models that are left, some seeds at a time."""
        refs = ray.put(self.audited.task), ray.put(self.journal.models[DATA])
        self.settings.progress.models(0, self.total)
        for halves, left in groupby(self.left, key=lambda shadow: bool(shadow.half)):
            ask, shadows = self._ask_halves if halves else self._ask_whole, list(left)
            seeds = list(dict.fromkeys(shadow.seed for shadow in shadows))
            for start in range(0, len(seeds), AT_A_TIME):
                some = seeds[start : start + AT_A_TIME]
                ask([shadow for shadow in shadows if shadow.seed in some], *refs)

    def _ask_whole(self, left: Sequence[Shadow], task_ref: Any, data_ref: Any) -> None:
        states = self._landmarks(left, task_ref)
        landmarks = {seed: ray.put({seed: own}) for seed, own in states.items()}
        arguments: dict[Any, Any] = {
            seed: (
                partial(ask_landmarks, recover=seed in self.recovered),
                task_ref,
                landmarks[seed],
                data_ref,
                self.how,
            )
            for seed in dict.fromkeys(s.seed for s in left if s.role != "unlearned")
        }
        for seed, said in self._completed(arguments):
            for kind, arrays in said.items():
                self._add(Shadow(kind, seed), arrays)
        arguments = {
            shadow: (
                partial(ask_unlearned, recover=shadow.seed in self.recovered),
                task_ref,
                landmarks[shadow.seed],
                data_ref,
                self.how,
                self._point(shadow),
            )
            for shadow in left
            if shadow.role == "unlearned"
        }
        for shadow, asked in self._completed(arguments):
            self._add(shadow, asked)

    def _ask_halves(self, left: Sequence[Shadow], task_ref: Any, data_ref: Any) -> None:
        originals = {
            (seed, half): ray.put({seed: Landmarks(state)})
            for (seed, half), state in self._originals(left, task_ref).items()
        }
        arguments = {
            shadow: (
                ask_half,
                task_ref,
                originals[shadow.seed, shadow.half],
                shadow.half,
                data_ref,
                self.how,
                self._point(shadow) if shadow.role == "unlearned" else None,
            )
            for shadow in left
        }
        for shadow, arrays in self._completed(arguments):
            self._add(shadow, arrays)

    def _landmarks(self, left: Sequence[Shadow], task_ref: Any) -> dict[int, Landmarks]:
        return prepare_landmarks(
            self.audited.task,
            task_ref,
            list(dict.fromkeys(shadow.seed for shadow in left)),
            self.audited.spec.resources,
            self.audited.cache.root,
            self.settings.progress,
        )

    def _originals(
        self, left: Sequence[Shadow], task_ref: Any
    ) -> dict[tuple[int, str], dict[str, torch.Tensor]]:
        """The originals of halves, by seed and half."""
        names, wanted = {}, {}
        for seed, half in dict.fromkeys((shadow.seed, shadow.half) for shadow in left):
            key = self.audited.fingerprint(Shadow("original", seed, half=half))
            name = f"original/seed {seed}, {half} half"
            part = partial(other_half, seed=seed, half=half)
            names[key], wanted[key] = (seed, half), Wanted("retrained", seed, name, part)
        found = obtain_landmarks(
            wanted,
            task_ref,
            self.audited.spec.resources,
            self.audited.cache.root,
            self.settings.progress,
        )
        return {names[key]: state for key, state in found.items()}

    def _point(self, shadow: Shadow) -> UnlearnedPoint:
        point = _point(shadow)
        recorded = {} if shadow.half else self.audited.recorded(point, shadow.seed)
        replicate = self.audited.replicate(shadow.seed)
        return UnlearnedPoint(
            self.audited.plan(point), replicate, point.step, recorded, point.position
        )

    def _completed(self, arguments: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
        outcomes = completed(
            _call,
            arguments,
            self.audited.spec.resources,
            "model: fails in the audit",
            self.settings.progress.stage,
        )
        with closing(outcomes):
            yield from outcomes

    def _add(self, shadow: Shadow, arrays: Arrays) -> None:
        if not arrays:
            unlearned = shadow.role == "unlearned"
            what = str(_point(shadow)) if unlearned else f"the {shadow.role} model"
            half = f" and the {shadow.half} half of the forget set" if shadow.half else ""
            self.notes.append(
                f"{what}: diverges with training seed {shadow.seed}{half}, "
                "which no statistic counts"
            )
        self.journal.add(shadow, arrays)
        self.done += shadow in self.left
        self.settings.progress.models(self.done, self.total)

    def count(self) -> str:
        """How many models have been asked, of how many."""
        return f"{self.done} of {self.total} models asked"


def _point(shadow: Shadow) -> Point:
    return Point(shadow.trial_id, shadow.step, shadow.position)


def _call(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)

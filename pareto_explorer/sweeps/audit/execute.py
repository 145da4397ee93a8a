"""The models of an audit, on Ray: trained and unlearned as a sweep does, asked, and written down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import ray

from pareto_explorer.audits.compute import Point, samples_table, statistics_table
from pareto_explorer.audits.plan import AuditPlan
from pareto_explorer.audits.records import DATA, NONE, Arrays, Journal, Shadow, write_audit
from pareto_explorer.errors import InputError, WriteError
from pareto_explorer.interruption import AGAIN, Interrupted
from pareto_explorer.sweeps.again.export import TOLERANCE
from pareto_explorer.sweeps.audit.audited_run import AuditedRun
from pareto_explorer.sweeps.audit.models import Asked, ask_landmarks, ask_unlearned, questions
from pareto_explorer.sweeps.cluster.connect import connect
from pareto_explorer.sweeps.cluster.room import slots
from pareto_explorer.sweeps.cluster.shipping import modules_of
from pareto_explorer.sweeps.cluster.workers import completed
from pareto_explorer.sweeps.driver.endings import tracebacks
from pareto_explorer.sweeps.driver.lock import exclusive
from pareto_explorer.sweeps.driver.output import output
from pareto_explorer.sweeps.driver.settings import Settings
from pareto_explorer.sweeps.trials.given_task import names_of
from pareto_explorer.sweeps.trials.landmark_training import prepare_landmarks
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
    with exclusive(run):
        work = _Work(audited, plan, settings, _journal(audited))
        with work.told(), tracebacks(run):
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
            write_tables(audited, work.journal.models)
            settings.changed()
    return work.notes


def write_tables(audited: AuditedRun, models: Mapping[Shadow, Arrays]) -> None:
    """Computes and writes the tables of all points that were ever audited."""
    points = sorted({Point(s.trial_id, s.step) for s in models if s.role == "unlearned"})
    points.append(Point(NONE, 0))
    table = statistics_table(models, audited.own, points)
    write_audit(audited.directory, table, samples_table(models, points))


def _journal(audited: AuditedRun) -> Journal:
    journal, data = Journal(audited.directory), questions(audited.task)
    if DATA not in journal.models:
        journal.add(DATA, data)
    known = journal.models[DATA]
    if any(name not in known or (known[name] != values).any() for name, values in data.items()):
        raise InputError(
            f"audit: that of {str(audited.directory.path)!r} is of other samples than the task's; "
            "delete the folder audit of the run and audit it again."
        )
    return journal


@dataclass
class _Work:
    audited: AuditedRun
    plan: AuditPlan
    settings: Settings
    journal: Journal
    notes: list[str] = field(default_factory=list)
    done: int = 0
    apart: float = 0.0

    def __post_init__(self) -> None:
        self.left = [
            shadow
            for seed in self.plan.seeds("indistinguishability")
            for shadow in self._wanted(seed)
            if shadow not in self.journal.models
        ]
        self.total = len(self.left)

    def _wanted(self, seed: int) -> Iterator[Shadow]:
        yield Shadow("original", seed)
        yield Shadow("retrained", seed)
        yield from (p.shadow(seed) for p in self.plan.points if p.trial_id != NONE)

    def run(self) -> None:
        task_ref, data_ref = ray.put(self.audited.task), ray.put(self.journal.models[DATA])
        seeds = list(dict.fromkeys(shadow.seed for shadow in self.left))
        for start in range(0, len(seeds), AT_A_TIME):
            self._ask(seeds[start : start + AT_A_TIME], task_ref, data_ref)
        if self.apart > TOLERANCE:
            self.notes.append(
                f"unlearned again, the sweep's own models differ from their rows by up to "
                f"{self.apart:.2g}: what is audited is the configuration, on this machine"
            )

    def _ask(self, seeds: Sequence[int], task_ref: Any, data_ref: Any) -> None:
        spec, progress = self.audited.spec, self.settings.progress
        landmarks = prepare_landmarks(
            self.audited.task,
            task_ref,
            seeds,
            spec.resources,
            self.audited.cache.root,
            progress,
        )
        left = [shadow for shadow in self.left if shadow.seed in landmarks]
        trained = dict.fromkeys(s.seed for s in left if s.role != "unlearned")
        compute = spec.resources.device, spec.resources.threads
        arguments: dict[Any, Any] = {
            seed: (task_ref, landmarks[seed], data_ref, *compute) for seed in trained
        }
        for seed, said in self._completed(ask_landmarks, arguments):
            for kind, arrays in said.items():
                self._add(Shadow(kind, seed), arrays)
        arguments = {
            shadow: self._unlearning(shadow, task_ref, landmarks, data_ref)
            for shadow in left
            if shadow.role == "unlearned"
        }
        for shadow, asked in self._completed(ask_unlearned, arguments):
            self._take(shadow, asked)

    def _unlearning(
        self, shadow: Shadow, task_ref: Any, landmarks: Mapping[int, Landmarks], data_ref: Any
    ) -> tuple[Any, ...]:
        spec, seed = self.audited.spec, shadow.seed
        point = Point(shadow.trial_id, shadow.step)
        return (
            task_ref,
            {seed: landmarks[seed]},
            data_ref,
            self.audited.plan(point),
            self.audited.replicate(seed),
            spec.budget,
            shadow.step,
            self.audited.recorded(point, seed),
            spec.resources.device,
            spec.resources.threads,
        )

    def _completed(self, function: Any, arguments: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
        outcomes = completed(
            function,
            arguments,
            self.audited.spec.resources,
            "model: fails in the audit",
            self.settings.progress.stage,
        )
        with closing(outcomes):
            yield from outcomes

    def _take(self, shadow: Shadow, asked: Asked) -> None:
        self.apart = max(self.apart, asked.difference)
        if not asked.arrays:
            self.notes.append(
                f"{shadow.trial_id}, step {shadow.step}: diverges with training seed {shadow.seed}, "
                "which no statistic counts"
            )
        self._add(shadow, asked.arrays)

    def _add(self, shadow: Shadow, arrays: Arrays) -> None:
        self.journal.add(shadow, arrays)
        before, self.done = self.done, self.done + (shadow in self.left)
        if 10 * self.done // self.total > 10 * before // self.total:
            self.settings.progress.stage(f"audit: {self.done} of {self.total} models asked")

    @contextmanager
    def told(self) -> Iterator[None]:
        """Says of what ends an audit what the user has to know."""
        try:
            yield
        except (Interrupted, KeyboardInterrupt) as stop:
            stop.add_note(f"{self.done} of {self.total} models asked; {AGAIN}")
            raise
        except OSError as error:
            refused = WriteError.of(error, self.audited.directory.path)
            if refused is None:
                raise
            raise refused from None

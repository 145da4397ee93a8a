"""The trials of a sweep that is prepared: landmarks, the manifest, and what Ray Tune runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ray

from pareto_explorer.fronts import Box, nothing_to_forget, oracle_free_doubt
from pareto_explorer.runs import (
    RunDirectory,
    read_landmarks,
    read_manifest,
    write_landmarks,
    write_manifest,
)
from pareto_explorer.runs.kept_models import expect_shapes
from pareto_explorer.runs.manifest import TRIALS
from pareto_explorer.sweeps.cluster.connect import connect
from pareto_explorer.sweeps.cluster.room import fitting, slots
from pareto_explorer.sweeps.driver.callbacks import SWEEP_ENDED
from pareto_explorer.sweeps.driver.output import output
from pareto_explorer.sweeps.driver.prepare import Prepared
from pareto_explorer.sweeps.driver.recording import record_sweep
from pareto_explorer.sweeps.driver.run_box import fixed_box, new_box
from pareto_explorer.sweeps.driver.settings import Settings
from pareto_explorer.sweeps.driver.tuning import tune_trials
from pareto_explorer.sweeps.search.trial_source import Sweep, at_a_time
from pareto_explorer.sweeps.spec.plan import total
from pareto_explorer.sweeps.stopping.hypervolume_stopper import HypervolumeStopper
from pareto_explorer.sweeps.trials.bundle_pace import measure_bundles
from pareto_explorer.sweeps.trials.landmark_training import landmark_rows, prepare_landmarks
from pareto_explorer.sweeps.trials.memory import require_gpu_room
from pareto_explorer.sweeps.trials.model_store import ModelStore
from pareto_explorer.sweeps.trials.replicate import Landmarks
from pareto_explorer.sweeps.trials.trainable import Job
from pareto_explorer.tasks import default_cache_dir

__all__ = ["run_trials"]

IMPORTS = ("torch", "ray.tune")
"""Nine tenths of what a worker imports; installed, hence the same wherever it looks for modules."""


def run_trials(prepared: Prepared, settings: Settings) -> None:
    """Trains the landmarks that are missing, then runs the trials that are left, on Ray.

    Args:
        prepared: The sweep; nobody else writes to its run directory.
        settings: How it is run.

    Raises:
        InputError: The address does not fit, or the model fails in the training of a landmark.
        WriteError: The run directory can no longer be written.
        Interrupted: Somebody has stopped the sweep.
    """
    sweep, task, progress = prepared.sweep, prepared.task, settings.progress
    spec, run = sweep.spec, sweep.run
    with (
        connect(
            settings.address,
            verbose=settings.verbose,
            dashboard=settings.dashboard,
            modules=prepared.modules,
            ahead=IMPORTS if _fills_this_machine(prepared) else (),
            progress=progress,
        ) as own,
        output(run, verbose=settings.verbose),
        progress,
    ):
        room = slots(spec.resources)
        doubt = oracle_free_doubt(spec.metrics, task.facts)
        if doubt:
            progress.stage(f"objectives: {doubt}")
        task_ref = ray.put(task)
        landmarks = prepare_landmarks(
            task,
            task_ref,
            spec.replicates.training_seeds,
            spec.resources,
            Path(settings.cache_dir) if settings.cache_dir else default_cache_dir(),
            progress,
            retrain=spec.needs_retrained,
        )
        box = _recorded(prepared, settings, task_ref, landmarks, own=own)
        progress.begin(sweep.points, box)
        stopper = _stopper(sweep, box)
        if sweep.goes_on and not (stopper and stopper.stop_all()):
            sizes = measure_bundles(spec, task_ref, landmarks, progress)
            require_gpu_room(spec, task_ref, landmarks, progress, sizes)
            job = _job(prepared, settings, landmarks, sizes)
            tune_trials(prepared, job, box, stopper, settings, room=room, own=own)
        if stopper and stopper.stop_all():
            _record_total(run, progress.done)
            settings.changed()


def _fills_this_machine(prepared: Prepared) -> bool:
    """Whether trials would need a worker for every CPU, so that none is made ready in vain."""
    spec, cpus = prepared.sweep.spec, os.cpu_count() or 1
    busy = at_a_time(spec, fitting({"CPU": cpus}, spec.resources))
    spread = spec.resources.replicate_parallelism == "replicate"
    trials = total(spec.plan())
    parts = len(prepared.replicates) if spread else 1
    pieces = None if trials is None else (trials - len(prepared.sweep.ended)) * parts
    enough = pieces is None or pieces >= cpus
    return prepared.sweep.goes_on and busy >= cpus and enough


def _recorded(
    prepared: Prepared,
    settings: Settings,
    task_ref: Any,
    landmarks: Mapping[int, Landmarks],
    *,
    own: bool,
) -> Box:
    """Writes down what is fixed before the first trial, and returns the box."""
    sweep, progress = prepared.sweep, settings.progress
    spec, run, replicates = sweep.spec, sweep.run, prepared.replicates
    if prepared.manifest is None:
        rows = landmark_rows(
            task_ref,
            landmarks,
            replicates,
            spec.resources,
            progress,
            spec.across_seeds,
            task=prepared.task if own and not spec.resources.gpu else None,
        )
        write_landmarks(run, rows)
    measured = read_landmarks(run)
    if prepared.manifest is None:
        box, rule = new_box(spec, measured)
    else:
        box, rule = fixed_box(run, prepared.manifest)
    if not prepared.recorded:
        name = settings.name or run.path.name
        record_sweep(run, spec, box, name, prepared.task.facts, prepared.entries, rule)
    if spec.checkpoints.keep != "none":
        original = landmarks[replicates[0].training_seed].original
        expect_shapes(run, {name: str([*value.shape]) for name, value in original.items()})
    settings.changed()
    nothing = nothing_to_forget(measured, box.metrics)
    if nothing:
        progress.stage(f"warning: {nothing}")
    return box


def _job(
    prepared: Prepared,
    settings: Settings,
    landmarks: Mapping[int, Landmarks],
    sizes: Mapping[str, int],
) -> Job:
    spec = prepared.sweep.spec
    storage = settings.storage or prepared.sweep.run.path
    return Job(
        prepared.sweep.families,
        prepared.task,
        landmarks,
        prepared.replicates,
        spec.budget,
        spec.resources.device,
        spec.resources.threads,
        spec.checkpoints.every_seconds,
        ModelStore(storage) if spec.checkpoints.keep != "none" else None,
        spec.across_seeds,
        sizes,
    )


def _stopper(sweep: Sweep, box: Box) -> HypervolumeStopper | None:
    """The stopper as an earlier run of the sweep left it.

    Trials that ended with the sweep count first: later ones gain the less for them (hypervolume is
    submodular), so a sweep that has been ended stays so.
    """
    wanted, ended = sweep.spec.stop, sweep.ended
    if wanted is None:
        return None
    stopper = HypervolumeStopper(box, wanted.gain, wanted.configurations)
    stopper.seed(sweep.points, order=sorted(ended, key=lambda name: ended[name] != SWEEP_ENDED))
    return stopper


def _record_total(run: RunDirectory, trials: int) -> None:
    """Records to how many trials a sweep has come that has ended before its plan."""
    manifest = read_manifest(run)
    if manifest.get(TRIALS) != trials:
        write_manifest(run, manifest | {TRIALS: trials})

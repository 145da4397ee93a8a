"""A sweep from its specification to its points; running it again continues it."""

from __future__ import annotations

import importlib.metadata
import logging
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import ray
from filelock import FileLock, Timeout
from ray import tune

from pareto_explorer._version import __version__
from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective, efficacy_fidelity_box, retrain_gap_box
from pareto_explorer.runs import (
    PointsWriter,
    RunDirectory,
    finished_trials,
    forget_unfinished,
    read_landmarks,
    read_manifest,
    read_points,
    write_landmarks,
    write_manifest,
)
from pareto_explorer.sweeps.callbacks import SweepCallback
from pareto_explorer.sweeps.cluster import connect
from pareto_explorer.sweeps.families import TrialPlan
from pareto_explorer.sweeps.landmarks import landmark_rows, prepare_landmarks
from pareto_explorer.sweeps.progress import Progress
from pareto_explorer.sweeps.replicate import unlearning_data
from pareto_explorer.sweeps.spec import Resources, SweepSpec
from pareto_explorer.sweeps.trainable import Job, UnlearningTrial
from pareto_explorer.tasks import UnlearningTask, default_cache_dir, make_task
from pareto_explorer.unlearning import Demanding, make_method

__all__ = ["execute"]


def execute(
    spec: SweepSpec,
    out: str | Path,
    *,
    address: str | None = None,
    cache_dir: str | Path | None = None,
    progress: Progress | None = None,
    verbose: bool = False,
    name: str = "",
) -> RunDirectory:
    """Runs a sweep, or what is left of it; the report is up to the caller.

    The arguments are those of `pareto_explorer.run_sweep`.

    Returns:
        The run directory.

    Raises:
        InputError: The directory, the address or the task does not fit; nothing is overwritten.
    """
    progress = progress or Progress()
    run = RunDirectory(Path(out).resolve())
    task = make_task(spec.task)
    with _exclusive(run):
        earlier = _earlier_spec(run, spec)
        forget_unfinished(run)
        ended, points = finished_trials(run), read_points(run)
        plans, replicates = spec.plan(), spec.replicate_list()
        _check_methods(plans, task)
        left = {plan.trial_id: plan for plan in plans if plan.trial_id not in ended}
        with connect(address, verbose=verbose), _output(run, verbose=verbose), progress:
            task_ref = ray.put(task)
            landmarks = prepare_landmarks(
                task,
                task_ref,
                spec.replicates.training_seeds,
                spec.resources,
                Path(cache_dir) if cache_dir else default_cache_dir(),
                progress,
            )
            if earlier is None:
                rows = landmark_rows(task_ref, landmarks, replicates, spec.resources)
                write_landmarks(run, rows)
            box = _box(spec, read_landmarks(run))
            if earlier != spec.to_mapping():
                _write_manifest(run, spec, box, name or run.path.name, task.facts)
            progress.begin(plans, ended, points, box)
            if left:
                writer = PointsWriter(run)
                callback = SweepCallback(run, writer, progress, left, replicates[0])
                job = Job(
                    left,
                    task,
                    landmarks,
                    replicates,
                    spec.budget,
                    spec.resources.device,
                    spec.resources.threads,
                )
                try:
                    _fit(run, job, spec.resources, callback)
                finally:
                    writer.close()
    return run


def _check_methods(plans: Sequence[TrialPlan], task: UnlearningTask) -> None:
    """Lets every method that asks something of the data refuse it before anything runs."""
    data = unlearning_data(task)
    for plan in plans:
        method = make_method(plan.config)
        if isinstance(method, Demanding):
            method.require(data)


def _fit(run: RunDirectory, job: Job, resources: Resources, callback: tune.Callback) -> None:
    trainable = tune.with_resources(
        tune.with_parameters(UnlearningTrial, job=job),
        {"cpu": resources.cpu, "gpu": resources.gpu},
    )
    tuner = tune.Tuner(
        trainable,
        param_space={"trial_id": tune.grid_search(list(job.plans))},
        tune_config=tune.TuneConfig(
            reuse_actors=True, trial_dirname_creator=lambda trial: trial.config["trial_id"]
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(run.path),
            callbacks=[callback],
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            verbose=0,
        ),
    )
    tuner.fit()


@contextmanager
def _exclusive(run: RunDirectory) -> Iterator[None]:
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run.path / ".lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise InputError(f"--out: another sweep is writing to {str(run.path)!r}.") from None
    except OSError as error:
        raise InputError(
            f"--out: {str(run.path)!r} cannot be written ({error.strerror}); choose another folder."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _earlier_spec(run: RunDirectory, spec: SweepSpec) -> dict[str, Any] | None:
    """The specification that made the directory, or None for a new one."""
    if not run.sweep_yaml.exists():
        strangers = [p.name for p in run.path.iterdir() if p.name not in (".lock", "sweep.log")]
        if strangers and not run.landmarks.exists():
            raise InputError(
                f"--out: {str(run.path)!r} holds other files ({min(strangers)}, ...); "
                "choose an empty folder."
            )
        return None
    earlier: dict[str, Any] = read_manifest(run)["spec"]
    wanted = spec.to_mapping()
    for part, new in wanted.items():
        old = earlier.get(part)
        if part == "resources" or old == new or (part == "search" and _extends(old, new)):
            continue
        raise InputError(
            f"--out: {str(run.path)!r} was made by another specification ({part} differs: "
            f"{old!r} there, {new!r} here); choose another folder with --out."
        )
    return earlier


def _extends(old: Any, new: Any) -> bool:
    """Whether the only change is a larger number of configurations."""
    longer: bool = new["configurations"] > old["configurations"]
    return longer and {**old, "configurations": 0} == {**new, "configurations": 0}


def _box(spec: SweepSpec, landmarks: pd.DataFrame) -> Box:
    if isinstance(spec.objectives, list):
        for index, objective in enumerate(spec.objectives):
            if objective.metric not in landmarks:
                raise InputError(
                    f"objectives.{index}.metric: this task has no {objective.metric}; its forget "
                    "request defines no adjacent set, choose another metric or request."
                )
        return Box(tuple(Objective(**o.model_dump()) for o in spec.objectives))
    if spec.preset.preset == "efficacy_fidelity":
        return efficacy_fidelity_box()
    originals = landmarks[landmarks["landmark"] == "original"]
    return retrain_gap_box(originals["forget_gap"].tolist(), spec.preset.tolerance)


def _write_manifest(
    run: RunDirectory, spec: SweepSpec, box: Box, name: str, facts: Mapping[str, Any]
) -> None:
    packages = ["torch", "torchvision", "torchjd", "ray", "optuna", "pymoo"]
    packages += ["moocore", "numpy", "pandas", "scikit-learn", "plotly"]
    manifest = {
        "name": name,
        "spec": spec.to_mapping(),
        "box": box.to_dict(),
        "facts": dict(facts),
        "command": _command(),
        "versions": {
            "pareto-explorer": __version__,
            "python": sys.version.split()[0],
            **{package: importlib.metadata.version(package) for package in packages},
        },
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    commit = _git_commit()
    if commit:
        manifest["git_commit"] = commit
    write_manifest(run, manifest)


def _command() -> str:
    """The command line, or nothing where the sweep was started from Python."""
    program = Path(sys.argv[0])
    ours = program.stem == "pareto-explorer" or program.parts[-2:] == (
        "pareto_explorer",
        "__main__.py",
    )
    return shlex.join(["pareto-explorer", *sys.argv[1:]]) if ours else ""


def _git_commit() -> str | None:
    try:
        found = subprocess.run(  # noqa: S603
            ["git", "-C", str(Path.cwd()), "rev-parse", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return found.stdout.strip() or None


@contextmanager
def _output(run: RunDirectory, *, verbose: bool) -> Iterator[None]:
    """Sends what Ray prints and logs to ``sweep.log``."""
    if verbose:
        yield
        return
    logger = logging.getLogger("ray")
    with (run.path / "sweep.log").open("a", buffering=1) as log:
        handlers, logger.handlers = logger.handlers, [logging.StreamHandler(log)]
        try:
            with redirect_stdout(log), redirect_stderr(log):
                yield
        finally:
            logger.handlers = handlers

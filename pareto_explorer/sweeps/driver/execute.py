"""A sweep from its specification to its points; running it again continues it."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, TextIO

import pandas as pd
import ray
from filelock import FileLock, Timeout
from ray import tune

from pareto_explorer.errors import InputError, WriteError
from pareto_explorer.fronts import (
    Box,
    efficacy_fidelity_box,
    forget_nadir,
    nothing_to_forget,
    oracle_free_box,
    oracle_free_doubt,
    retrain_gap_box,
)
from pareto_explorer.fronts.statistics.floor import mean_between_retrained
from pareto_explorer.fronts.statistics.to_forget import original_gaps
from pareto_explorer.interruption import AGAIN, Interrupted, held_back
from pareto_explorer.runs import (
    PointsWriter,
    RunDirectory,
    forget_unfinished,
    read_landmarks,
    read_manifest,
    recorded_entry,
    require_own,
    require_planned,
    write_landmarks,
    write_manifest,
    write_text,
)
from pareto_explorer.runs.files.atomic import remove_stale
from pareto_explorer.runs.kept_models import expect_shapes
from pareto_explorer.runs.manifest import TRIALS
from pareto_explorer.runs.remote.staging import STATE
from pareto_explorer.sweeps.check.refuse_model import refuse_model
from pareto_explorer.sweeps.cluster.connect import connect, pending_trials, slots
from pareto_explorer.sweeps.cluster.loggers import loggers_for
from pareto_explorer.sweeps.cluster.shipping import modules_of
from pareto_explorer.sweeps.cluster.workers import Patience, WorkerError
from pareto_explorer.sweeps.driver.callbacks import (
    SWEEP_ENDED,
    Driver,
    Over,
    OverInOrder,
    SweepCallback,
)
from pareto_explorer.sweeps.driver.keeper import Keeper
from pareto_explorer.sweeps.driver.recording import record_sweep
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.search.trial_source import (
    Sweep,
    concurrency_of,
    left_to_do,
    searcher_for,
    starts_of,
    total_of,
)
from pareto_explorer.sweeps.spec.draws import DRAWS, RULE
from pareto_explorer.sweeps.spec.families import TrialPlan, plan_of
from pareto_explorer.sweeps.spec.parts import CompareSearch
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.sweeps.stopping.hypervolume_stopper import HypervolumeStopper
from pareto_explorer.sweeps.stopping.pareto_asha import ParetoASHA
from pareto_explorer.sweeps.trials.given_task import (
    BUILT,
    GIVEN,
    digest_of,
    names_of,
    require_no_given,
)
from pareto_explorer.sweeps.trials.landmark_training import landmark_rows, prepare_landmarks
from pareto_explorer.sweeps.trials.memory import require_gpu_room
from pareto_explorer.sweeps.trials.model_store import ModelStore
from pareto_explorer.sweeps.trials.refusals import refused_methods, refused_metrics, representatives
from pareto_explorer.sweeps.trials.trainable import Job, UnlearningTrial
from pareto_explorer.tasks import UnlearningTask, default_cache_dir, make_task

__all__ = ["execute"]

_FREE = ("resources", "retries", "stop", "checkpoints", "loggers")
"""Parts of a specification that may change between two runs of the same sweep."""

_LOCK, _LOG, _ERRORS = ".lock", "sweep.log", "errors"

_OURS = (_LOCK, STATE, _LOG, _ERRORS)
"""What there may be in a run directory before its specification."""


def _nothing() -> None:
    """Nobody wants to know."""


def execute(
    spec: SweepSpec,
    out: str | Path,
    task: UnlearningTask | None = None,
    *,
    address: str | None = None,
    cache_dir: str | Path | None = None,
    progress: Progress | None = None,
    verbose: bool = False,
    dashboard: bool = False,
    name: str = "",
    storage: str = "",
    changed: Callable[[], None] = _nothing,
) -> RunDirectory:
    """Runs a sweep, or what is left of it; the report is up to the caller.

    Args:
        spec: What to sweep.
        out: The run directory, on this machine.
        task: The task, where it was built in Python; ``spec.task`` is then no more than its name.
        address: See `pareto_explorer.run_sweep`, as for the next five.
        cache_dir: Folder of the landmark cache.
        progress: Display.
        verbose: Leaves Ray's own output on the terminal.
        dashboard: Starts Ray's dashboard.
        name: What the report calls the sweep.
        storage: Where the workers write models and checkpoints: a URI, if not the run directory.
        changed: Called after the run directory has changed.

    Returns:
        The run directory.

    Raises:
        InputError: The directory, the address or the task does not fit, or the model fails in the
            training of a landmark; nothing is overwritten.
        WriteError: The run directory can no longer be written.
        KeyboardInterrupt: Somebody has stopped the sweep; what was done is kept, and the same call
            continues it. A cluster that was connected before stays so.
    """
    progress = progress or Progress()
    run = RunDirectory(Path(out).resolve())
    is_given = task is not None
    if task is None:
        require_no_given(run)
        task = make_task(spec.task)
    refuse_model(spec, task)
    given = digest_of(task) if is_given else None
    built = digest_of(task) if not is_given and ":" in str(spec.task.get("name")) else None
    families = {family.name: family for family in spec.family_list()}
    with _exclusive(run), _told(run, progress), _tracebacks(run):
        remove_stale(run.path)
        remove_stale(run.report)
        manifest = _earlier_manifest(run, spec, given, built)
        earlier = None if manifest is None else manifest["spec"]
        recorded = forget_unfinished(run)
        ended, points = recorded.ended, recorded.points
        require_own(run, {"domains": families, **(manifest or {})}, points)
        plans = spec.plan()
        if plans:
            require_planned(run, points, recorded.plans, {plan.trial_id for plan in plans})
        else:
            plans = [plan_of(plan, families) for plan in recorded.plans.values()]
        compares = isinstance(spec.search, CompareSearch)
        progress.expect(plans, ended, total_of(spec))
        draws = (RULE if compares else None) if manifest is None else manifest.get(DRAWS)
        if left_to_do(spec, plans, ended):
            _require_balanced(run, spec, draws)
        replicates = spec.replicate_list()
        starts = [] if plans else starts_of(spec, families, progress)
        for lacking in refused_metrics(spec, task):
            raise lacking
        for _, refused in refused_methods([*plans, *representatives(spec.family_list())], task):
            raise refused
        loggers = loggers_for(spec.loggers, run)
        modules = modules_of(spec.to_mapping() | {"own": names_of(task) if given else []})
        with (
            connect(
                address, verbose=verbose, dashboard=dashboard, modules=modules, progress=progress
            ) as own,
            _output(run, verbose=verbose),
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
                Path(cache_dir) if cache_dir else default_cache_dir(),
                progress,
                retrain=spec.needs_retrained,
            )
            if earlier is None:
                rows = landmark_rows(task_ref, landmarks, replicates, spec.resources, progress)
                write_landmarks(run, rows)
            measured = read_landmarks(run)
            box, rule = _fixed_box(run, manifest) if manifest else _box(spec, measured)
            if earlier != spec.to_mapping():
                entries = {GIVEN: given, BUILT: built, DRAWS: draws, TRIALS: total_of(spec)}
                known = {key: value for key, value in entries.items() if value}
                record_sweep(run, spec, box, name or run.path.name, task.facts, known, rule)
            if spec.checkpoints.keep != "none":
                original = landmarks[replicates[0].training_seed].original
                expect_shapes(run, {name: str([*value.shape]) for name, value in original.items()})
            changed()
            nothing = nothing_to_forget(measured, box.metrics)
            if nothing:
                progress.stage(f"warning: {nothing}")
            progress.begin(points, box)
            stopper = _stopper(spec, box, points, ended)
            if left_to_do(spec, plans, ended) and not (stopper and stopper.stop_all()):
                require_gpu_room(spec, list(families.values()), task_ref, landmarks, progress)
                _sweep(
                    Sweep(spec, run, box, families, plans, ended, points, starts),
                    Job(
                        families,
                        task,
                        landmarks,
                        replicates,
                        spec.budget,
                        spec.resources.device,
                        spec.resources.threads,
                        spec.checkpoints.every_seconds,
                        ModelStore(storage or run.path)
                        if spec.checkpoints.keep != "none"
                        else None,
                    ),
                    stopper,
                    loggers,
                    progress,
                    room=room,
                    own=own,
                    storage=storage,
                    changed=changed,
                )
            if stopper and stopper.stop_all():
                _record_total(run, progress.done)
                changed()
    return run


def _sweep(
    sweep: Sweep,
    job: Job,
    stopper: HypervolumeStopper | None,
    loggers: Sequence[tune.Callback],
    progress: Progress,
    *,
    room: int,
    own: bool,
    storage: str,
    changed: Callable[[], None],
) -> None:
    """Runs the trials that are left, on a cluster that ends with them if it is our own."""
    spec, run = sweep.spec, sweep.run
    scheduler = _scheduler(spec, sweep.box)
    if scheduler is not None:
        scheduler.seed_rungs(sweep.points)
    spread = spec.resources.replicate_parallelism == "replicate"
    store = job.models or ModelStore(storage or run.path)
    keep = spec.checkpoints.keep
    with (
        PointsWriter(run) as writer,
        Keeper(run, store, sweep.box, keep, len(job.replicates), sweep.points) as keeper,
        held_back() as held,
    ):

        def keep_plan(plan: TrialPlan) -> None:
            writer.plan(plan.trial_id, plan.family.name, plan.knobs)
            progress.drawn(plan)

        searcher = searcher_for(sweep, keep_plan)
        driver = Driver(
            run=run,
            writer=writer,
            keeper=keeper,
            progress=progress,
            families=sweep.families,
            replicates=job.replicates,
            parts=len(job.replicates) if spread else 1,
            searcher=searcher,
            scheduler=scheduler,
            stopper=stopper,
            changed=changed,
            patience=Patience(spec.resources, progress.stage),
            held=held,
            over=Over() if own else OverInOrder(),
        )
        callback = SweepCallback(driver)
        resources = spec.resources
        tuner = tune.Tuner(
            tune.with_resources(
                tune.with_parameters(UnlearningTrial, job=job),
                {"cpu": resources.cpu, "gpu": resources.gpu, **resources.custom},
            ),
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=scheduler,
                num_samples=-1,  # until the search has no more
                max_concurrent_trials=concurrency_of(spec, room),
                reuse_actors=True,
                trial_dirname_creator=_directory,
            ),
            run_config=tune.RunConfig(
                name="tune",
                storage_path=storage or str(run.path),
                callbacks=[callback, *loggers],
                failure_config=tune.FailureConfig(max_failures=spec.retries),
                checkpoint_config=tune.CheckpointConfig(num_to_keep=1, checkpoint_at_end=False),
                stop=stopper,
                verbose=0,
            ),
        )
        try:
            with pending_trials(room):
                tuner.fit()
        except (Exception, Over) as error:
            refused = WriteError.of(error, run.path) if isinstance(error, OSError) else None
            if failure := callback.failure or refused:
                raise failure from None
            if held.stop is None:
                raise


def _directory(trial: Any) -> str:
    replicate = trial.config.get("replicate")
    name: str = trial.config["trial_id"]
    return name if replicate is None else f"{name}-replicate-{replicate}"


def _scheduler(spec: SweepSpec, box: Box) -> ParetoASHA | None:
    wanted = spec.early_stopping
    if wanted is None:
        return None
    steps = spec.budget.steps
    return ParetoASHA(box, steps, wanted.grace, wanted.eta, wanted.margin, wanted.by_family)


def _stopper(
    spec: SweepSpec, box: Box, points: pd.DataFrame, ended: Mapping[str, str]
) -> HypervolumeStopper | None:
    """The stopper as an earlier run of the sweep left it.

    Trials that ended with the sweep count first: later ones gain the less for them (hypervolume is
    submodular), so a sweep that has been ended stays so.
    """
    if spec.stop is None:
        return None
    stopper = HypervolumeStopper(box, spec.stop.gain, spec.stop.configurations)
    stopper.seed(points, order=sorted(ended, key=lambda name: ended[name] != SWEEP_ENDED))
    return stopper


@contextmanager
def _exclusive(run: RunDirectory) -> Iterator[None]:
    """Keeps others out; a sweep that is refused leaves nothing of this behind."""
    made = [folder for folder in (run.path, *run.path.parents) if not folder.exists()]
    files = [file for file in (run.path / _LOCK, run.path / _LOG) if not file.exists()]
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run.path / _LOCK, timeout=0)
        lock.acquire()
    except Timeout:
        raise InputError(f"`out`: another sweep is writing to {str(run.path)!r}.") from None
    except OSError as error:
        raise InputError(
            f"`out`: {str(run.path)!r} cannot be written ({error.strerror}); choose another folder."
        ) from None
    try:
        yield
    except InputError:
        with suppress(OSError):  # what holds something stays
            for file in files:
                if file.exists() and file.stat().st_size == 0:
                    file.unlink()
            for folder in made:
                folder.rmdir()
        raise
    finally:
        lock.release()


@contextmanager
def _told(run: RunDirectory, progress: Progress) -> Iterator[None]:
    """Says of what ends a sweep what the user has to know."""
    try:
        yield
    except (Interrupted, KeyboardInterrupt) as stop:
        stop.add_note(f"{progress.count()}; {AGAIN}")
        raise
    except OSError as error:
        told = WriteError.of(error, run.path)
        if told is None:
            raise
        raise told from None


@contextmanager
def _tracebacks(run: RunDirectory) -> Iterator[None]:
    """Keeps the traceback of what went wrong on a worker before the first trial."""
    try:
        yield
    except WorkerError as error:
        file = run.path / _ERRORS / "landmarks.txt"
        file.parent.mkdir(exist_ok=True)
        write_text(file, error.text)
        raise InputError(f"{error}; the traceback is in {str(file)!r}.") from None


def _record_total(run: RunDirectory, trials: int) -> None:
    """Records to how many trials a sweep has come that has ended before its plan."""
    manifest = read_manifest(run)
    if manifest.get(TRIALS) != trials:
        write_manifest(run, manifest | {TRIALS: trials})


def _earlier_manifest(
    run: RunDirectory, spec: SweepSpec, given: str | None, built: str | None
) -> dict[str, Any] | None:
    """The manifest that the sweep goes on with, or None for a new directory."""
    if not run.sweep_yaml.exists():
        strangers = [p.name for p in run.path.iterdir() if p.name not in _OURS]
        if strangers and not run.landmarks.exists():
            raise InputError(
                f"`out`: {str(run.path)!r} holds other files ({min(strangers)}, ...); "
                "choose an empty folder."
            )
        return None
    manifest = read_manifest(run)
    earlier: dict[str, Any] = recorded_entry(run, manifest, "spec")
    if manifest.get(GIVEN) != given or manifest.get(BUILT, built) != built:
        raise InputError(
            f"`out`: {str(run.path)!r} was made with another task than this one (its data, split, "
            "model or recipe differ); choose another folder with `out`, or give the task that it "
            "was made with."
        )
    wanted = spec.to_mapping()
    for part, new in wanted.items():
        old = earlier.get(part)
        if part in _FREE or old == new or (part == "search" and _extends(old, new)):
            continue
        raise InputError(
            f"`out`: {str(run.path)!r} was made by another specification ({part} differs: "
            f"{old!r} there, {new!r} here); choose another folder with `out`."
        )
    return manifest


def _require_balanced(run: RunDirectory, spec: SweepSpec, draws: str | None) -> None:
    """Refuses to draw more where earlier configurations were drawn by another rule."""
    drawn = any(domain.drawn for family in spec.family_list() for domain in family.domains.values())
    if isinstance(spec.search, CompareSearch) and drawn and draws != RULE:
        raise InputError(
            f"`out`: the configurations of {str(run.path)!r} were drawn independently of each "
            "other, as earlier versions did, and balanced draws cannot go on from them; report, "
            "select and reproduce still take it, but choose another folder with `out` to sweep."
        )


def _extends(old: Any, new: Any) -> bool:
    """Whether there are more configurations or seconds at most, or another concurrency."""
    size = {"configurations": 0, "budget_per_family": 0, "concurrency": 0}
    if {**old, **size} != {**new, **size}:
        return False
    if all(old.get(name) == new.get(name) for name in ("configurations", "budget_per_family")):
        return True
    if new["configurations"] is None:
        before, after = (part.get("budget_per_family") or {"seconds": 0} for part in (old, new))
        longer: bool = after["seconds"] > before["seconds"]
        return longer and old.get("configurations") is None
    before = old.get("configurations")
    return before is not None and new["configurations"] > before


def _fixed_box(run: RunDirectory, manifest: Mapping[str, Any]) -> tuple[Box, str]:
    """The box that was fixed before the first trial of a run, and its rule if that is told."""
    return Box.from_dict(recorded_entry(run, manifest, "box")), manifest.get("box_rule", "")


def _box(spec: SweepSpec, landmarks: pd.DataFrame) -> tuple[Box, str]:
    """The box of a new run, and where its nadir comes from if original models decide."""
    declared = spec.declared_box
    if declared is not None:
        return declared, ""
    if spec.preset.preset == "efficacy_fidelity":
        return efficacy_fidelity_box(), ""
    tolerance = spec.preset.tolerance
    if spec.preset.preset == "oracle_free":
        originals = landmarks[landmarks["landmark"] == "original"]
        excess = 1 - originals["unlearning_accuracy"] - originals["validation_accuracy"]
        return oracle_free_box(excess.tolist(), tolerance), ""
    gaps = original_gaps(landmarks, "forget_gap")
    floor = mean_between_retrained(landmarks, "forget_gap")
    box = retrain_gap_box(gaps, tolerance, floor)
    return box, f"nadir of forget_gap: {forget_nadir(gaps, floor, tolerance)[1]}"


@contextmanager
def _output(run: RunDirectory, *, verbose: bool) -> Iterator[None]:
    """Sends what Ray prints and logs to ``sweep.log``."""
    if verbose:
        yield
        return
    logger = logging.getLogger("ray")
    file = (run.path / _LOG).open("a", buffering=1, encoding="utf-8", errors="replace")
    log = _Log(file)
    handlers, logger.handlers = logger.handlers, [logging.StreamHandler(log)]
    try:
        with redirect_stdout(log), redirect_stderr(log):
            yield
    finally:
        logger.handlers = handlers
        with suppress(OSError):
            file.close()


class _Log(io.TextIOBase):
    """Takes what Ray prints; what finds no room is lost, and Ray does not hear of it."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()

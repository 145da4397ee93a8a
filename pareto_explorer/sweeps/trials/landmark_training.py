"""Landmarks of a sweep: from the cache, or trained in parallel as Ray tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import ray
import torch
from ray import exceptions

from pareto_explorer.errors import InputError, first_line
from pareto_explorer.metrics import Evaluation, across_seeds
from pareto_explorer.sweeps.cluster.workers import (
    Patience,
    WorkerError,
    here,
    outcomes,
    ready,
    start,
    take,
)
from pareto_explorer.sweeps.spec.parts import Replicate, Resources
from pareto_explorer.sweeps.trials.measured_here import measure_landmarks, measured_here
from pareto_explorer.sweeps.trials.replicate import Landmarks
from pareto_explorer.tasks import (
    LandmarkCache,
    LandmarkKind,
    Stage,
    UnlearningTask,
    fingerprint,
    given_landmark,
    train_stages,
)
from pareto_explorer.text import count

if TYPE_CHECKING:  # rich and the fronts, which no worker needs
    from pareto_explorer.sweeps.live.progress import Progress

__all__ = [
    "KINDS",
    "Wanted",
    "landmark_metrics",
    "landmark_rows",
    "obtain_landmarks",
    "prepare_landmarks",
    "several_seeds",
]

KINDS: tuple[LandmarkKind, ...] = ("original", "retrained")

LOSSES = 3
"""How often in a row a training may lose its worker without a new snapshot."""

SNAPSHOT_SECONDS = 60.0
"""A training makes a snapshot at the end of an epoch once so long has passed."""

COUNT_SECONDS = 10.0
"""How many landmarks are trained is told at most so often, and at the end."""

NEWS_SECONDS = 1.0
"""A worker tells of an epoch without a snapshot at most so often."""

FAILS = "model: fails in training"
UNMEASURED = "model: fails in the evaluation of its landmarks"

State = dict[str, torch.Tensor]


def whole(task: UnlearningTask) -> UnlearningTask:
    """The task itself."""
    return task


class Wanted(NamedTuple):
    """A landmark to load or train.

    Attributes:
        kind: Which one.
        seed: Its training seed.
        name: What a display calls it.
        part: Makes its task of the one in Ray's object store; it travels by pickle.
    """

    kind: LandmarkKind
    seed: int
    name: str
    part: Callable[[UnlearningTask], UnlearningTask] = whole


_LOST = (
    exceptions.LocalRayletDiedError,
    exceptions.NodeDiedError,
    exceptions.ObjectLostError,
    exceptions.OutOfMemoryError,
    exceptions.WorkerCrashedError,
)


def prepare_landmarks(
    task: UnlearningTask,
    task_ref: Any,
    training_seeds: Sequence[int],
    resources: Resources,
    cache_dir: Path,
    progress: Progress,
    *,
    retrain: bool = True,
) -> dict[int, Landmarks]:
    """Loads or trains the original and the retrained model of every training seed.

    Whoever trains a landmark holds its lock, so that two sweeps that want the same one train it
    once. Locks are taken in the order of the fingerprints: no two sweeps can wait for each other.
    Snapshots of a training are kept in the cache: one that loses its worker, or whose sweep is
    stopped, goes on from the newest.

    Args:
        task: The task, for the fingerprints.
        task_ref: The same in Ray's object store.
        training_seeds: Seeds of the originals.
        resources: What one training books.
        cache_dir: Folder of the cache on the driver.
        progress: Told how many are trained, and how far they are.
        retrain: Whether there are retrained models.

    Raises:
        InputError: The task brings its own landmarks, and there are several training seeds or their
            weights do not fit; a training diverges or fails; or it loses its worker again and
            again.
    """
    given = {kind: state for kind in KINDS if (state := given_landmark(task, kind)) is not None}
    if given and len(training_seeds) > 1:
        raise InputError(several_seeds(task))
    wanted = {
        fingerprint(task, kind, seed): Wanted(kind, seed, f"{kind}/seed {seed}")
        for seed in training_seeds
        for kind in KINDS
        if kind not in given and (retrain or kind == "original")
    }
    found = obtain_landmarks(wanted, task_ref, resources, cache_dir, progress)
    trained: dict[tuple[LandmarkKind, int], State]
    trained = {(wanted[key].kind, wanted[key].seed): state for key, state in found.items()}

    def state_of(kind: LandmarkKind, seed: int) -> State | None:
        return given.get(kind, trained.get((kind, seed)))

    return {
        seed: Landmarks(
            cast("State", state_of("original", seed)),
            state_of("retrained", seed) if retrain else None,
        )
        for seed in training_seeds
    }


def several_seeds(task: UnlearningTask) -> str:
    """What is said to several training seeds where landmarks are given."""
    given = " and ".join(task.given)
    return (
        f"replicates.training_seeds: the task brings its own {given}, so there is one training"
        " seed; give [0]."
    )


def obtain_landmarks(
    wanted: Mapping[str, Wanted],
    task_ref: Any,
    resources: Resources,
    cache_dir: Path,
    progress: Progress,
) -> dict[str, State]:
    """Loads landmarks, or trains them side by side; see `prepare_landmarks` for locks and errors.

    Args:
        wanted: The landmarks by fingerprint.
        task_ref: The task in Ray's object store.
        resources: What one training books.
        cache_dir: Folder of the cache on the driver.
        progress: Told how many are trained, and how far they are.
    """
    cache = LandmarkCache(cache_dir)
    found = {key: state for key in wanted if (state := cache.load(key)) is not None}
    with ExitStack() as locks:
        missing = []
        for key in sorted(wanted.keys() - found.keys()):
            locks.enter_context(cache.lock(key))
            state = cache.load(key)
            if state is None:
                missing.append(key)
            else:
                found[key] = state
        progress.stage(
            f"landmarks: {len(found)} from the cache, {len(missing)} to train ({cache_dir})"
        )
        training = {key: wanted[key] for key in missing}
        found |= _train_all(task_ref, training, resources, cache, progress)
    return found


def landmark_rows(
    task_ref: Any,
    landmarks: Mapping[int, Landmarks],
    replicates: Sequence[Replicate],
    resources: Resources,
    progress: Progress,
    across: Sequence[str] = (),
    *,
    task: UnlearningTask | None = None,
) -> list[dict[str, Any]]:
    """Measures the landmarks: rows of ``landmarks.parquet``, one per landmark and replicate.

    Args:
        task_ref: The task in Ray's object store.
        landmarks: By training seed.
        replicates: Seeds of every trial.
        resources: What one measurement books.
        progress: Told what is waited for.
        across: Metrics to measure that compare all training seeds.
        task: The task itself, where this process computes what a worker would: on the workers'
            machine, and without a GPU. What is quickly measured is then measured here, while the
            workers start.

    Raises:
        InputError: The model or the data do not allow it.
    """
    progress.stage(f"landmarks: to be measured, {count(len(landmarks), 'training seed')}")
    measured = None
    if task is not None:
        measured = here(measured_here, task, landmarks, resources.threads, what=UNMEASURED)
    if measured is None:
        device = resources.device
        arguments = {s: (task_ref, {s: own}, s, device) for s, own in landmarks.items()}
        measured = outcomes(measure_landmarks, arguments, resources, UNMEASURED, progress.stage)
    metrics = landmark_metrics(measured, across)
    return [
        {
            "landmark": kind,
            "replicate": replicate.index,
            "training_seed": replicate.training_seed,
            **metrics[replicate.training_seed][kind],
        }
        for kind in KINDS
        for replicate in replicates
        if kind in metrics[replicate.training_seed]
    ]


def landmark_metrics(
    measured: Mapping[int, Mapping[str, Evaluation]], across: Sequence[str] = ()
) -> dict[int, dict[str, dict[str, float]]]:
    """The metrics of landmarks, with those that compare all training seeds.

    Args:
        measured: By training seed, what `measure_landmarks` has found; if there is something to
            compare, each with a retrained model.
        across: What compares all training seeds.

    Returns:
        Metrics by training seed and kind.
    """
    found = {
        seed: {kind: dict(each.metrics) for kind, each in kinds.items()}
        for seed, kinds in measured.items()
    }
    for kind in KINDS if across else ():
        both = [
            [kinds[name].forget_margins for kinds in measured.values()]
            for name in (kind, "retrained")
        ]
        for own, values in zip(found.values(), across_seeds(across, *both), strict=True):
            own[kind] |= values
    return found


def _train_all(
    task_ref: Any,
    wanted: Mapping[str, Wanted],
    resources: Resources,
    cache: LandmarkCache,
    progress: Progress,
) -> dict[str, State]:
    """Trains landmarks side by side, each as a task that yields its stages."""
    names = {key: what.name for key, what in wanted.items()}

    def train(key: str) -> Any:
        snapshot = cache.load_partial(key)
        if snapshot is not None:
            progress.stage(f"landmark {names[key]}: training goes on from its last snapshot")
        how = (resources.device, resources.threads, SNAPSHOT_SECONDS, snapshot)
        kind, seed, _, part = wanted[key]
        # Ray would start a lost task from the beginning.
        return start(_train, resources, task_ref, part, kind, seed, *how, max_retries=0)

    running: dict[Any, str] = {train(key): key for key in wanted}
    begun: set[Any] = set()
    patience = Patience(resources, progress.stage)
    lost: Counter[str] = Counter()
    trained: dict[str, State] = {}
    told = perf_counter()
    try:
        while running:
            stream = ready(running, lambda: patience.look(len(begun)))
            key = running.pop(stream)
            try:
                stage: Stage | None = take(stream, FAILS)
            except _LOST as error:
                begun.discard(stream)
                lost[key] += 1
                if lost[key] > LOSSES:
                    raise _given_up(names[key], lost[key], error) from None
                progress.stage(f"landmark {names[key]}: the worker was lost; another takes over")
                running[train(key)] = key
                continue
            except exceptions.RayError as error:
                raise WorkerError(FAILS, first_line(error), str(error)) from None
            if stage is None:
                begun.add(stream)
                running[stream] = key
                continue
            if stage.snapshot is not None:
                cache.store_partial(key, stage.snapshot)
                del lost[key]
            if stage.state is None:
                running[stream] = key  # behind the others
            else:
                begun.discard(stream)
                cache.store(key, stage.state, stage.seconds)
                trained[key] = stage.state
            progress.landmark(names[key], stage.epoch, stage.epochs, stage.loss)
            if stage.state is not None and (not running or perf_counter() - told >= COUNT_SECONDS):
                progress.stage(f"landmarks: {len(trained)} of {len(wanted)} trained")
                told = perf_counter()
    finally:
        for stream in running:
            ray.cancel(stream)
    return trained


def _given_up(name: str, times: int, error: Exception) -> InputError:
    return InputError(
        f"landmark {name}: training lost its worker {times} times in a row ({first_line(error)}); "
        "see that a node has the memory that it takes, or book more of the node in resources."
    )


def _train(
    task: UnlearningTask,
    part: Callable[[UnlearningTask], UnlearningTask],
    kind: LandmarkKind,
    seed: int,
    device: str,
    threads: int,
    every_seconds: float,
    start: bytes | None,
) -> Iterator[Stage]:
    torch.set_num_threads(threads)
    told = perf_counter()
    for stage in train_stages(part(task), kind, seed, device, start, every_seconds):
        quiet = stage.snapshot is None and stage.state is None
        if quiet and perf_counter() - told < NEWS_SECONDS:
            continue
        yield stage
        told = perf_counter()

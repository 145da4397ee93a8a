"""Landmarks of a sweep: from the cache, or trained in parallel as Ray tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import ray
import torch

from pareto_explorer.sweeps.parts import Replicate, Resources
from pareto_explorer.sweeps.progress import Progress
from pareto_explorer.sweeps.replicate import Bench, Landmarks
from pareto_explorer.tasks import (
    LandmarkCache,
    LandmarkKind,
    UnlearningTask,
    fingerprint,
    train_landmark,
)

__all__ = ["landmark_rows", "prepare_landmarks"]

KINDS: tuple[LandmarkKind, ...] = ("original", "retrained")


def prepare_landmarks(
    task: UnlearningTask,
    task_ref: Any,
    training_seeds: Sequence[int],
    resources: Resources,
    cache_dir: Path,
    progress: Progress,
) -> dict[int, Landmarks]:
    """Loads or trains the original and the retrained model of every training seed.

    Whoever trains a landmark holds its lock, so that two sweeps that want the same one train it
    once. Locks are taken in the order of the fingerprints: no two sweeps can wait for each other.

    Args:
        task: The task, for the fingerprints.
        task_ref: The same in Ray's object store.
        training_seeds: Seeds of the originals.
        resources: What one training books.
        cache_dir: Folder of the cache on the driver.
        progress: Told how many are trained.
    """
    cache, train = LandmarkCache(cache_dir), _remote(_train, resources)
    wanted = {
        fingerprint(task, kind, seed): (kind, seed) for seed in training_seeds for kind in KINDS
    }
    found = {key: state for key in wanted if (state := cache.load(key)) is not None}
    with ExitStack() as locks:
        training = {}
        for key in sorted(wanted.keys() - found.keys()):
            locks.enter_context(cache.lock(key))
            state = cache.load(key)
            if state is not None:
                found[key] = state
                continue
            trained = train.remote(task_ref, *wanted[key], resources.device, resources.threads)
            training[trained] = key
        progress.stage(
            f"landmarks: {len(found)} from the cache, {len(training)} to train ({cache_dir})"
        )
        pending = list(training)
        while pending:
            ready, pending = ray.wait(pending)
            key = training[ready[0]]
            found[key] = ray.get(ready[0])
            cache.store(key, found[key])
    states = {(kind, seed): found[key] for key, (kind, seed) in wanted.items()}
    return {
        seed: Landmarks(states["original", seed], states["retrained", seed])
        for seed in training_seeds
    }


def landmark_rows(
    task_ref: Any,
    landmarks: Mapping[int, Landmarks],
    replicates: Sequence[Replicate],
    resources: Resources,
) -> list[dict[str, Any]]:
    """Measures the landmarks: rows of ``landmarks.parquet``, one per landmark and replicate."""
    measure = _remote(_measure, resources)
    measured = {
        seed: measure.remote(task_ref, {seed: own}, seed, resources.device)
        for seed, own in landmarks.items()
    }
    return [
        {
            "landmark": kind,
            "replicate": replicate.index,
            "training_seed": replicate.training_seed,
            **ray.get(measured[replicate.training_seed])[kind],
        }
        for kind in KINDS
        for replicate in replicates
    ]


def _remote(function: Callable[..., Any], resources: Resources) -> Any:
    """A Ray task that books what a trial books."""
    return ray.remote(function).options(
        num_cpus=resources.cpu, num_gpus=resources.gpu, resources=dict(resources.custom)
    )


def _train(
    task: UnlearningTask, kind: LandmarkKind, seed: int, device: str, threads: int
) -> dict[str, torch.Tensor]:
    torch.set_num_threads(threads)
    return train_landmark(task, kind, seed, device)


def _measure(
    task: UnlearningTask, landmarks: Mapping[int, Landmarks], seed: int, device: str
) -> dict[str, dict[str, float]]:
    _, evaluator = Bench(task, landmarks, device).prepared(seed)
    return {"original": dict(evaluator.original), "retrained": dict(evaluator.retrained)}

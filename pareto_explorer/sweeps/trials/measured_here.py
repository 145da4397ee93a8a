"""Landmarks measured in this process, where that takes no longer than a worker's start."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter

import torch

from pareto_explorer.metrics import Evaluation
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks
from pareto_explorer.tasks import UnlearningTask, restore_model

__all__ = ["measure_landmarks", "measured_here"]

HERE_SECONDS = 5.0
"""Landmarks that are measured in so long need no worker: its start takes seconds as well."""

BATCH = 64
_SEQUENCES = 4  # which have logits for every token


def measured_here(
    task: UnlearningTask, landmarks: Mapping[int, Landmarks], threads: int
) -> dict[int, dict[str, Evaluation]] | None:
    """Measures the landmarks on this CPU, as the trials of a machine without a GPU do.

    Args:
        task: The task.
        landmarks: By training seed.
        threads: Threads that PyTorch may use in a trial.

    Returns:
        What is found by training seed and kind; None where it would take too long.
    """
    with _threads(min(threads, os.cpu_count() or 1)), torch.random.fork_rng(devices=[]):
        if _seconds(task, landmarks) > HERE_SECONDS:
            return None
        return {
            seed: measure_landmarks(task, {seed: own}, seed, "cpu")
            for seed, own in landmarks.items()
        }


def measure_landmarks(
    task: UnlearningTask, landmarks: Mapping[int, Landmarks], seed: int, device: str
) -> dict[str, Evaluation]:
    """Measures the landmarks of one training seed, in this process: what is found by their kind."""
    _, evaluator = Bench(task, landmarks, device).prepared(seed)
    return evaluator.landmarks


def _seconds(task: UnlearningTask, landmarks: Mapping[int, Landmarks]) -> float:
    """About how long the passes take, by the second of two over a few samples."""
    model = restore_model(task, next(iter(landmarks.values())).original)
    few = task.train.inputs[: _SEQUENCES if task.tokens else BATCH]
    seconds = 0.0
    with torch.no_grad():
        for _ in range(2):
            started = perf_counter()
            model(few)
            seconds = perf_counter() - started
    models = sum(1 if own.retrained is None else 2 for own in landmarks.values())
    answers = [part for _, part in task.language.sets()] if task.language else []
    samples = sum(map(len, (task.train, task.heldout, task.validation, task.test, *answers)))
    return seconds / len(few) * samples * models


@contextmanager
def _threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)

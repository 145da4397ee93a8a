from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import ray
import torch
from torch import Tensor

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.live.course import Course
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.spec.parts import Replicate, Resources
from pareto_explorer.sweeps.trials import landmark_training as module
from pareto_explorer.sweeps.trials.landmark_training import (
    KINDS,
    landmark_rows,
    prepare_landmarks,
)
from pareto_explorer.tasks import (
    LandmarkCache,
    Recipe,
    UnlearningTask,
    fingerprint,
    train_landmark,
    train_stages,
)
from tests.sweeps.dying import DyingNet
from tests.tasks.small import small_task

pytestmark = pytest.mark.ray


class Notes(Progress):
    """Writes down what it is told; lets a waiting worker go when a training has gone on."""

    def __init__(self, go: int | None = None) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.epochs: list[tuple[str, int]] = []
        self._go = go

    def stage(self, text: str) -> None:
        self.lines.append(text)

    def landmark(self, name: str, epoch: int, epochs: int, loss: float) -> Course:
        self.epochs.append((name, epoch))
        if self._go is not None and epoch == 2:
            os.write(self._go, b".")
        return super().landmark(name, epoch, epochs, loss)


def prepare(task: UnlearningTask, seeds: list[int], folder: Path, progress: Progress, **more):
    return prepare_landmarks(
        task, ray.put(task), seeds, Resources(), folder / "cache", progress, **more
    )


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_landmarks_are_trained_once_and_then_loaded(cluster, tmp_path):
    task, notes = small_task(), Notes()
    first = prepare(task, [0, 1], tmp_path, notes)
    for seed in (0, 1):
        assert same(first[seed].original, train_landmark(task, "original", seed))
        assert same(first[seed].retrained, train_landmark(task, "retrained", seed))
    assert notes.lines == [
        f"landmarks: 0 from the cache, 4 to train ({tmp_path / 'cache'})",
        "landmarks: 4 of 4 trained",
    ]
    assert {(name, 2) for name, _ in notes.epochs} <= set(notes.epochs)  # the last is always told
    again = Notes()
    second = prepare(task, [0, 1], tmp_path, again)
    assert same(second[1].retrained, first[1].retrained)
    assert again.lines == [f"landmarks: 4 from the cache, 0 to train ({tmp_path / 'cache'})"]
    assert again.epochs == []
    assert not list((tmp_path / "cache").glob("*.partial"))


def test_nothing_is_retrained_where_nobody_needs_it(cluster, tmp_path):
    task, notes = small_task(), Notes()
    found = prepare(task, [3], tmp_path, notes, retrain=False)
    assert found[3].retrained is None
    assert {name for name, _ in notes.epochs} == {"original/seed 3"}
    rows = landmark_rows(
        ray.put(task), found, [Replicate(0, 3, 0), Replicate(1, 3, 1)], Resources(), notes
    )
    assert [(row["landmark"], row["replicate"]) for row in rows] == [
        ("original", 0),
        ("original", 1),
    ]


def test_an_original_that_the_task_brings_is_not_trained(cluster, tmp_path):
    given = train_landmark(small_task(), "original", 9)
    task, notes = replace(small_task(), original=given), Notes()
    found = prepare(task, [0], tmp_path, notes)
    assert same(found[0].original, given)
    assert same(found[0].retrained, train_landmark(small_task(), "retrained", 0))
    assert {name for name, _ in notes.epochs} == {"retrained/seed 0"}
    with pytest.raises(InputError, match=r"replicates\.training_seeds: .* its own original.*\[0\]"):
        prepare(task, [0, 1], tmp_path, Notes())


def test_landmarks_that_the_task_brings_are_neither_trained_nor_counted(cluster, tmp_path):
    original, retrained = (train_landmark(small_task(), kind, 9) for kind in KINDS)
    task, notes = replace(small_task(), original=original, retrained=retrained), Notes()
    found = prepare(task, [0], tmp_path, notes)
    assert same(found[0].original, original)
    assert same(found[0].retrained, retrained)
    assert notes.lines == [f"landmarks: 0 from the cache, 0 to train ({tmp_path / 'cache'})"]
    with pytest.raises(InputError, match=r"brings its own original and retrained, so there is one"):
        prepare(task, [0, 1], tmp_path, Notes())
    assert prepare(task, [0], tmp_path, Notes(), retrain=False)[0].retrained is None


def test_a_stopped_sweep_goes_on_from_the_snapshots_in_the_cache(cluster, tmp_path):
    task = small_task(epochs=6)
    *_, newest, _ = train_stages(task, "original", 0, every_seconds=0.0)
    assert newest.snapshot is not None
    cache = LandmarkCache(tmp_path / "cache")
    cache.store_partial(fingerprint(task, "original", 0), newest.snapshot)
    notes = Notes()
    found = prepare(task, [0], tmp_path, notes, retrain=False)
    assert same(found[0].original, train_landmark(task, "original", 0))
    assert notes.lines[1:] == [
        "landmark original/seed 0: training goes on from its last snapshot",
        "landmarks: 1 of 1 trained",
    ]
    assert not list(cache.root.glob("*.partial"))


def test_training_that_diverges_is_told(cluster, tmp_path):
    hot = replace(small_task(), recipe=Recipe(epochs=2, batch_size=16, lr=1e30))
    with pytest.raises(InputError, match=r"recipe\.lr: training diverged"):
        prepare(hot, [0], tmp_path, Notes())


@pytest.fixture
def go(tmp_path: Path) -> Iterator[int]:
    os.mkfifo(tmp_path / "go")
    held = os.open(tmp_path / "go", os.O_RDWR)
    yield held
    os.close(held)


def test_a_training_that_loses_its_worker_goes_on_from_its_newest_snapshot(
    cluster, tmp_path, monkeypatch, go
):
    monkeypatch.setattr(module, "SNAPSHOT_SECONDS", 0.0)
    epochs, steps = 6, 90 // 16
    task = replace(
        small_task(epochs=epochs),
        model=partial(DyingNet, str(tmp_path), 4 * steps, 1),  # in the fourth epoch
    )
    notes = Notes(go)
    found = prepare(task, [0], tmp_path, notes, retrain=False)
    assert same(found[0].original, train_landmark(small_task(epochs=epochs), "original", 0))
    assert notes.lines[1:] == [
        "landmark original/seed 0: the worker was lost; another takes over",
        "landmark original/seed 0: training goes on from its last snapshot",
        "landmarks: 1 of 1 trained",
    ]
    calls = len((tmp_path / "calls").read_text())
    assert calls <= 4 * steps + (epochs - 2) * steps  # epochs 1 and 2 were not done again


def test_a_training_that_loses_every_worker_is_given_up(cluster, tmp_path, monkeypatch, go):
    monkeypatch.setattr(module, "LOSSES", 1)
    os.write(go, b"..")
    task = replace(small_task(), model=partial(DyingNet, str(tmp_path), 1, 9))
    with pytest.raises(InputError, match=r"landmark original/seed 0: .* 2 times in a row"):
        prepare(task, [0], tmp_path, Notes(), retrain=False)

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import (
    Recipe,
    Samples,
    Stage,
    UnlearningTask,
    train_landmark,
    train_stages,
)
from pareto_explorer.tasks.core.tokens import IGNORED
from pareto_explorer.tasks.landmarks.training import Training
from tests.tasks.sequences import PAD, sequence_task
from tests.tasks.small import small_task

CPU = torch.device("cpu")
RECIPES = {
    "one_cycle": Recipe(epochs=5, batch_size=16),
    "plain": Recipe(
        epochs=5, batch_size=16, schedule="multistep", milestones=(2, 4), nesterov=False
    ),
    "adamw": Recipe(epochs=5, batch_size=16, lr=0.01, schedule="cosine", optimizer="adamw"),
}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def shaken(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """Shifts every input by a draw of its own."""
    draws = torch.randn(inputs.shape, generator=generator, device=generator.device)
    return inputs + 0.5 * draws.to(inputs.device, non_blocking=True)


def smoothed(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels, label_smoothing=0.3)


def augmented(epochs: int = 5) -> UnlearningTask:
    return replace(small_task(epochs=epochs), augment=shaken, loss=smoothed)


def written_out(task: UnlearningTask, seed: int, **sgd: Any) -> dict[str, Tensor]:
    """The training of a task without augmentation, as one would write it down."""
    recipe, samples = task.recipe, task.train
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = task.model().train()
        optimizer = torch.optim.SGD(model.parameters(), lr=recipe.lr, momentum=0.9, **sgd)
        steps = len(samples) // recipe.batch_size
        schedule: Any = torch.optim.lr_scheduler.MultiStepLR(
            optimizer, [e * steps for e in recipe.milestones]
        )
        if recipe.schedule == "one_cycle":
            schedule = torch.optim.lr_scheduler.OneCycleLR(
                optimizer,
                recipe.lr,
                total_steps=recipe.epochs * steps + 1,
                cycle_momentum=False,
            )
        for _ in range(recipe.epochs):
            order = torch.randperm(len(samples))
            for step in range(steps):
                batch = samples.take(order[step * 16 : (step + 1) * 16])
                optimizer.zero_grad()
                F.cross_entropy(model(batch.inputs), batch.labels).backward()
                optimizer.step()
                schedule.step()
    return model.state_dict()


@pytest.mark.parametrize(("name", "nesterov"), [("one_cycle", True), ("plain", False)])
def test_training_is_the_loop_that_one_would_write(name: str, nesterov: bool) -> None:
    task = replace(small_task(), recipe=RECIPES[name])
    expected = written_out(task, 4, weight_decay=5e-4, nesterov=nesterov)
    assert same(train_landmark(task, "original", 4), expected)


def rates(recipe: Recipe) -> list[float]:
    """The learning rate of each epoch's last step."""
    task = replace(small_task(), recipe=recipe)
    training = Training(task, task.train, 0, CPU)
    seen = []
    for _ in range(recipe.epochs):
        training.advance()
        seen.append(training._optimizer.param_groups[0]["lr"])
    return seen


def test_schedules_lower_the_learning_rate_where_they_should() -> None:
    assert rates(RECIPES["plain"]) == pytest.approx([0.1, 0.01, 0.01, 0.001, 0.001])
    half_cosine = [0.005 * (1 + math.cos(math.pi * k / 5)) for k in range(1, 6)]
    assert rates(RECIPES["adamw"]) == pytest.approx(half_cosine, abs=1e-9)
    peak = rates(RECIPES["one_cycle"])
    assert max(peak) <= 0.1
    assert peak[-1] < 1e-4


def test_the_optimiser_is_the_recipes() -> None:
    states = [train_landmark(replace(small_task(), recipe=r), "original", 0) for r in _variants()]
    pairs = [(a, b) for i, a in enumerate(states) for b in states[:i]]
    assert not any(same(a, b) for a, b in pairs)


def _variants() -> list[Recipe]:
    plain = RECIPES["plain"]
    return [
        plain,
        replace(plain, nesterov=True),
        replace(plain, optimizer="adamw"),
        replace(plain, optimizer="adamw", momentum=0.5),
        replace(plain, milestones=(3,)),
    ]


def test_padding_takes_no_part_in_the_training_of_sequences() -> None:
    task = sequence_task(epochs=3)
    longer = Samples(
        F.pad(task.train.inputs, (0, 9), value=PAD), F.pad(task.train.labels, (0, 9), value=IGNORED)
    )
    plain = train_landmark(task, "original", 0)
    assert same(train_landmark(replace(task, train=longer), "original", 0), plain)
    assert not same(train_landmark(task, "original", 1), plain)


def test_short_batches_of_sequences_are_trained_on_as_if_they_were_long() -> None:
    task = sequence_task(epochs=2)
    recipe = task.recipe
    torch.manual_seed(4)
    model = task.model().train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.lr, betas=(0.9, 0.999), weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.lr, total_steps=recipe.epochs * 2 + 1, cycle_momentum=False
    )
    for _ in range(recipe.epochs):
        for index in torch.randperm(32).split(16):
            batch = task.train.take(index)
            optimizer.zero_grad()
            task.loss(model(batch.inputs), batch.labels).backward()
            optimizer.step()
            schedule.step()
    found = train_landmark(task, "original", 4)
    torch.testing.assert_close(found, dict(model.state_dict()), rtol=1e-4, atol=1e-6)


def test_a_training_on_sequences_goes_on_from_a_snapshot() -> None:
    stages = snapshots(sequence_task(epochs=4))
    assert stages[-1].state is not None
    *_, end = train_stages(sequence_task(epochs=4), "original", 3, start=stages[1].snapshot)
    assert end.state is not None
    assert same(end.state, stages[-1].state)


def test_augmentation_and_loss_take_part_in_training() -> None:
    plain = train_landmark(small_task(epochs=1), "original", 0)
    for field, value in (("augment", shaken), ("loss", smoothed)):
        task = replace(small_task(epochs=1), **{field: value})
        assert not same(train_landmark(task, "original", 0), plain)
        assert same(train_landmark(task, "original", 0), train_landmark(task, "original", 0))


def test_an_augmentation_does_not_disturb_the_other_draws() -> None:
    nothing = replace(small_task(epochs=3), augment=partial(_drawing, times=0.0))
    plain = train_landmark(small_task(epochs=3), "original", 0)
    assert same(train_landmark(nothing, "original", 0), plain)


def _drawing(inputs: Tensor, generator: torch.Generator, times: float) -> Tensor:
    return inputs + times * torch.rand(inputs.shape, generator=generator)


def snapshots(task: UnlearningTask, kind: Any = "original") -> list[Stage]:
    return list(train_stages(task, kind, 3, every_seconds=0.0))


def test_stages_tell_epochs_losses_and_the_end() -> None:
    stages = snapshots(small_task(epochs=8))
    assert [(s.epoch, s.epochs) for s in stages] == [(k, 8) for k in range(1, 9)]
    assert stages[0].loss > 2 * stages[-1].loss > 0
    assert [s.state is None for s in stages] == [True] * 7 + [False]
    assert [s.snapshot is None for s in stages] == [False] * 7 + [True]
    seldom = train_stages(small_task(epochs=3), "original", 3, every_seconds=1e9)
    assert [s.snapshot for s in seldom] == [None] * 3


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_training_that_goes_on_from_a_snapshot_ends_bit_by_bit_the_same(recipe: Recipe) -> None:
    task = replace(augmented(), recipe=recipe)  # SmallNet has dropout and batch norm
    *stages, last = snapshots(task, "retrained")
    assert last.state is not None
    for stage in stages:
        *_, end = train_stages(task, "retrained", 3, start=stage.snapshot)
        assert end.state is not None
        assert same(end.state, last.state)
        assert end.loss == last.loss


def test_the_callers_random_state_is_left_alone_between_epochs() -> None:
    expected = train_landmark(augmented(), "original", 3)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    stages = []
    for stage in train_stages(augmented(), "original", 3):
        assert torch.equal(torch.get_rng_state(), state)
        torch.rand(1)
        state = torch.get_rng_state()
        stages.append(stage)
    assert stages[-1].state is not None
    assert same(stages[-1].state, expected)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"nonsense",
        lambda snapshot: snapshot[: len(snapshot) // 2],
        lambda _: pickle.dumps({"epoch": 2}, protocol=2),
    ],
    ids=["empty", "nonsense", "cut", "pickle"],
)
def test_a_snapshot_that_cannot_be_used_is_left_aside(damage: Any) -> None:
    task = augmented(3)
    snapshot = snapshots(task)[0].snapshot
    assert snapshot is not None
    with pytest.warns(UserWarning, match="cannot be used .* starts again"):
        stages = list(train_stages(task, "original", 3, start=damage(snapshot)))
    assert len(stages) == 3
    assert stages[-1].state is not None
    assert same(stages[-1].state, train_landmark(task, "original", 3))


def test_a_snapshot_of_another_device_or_version_is_left_aside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    snapshot = snapshots(augmented(3))[0].snapshot
    monkeypatch.setattr(Training, "_place", lambda _: "cuda with PyTorch 3")
    with pytest.warns(UserWarning, match="made on cpu with PyTorch .*, this is cuda"):
        assert len(list(train_stages(augmented(3), "original", 3, start=snapshot))) == 3


def test_training_that_diverges_ends_with_that_epoch() -> None:
    hot = replace(small_task(), recipe=Recipe(epochs=50, batch_size=16, lr=1e30))
    stages = []
    with pytest.raises(InputError, match=r"recipe\.lr: training diverged"):
        stages += [stage.epoch for stage in train_stages(hot, "original", 0)]
    assert len(stages) < 5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_no_step_waits() -> None:
    task = augmented()
    training = Training(task, task.train, 0, torch.device("cuda"))
    training.advance()
    torch.cuda.set_sync_debug_mode("error")
    try:
        training._pass()
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_a_training_goes_on_from_a_snapshot() -> None:
    task = augmented(4)
    *stages, last = train_stages(task, "original", 3, "cuda", every_seconds=0.0)
    *_, end = train_stages(task, "original", 3, "cuda", start=stages[1].snapshot)
    assert last.state is not None
    assert end.state is not None
    assert same(end.state, last.state)

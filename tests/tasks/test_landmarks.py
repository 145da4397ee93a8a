from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import (
    Samples,
    UnlearningTask,
    WholeClass,
    fingerprint,
    landmarks,
    restore_model,
    train_landmark,
    train_model,
)
from tests.tasks.small import SmallNet, clouds, small_task


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_training_is_deterministic_and_leaves_the_random_state_alone(task: UnlearningTask) -> None:
    torch.manual_seed(1)
    first = train_landmark(task, "original", 0)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second = train_landmark(task, "original", 0)
    assert same(first, second)
    assert torch.equal(torch.get_rng_state(), state)


def test_every_training_seed_gives_another_model(task: UnlearningTask) -> None:
    assert not same(train_landmark(task, "original", 0), train_landmark(task, "original", 1))


def test_both_landmarks_start_from_the_same_weights(task: UnlearningTask) -> None:
    barely = replace(task, recipe=replace(task.recipe, epochs=1, lr=1e-12))
    first = train_landmark(barely, "original", 3)
    second = train_landmark(barely, "retrained", 3)
    torch.testing.assert_close(first["head.weight"], second["head.weight"])


def test_training_learns_and_returns_a_model_in_eval_mode() -> None:
    task = small_task(epochs=20)
    with torch.no_grad():  # training must not depend on the caller's gradient mode
        model = train_model(task, task.train, 0)
    assert not any(module.training for module in model.modules())
    assert (model(task.test.inputs).argmax(1) == task.test.labels).float().mean() > 0.9


def test_the_retrained_model_never_sees_the_forget_set(task: UnlearningTask) -> None:
    inputs = task.train.inputs.clone()
    inputs[task.forget_indices] += 50
    other = replace(task, train=Samples(inputs, task.train.labels))
    assert same(train_landmark(task, "retrained", 0), train_landmark(other, "retrained", 0))
    assert not same(train_landmark(task, "original", 0), train_landmark(other, "original", 0))


def test_a_set_smaller_than_a_batch_is_trained_on_whole() -> None:
    task = small_task(epochs=1)
    model = train_model(task, task.train.take(torch.arange(5)), 0)
    assert int(model.state_dict()["body.1.num_batches_tracked"]) == 1


def test_an_epoch_takes_every_full_batch(task: UnlearningTask) -> None:
    state = train_landmark(task, "original", 0)
    assert int(state["body.1.num_batches_tracked"]) == 2 * (90 // 16)


def test_diverged_training_is_told(task: UnlearningTask) -> None:
    hot = replace(task, recipe=replace(task.recipe, lr=1e30))
    with pytest.raises(InputError, match=r"recipe\.lr: .*1e\+30.*lower"):
        train_landmark(hot, "original", 0)


def test_a_restored_model_predicts_as_the_trained_one(task: UnlearningTask) -> None:
    model = train_model(task, task.retain, 0)
    random_state = torch.get_rng_state()
    restored = restore_model(task, train_landmark(task, "retrained", 0))
    assert torch.equal(torch.get_rng_state(), random_state)
    assert not restored.training
    assert torch.equal(model(task.test.inputs), restored(task.test.inputs))


class OtherForward(SmallNet):
    def forward(self, inputs: Tensor) -> Tensor:
        return -super().forward(inputs)


def with_train(task: UnlearningTask, change: Callable[[Tensor, Tensor], None]) -> UnlearningTask:
    inputs, labels = task.train.inputs.clone(), task.train.labels.clone()
    change(inputs, labels)
    return replace(task, train=Samples(inputs, labels))


def one_pixel(inputs: Tensor, labels: Tensor) -> None:
    inputs[int(small_task().retain_indices[0]), 0] += 1e-6


def one_label(inputs: Tensor, labels: Tensor) -> None:
    index = int(small_task().retain_indices[0])
    labels[index] = (labels[index] + 1) % 3


def the_order(inputs: Tensor, labels: Tensor) -> None:
    first, second = small_task().retain_indices[:2].tolist()
    inputs[[first, second]] = inputs[[second, first]]
    labels[[first, second]] = labels[[second, first]]


def relu(slope: float) -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.LeakyReLU(slope))


@pytest.mark.parametrize("kind", ["original", "retrained"])
@pytest.mark.parametrize(
    "change",
    [
        lambda task: with_train(task, one_pixel),
        lambda task: with_train(task, one_label),
        lambda task: with_train(task, the_order),
        lambda task: replace(task, train=task.train.take(torch.arange(89))),
        lambda task: replace(task, recipe=replace(task.recipe, epochs=3)),
        lambda task: replace(task, recipe=replace(task.recipe, batch_size=8)),
        lambda task: replace(task, recipe=replace(task.recipe, lr=0.05)),
        lambda task: replace(task, recipe=replace(task.recipe, momentum=0.8)),
        lambda task: replace(task, recipe=replace(task.recipe, weight_decay=0.0)),
        lambda task: replace(task, model=partial(SmallNet, hidden=7)),
        lambda task: replace(task, model=partial(SmallNet, dropout=0.2)),
        lambda task: replace(task, model=OtherForward),
    ],
    ids=[
        *("input", "label", "order", "size", "epochs", "batch_size", "lr", "momentum"),
        *("weight_decay", "width", "dropout", "class"),
    ],
)
def test_fingerprint_follows_everything_that_matters(
    task: UnlearningTask,
    kind: landmarks.LandmarkKind,
    change: Callable[[UnlearningTask], UnlearningTask],
) -> None:
    assert fingerprint(change(task), kind, 0) != fingerprint(task, kind, 0)


def test_fingerprint_follows_seed_kind_forget_set_and_activation(task: UnlearningTask) -> None:
    names = {
        fingerprint(task, "original", 0),
        fingerprint(task, "original", 1),
        fingerprint(task, "retrained", 0),
        fingerprint(small_task(WholeClass(label=1)), "retrained", 0),
        fingerprint(replace(task, model=partial(relu, 0.1)), "original", 0),
        fingerprint(replace(task, model=partial(relu, 0.2)), "original", 0),
    }
    assert len(names) == 6
    assert all(re.fullmatch("[0-9a-f]{64}", name) for name in names)


def test_fingerprint_follows_the_version_of_the_recipe(
    task: UnlearningTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(task, "original", 0)
    monkeypatch.setattr(landmarks, "RECIPE_VERSION", landmarks.RECIPE_VERSION + 1)
    assert fingerprint(task, "original", 0) != before


def test_fingerprint_follows_an_edited_forward(
    tmp_path: Path, task: UnlearningTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = set()
    for version, sign in enumerate("+-"):
        path = tmp_path / f"{version}.py"
        path.write_text(
            "from tests.tasks.small import SmallNet\n\n\n"
            "class Net(SmallNet):\n"
            f"    def forward(self, inputs): return {sign}super().forward(inputs)\n"
        )
        spec = importlib.util.spec_from_file_location("edited", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "edited", module)
        spec.loader.exec_module(module)
        names.add(fingerprint(replace(task, model=module.Net), "original", 0))
    assert len(names) == 2


def test_fingerprint_ignores_what_does_not_change_the_landmark(task: UnlearningTask) -> None:
    torch.rand(3)
    state = torch.get_rng_state()
    name = fingerprint(task, "original", 0)
    assert torch.equal(torch.get_rng_state(), state)
    renamed = replace(task, name="other", test=clouds(9, 9), facts={"seed": 8})
    assert fingerprint(renamed, "original", 0) == name
    assert fingerprint(small_task(WholeClass(label=1)), "original", 0) == name
    assert fingerprint(task.to("cpu"), "original", 0) == name

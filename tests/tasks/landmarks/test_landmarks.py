from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.trials.replicate import unlearning_data
from pareto_explorer.tasks import (
    Samples,
    UnlearningTask,
    builds_its_original,
    fingerprint,
    given_landmark,
    restore_model,
    train_landmark,
    train_model,
    train_stages,
    untrained_model,
)
from tests.tasks.small import small_task


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


def test_an_original_that_the_task_brings_is_not_trained(task: UnlearningTask) -> None:
    given = train_landmark(task, "original", 9)
    own = replace(task, original=given)
    assert same(train_landmark(own, "original", 0), given)
    (stage,) = train_stages(own, "original", 0)
    assert (stage.epoch, stage.epochs) == (0, 0)
    assert same(train_landmark(own, "retrained", 0), train_landmark(task, "retrained", 0))
    assert fingerprint(own, "retrained", 0) == fingerprint(task, "retrained", 0)
    names = {fingerprint(own, "original", seed) for seed in (0, 1)}
    other = {**given, "head.bias": given["head.bias"] + 1}
    names.add(fingerprint(replace(task, original=other), "original", 0))
    assert len(names) == 2


def test_a_retrained_model_that_the_task_brings_is_not_trained(task: UnlearningTask) -> None:
    given = train_landmark(task, "retrained", 9)
    own = replace(task, retrained=given)
    assert same(train_landmark(own, "retrained", 0), given)
    (stage,) = train_stages(own, "retrained", 0)
    assert (stage.epoch, stage.epochs) == (0, 0)
    assert fingerprint(own, "original", 0) == fingerprint(task, "original", 0)
    assert fingerprint(own, "retrained", 0) == fingerprint(own, "retrained", 1)
    assert fingerprint(own, "retrained", 0) != fingerprint(task, "retrained", 0)
    lacking = {name: value for name, value in given.items() if name != "head.bias"}
    with pytest.raises(InputError, match=r"task\.retrained: head\.bias is missing there"):
        given_landmark(replace(task, retrained=lacking), "retrained")


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        (
            "head.bias",
            None,
            r"head\.bias is missing there and has shape \(3,\) in the task's",
        ),
        ("head.bias", torch.zeros(4), r"head\.bias has shape \(4,\) there and has shape \(3,\)"),
        ("body", torch.zeros(4), r"body has shape \(4,\) there and is missing in"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    task: UnlearningTask, name: str, values: Tensor | None, text: str
) -> None:
    weights = {**train_landmark(task, "original", 0), name: values}
    given = {key: value for key, value in weights.items() if value is not None}
    with pytest.raises(InputError, match=rf"task\.original: {text}"):
        given_landmark(replace(task, original=given), "original")


def test_a_task_that_builds_its_original_has_no_untrained_model() -> None:
    task = small_task()
    built = untrained_model(task).state_dict()
    assert not builds_its_original(task)
    assert builds_its_original(replace(task, original=built))
    assert unlearning_data(replace(task, original=built)).fresh_model is None
    trained = {name: value + 1 for name, value in built.items()}
    assert not builds_its_original(replace(task, original=trained))
    assert unlearning_data(replace(task, original=trained)).fresh_model is task.model

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import Recipe, Samples, UnlearningTask
from tests.tasks.small import SmallNet, clouds


def make(**changes: Any) -> UnlearningTask:
    parts: dict[str, Any] = {
        "name": "mine",
        "train": clouds(20, 0),
        "heldout": clouds(6, 1),
        "validation": clouds(6, 2),
        "test": clouds(6, 3),
        "forget_indices": torch.tensor([4, 2]),
        "n_classes": 3,
        "model": SmallNet,
    }
    return UnlearningTask(**(parts | changes))


@pytest.mark.parametrize(
    "labels",
    [torch.zeros(3).long(), torch.zeros(4), torch.zeros(4).bool(), torch.zeros(4, 1).long()],
    ids=["length", "float", "bool", "matrix"],
)
def test_samples_refuse_labels_that_do_not_fit(labels: torch.Tensor) -> None:
    with pytest.raises(InputError, match="labels"):
        Samples(torch.zeros(4, 2), labels)


def test_samples_take_keeps_order_and_widens_labels() -> None:
    samples = Samples(torch.arange(4.0), torch.tensor([3, 2, 1, 0], dtype=torch.int32))
    taken = samples.take(torch.tensor([2, 0]))
    assert len(taken) == 2
    assert taken.inputs.tolist() == [2.0, 0.0]
    assert taken.labels.tolist() == [1, 3]
    assert taken.labels.dtype == torch.int64


@settings(deadline=None)
@given(st.sets(st.integers(0, 19), min_size=1, max_size=19))
def test_forget_and_retain_partition_the_training_set(chosen: set[int]) -> None:
    task = make(forget_indices=torch.tensor(list(chosen)))
    assert set(task.retain_indices.tolist()) == set(range(20)) - chosen
    assert task.retain_indices.tolist() == sorted(task.retain_indices.tolist())
    assert torch.equal(task.forget.inputs, task.train.inputs[list(chosen)])
    assert torch.equal(task.retain.labels, task.train.labels[task.retain_indices])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"forget_indices": torch.tensor([], dtype=torch.long)}, "forget set is empty"),
        ({"forget_indices": torch.tensor([1, 1])}, "occur twice"),
        ({"forget_indices": torch.tensor([1, 20])}, "20 is no training sample; .* 0 to 19"),
        ({"forget_indices": torch.tensor([-1])}, "-1 is no training sample"),
        ({"forget_indices": torch.arange(20)}, "retain set is empty"),
        ({"forget_indices": torch.ones(20).bool()}, "forget_indices: torch.bool"),
        ({"n_classes": 2}, "label 2 is outside the 2 classes"),
        ({"n_classes": 0}, "n_classes: 0 must be a whole number above 0"),
        ({"n_classes": "3"}, "n_classes: '3' must be a whole number above 0"),
        ({"n_classes": 3.0}, "n_classes: 3.0 must be a whole number above 0"),
        ({"model": "resnet18"}, "model: 'resnet18' cannot be called"),
        ({"loss": "mse"}, "loss: 'mse' cannot be called"),
        ({"augment": True}, "augment: True cannot be called"),
        ({"test": Samples(torch.zeros(1, 2), torch.tensor([-1]))}, "test: label -1"),
        ({"test": Samples(torch.zeros(0, 2), torch.zeros(0).long())}, "test: the set is empty"),
        ({"heldout": Samples(torch.zeros(1, 3), torch.tensor([0]))}, r"heldout: .*\(3,\)"),
        (
            {"validation": Samples(torch.full((1, 2), torch.nan), torch.tensor([0]))},
            "validation: some inputs are NaN",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make(**changes)


@settings(deadline=None)
@given(st.lists(st.integers(0, 2), min_size=20, max_size=20).filter(lambda d: {*d} == {0, 1, 2}))
def test_adjacent_and_remote_partition_the_retain_set(drawn: list[int]) -> None:
    part = torch.tensor(drawn)
    chosen, wanted, rest = ((part == k).nonzero().squeeze(1) for k in range(3))
    task = make(forget_indices=chosen, adjacent_indices=wanted)
    assert task.adjacent is not None
    assert task.remote is not None
    assert torch.equal(task.adjacent.inputs, task.train.inputs[wanted])
    assert torch.equal(task.remote.inputs, task.train.inputs[rest])
    assert torch.equal(task.remote.labels, task.train.labels[rest])
    sizes = task.facts["sizes"]
    assert (sizes["adjacent"], sizes["remote"]) == (len(wanted), len(rest))
    assert sizes["adjacent"] + sizes["remote"] == sizes["retain"]


def test_a_task_says_in_a_line_what_it_is() -> None:
    task = make(forget_indices=torch.arange(3), adjacent_indices=torch.arange(5, 9))
    sizes = task.facts["sizes"]
    assert repr(task) == (
        f"<UnlearningTask {task.name!r}: retain {len(task.retain)}, forget 3, "
        f"heldout {len(task.heldout)}, validation {len(task.validation)}, test {len(task.test)}, "
        f"adjacent 4, remote {sizes['remote']}; classes {task.n_classes}>"
    )


def test_a_task_need_not_have_an_adjacent_set() -> None:
    task = make()
    assert task.adjacent is None
    assert task.remote is None
    assert task.remote_indices is None


@pytest.mark.parametrize(
    ("adjacent", "message"),
    [
        ([], "adjacent_indices: the adjacent set is empty"),
        ([1, 1], "adjacent_indices: some samples occur twice"),
        ([1, 20], "adjacent_indices: 20 is no training sample; .* 0 to 19"),
        ([1, 2], "adjacent_indices: 2 is in the forget set"),
        ([i for i in range(20) if i not in (2, 4)], "no retained sample is left for the remote"),
    ],
)
def test_an_adjacent_set_that_does_not_fit_is_refused(adjacent: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make(adjacent_indices=torch.tensor(adjacent, dtype=torch.long))


def test_forget_indices_may_be_a_list() -> None:
    assert make(forget_indices=[4, 2]).forget_indices.tolist() == [4, 2]


def test_facts_are_json_and_keep_what_the_builder_says() -> None:
    facts = json.loads(json.dumps(make(facts={"forget": {"kind": "random"}}).facts))
    assert facts["forget"] == {"kind": "random"}
    assert facts["sizes"] == {
        "retain": 18,
        "forget": 2,
        "heldout": 6,
        "validation": 6,
        "test": 6,
    }
    assert facts["shared_inputs"] == {"total": 0}


def test_facts_follow_a_changed_forget_set() -> None:
    assert replace(make(), forget_indices=torch.arange(5)).facts["sizes"]["forget"] == 5


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_planted_duplicates_are_counted_whatever_their_label(dtype: torch.dtype) -> None:
    inputs = torch.arange(40.0).reshape(20, 2).to(dtype)
    train = Samples(inputs, torch.arange(20) % 3)
    far = torch.arange(100.0, 112.0).reshape(6, 2).to(dtype)
    test = far.clone()
    test[0], test[1], test[2], test[3] = inputs[4], inputs[7], inputs[7], inputs[8]
    heldout = far + 50
    heldout[0] = inputs[4]
    labels = torch.zeros(6).long()
    validation = Samples((far + 100).repeat(2, 1), torch.zeros(12).long())  # twice in one set
    task = make(
        train=train,
        test=Samples(test, labels),
        heldout=Samples(heldout, labels),
        validation=validation,
    )
    assert task.facts["shared_inputs"] == {
        "total": 3,
        "retain and test": 2,
        "forget and heldout": 1,
        "forget and test": 1,
        "heldout and test": 1,
    }


def test_a_duplicate_of_a_forget_sample_in_the_retain_set_is_counted() -> None:
    train = clouds(20, 0)
    train.inputs[9] = train.inputs[2]
    assert make(train=train).facts["shared_inputs"] == {"total": 1, "retain and forget": 1}


def test_task_travels_by_pickle() -> None:
    task = make(model=partial(SmallNet, hidden=5), recipe=Recipe(epochs=3), adjacent_indices=[1, 0])
    copy = pickle.loads(pickle.dumps(task))  # noqa: S301
    assert torch.equal(copy.train.inputs, task.train.inputs)
    assert torch.equal(copy.forget_indices, task.forget_indices)
    assert copy.adjacent_indices.tolist() == [1, 0]
    assert copy.facts == task.facts
    assert copy.recipe == Recipe(epochs=3)
    assert isinstance(copy.model(), nn.Module)


def test_task_moves_between_devices() -> None:
    task = make(facts={"source": "here"}, adjacent_indices=[1])
    moved = task.to("meta")
    assert {
        moved.train.inputs.device.type,
        moved.heldout.labels.device.type,
        moved.validation.inputs.device.type,
        moved.test.inputs.device.type,
        moved.forget_indices.device.type,
        moved.adjacent_indices.device.type,
    } == {"meta"}
    assert moved.facts == task.facts
    assert task.train.inputs.device.type == task.adjacent_indices.device.type == "cpu"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("lr", 0.0),
        ("lr", float("nan")),
        ("momentum", 1.0),
        ("weight_decay", -1.0),
    ],
)
def test_recipe_refuses_values_out_of_range(field: str, value: float) -> None:
    with pytest.raises(InputError, match=f"recipe.{field}: .* must be"):
        Recipe(**{field: value})  # type: ignore[arg-type]

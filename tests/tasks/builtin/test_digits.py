from __future__ import annotations

import json
import pickle

import pytest
import torch
from sklearn.datasets import load_digits

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import (
    Indices,
    Mislabelled,
    RandomSubset,
    Samples,
    Subclass,
    UnlearningTask,
    WholeClass,
    digits,
    digits_cnn,
)

TRUTH = {
    image.astype("float32").tobytes(): int(label)
    for image, label in zip(*load_digits(return_X_y=True), strict=True)
}


def true_labels(samples: Samples) -> list[int]:
    return [TRUTH[(image * 16).numpy().tobytes()] for image in samples.inputs]


def splits(task: UnlearningTask) -> list[Samples]:
    return [task.train, task.heldout, task.validation, task.test]


def test_splits_are_disjoint_complete_and_stratified() -> None:
    task = digits()
    images = [image.numpy().tobytes() for part in splits(task) for image in part.inputs]
    assert len(images) == len(set(images)) == 1797
    assert [round(len(part) / 1797, 2) for part in splits(task)] == [0.6, 0.1, 0.1, 0.2]
    assert task.facts["shared_inputs"] == {"total": 0}
    for part in splits(task)[1:]:
        counts = part.labels.bincount(minlength=10).tolist()
        assert max(counts) - min(counts) <= 2


def test_only_the_forget_set_is_mislabelled() -> None:
    task = digits(Mislabelled(fraction=0.2))
    truth = torch.tensor(true_labels(task.train))
    wrong = (task.train.labels != truth).nonzero().squeeze(1)
    assert torch.equal(wrong, task.forget_indices)
    assert len(wrong) == round(0.2 * len(task.train))
    for part in splits(task)[1:]:
        assert part.labels.tolist() == true_labels(part)


def test_mislabelled_is_the_default() -> None:
    task = digits()
    assert task.facts["forget"] == {"kind": "mislabelled", "fraction": 0.1}
    assert len(task.forget_indices) == 108


def test_a_forgotten_class_leaves_validation_and_test_but_not_heldout() -> None:
    task = digits(WholeClass(label=3))
    assert set(task.forget.labels.tolist()) == {3}
    rest = {0, 1, 2, 4, 5, 6, 7, 8, 9}
    assert set(task.retain.labels.tolist()) == rest
    assert set(task.validation.labels.tolist()) == rest
    assert set(task.test.labels.tolist()) == rest
    assert set(task.heldout.labels.tolist()) == {3} | rest
    assert torch.equal(task.heldout.inputs, digits().heldout.inputs)


@pytest.mark.parametrize("request_", [RandomSubset(), Subclass(label=8), Indices(indices=(4, 2))])
def test_other_requests_keep_every_class_and_label(
    request_: RandomSubset | Subclass | Indices,
) -> None:
    task = digits(request_)
    assert all(part.labels.tolist() == true_labels(part) for part in splits(task))
    assert all(set(part.labels.tolist()) == set(range(10)) for part in splits(task))


def test_the_task_comes_from_its_seed() -> None:
    first, same, other = digits(seed=1), digits(seed=1), digits(seed=2)
    assert torch.equal(first.train.inputs, same.train.inputs)
    assert torch.equal(first.train.labels, same.train.labels)
    assert torch.equal(first.forget_indices, same.forget_indices)
    assert not torch.equal(first.test.inputs, other.test.inputs)


@pytest.mark.parametrize("seed", [-1, 0.5, "0", True])
def test_a_seed_that_is_none_is_refused(seed: int) -> None:
    with pytest.raises(InputError, match=r"task\.seed: .* give one from 0"):
        digits(seed=seed)


def test_the_task_pickles_and_its_facts_are_json() -> None:
    task = digits(Indices(indices=(1, 2)))
    assert pickle.loads(pickle.dumps(task)).facts == task.facts  # noqa: S301
    assert json.loads(json.dumps(task.facts)) == json.loads(json.dumps(dict(task.facts)))
    assert task.facts["seed"] == 0


def test_the_model_gives_one_logit_per_class_at_any_width() -> None:
    inputs = digits().test.inputs[:5]
    assert digits().model()(inputs).shape == (5, 10)
    assert digits_cnn(width=3, n_classes=4)(inputs).shape == (5, 4)

"""Noise and swapped labels: what is planted, and who never sees it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import (
    Confused,
    GaussianNoise,
    GaussianPoison,
    RandomSubset,
    Samples,
    SwappedClasses,
    digits,
    fingerprint,
    select_forget_set,
    task_from,
)
from pareto_explorer.tasks.forget.planting import trained_samples
from tests.tasks.small import SmallNet, clouds, small_task

POISON = {"kind": "gaussian_poison", "fraction": 0.3, "noise": 2.0}
CONFUSED = {"kind": "confused", "classes": [0, 2], "count": 20}


@pytest.mark.parametrize("request_", [POISON, CONFUSED])
def test_retrained_models_never_see_it_and_original_ones_do(request_):
    task = small_task(request_)
    clean = replace(task, train=clouds(90, 0), planted=None)
    assert fingerprint(task, "retrained", 0) == fingerprint(clean, "retrained", 0)
    assert fingerprint(task, "original", 0) != fingerprint(clean, "original", 0)


def test_noise_is_on_the_inputs_of_the_forget_set_only():
    data, task = clouds(90, 0), small_task(POISON)
    assert isinstance(task.planted, GaussianNoise)
    assert torch.equal(task.train.labels, data.labels)
    assert torch.equal(task.retain.inputs, data.take(task.retain_indices).inputs)
    added = task.forget.inputs - data.take(task.forget_indices).inputs
    torch.testing.assert_close(added, task.planted.values)


def test_noise_has_its_deviation_and_its_seed():
    train = Samples(torch.zeros(2000, 3), torch.arange(2000) % 3)
    request = GaussianPoison(fraction=0.5, noise=0.7)
    chosen = select_forget_set(request, train, 3, 0)
    first, again, other = (trained_samples(request, train, chosen, seed)[1] for seed in (0, 0, 1))
    assert isinstance(first, GaussianNoise)
    assert first.deviation == 0.7
    assert float(first.values.std()) == pytest.approx(0.7, abs=0.03)  # 3 standard errors
    assert float(first.values.mean()) == pytest.approx(0, abs=0.04)
    assert torch.equal(first.values, again.values)
    assert not torch.equal(first.values, other.values)


def test_the_poisoned_samples_are_a_random_subset():
    task, plain = (digits(kind(fraction=0.1)) for kind in (GaussianPoison, RandomSubset))
    assert torch.equal(task.forget_indices, plain.forget_indices)
    assert task.facts["forget"] == {"kind": "gaussian_poison", "fraction": 0.1, "noise": 0.25}
    assert isinstance(task.planted, GaussianNoise)


@settings(deadline=None)
@given(
    pair=st.permutations(range(4)).map(lambda order: tuple(order[:2])),
    half=st.integers(1, 20),
    seed=st.integers(0, 2**32),
)
def test_labels_are_swapped_between_the_two_classes(pair, half, seed):
    train = clouds(90, 0)
    train = Samples(train.inputs, torch.arange(90) % 4)
    request = Confused(classes=pair, count=2 * half)
    labels, indices = select_forget_set(request, train, 4, seed)
    changed = (labels != train.labels).nonzero().squeeze(1)
    assert torch.equal(changed, indices)
    before, after = train.labels[indices], labels[indices]
    for one, other in (pair, pair[::-1]):
        assert int(((before == one) & (after == other)).sum()) == half


def test_a_task_from_ones_own_data_keeps_what_was_planted():
    data = clouds(90, 0)
    given_ = {"train": data, "test": clouds(40, 1), "model": SmallNet}
    task = task_from("mine", forget=CONFUSED, **given_)
    assert task.planted == SwappedClasses((0, 2))
    assert task.facts["forget"] == CONFUSED
    assert int((task.train.labels != data.labels).sum()) == 20
    poisoned = task_from("mine", forget=POISON, **given_)
    assert isinstance(poisoned.planted, GaussianNoise)
    assert poisoned.planted.values.shape == (27, 2)
    assert poisoned.to("cpu").planted is not None


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Confused(classes=(0, 7), count=2), "forget.classes: 7 is no class of this task"),
        (Confused(classes=(0, 1), count=62), "half of 62 is more than the 30 training samples"),
    ],
)
def test_classes_that_do_not_fit_are_refused(request_, message):
    with pytest.raises(InputError, match=message):
        select_forget_set(request_, clouds(90, 0), 3, 0)


def test_some_samples_must_be_left_to_retain():
    train = Samples(torch.zeros(8, 1), torch.arange(8) % 2)
    with pytest.raises(InputError, match="all 8 training samples are named; leave some"):
        select_forget_set(Confused(classes=(0, 1), count=8), train, 2, 0)


def test_bytes_take_no_noise():
    train = Samples(torch.zeros(20, 3, dtype=torch.uint8), torch.arange(20) % 2)
    chosen = select_forget_set(GaussianPoison(), train, 2, 0)
    with pytest.raises(
        InputError, match="'gaussian_poison' adds noise to inputs, and these are ui"
    ):
        trained_samples(GaussianPoison(), train, chosen, 0)


@pytest.mark.parametrize(
    ("planted", "message"),
    [
        (GaussianNoise(torch.zeros(8, 2), 1.0), r"of shape \(8, 2\) does not fit .* \(9, 2\)"),
        (GaussianNoise(torch.full((9, 2), np.nan), 1.0), "some noise is NaN"),
        (GaussianNoise(torch.zeros(9, 2), 0.0), "0.0 is no standard deviation"),
        (SwappedClasses((1, 1)), r"\(1, 1\) are not two of the classes from 0 to 2"),
        (SwappedClasses((0, 3)), r"\(0, 3\) are not two of the classes from 0 to 2"),
    ],
)
def test_what_cannot_have_been_planted_is_refused(planted, message):
    with pytest.raises(InputError, match=message):
        replace(small_task(), planted=planted)

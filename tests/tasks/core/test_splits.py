from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.tasks import published_split, stratified_split

FRACTIONS = (0.6, 0.1, 0.1, 0.2)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=120), st.integers(0, 1000))
def test_parts_are_disjoint_complete_and_stratified(labels: list[int], seed: int) -> None:
    targets = torch.tensor(labels)
    parts = stratified_split(targets, FRACTIONS, seed)
    assert sorted(torch.cat(parts).tolist()) == list(range(len(labels)))
    for label in set(labels):
        for part, fraction in zip(parts, FRACTIONS, strict=True):
            share = fraction * labels.count(label)
            assert abs(int((targets[part] == label).sum()) - share) <= 1


def test_the_split_comes_from_the_seed_and_mixes_the_classes() -> None:
    labels = torch.arange(100) // 50
    first, second = (stratified_split(labels, FRACTIONS, 0) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0], stratified_split(labels, FRACTIONS, 1)[0])
    assert 0 < int(labels[first[0][:20]].sum()) < 20


def as_published(labels: list[int], seed: int) -> tuple[list[int], list[int]]:
    """The split of the published code, line by line."""
    targets = np.array(labels)
    rng = np.random.RandomState(seed)
    valid_idx = []
    for i in range(max(targets) + 1):
        class_idx = np.where(targets == i)[0]
        valid_idx.append(rng.choice(class_idx, int(0.1 * len(class_idx)), replace=False))
    validation = np.hstack(valid_idx)
    training = list(set(range(len(targets))) - set(validation))
    return [int(i) for i in training], validation.tolist()


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=120), st.integers(0, 2**32 - 1))
def test_the_published_split_is_reproduced_sample_by_sample(labels: list[int], seed: int) -> None:
    split = published_split(torch.tensor(labels), seed)
    training, validation = as_published(labels, seed)
    assert split.training.tolist() == training
    assert split.validation.tolist() == validation
    assert split.total == len(labels)


def test_at_the_size_of_cifar_10_the_split_and_the_random_forget_set_are_the_published_ones() -> (
    None
):
    labels = np.random.default_rng(0).permutation(np.arange(50_000) % 10)
    split = published_split(torch.from_numpy(labels), 2)
    training, validation = as_published(labels.tolist(), 2)
    assert (len(split.training), len(split.validation)) == (45_000, 5_000)
    assert split.training.tolist() == training
    assert split.validation.tolist() == validation
    indexes = np.flatnonzero(np.ones_like(labels[training]))
    indexes = np.random.RandomState(2 - 1).choice(indexes, size=4_500, replace=False)
    assert split.random_subset(4_500).tolist() == sorted(indexes.tolist())


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_every_seed_of_the_split_draws_a_random_forget_set(seed: int) -> None:
    split = published_split(torch.arange(100) % 5, seed)
    drawn = split.random_subset(30)
    assert len(set(drawn.tolist())) == 30
    assert 0 <= int(drawn.min()) <= int(drawn.max()) < 90

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.tasks import stratified_split

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

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.audits.statistics import (
    memorisation,
    terciles,
    u_lira,
    u_lira_accuracy,
    u_lira_by_tercile,
    u_lira_scores,
)
from pareto_explorer.errors import InputError


def test_memorised_is_what_only_original_models_know():
    original = np.array([[1.0, 1.0, -1.0], [2.0, 3.0, 1.0]])
    retrained = np.array([[-1.0, 1.0, 1.0], [-2.0, 3.0, 1.0]])
    assert memorisation(original, retrained).tolist() == [1.0, 0.0, -0.5]


@given(st.integers(3, 40))
def test_thirds_are_as_large_as_they_can_be(samples):
    draws = np.random.default_rng(samples)
    original, retrained = draws.normal(0.5, 1, (4, samples)), draws.normal(size=(4, samples))
    found = terciles(original, retrained)
    sizes = np.bincount(found, minlength=3)
    assert sizes.max() - sizes.min() <= 1
    shares = memorisation(original, retrained)
    for low in (0, 1):
        assert shares[found == low].max() <= shares[found == low + 1].min()


def test_where_all_is_memorised_the_distance_decides():
    retrained = np.full((2, 6), -1.0)
    original = np.tile([3.0, 1.0, 2.0, 6.0, 5.0, 4.0], (2, 1))
    assert terciles(original, retrained).tolist() == [1, 0, 0, 2, 2, 1]


def test_thirds_make_up_the_whole_and_are_those_of_the_other_seeds():
    draws = np.random.default_rng(0)
    o, u, r = draws.normal(1, 1, (5, 30)), draws.normal(0.5, 1, (5, 30)), draws.normal(size=(5, 30))
    found = u_lira_by_tercile(o, u, r)
    assert found.mean() == pytest.approx(u_lira_accuracy(u, r))
    positive, negative = u_lira_scores(u, r)
    right = 0.5 + (np.sign(positive) - np.sign(negative)) / 4
    expected = np.zeros(3)
    for seed in range(5):
        thirds = terciles(np.delete(o, seed, 0), np.delete(r, seed, 0))
        expected += [right[seed, thirds == number].mean() for number in range(3)]
    assert found == pytest.approx(expected / 5)


def test_thirds_find_nothing_where_there_is_nothing_and_in_sample_thirds_do():
    """Samples on which retrained models are low by chance look memorised and told apart."""
    draws = np.random.default_rng(0)
    honest, naive = [], []
    for _ in range(100):
        o, (u, r) = draws.normal(1, 1, (8, 90)), draws.normal(size=(2, 8, 90))
        honest.append(u_lira_by_tercile(o, u, r))
        positive, negative = u_lira_scores(u, r)
        right = 0.5 + (np.sign(positive) - np.sign(negative)) / 4
        naive.append([right[:, terciles(o, r) == number].mean() for number in range(3)])
    assert np.abs(np.mean(honest, 0) - 0.5).max() < 0.006
    assert np.abs(np.mean(naive, 0) - 0.5).max() > 0.012


def test_the_attack_is_better_where_more_was_memorised():
    draws = np.random.default_rng(0)
    shift = np.linspace(0, 3, 60)
    r = draws.normal(size=(8, 60)) - 1
    o, u = r + 2 * shift, draws.normal(size=(8, 60)) - 1 + shift
    low, mid, high = u_lira_by_tercile(o, u, r)
    assert low < mid < high
    assert u_lira(u, r).accuracy == pytest.approx((low + mid + high) / 3)


def test_shapes_must_fit():
    with pytest.raises(InputError, match="same seeds and samples"):
        terciles(np.zeros((4, 6)), np.zeros((4, 5)))
    with pytest.raises(InputError, match="at least 4"):
        u_lira_by_tercile(*np.zeros((3, 3, 6)))

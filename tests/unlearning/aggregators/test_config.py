import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchjd.aggregation import ConFIG as Reference

from pareto_explorer.unlearning.aggregators.config import ConFIG
from tests.unlearning.aggregators.pairs import (
    angled,
    anything,
    assert_not_conflicting,
    assert_same_step,
    fractions,
    pairs,
    step,
    weigh,
)


@given(angled, fractions)
def test_projections_on_the_unit_gradients_are_as_wanted(g, preference):
    d = step(ConFIG(preference), *g)
    along = np.array([x @ d / np.linalg.norm(x) for x in g]) / np.linalg.norm(d)
    wanted = np.array([1 - preference, preference])
    parts = np.abs(weigh(ConFIG(preference), *g)) * [np.linalg.norm(x) for x in g]
    atol = 1e-12 * parts.sum() / np.linalg.norm(d)
    np.testing.assert_allclose(along[0] * wanted[1], along[1] * wanted[0], rtol=0, atol=atol)
    assert along.sum() > 0


@given(angled, fractions)
def test_length_is_the_sum_of_the_projections(g, preference):
    d = step(ConFIG(preference), *g)
    length = np.linalg.norm(d)
    total = (g[0] + g[1]) @ d / length
    np.testing.assert_allclose(length, total, rtol=1e-6)


@given(pairs(st.floats(-0.999, 0.999), decades=3), fractions)
def test_agrees_with_torchjd(g, preference):
    vector = torch.tensor([1 - preference, preference], dtype=torch.float64)
    expected = Reference(vector)(torch.tensor(np.stack(g))).numpy()
    assert_same_step(weigh(ConFIG(preference), *g), expected, *g, rtol=1e-8)


@given(angled)
def test_default_is_that_of_the_library(g):
    expected = Reference()(torch.tensor(np.stack(g))).numpy()
    assert_same_step(weigh(ConFIG(), *g), expected, *g)


@given(anything, fractions)
def test_never_conflicts(g, preference):
    assert_not_conflicting(ConFIG(preference), *g)


@given(anything)
def test_at_equal_preference_it_is_the_bisector(g):
    lengths = np.array([np.linalg.norm(x) for x in g])
    np.testing.assert_allclose(weigh(ConFIG(), *g), lengths.sum() / 2 / lengths, rtol=1e-9)


@pytest.mark.parametrize("preference", [0.2, 0.5, 0.8])
def test_degenerate_inputs(preference):
    g, rule = np.array([0.0, 3.0, 4.0]), ConFIG(preference)
    np.testing.assert_array_equal(step(rule, 0 * g, g), g)
    np.testing.assert_array_equal(step(rule, g, 0 * g), g)
    np.testing.assert_array_equal(weigh(rule, 0 * g, 0 * g), (0, 0))
    np.testing.assert_allclose(step(rule, g, 3 * g), 4 * g, rtol=1e-12)
    np.testing.assert_allclose(step(rule, g, -3 * g), 0, atol=1e-14)


def test_without_a_preference_a_gradient_has_no_say_when_it_is_alone():
    g = np.arange(1.0, 4.0)
    np.testing.assert_array_equal(step(ConFIG(0.0), 0 * g, g), 0 * g)
    np.testing.assert_array_equal(step(ConFIG(1.0), 0 * g, g), g)

import numpy as np
from hypothesis import given

from pareto_explorer.unlearning.aggregators.ngdiff import NGDiff
from tests.unlearning.aggregators.pairs import angled, anything, assert_not_conflicting, step, weigh


def unit(x):
    return x / np.linalg.norm(x)


@given(anything)
def test_is_the_sum_of_the_unit_gradients(g):
    np.testing.assert_allclose(step(NGDiff(), *g), unit(g[0]) + unit(g[1]), rtol=0, atol=1e-14)


@given(anything)
def test_never_conflicts(g):
    assert_not_conflicting(NGDiff(), *g)


@given(angled)
def test_length(g):
    angle = np.arccos(unit(g[0]) @ unit(g[1]))
    np.testing.assert_allclose(np.linalg.norm(step(NGDiff(), *g)), 2 * np.cos(angle / 2), rtol=1e-9)


@given(angled)
def test_ignores_the_lengths_of_the_gradients(g):
    np.testing.assert_allclose(
        step(NGDiff(), 7 * g[0], g[1] / 3), step(NGDiff(), *g), rtol=0, atol=1e-14
    )


def test_degenerate_inputs():
    g = np.array([0.0, 3.0, 4.0])
    np.testing.assert_allclose(step(NGDiff(), 0 * g, g), g / 5, rtol=1e-15)
    np.testing.assert_allclose(step(NGDiff(), g, 0 * g), g / 5, rtol=1e-15)
    np.testing.assert_array_equal(weigh(NGDiff(), 0 * g, 0 * g), (0, 0))
    np.testing.assert_allclose(step(NGDiff(), g, 3 * g), 2 * g / 5, rtol=1e-15)
    np.testing.assert_allclose(step(NGDiff(), g, -3 * g), 0, atol=1e-15)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.unlearning.aggregators.eupmu import EUPMU
from pareto_explorer.unlearning.aggregators.gru import GRU
from tests.unlearning.aggregators.pairs import anything, assert_same_step, pairs, step, weigh

tolerances = st.just(0.0) | st.floats(-4, 4).map(lambda x: 10.0**x)
medium = pairs(st.floats(-0.999, 0.999), decades=2)


@given(medium, tolerances)
def test_is_the_projection_on_the_half_space_of_tolerated_steps(g, epsilon):
    g_r, g_f = g
    length = np.linalg.norm(g_r)
    short = min(0.0, g_r @ g_f / length + epsilon / length)
    assert_same_step(weigh(EUPMU(epsilon), *g), g_f - short * g_r / length, *g)


@given(anything, tolerances)
def test_retain_loss_rises_no_faster_than_tolerated(g, epsilon):
    d, w = step(EUPMU(epsilon), *g), weigh(EUPMU(epsilon), *g)
    terms = np.linalg.norm(g[0]) * (w[0] * np.linalg.norm(g[0]) + np.linalg.norm(g[1]))
    assert g[0] @ d >= -epsilon - 1e-12 * terms


@given(anything, tolerances)
def test_forget_loss_never_rises(g, epsilon):
    d, w = step(EUPMU(epsilon), *g), weigh(EUPMU(epsilon), *g)
    terms = np.linalg.norm(g[1]) * (w[0] * np.linalg.norm(g[0]) + np.linalg.norm(g[1]))
    assert g[1] @ d >= -1e-12 * terms


@given(medium, tolerances)
def test_length(g, epsilon):
    a, b, c = g[0] @ g[0], g[0] @ g[1], g[1] @ g[1]
    expected = np.sqrt(c * (1 - b**2 / a / c) + epsilon**2 / a) if b < -epsilon else np.sqrt(c)
    np.testing.assert_allclose(np.linalg.norm(step(EUPMU(epsilon), *g)), expected, rtol=1e-9)


@given(anything)
def test_without_tolerance_it_is_gru(g):
    np.testing.assert_array_equal(weigh(EUPMU(0.0), *g), weigh(GRU(), *g))


@given(medium, st.floats(0, 10))
def test_scales_when_the_tolerance_scales_with_both_gradients(g, epsilon):
    np.testing.assert_allclose(
        weigh(EUPMU(21 * epsilon), 7 * g[0], 3 * g[1]) / (3 / 7, 1),
        weigh(EUPMU(epsilon), *g),
        rtol=1e-9,
        atol=1e-12,
    )


@pytest.mark.parametrize("epsilon", [0.0, 0.5])
def test_degenerate_inputs(epsilon):
    g, rule = np.arange(1.0, 4.0), EUPMU(epsilon)
    np.testing.assert_array_equal(step(rule, 0 * g, g), g)
    np.testing.assert_array_equal(step(rule, g, 0 * g), 0 * g)
    np.testing.assert_array_equal(weigh(rule, 0 * g, 0 * g), (0, 1))
    np.testing.assert_array_equal(step(rule, g, 3 * g), 3 * g)
    np.testing.assert_allclose(step(rule, g, -3 * g), -epsilon * g / 14, atol=1e-14)

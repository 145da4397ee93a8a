import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.unlearning.aggregators.gru import GRU
from tests.unlearning.aggregators.pairs import (
    aligned,
    angled,
    anything,
    assert_not_conflicting,
    assert_same_step,
    conflicting,
    step,
    weigh,
)


def rectified(g_r, g_f):
    product = g_r @ g_f
    return g_f - product / (g_r @ g_r) * g_r if product < 0 else g_f


@given(anything)
def test_is_the_half_space_projection_of_the_forget_gradient(g):
    assert_same_step(weigh(GRU(), *g), rectified(*g), *g)


@given(anything)
def test_never_conflicts(g):
    assert_not_conflicting(GRU(), *g)


@given(aligned)
def test_is_the_forget_gradient_without_conflict(g):
    np.testing.assert_array_equal(weigh(GRU(), *g), (0, 1))


@given(conflicting)
def test_length_in_conflict(g):
    a, b, c = g[0] @ g[0], g[0] @ g[1], g[1] @ g[1]
    np.testing.assert_allclose(
        np.linalg.norm(step(GRU(), *g)), np.sqrt(c * (1 - b**2 / a / c)), rtol=1e-9
    )


@given(angled, st.floats(-6, 6).map(lambda x: 10.0**x))
def test_cap_shortens_longer_steps_and_no_others(g, cap):
    free, capped = step(GRU(), *g), step(GRU(cap), *g)
    length = np.linalg.norm(free)
    np.testing.assert_allclose(np.linalg.norm(capped), min(length, cap), rtol=1e-9)
    np.testing.assert_allclose(capped / np.linalg.norm(capped), free / length, atol=1e-9)


@pytest.mark.parametrize("cap", [None, 100.0])
def test_degenerate_inputs(cap):
    g, rule = np.arange(1.0, 4.0), GRU(cap)
    np.testing.assert_array_equal(step(rule, 0 * g, g), g)
    np.testing.assert_array_equal(step(rule, g, 0 * g), 0 * g)
    np.testing.assert_array_equal(weigh(rule, 0 * g, 0 * g), (0, 1))
    np.testing.assert_array_equal(step(rule, g, 3 * g), 3 * g)
    np.testing.assert_allclose(step(rule, g, -3 * g), 0, atol=1e-14)

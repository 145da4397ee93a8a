import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from torchjd.aggregation import CAGradWeighting

from pareto_explorer.unlearning.aggregators.cagrad import CAGrad
from tests.unlearning.aggregators.pairs import (
    angled,
    assert_not_conflicting,
    assert_same_step,
    colinear,
    pair,
    pairs,
    step,
    weigh,
)

radii = st.floats(0, 3)
medium = pairs(st.floats(-0.999, 0.999), decades=1)


@given(medium, radii)
@example(pair(0.0, 1.0, 1.0, 130797), 9.4e-158)
def test_no_step_in_the_ball_has_a_better_worst_case(g, rho):
    mean = (g[0] + g[1]) / 2
    radius = rho * np.linalg.norm(mean)
    plane = np.linalg.qr(np.stack(g).T)[0]
    angles = np.linspace(0, 2 * np.pi, 721)
    circle = mean + radius * (plane @ np.stack((np.cos(angles), np.sin(angles)))).T
    d = step(CAGrad(rho), *g)
    scale = max(np.linalg.norm(x) for x in g) * (np.linalg.norm(mean) + radius)
    best = np.minimum(circle @ g[0], circle @ g[1]).max()
    assert min(g[0] @ d, g[1] @ d) >= best - 1e-9 * scale
    assert abs(np.linalg.norm(d - mean) - radius) <= 1e-9 * np.linalg.norm(d)


@given(pairs(st.floats(-0.99, 0.99), decades=3), radii)
def test_is_the_dual_solution_on_vectors(g, rho):
    """One-dimensional minimisation over convex combinations."""
    mean = (g[0] + g[1]) / 2
    radius = rho * np.linalg.norm(mean)

    def combined(t):
        # Both ends have fine grain: x = 1/(1 + e^t).
        return g[0] / (1 + np.exp(t)) + g[1] / (1 + np.exp(-t))

    def dual(t):
        return combined(t) @ mean + radius * np.linalg.norm(combined(t))

    t = minimize_scalar(dual, bounds=(-40, 40), method="bounded", options={"xatol": 1e-12}).x
    scale = np.linalg.norm(mean) * (1 + rho) * max(np.linalg.norm(x) for x in g)
    own = weigh(CAGrad(rho), *g) - 0.5
    if own.sum() > 0:
        own = own / own.sum()
        x = own[0] * g[0] + own[1] * g[1]
        assert x @ mean + radius * np.linalg.norm(x) <= dual(t) + 1e-9 * scale


@given(angled, st.floats(1, 3))
def test_never_conflicts_from_a_radius_of_one_on(g, rho):
    assert_not_conflicting(CAGrad(rho), *g)


def test_conflicts_below():
    """A shorter retain gradient is outvoted by the mean."""
    g_r, g_f = pair(-0.9, 0.1, 1.0)
    assert step(CAGrad(0.2), g_r, g_f) @ g_r < 0
    assert step(CAGrad(1.0), g_r, g_f) @ g_r >= 0


@given(angled)
def test_without_a_ball_it_is_the_mean(g):
    np.testing.assert_array_equal(weigh(CAGrad(0.0), *g), (0.5, 0.5))


@given(colinear, radii)
def test_step_is_never_longer_than_the_ball_is_wide_near_colinearity(g, rho):
    mean = np.linalg.norm(g[0] + g[1]) / 2
    largest = max(np.linalg.norm(x) for x in g)
    assert np.linalg.norm(step(CAGrad(rho), *g)) <= (1 + rho) * mean * (1 + 1e-4) + 1e-7 * largest


@pytest.mark.parametrize("rho", [0.2, 0.4, 1.0, 1.5])
def test_agrees_with_torchjd(rho):
    pytest.importorskip("cvxpy")
    pytest.importorskip("clarabel")
    reference = CAGradWeighting(c=rho)
    for seed, cosine in enumerate((-0.9, -0.5, 0.0, 0.5, 0.9)):
        for ratio in (0.2, 1.0, 3.0):
            g = pair(cosine, ratio, 1.0, seed)
            w = weigh(reference, *g)
            assert_same_step(weigh(CAGrad(rho), *g), w[0] * g[0] + w[1] * g[1], *g, rtol=1e-3)


@pytest.mark.parametrize("rho", [0.4, 1.0, 1.5])
def test_degenerate_inputs(rho):
    g, rule = np.arange(1.0, 4.0), CAGrad(rho)
    for one, other in ((0 * g, g), (g, 0 * g), (0 * g, 0 * g)):
        np.testing.assert_array_equal(step(rule, one, other), 0 * g)
    np.testing.assert_allclose(step(rule, g, g), (1 + rho) * g, rtol=1e-12)
    np.testing.assert_allclose(step(rule, g, 3 * g), (1 + rho) * 2 * g, rtol=1e-12)
    np.testing.assert_allclose(step(rule, g, -g), 0, atol=1e-14)


@pytest.mark.parametrize("rho", [1.0, 1.5])
def test_opposite_gradients_make_no_step_in_a_ball_that_reaches_the_origin(rho):
    g = np.arange(1.0, 4.0)
    np.testing.assert_allclose(step(CAGrad(rho), g, -3 * g), 0, atol=1e-14)

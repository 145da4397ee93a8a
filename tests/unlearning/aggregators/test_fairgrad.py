import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torchjd.aggregation import FairGradWeighting

from pareto_explorer.unlearning.aggregators.fairgrad import FairGrad
from pareto_explorer.unlearning.aggregators.munba import MUNBa
from pareto_explorer.unlearning.aggregators.weighted_sum import Mean
from tests.unlearning.aggregators.pairs import (
    anything,
    assert_not_conflicting,
    assert_same_step,
    colinear,
    pairs,
    step,
    weigh,
)

alphas = st.floats(-1, 1).map(lambda x: 10.0**x)
moderate = pairs(st.floats(-0.99, 0.99), decades=1)
wide = pairs(st.floats(-0.999, 0.999), decades=3)


@given(moderate, st.floats(0.3, 10))
def test_solves_the_equations(g, alpha):
    weights = weigh(FairGrad(alpha), *g)
    gains = np.stack(g) @ step(FairGrad(alpha), *g)
    # Logarithms as in the equations; conflict costs digits in the products with the step.
    lost = 1e-14 * np.abs(np.stack([x * w for x, w in zip(g, weights, strict=True)])).sum()
    slack = lost * np.array([np.linalg.norm(x) for x in g]) / np.abs(gains)
    assert (np.abs(np.log(gains) + np.log(weights) / alpha) <= 1e-9 + 100 * slack).all()


@settings(max_examples=30)
@given(wide, alphas)
def test_is_the_root_found_with_many_digits(g, alpha):
    """Bisection of the ratio e^s of the weights; the equations rise in s."""
    with mpmath.workdps(60):
        a, b, c = (mpmath.mpf(float(x)) for x in (g[0] @ g[0], g[0] @ g[1], g[1] @ g[1]))
        edges = sorted((mpmath.log(-b / c), mpmath.log(-a / b))) if b < 0 else (-300, 300)
        low, high = map(mpmath.mpf, edges)
        for _ in range(200):
            s = (low + high) / 2
            ratio = mpmath.exp(s)
            excess = mpmath.log(b + c * ratio) - mpmath.log(a + b * ratio) + s / alpha
            low, high = (low, s) if excess > 0 else (s, high)
        w_r = float((a + b * ratio) ** (-alpha / (1 + alpha)))
        w_f = float(w_r * ratio)
    np.testing.assert_allclose(weigh(FairGrad(alpha), *g), (w_r, w_f), rtol=1e-7)


@given(anything)
def test_at_one_it_is_munba(g):
    np.testing.assert_allclose(weigh(FairGrad(1.0), *g), weigh(MUNBa(), *g), rtol=1e-12)


@given(anything)
def test_at_zero_it_is_the_mean(g):
    np.testing.assert_array_equal(weigh(FairGrad(0.0), *g), weigh(Mean(), *g))


@given(wide, alphas)
def test_never_conflicts(g, alpha):
    assert_not_conflicting(FairGrad(alpha), *g)


@given(moderate, alphas, st.floats(-2, 2).map(lambda x: 10.0**x))
def test_length_goes_with_a_power_of_the_scale(g, alpha, scale):
    expected = scale ** ((1 - alpha) / (1 + alpha)) * step(FairGrad(alpha), *g)
    scaled = step(FairGrad(alpha), scale * g[0], scale * g[1])
    np.testing.assert_allclose(scaled, expected, atol=1e-9 * np.linalg.norm(expected))


def test_fairness_helps_the_slower_loss():
    """Of two orthogonal gradients the longer one gains more, and less so as α grows."""
    g = np.array([1.0, 0.0]), np.array([0.0, 3.0])
    gains = [np.stack(g) @ step(FairGrad(alpha), *g) for alpha in (0.3, 1.0, 3.0, 100.0)]
    ratios = [gain[1] / gain[0] for gain in gains]
    assert ratios == sorted(ratios, reverse=True)
    np.testing.assert_allclose(ratios[-1], 1, atol=0.05)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
@given(g=moderate)
def test_agrees_with_torchjd(alpha, g):
    w = weigh(FairGradWeighting(alpha), *g)
    expected = w[0] * g[0] + w[1] * g[1]
    # The solver stops at a gradient of 1e-8, whatever the scale.
    assert_same_step(weigh(FairGrad(alpha), *g), expected, *g, rtol=1e-3)


@given(colinear, alphas)
def test_weights_are_finite_and_not_negative_near_colinearity(g, alpha):
    weights = weigh(FairGrad(alpha), *g)
    assert np.isfinite(weights).all()
    assert weights.min() >= 0


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_degenerate_inputs(alpha):
    g, rule = np.array([0.0, 3.0, 4.0]), FairGrad(alpha)
    alone = 25 ** (-alpha / (1 + alpha)) * g
    np.testing.assert_allclose(step(rule, 0 * g, g), alone, rtol=1e-12)
    np.testing.assert_allclose(step(rule, g, 0 * g), alone, rtol=1e-12)
    np.testing.assert_array_equal(weigh(rule, 0 * g, 0 * g), (0, 0))
    np.testing.assert_array_equal(weigh(rule, g, -3 * g), (0, 0))
    weights = weigh(rule, g, 3 * g)
    gains = np.array([25, 75]) * (weights @ [1, 3])
    np.testing.assert_allclose(gains, weights ** (-1 / alpha), rtol=1e-9)

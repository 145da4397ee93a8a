import numpy as np
from hypothesis import given

from pareto_explorer.unlearning.aggregators.munba import MUNBa
from tests.unlearning.aggregators.pairs import (
    angled,
    anything,
    assert_not_conflicting,
    colinear,
    step,
    weigh,
)


@given(angled)
def test_solves_the_equations_of_the_bargain(g):
    """G w = 1/w, in units in which both gradients have length 1."""
    lengths = np.array([np.linalg.norm(x) for x in g])
    shares = weigh(MUNBa(), *g) * lengths
    units = np.stack(g) / lengths[:, None]
    np.testing.assert_allclose(units @ units.T @ shares, 1 / shares, rtol=1e-9)
    assert shares.min() > 0


@given(angled)
def test_no_step_of_its_length_has_a_larger_product_of_gains(g):
    units = [x / np.linalg.norm(x) for x in g]
    plane = np.linalg.qr(np.stack(units).T)[0]
    angles = np.linspace(0, 2 * np.pi, 721)
    circle = np.sqrt(2) * (plane @ np.stack((np.cos(angles), np.sin(angles)))).T
    gains = np.stack([circle @ u for u in units])
    best = np.prod(gains, 0)[gains.min(0) > 0].max(initial=0)
    own = step(MUNBa(), *g)
    assert (units[0] @ own) * (units[1] @ own) >= best - 1e-9


@given(anything)
def test_never_conflicts(g):
    assert_not_conflicting(MUNBa(), *g)


@given(angled)
def test_length_is_the_root_of_two(g):
    np.testing.assert_allclose(np.linalg.norm(step(MUNBa(), *g)), np.sqrt(2), rtol=1e-9)


@given(colinear)
def test_near_parallel_gradients_the_step_keeps_its_length_or_is_none(g):
    length = np.linalg.norm(step(MUNBa(), *g))
    assert length == 0 or abs(length - np.sqrt(2)) < 1e-4
    if g[0] @ g[1] > 0:
        assert length > 0


def test_degenerate_inputs():
    g = np.array([0.0, 3.0, 4.0])
    np.testing.assert_allclose(step(MUNBa(), 0 * g, g), g / 5, rtol=1e-15)
    np.testing.assert_allclose(step(MUNBa(), g, 0 * g), g / 5, rtol=1e-15)
    np.testing.assert_array_equal(weigh(MUNBa(), 0 * g, 0 * g), (0, 0))
    np.testing.assert_allclose(step(MUNBa(), g, 3 * g), np.sqrt(2) * g / 5, rtol=1e-12)
    np.testing.assert_array_equal(weigh(MUNBa(), g, -3 * g), (0, 0))
    np.testing.assert_array_equal(weigh(MUNBa(), g, -g), (0, 0))


def test_orthogonal_gradients_need_no_fallback():
    """The published form divides by b."""
    g_r, g_f = np.array([2.0, 0.0]), np.array([0.0, 4.0])
    np.testing.assert_allclose(weigh(MUNBa(), g_r, g_f), (0.5, 0.25), rtol=1e-15)

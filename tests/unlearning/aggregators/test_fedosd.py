import numpy as np
from hypothesis import given

from pareto_explorer.unlearning.aggregators.fedosd import FedOSD
from tests.unlearning.aggregators.pairs import (
    angled,
    anything,
    assert_same_step,
    colinear,
    step,
    weigh,
)


def orthogonal(g_r, g_f):
    """The part of g_f beside g_r, at the length of g_f."""
    unit = g_r / np.linalg.norm(g_r)
    rest = g_f - (g_f @ unit) * unit
    return np.linalg.norm(g_f) * rest / np.linalg.norm(rest)


@given(angled)
def test_is_the_orthogonal_part_rescaled(g):
    assert_same_step(weigh(FedOSD(), *g), orthogonal(*g), *g)


@given(angled)
def test_retain_loss_is_left_alone_and_forget_loss_falls(g):
    d = step(FedOSD(), *g)
    scale = np.linalg.norm(d)
    np.testing.assert_allclose(scale, np.linalg.norm(g[1]), rtol=1e-9)
    assert abs(g[0] @ d) <= 1e-9 * scale * np.linalg.norm(g[0])
    assert g[1] @ d > 0


@given(anything)
def test_weights_do_not_explode(g):
    assert (
        np.abs(weigh(FedOSD(), *g) * [np.linalg.norm(g[0]) / np.linalg.norm(g[1]), 1]).max() < 2e5
    )


@given(colinear)
def test_step_is_never_longer_than_the_forget_gradient(g):
    assert np.linalg.norm(step(FedOSD(), *g)) <= np.linalg.norm(g[1]) * (1 + 1e-4)


def test_degenerate_inputs():
    g = np.arange(1.0, 4.0)
    np.testing.assert_allclose(step(FedOSD(), 0 * g, g), g, rtol=1e-15)
    np.testing.assert_array_equal(step(FedOSD(), g, 0 * g), 0 * g)
    np.testing.assert_array_equal(weigh(FedOSD(), 0 * g, 0 * g), (0, 1))
    for other in (g, 3 * g, -g, -3 * g):
        np.testing.assert_array_equal(weigh(FedOSD(), g, other), (0, 0))

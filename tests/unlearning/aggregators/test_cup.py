import numpy as np
import pytest
import torch
from hypothesis import given

from pareto_explorer.unlearning.aggregators.cup import CUP
from tests.unlearning.aggregators.pairs import (
    angled,
    anything,
    assert_not_conflicting,
    assert_same_step,
    colinear,
    fractions,
    step,
    weigh,
)


def unit(x):
    return x / np.linalg.norm(x)


def pivot(g_r, g_f, intensity):
    """The construction of the paper, on vectors."""
    retain_only = unit(g_r - (g_r @ g_f) / (g_f @ g_f) * g_f)
    forget_only = unit(g_f - (g_r @ g_f) / (g_r @ g_r) * g_r)
    opening = np.arccos(np.clip(retain_only @ forget_only, -1, 1))
    angle = intensity * opening
    length = np.linalg.norm((g_r + g_f) / 2)
    return length * (np.sin(angle) * unit(g_f) + np.cos(angle) * retain_only)


@given(angled, fractions)
def test_is_the_pivot_construction(g, intensity):
    assert_same_step(weigh(CUP(intensity), *g), pivot(*g, intensity), *g, rtol=1e-9)


@given(anything, fractions)
def test_never_conflicts(g, intensity):
    assert_not_conflicting(CUP(intensity), *g)


@given(angled, fractions)
def test_length_is_that_of_the_mean(g, intensity):
    expected = np.linalg.norm(g[0] + g[1]) / 2
    assert np.linalg.norm(step(CUP(intensity), *g)) == pytest.approx(expected, rel=1e-9)


@given(angled)
def test_extremes_leave_the_other_loss_alone(g):
    g_r, g_f = g
    for d, other in ((step(CUP(0), *g), g_f), (step(CUP(1), *g), g_r)):
        assert abs(unit(d) @ unit(other)) <= 1e-9


@given(angled)
def test_half_is_the_bisector(g):
    np.testing.assert_allclose(
        unit(step(CUP(0.5), *g)), unit(unit(g[0]) + unit(g[1])), rtol=0, atol=1e-9
    )


@given(angled, fractions)
def test_direction_ignores_the_lengths(g, intensity):
    np.testing.assert_allclose(
        unit(step(CUP(intensity), 7 * g[0], g[1] / 3)),
        unit(step(CUP(intensity), *g)),
        rtol=0,
        atol=1e-9,
    )


@given(colinear, fractions)
def test_step_is_finite_and_no_longer_than_the_mean_near_colinearity(g, intensity):
    mean = np.linalg.norm(g[0] + g[1]) / 2
    largest = max(np.linalg.norm(x) for x in g)
    assert np.linalg.norm(step(CUP(intensity), *g)) <= mean * (1 + 1e-4) + 1e-9 * largest


@pytest.mark.parametrize("intensity", [0, 0.3, 1])
def test_degenerate_inputs(intensity):
    g, rule = np.arange(1.0, 4.0), CUP(intensity)
    np.testing.assert_allclose(step(rule, 0 * g, g), g / 2, rtol=1e-12)
    np.testing.assert_allclose(step(rule, g, 0 * g), g / 2, rtol=1e-12)
    np.testing.assert_array_equal(step(rule, 0 * g, 0 * g), 0 * g)
    np.testing.assert_allclose(step(rule, g, 3 * g), 2 * g, rtol=1e-12)
    np.testing.assert_allclose(step(rule, g, -3 * g), 0 * g, atol=1e-12)
    np.testing.assert_array_equal(step(rule, g, -g), 0 * g)


def test_float32_products_give_up_the_plane_earlier():
    # sin²φ is about 1e-6: float32 products hold no digit of it.
    products = torch.tensor([[1.0, 1 - 5e-7], [1 - 5e-7, 1.0]])
    torch.testing.assert_close(CUP(0.0)(products), torch.tensor([0.5, 0.5]))
    retain_only = CUP(0.0)(products.double())
    assert retain_only[0] > 100
    assert retain_only[1] < -100

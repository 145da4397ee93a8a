import numpy as np
import pytest
import torch
from hypothesis import given
from torchjd.aggregation import UPGradWeighting
from torchjd.linalg import QuadprogProjector

from pareto_explorer.unlearning.aggregators.upgrad import UPGrad
from tests.unlearning.aggregators.pairs import (
    aligned,
    anything,
    assert_not_conflicting,
    assert_same_step,
    conflicting,
    fractions,
    gramian,
    pair,
    step,
    weigh,
)


def project_on_dual_cone(x, g_r, g_f):
    """The nearest point to x with non-negative products with both gradients, by active sets."""
    unit_r, unit_f = g_r / np.linalg.norm(g_r), g_f / np.linalg.norm(g_f)
    plane = np.linalg.svd(np.stack((unit_r, unit_f)), full_matrices=False)[2]
    candidates = [
        x,
        x - (x @ unit_r) * unit_r,
        x - (x @ unit_f) * unit_f,
        x - plane.T @ (plane @ x),
    ]
    slack = 1e-12 * np.linalg.norm(x)
    feasible = [c for c in candidates if min(c @ unit_r, c @ unit_f) >= -slack]
    return min(feasible, key=lambda c: np.linalg.norm(c - x))


@given(anything, fractions)
def test_combines_the_projections_on_the_dual_cone(g, preference):
    expected = (1 - preference) * project_on_dual_cone(g[0], *g)
    expected = expected + preference * project_on_dual_cone(g[1], *g)
    assert_same_step(weigh(UPGrad(preference), *g), expected, *g)


@given(anything, fractions)
def test_never_conflicts(g, preference):
    assert_not_conflicting(UPGrad(preference), *g)


@given(aligned, fractions)
def test_is_the_weighted_sum_without_conflict(g, preference):
    np.testing.assert_array_equal(weigh(UPGrad(preference), *g), (1 - preference, preference))


@given(conflicting, fractions)
def test_sweeps_the_dual_cone_in_conflict(g, preference):
    """§1.6: UPGrad(p) = p_r ‖g_r‖ sin φ r⊥ + p_f ‖g_f‖ sin φ f⊥."""
    g_r, g_f = g
    retain_only = g_r - (g_r @ g_f) / (g_f @ g_f) * g_f
    forget_only = g_f - (g_r @ g_f) / (g_r @ g_r) * g_r
    expected = (1 - preference) * retain_only + preference * forget_only
    assert_same_step(weigh(UPGrad(preference), *g), expected, *g)


@pytest.mark.parametrize("preference", [0.0, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("cosine", [-0.99, -0.5, 0.0, 0.5])
@pytest.mark.parametrize("ratio", [1.0, 0.05])
def test_agrees_with_torchjd_when_its_regularisation_is_off(cosine, ratio, preference):
    products = gramian(torch.tensor(np.stack(pair(cosine, ratio))))
    reference = UPGradWeighting(
        torch.tensor([1 - preference, preference], dtype=torch.float64),
        QuadprogProjector(norm_eps=0, reg_eps=1e-14),
    )
    torch.testing.assert_close(
        UPGrad(preference)(products), reference(products), rtol=1e-8, atol=1e-8
    )


@given(conflicting)
def test_scaling_a_gradient_scales_its_projection(g):
    g_r, g_f = g
    scaled = step(UPGrad(0.0), 3 * g_r, 5 * g_f), step(UPGrad(1.0), 3 * g_r, 5 * g_f)
    np.testing.assert_allclose(scaled[0], 3 * step(UPGrad(0.0), *g), rtol=1e-9)
    np.testing.assert_allclose(scaled[1], 5 * step(UPGrad(1.0), *g), rtol=1e-9)


@pytest.mark.parametrize("preference", [0.0, 0.3, 1.0])
def test_a_zero_gradient_leaves_the_preferred_share_of_the_other(preference):
    g = np.arange(1.0, 4.0)
    np.testing.assert_array_equal(step(UPGrad(preference), 0 * g, g), preference * g)
    np.testing.assert_array_equal(step(UPGrad(preference), g, 0 * g), (1 - preference) * g)


def test_opposite_gradients_cancel():
    g = np.arange(1.0, 4.0)
    np.testing.assert_allclose(step(UPGrad(), g, -3 * g), 0, atol=1e-15)

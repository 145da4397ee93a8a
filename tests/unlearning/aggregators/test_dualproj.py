import numpy as np
import pytest
import torch
from hypothesis import given
from torchjd.aggregation import DualProjWeighting
from torchjd.linalg import QuadprogProjector

from pareto_explorer.unlearning.aggregators.dualproj import DualProj
from tests.unlearning.aggregators.pairs import (
    aligned,
    angled,
    anything,
    assert_not_conflicting,
    assert_same_step,
    fractions,
    gramian,
    pair,
    step,
    weigh,
)
from tests.unlearning.aggregators.test_upgrad import project_on_dual_cone


@given(anything, fractions)
def test_is_the_projection_of_the_weighted_sum(g, preference):
    combined = (1 - preference) * g[0] + preference * g[1]
    expected = project_on_dual_cone(combined, *g)
    assert_same_step(weigh(DualProj(preference), *g), expected, *g)


@given(anything, fractions)
def test_never_conflicts(g, preference):
    assert_not_conflicting(DualProj(preference), *g)


@given(aligned, fractions)
def test_is_the_weighted_sum_without_conflict(g, preference):
    np.testing.assert_array_equal(weigh(DualProj(preference), *g), (1 - preference, preference))


@given(angled)
def test_at_most_one_weight_grows(g):
    assert weigh(DualProj(), *g).min() == 0.5


@given(angled)
def test_length_at_equal_preference(g):
    a, b, c = g[0] @ g[0], g[0] @ g[1], g[1] @ g[1]
    sine = np.sqrt(1 - b**2 / a / c)
    if a + b < 0:
        expected = np.sqrt(c) * sine / 2
    elif b + c < 0:
        expected = np.sqrt(a) * sine / 2
    else:
        expected = np.linalg.norm(g[0] + g[1]) / 2
    np.testing.assert_allclose(np.linalg.norm(step(DualProj(), *g)), expected, rtol=1e-9)


@pytest.mark.parametrize("preference", [0.0, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("cosine", [-0.99, -0.5, 0.0, 0.5])
@pytest.mark.parametrize("ratio", [1.0, 0.05])
def test_agrees_with_torchjd_when_its_regularisation_is_off(cosine, ratio, preference):
    products = gramian(torch.tensor(np.stack(pair(cosine, ratio))))
    reference = DualProjWeighting(
        torch.tensor([1 - preference, preference], dtype=torch.float64),
        QuadprogProjector(norm_eps=0, reg_eps=1e-14),
    )
    torch.testing.assert_close(
        DualProj(preference)(products), reference(products), rtol=1e-8, atol=1e-8
    )


@pytest.mark.parametrize("preference", [0.0, 0.3, 1.0])
def test_degenerate_inputs(preference):
    g, rule = np.arange(1.0, 4.0), DualProj(preference)
    np.testing.assert_array_equal(step(rule, 0 * g, g), preference * g)
    np.testing.assert_array_equal(step(rule, g, 0 * g), (1 - preference) * g)
    np.testing.assert_array_equal(step(rule, 0 * g, 0 * g), 0 * g)
    for other in (-g, -3 * g, -g / 3):
        np.testing.assert_allclose(step(rule, g, other), 0, atol=1e-14)

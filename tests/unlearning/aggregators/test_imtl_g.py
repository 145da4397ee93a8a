import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchjd.aggregation import IMTLGWeighting

from pareto_explorer.unlearning.aggregators.imtl_g import IMTLG
from tests.unlearning.aggregators.pairs import (
    angled,
    anything,
    assert_not_conflicting,
    assert_same_step,
    pairs,
    step,
    weigh,
)


@given(angled)
def test_is_the_affine_combination_with_equal_projections(g):
    weights = weigh(IMTLG(), *g)
    assert abs(weights.sum() - 1) <= 1e-12
    d = step(IMTLG(), *g)
    along = [x @ d / np.linalg.norm(x) for x in g]
    np.testing.assert_allclose(*along, rtol=1e-9)


@given(anything)
def test_never_conflicts(g):
    assert_not_conflicting(IMTLG(), *g)


@given(pairs(st.floats(-0.99, 0.99), decades=2))
def test_agrees_with_torchjd(g):
    reference = weigh(IMTLGWeighting(), *g)
    expected = reference[0] * g[0] + reference[1] * g[1]
    assert_same_step(weigh(IMTLG(), *g), expected, *g)


@given(angled)
def test_length(g):
    norm_r, norm_f = (np.linalg.norm(x) for x in g)
    angle = np.arccos(g[0] @ g[1] / norm_r / norm_f)
    expected = 2 * np.cos(angle / 2) * norm_r * norm_f / (norm_r + norm_f)
    np.testing.assert_allclose(np.linalg.norm(step(IMTLG(), *g)), expected, rtol=1e-9)


def test_degenerate_inputs():
    g = np.array([0.0, 3.0, 4.0])
    np.testing.assert_array_equal(step(IMTLG(), 0 * g, g), 0 * g)
    np.testing.assert_array_equal(step(IMTLG(), g, 0 * g), 0 * g)
    np.testing.assert_array_equal(weigh(IMTLG(), 0 * g, 0 * g), (0.5, 0.5))
    np.testing.assert_allclose(step(IMTLG(), g, 3 * g), 1.5 * g, rtol=1e-15)
    np.testing.assert_allclose(step(IMTLG(), g, -3 * g), 0, atol=1e-15)


def test_torchjd_jumps_for_opposite_gradients():
    """Its pseudo-inverse then goes along the longer gradient."""
    products = torch.tensor([[1.0, -3.0], [-3.0, 9.0]], dtype=torch.float64)
    torch.testing.assert_close(
        IMTLGWeighting()(products), torch.tensor([-0.5, 1.5], dtype=torch.float64)
    )

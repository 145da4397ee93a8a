import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torchjd.aggregation import AlignedMTLWeighting

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning.aggregators.aligned_mtl import AlignedMTL
from tests.unlearning.aggregators.pairs import assert_same_step, fractions, pair, pairs, step, weigh

scales = st.sampled_from(["min", "rmse"])
medium = pairs(st.floats(-0.99, 0.99), decades=1)


@given(medium, fractions, scales)
def test_is_the_polar_factor_on_vectors(g, preference, scale):
    """The orthogonal rows nearest to the gradients, by a singular value decomposition."""
    left, values, right = np.linalg.svd(np.stack(g), full_matrices=False)
    length = values[-1] if scale == "min" else np.sqrt(np.mean(values**2))
    rows = length * left @ right
    expected = (1 - preference) * rows[0] + preference * rows[1]
    assert_same_step(weigh(AlignedMTL(preference, scale), *g), expected, *g)


@pytest.mark.parametrize("scale", ["min", "median", "rmse"])
@given(g=pairs(st.floats(-0.999, 0.999), decades=3), preference=fractions)
def test_agrees_with_torchjd(g, preference, scale):
    vector = torch.tensor([1 - preference, preference], dtype=torch.float64)
    w = weigh(AlignedMTLWeighting(vector, scale), *g)
    own = AlignedMTL(preference, "rmse" if scale == "rmse" else "min")
    assert_same_step(weigh(own, *g), w[0] * g[0] + w[1] * g[1], *g)


@given(medium, fractions)
def test_length(g, preference):
    smallest = np.linalg.svd(np.stack(g))[1][-1]
    expected = smallest * np.hypot(1 - preference, preference)
    np.testing.assert_allclose(
        np.linalg.norm(step(AlignedMTL(preference), *g)), expected, rtol=1e-9
    )


@given(pairs(st.floats(-0.999, 0.999), decades=2), scales)
def test_a_loss_rises_exactly_where_its_gradient_is_outweighed(g, scale):
    a, b, c = g[0] @ g[0], g[0] @ g[1], g[1] @ g[1]
    area = np.sqrt(a * c * (1 - b**2 / a / c))
    d = step(AlignedMTL(0.5, scale), *g)
    for own, rate in ((a, g[0] @ d), (c, g[1] @ d)):
        margin = b + own + area
        assume(abs(margin) > 1e-6 * max(abs(b), own, area))
        assert (rate < 0) == (margin < 0)


@pytest.mark.parametrize("scale", ["min", "rmse"])
@pytest.mark.parametrize("preference", [0.0, 0.3, 1.0])
def test_where_the_rank_is_lost_it_is_the_weighted_sum(scale, preference):
    g, rule = np.array([0.0, 3.0, 4.0]), AlignedMTL(preference, scale)
    for one, other in ((0 * g, g), (g, 0 * g), (0 * g, 0 * g), (g, 3 * g), (g, -3 * g), (g, -g)):
        expected = (1 - preference) * one + preference * other
        np.testing.assert_allclose(step(rule, one, other), expected, atol=1e-15)


def test_step_vanishes_towards_rank_one_with_the_smaller_eigenvalue():
    g = pair(-1 + 1e-9)
    assert np.linalg.norm(step(AlignedMTL(), *g)) < 1e-4
    assert np.linalg.norm(step(AlignedMTL(scale="rmse"), *g)) == pytest.approx(0.5**0.5, rel=1e-3)


def test_unknown_scale_is_named():
    with pytest.raises(InputError, match="scale: 'median' is not known"):
        AlignedMTL(scale="median")
    assert "scale=rmse" in repr(AlignedMTL(scale="rmse"))

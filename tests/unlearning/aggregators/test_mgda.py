import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchjd.aggregation import MGDAWeighting

from pareto_explorer.unlearning.aggregators.mgda import MGDA
from tests.unlearning.aggregators.pairs import (
    angled,
    anything,
    assert_not_conflicting,
    assert_same_step,
    colinear,
    gramian,
    pairs,
    step,
    weigh,
)


def assert_nearest_to_the_origin(g, rtol):
    """Compares with the projection of the origin on the segment, from its shorter end."""
    near, far = sorted(g, key=np.linalg.norm)
    along = (far - near) / np.linalg.norm(far - near)
    t = np.clip(-(near @ along), 0, np.linalg.norm(far - near))
    assert_same_step(weigh(MGDA(), *g), near + t * along, *g, rtol)


@given(angled)
def test_is_the_point_of_the_segment_nearest_to_the_origin(g):
    assert_nearest_to_the_origin(g, 1e-9)


@given(colinear)
def test_is_still_nearest_where_rounding_leaves_half_of_the_digits(g):
    assert_nearest_to_the_origin(g, 1e-7)


@given(anything)
def test_no_convex_combination_is_shorter(g):
    grid = np.linspace(0, 1, 101)[:, None]
    lengths = np.linalg.norm(grid * g[0] + (1 - grid) * g[1], axis=1)
    scale = max(np.linalg.norm(x) for x in g)
    assert np.linalg.norm(step(MGDA(), *g)) <= lengths.min() + 1e-9 * scale


@given(anything)
def test_never_conflicts(g):
    assert_not_conflicting(MGDA(), *g)


@given(anything)
def test_weights_are_convex(g):
    weights = weigh(MGDA(), *g)
    assert weights.min() >= 0
    assert abs(weights.sum() - 1) <= 1e-12


@given(angled)
def test_both_losses_fall_alike_inside_the_segment(g):
    weights = weigh(MGDA(), *g)
    if weights.min() > 0:
        d = step(MGDA(), *g)
        scale = sum(np.linalg.norm(x) for x in g) * np.linalg.norm(d)
        np.testing.assert_allclose([g[0] @ d, g[1] @ d], d @ d, rtol=0, atol=1e-11 * scale)


@given(pairs(st.floats(-0.999, 0.999), decades=3))
def test_agrees_with_torchjd(g):
    products = gramian(torch.tensor(np.stack(g)))
    expected = MGDAWeighting()(products).numpy()
    assert_same_step(weigh(MGDA(), *g), expected[0] * g[0] + expected[1] * g[1], *g)


def test_degenerate_inputs():
    g = np.arange(1.0, 4.0)
    np.testing.assert_array_equal(weigh(MGDA(), g, g), (0.5, 0.5))
    np.testing.assert_array_equal(weigh(MGDA(), 0 * g, 0 * g), (0.5, 0.5))
    np.testing.assert_array_equal(step(MGDA(), 0 * g, g), 0 * g)  # stalls: Pareto-stationary
    np.testing.assert_array_equal(step(MGDA(), 2 * g, g), g)  # the shorter one
    np.testing.assert_allclose(step(MGDA(), 3 * g, -g), 0, atol=1e-15)

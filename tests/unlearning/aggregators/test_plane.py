import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.unlearning.aggregators._plane import Plane, resolution
from tests.unlearning.aggregators.pairs import angled, gramian, pairs


def plane_of(g_r, g_f):
    return Plane.of(gramian(torch.tensor(np.stack((g_r, g_f)))))


@given(angled)
def test_reads_lengths_and_angle(g):
    plane = plane_of(*g)
    lengths = np.array([np.linalg.norm(x) for x in g])
    cosine = g[0] @ g[1] / lengths.prod()
    np.testing.assert_allclose(plane.squares, lengths**2, rtol=1e-12)
    np.testing.assert_allclose(plane.inverse, 1 / lengths, rtol=1e-12)
    np.testing.assert_allclose(plane.cosine, [cosine], rtol=0, atol=1e-12)
    np.testing.assert_allclose(plane.squared_sine, [1 - cosine**2], rtol=0, atol=1e-12)
    assert not plane.colinear()
    assert not plane.opposite()


def test_a_zero_gradient_is_orthogonal_and_has_no_inverse():
    g = np.arange(1.0, 4.0)
    for plane, inverse in (
        (plane_of(0 * g, 2 * g), [0, 1 / np.linalg.norm(2 * g)]),
        (plane_of(0 * g, 0 * g), [0, 0]),
    ):
        np.testing.assert_allclose(plane.inverse, inverse, rtol=1e-12)
        assert plane.cosine == 0
        assert plane.squared_sine == 1
        assert not plane.colinear()


@given(pairs(st.sampled_from([-1.0, 1.0])))
def test_parallel_gradients_are_found(g):
    plane = plane_of(*g)
    assert plane.colinear()
    assert plane.opposite() == (g[0] @ g[1] < 0)
    assert -1 <= plane.cosine <= 1


@pytest.mark.parametrize(("dtype", "smallest"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_resolution_of_each_precision(dtype, smallest):
    assert resolution(dtype) == smallest
    for share, expected in ((0.5, True), (2.0, False)):
        cosine = np.sqrt(1 - share * smallest)
        products = torch.tensor([[1, cosine], [cosine, 1]], dtype=dtype)
        assert Plane.of(products).colinear() == expected

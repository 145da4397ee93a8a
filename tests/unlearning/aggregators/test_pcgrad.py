import numpy as np
from hypothesis import given
from torchjd.aggregation import PCGradWeighting

from pareto_explorer.unlearning.aggregators.pcgrad import PCGrad
from tests.unlearning.aggregators.pairs import (
    aligned,
    angled,
    anything,
    assert_not_conflicting,
    assert_same_step,
    conflicting,
    step,
    weigh,
)


def surgery(g_r, g_f):
    """Algorithm 1 of the paper, on vectors."""
    total = 0 * g_r
    for own, other in ((g_r, g_f), (g_f, g_r)):
        product = own @ other
        total = total + (own - product / (other @ other) * other if product < 0 else own)
    return total


@given(anything)
def test_is_the_surgery_on_vectors(g):
    assert_same_step(weigh(PCGrad(), *g), surgery(*g), *g)


@given(anything)
def test_never_conflicts(g):
    assert_not_conflicting(PCGrad(), *g)


@given(angled)
def test_agrees_with_torchjd(g):
    reference = PCGradWeighting()
    np.testing.assert_allclose(weigh(PCGrad(), *g), weigh(reference, *g), rtol=1e-12)


@given(aligned)
def test_length_without_conflict_is_that_of_the_sum(g):
    assert np.isclose(np.linalg.norm(step(PCGrad(), *g)), np.linalg.norm(g[0] + g[1]))


@given(conflicting)
def test_length_in_conflict(g):
    cosine = g[0] @ g[1] / np.linalg.norm(g[0]) / np.linalg.norm(g[1])
    expected = np.sqrt(1 - cosine**2) * np.linalg.norm(g[0] - g[1])
    np.testing.assert_allclose(np.linalg.norm(step(PCGrad(), *g)), expected, rtol=1e-9)


def test_degenerate_inputs():
    g = np.arange(1.0, 4.0)
    np.testing.assert_array_equal(step(PCGrad(), 0 * g, g), g)
    np.testing.assert_array_equal(step(PCGrad(), g, 0 * g), g)
    np.testing.assert_array_equal(weigh(PCGrad(), 0 * g, 0 * g), (1, 1))
    np.testing.assert_allclose(step(PCGrad(), g, 3 * g), 4 * g, rtol=1e-15)
    for other in (-g, -3 * g):
        np.testing.assert_allclose(step(PCGrad(), g, other), 0, atol=1e-14)

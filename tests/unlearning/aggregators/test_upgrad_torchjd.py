import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torchjd.aggregation import UPGradWeighting

from pareto_explorer.unlearning.aggregators.upgrad import UPGrad, UPGradTorchJD
from tests.unlearning.aggregators.pairs import fractions, gramian, pair, pairs, step, weigh

#: Norm ratio -> cos(d, g_r) of the exact rule and of the library's, at an angle of 120°.
TABLE = {
    1: (0.500, 0.500),
    0.3: (0.220, 0.220),
    0.1: (0.082, 0.077),
    0.03: (0.026, -0.031),
    0.01: (0.009, -0.268),
    0.003: (0.003, -0.466),
    0.001: (0.001, -0.496),
}


@given(pairs(st.floats(-1, 1), decades=4), fractions)
def test_agrees_with_the_library(g, preference):
    products = gramian(torch.tensor(np.stack(g)))
    vector = torch.tensor([1 - preference, preference], dtype=torch.float64)
    expected = UPGradWeighting(vector)(products)
    torch.testing.assert_close(UPGradTorchJD(preference)(products), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("ratio", TABLE)
def test_loses_the_promise_at_unequal_norms(ratio):
    g_r, g_f = pair(-0.5, ratio, 1.0)

    def cosine(weighting):
        d = step(weighting, g_r, g_f)
        return d @ g_r / np.linalg.norm(d) / np.linalg.norm(g_r)

    exact, library = TABLE[ratio]
    assert cosine(UPGrad()) == pytest.approx(exact, abs=5.1e-4)
    assert cosine(UPGradTorchJD()) == pytest.approx(library, abs=5.1e-4)


@given(pairs(st.floats(-1, 1), decades=3), fractions)
def test_is_the_exact_rule_of_gradients_with_one_extra_entry_each(g, preference):
    g_r, g_f = g
    extra = np.sqrt(1e-4 * (g_r @ g_r + g_f @ g_f))
    assume(extra**2 >= 1e-8)
    longer = np.append(g_r, [extra, 0]), np.append(g_f, [0, extra])
    np.testing.assert_allclose(
        weigh(UPGradTorchJD(preference), *g),
        weigh(UPGrad(preference), *longer),
        rtol=1e-9,
        atol=1e-12,
    )


def test_tiny_gradients_are_not_projected():
    g_r, g_f = pair(-0.9, 1e-3, 1e-3)
    np.testing.assert_array_equal(weigh(UPGradTorchJD(0.3), g_r, g_f), (0.7, 0.3))


def test_zero_gradients_do_not_divide():
    zero = np.zeros(3)
    np.testing.assert_array_equal(weigh(UPGradTorchJD(), zero, zero), (0.5, 0.5))
    np.testing.assert_array_equal(weigh(UPGradTorchJD(), zero, zero + 1), (0.5, 0.5))

import numpy as np
import pytest
import torch
from hypothesis import given

from pareto_explorer.unlearning.weightings import (
    CUP,
    MGDA,
    Mean,
    UPGrad,
    UPGradTorchJD,
    WeightedSum,
)

from .pairs import angled, anything, gramian, pair, weigh

RULES = [
    (WeightedSum(0.3), WeightedSum(0.7)),
    (Mean(), Mean()),
    (UPGrad(0.3), UPGrad(0.7)),
    (UPGradTorchJD(0.3), UPGradTorchJD(0.7)),
    (MGDA(), MGDA()),
    (CUP(0.3), CUP(0.7)),
]
every = pytest.mark.parametrize("rule", [rule for rule, _ in RULES], ids=str)


@pytest.mark.parametrize(("rule", "mirrored"), RULES, ids=str)
@given(g=angled)
def test_objectives_are_treated_alike(rule, mirrored, g):
    g_r, g_f = g
    np.testing.assert_allclose(
        weigh(rule, g_r, g_f), weigh(mirrored, g_f, g_r)[::-1], rtol=1e-9, atol=1e-12
    )


@every
@given(g=angled)
def test_order_of_the_parameters_does_not_matter(rule, g):
    order = np.random.default_rng(0).permutation(len(g[0]))
    lengths = np.array([np.linalg.norm(x) for x in g])
    parts = weigh(rule, *g) * lengths
    permuted = weigh(rule, g[0][order], g[1][order]) * lengths
    np.testing.assert_allclose(permuted, parts, rtol=0, atol=1e-9 * lengths.max())


@pytest.mark.parametrize("rule", [WeightedSum(0.3), UPGrad(0.3), MGDA(), CUP(0.3)], ids=str)
@given(g=angled)
def test_step_scales_with_the_gradients(rule, g):
    # A power of two scales without rounding, so the weights are the same to the last bit.
    np.testing.assert_array_equal(weigh(rule, 1024 * g[0], 1024 * g[1]), weigh(rule, *g))


@every
@given(g=anything)
def test_weights_are_finite(rule, g):
    assert np.isfinite(weigh(rule, *g)).all()


@every
def test_many_gramians_at_once(rule):
    cases = [pair(c, r) for c in (-1, -0.5, 0, 0.7, 1) for r in (0, 1e-4, 2)]
    stack = torch.stack([gramian(torch.tensor(np.stack(g))) for g in cases]).view(3, 5, 2, 2)
    expected = np.stack([weigh(rule, *g) for g in cases]).reshape(3, 5, 2)
    np.testing.assert_array_equal(rule(stack).numpy(), expected)


@every
def test_a_step_along_gradients_that_are_not_finite_is_not_finite(rule):
    g = torch.tensor([[1.0, float("nan")], [2.0, 3.0]])
    assert not torch.isfinite(rule(gramian(g)).float() @ g).all()


@pytest.mark.parametrize(
    ("rule", "knob"),
    [(UPGrad(), "preference"), (UPGradTorchJD(), "preference"), (CUP(), "intensity")],
    ids=str,
)
def test_knobs_are_fixed_at_construction(rule, knob):
    assert getattr(type(rule)(0.3), knob) == 0.3
    assert f"{knob}=0.3" in repr(type(rule)(0.3))
    with pytest.raises(AttributeError):
        setattr(rule, knob, 0.7)


@every
def test_input_is_left_as_it_was(rule):
    products = gramian(torch.randn(2, 5))
    before = products.clone()
    rule(products)
    torch.testing.assert_close(products, before, rtol=0, atol=0)

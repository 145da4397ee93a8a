import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls
from torchjd.aggregation import UPGradWeighting

from pareto_explorer.unlearning.aggregators.upgrad import UPGrad
from pareto_explorer.unlearning.methods._balanced_projector import BalancedProjector
from tests.unlearning.toys import draws

EXPONENTS = st.lists(st.floats(-3, 3), min_size=3, max_size=3)


def gradients(seed, exponents):
    rows = torch.randn(len(exponents), 4, generator=draws(seed), dtype=torch.float64)
    return rows * torch.tensor(exponents, dtype=torch.float64)[:, None].mul(2.302585).exp()


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10**6), EXPONENTS)
def test_it_projects_on_the_dual_cone(seed, exponents):
    """Moreau: the projection of x is x plus that of −x on the cone of the rows."""
    rows = gradients(seed, exponents)
    weights = BalancedProjector()(torch.eye(3, dtype=torch.float64), rows @ rows.mT)
    for own, row in zip(weights, rows, strict=True):
        scaled = (rows / rows.norm(dim=1, keepdim=True)).numpy()
        x = (row / row.norm()).numpy()
        expected = x + scaled.T @ nnls(scaled.T, -x)[0]
        np.testing.assert_allclose((own @ rows / row.norm()).numpy(), expected, atol=1e-6)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10**6), EXPONENTS)
def test_upgrad_of_two_gradients_is_the_closed_form_at_any_scale(seed, exponents):
    rows = gradients(seed, exponents[:2])
    gramian = rows @ rows.mT
    found = UPGradWeighting(projector=BalancedProjector())(gramian)
    torch.testing.assert_close(found, UPGrad()(gramian), rtol=1e-6, atol=0)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10**6), EXPONENTS)
def test_upgrad_conflicts_with_no_gradient_whatever_its_length(seed, exponents):
    rows = gradients(seed, exponents)
    step = UPGradWeighting(projector=BalancedProjector())(rows @ rows.mT) @ rows
    largest = rows.norm(dim=1).max()
    assert (rows @ step / rows.norm(dim=1)).min() > -1e-7 * largest


def test_torchjds_default_would_conflict():
    """The case that the class exists for: a gradient that is a thousand times shorter."""
    rows = torch.tensor([[1e-3, 0.0], [-0.5, 0.75**0.5]], dtype=torch.float64)
    gramian = rows @ rows.mT
    steps = {
        name: UPGradWeighting(projector=projector)(gramian) @ rows
        for name, projector in (("default", None), ("balanced", BalancedProjector()))
    }
    cosines = {name: float(s @ rows[0] / s.norm() / rows[0].norm()) for name, s in steps.items()}
    assert cosines["default"] < -0.4
    assert cosines["balanced"] > 0


def test_a_zero_gradient_keeps_its_weight():
    rows = torch.tensor([[0.0, 0.0], [1.0, 0.0], [-1.0, 1.0]], dtype=torch.float64)
    weights = BalancedProjector()(torch.ones(3, dtype=torch.float64), rows @ rows.mT)
    torch.testing.assert_close(weights, torch.ones(3, dtype=torch.float64))
    zeros = BalancedProjector()(torch.ones(3), torch.zeros(3, 3))
    torch.testing.assert_close(zeros, torch.ones(3))

import numpy as np
import torch
from hypothesis import given
from torchjd.aggregation import Constant

from pareto_explorer.unlearning.aggregators.weighted_sum import WeightedSum
from tests.unlearning.aggregators.pairs import anything, fractions, step


@given(anything, fractions)
def test_step_is_the_gradient_of_the_weighted_loss(g, weight):
    expected = (1 - weight) * g[0] + weight * g[1]
    np.testing.assert_allclose(step(WeightedSum(weight), *g), expected, rtol=1e-14)


def test_agrees_with_torchjd():
    jacobian = torch.randn(2, 7, dtype=torch.float64)
    expected = Constant(torch.tensor([0.7, 0.3], dtype=torch.float64))(jacobian)
    np.testing.assert_allclose(step(WeightedSum(0.3), *jacobian.numpy()), expected, rtol=1e-12)

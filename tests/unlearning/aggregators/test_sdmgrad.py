import numpy as np
import pytest
import torch
from torchjd.aggregation import SDMGradWeighting

from pareto_explorer.unlearning.aggregators.sdmgrad import SDMGrad
from pareto_explorer.unlearning.core.gradients import Jacobian
from tests.unlearning.aggregators.steps import begun, direction, step_of


@pytest.mark.parametrize("preference", [0.5, 0.2])
@pytest.mark.parametrize("lr", [10.0, 0.05])
def test_weights_are_torchjds_over_a_run(preference, lr):
    draws = torch.Generator().manual_seed(0)
    preferred = torch.tensor((1 - preference, preference), dtype=torch.float64)
    rule = begun(SDMGrad(0.4, preference, lr, 0.3, 7))
    reference = SDMGradWeighting(lr, 0.3, 7, 0.4, preferred)
    for _ in range(8):
        first, second = torch.randn(2, 2, 9, generator=draws, dtype=torch.float64)
        products = first @ (first + second).mT
        torch.testing.assert_close(rule.weigh(products), reference(products))


def test_weights_come_from_two_batches_and_the_step_from_a_third():
    draws = np.random.default_rng(0)
    first, second, third = draws.normal(size=(3, 2, 6))
    now = step_of(*first)
    (parameter,) = now.jacobian._parameters
    others = iter((second, third))

    def draw():
        rows = torch.tensor(next(others))
        return rows[0] @ parameter, rows[1] @ parameter

    rule = begun(SDMGrad(rounds=3, inner_lr=0.1), draw=draw)
    d = direction(rule, now)
    weights = SDMGradWeighting(0.1, n_iter=3)(torch.tensor(first @ second.T)).numpy()
    np.testing.assert_allclose(d, weights @ third, rtol=1e-9)
    assert next(others, None) is None


def test_tensors_have_weights_of_their_own():
    draws = torch.Generator().manual_seed(1)
    products = torch.randn(5, 3, 2, 2, generator=draws, dtype=torch.float64)
    whole, single = begun(SDMGrad()), [begun(SDMGrad()) for _ in range(3)]
    for now in products:
        expected = torch.stack([rule.weigh(g) for rule, g in zip(single, now, strict=True)])
        torch.testing.assert_close(whole.weigh(now), expected)


def test_products_with_other_rows():
    first, second = torch.randn(2, 2, 7, dtype=torch.float64)
    jacobian = Jacobian([torch.nn.Parameter(torch.zeros(n).double()) for n in (3, 4)])
    jacobian.rows.copy_(first)
    torch.testing.assert_close(jacobian.gramian(second), first @ second.mT)
    by_parameter = jacobian.gramians(second)
    torch.testing.assert_close(by_parameter[0], first[:, :3] @ second[:, :3].mT)
    torch.testing.assert_close(by_parameter.sum(0), first @ second.mT)

import numpy as np
import torch
from torch import nn

from pareto_explorer.unlearning.gradients import Jacobian, gradient


def test_rows_are_the_gradients_of_the_losses_in_parameter_order():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    parameters = list(model.parameters())
    first, second = torch.randn(5, 3).double(), torch.randn(6, 3).double()

    def objectives():
        return model(first).square().mean(), model(second).exp().mean()

    jacobian = Jacobian(parameters)
    jacobian.differentiate(objectives())
    for row, loss in zip(jacobian.rows, objectives(), strict=True):
        model.zero_grad()
        loss.backward()
        expected = torch.cat([p.grad.reshape(-1) for p in parameters])
        torch.testing.assert_close(row, expected, rtol=1e-12, atol=1e-15)


def test_parameters_that_a_loss_does_not_reach_have_zero_gradients():
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))
    row = gradient(used.sum(), [used, unused])
    torch.testing.assert_close(row, (torch.ones(2), torch.zeros(3)))


def test_products_of_float32_gradients_are_summed_in_float64():
    # Nearly colinear, long and unevenly sized: a float32 sum loses the angle.
    torch.manual_seed(0)
    g = torch.randn(200_000) * torch.logspace(-3, 3, 200_000)
    rows = torch.stack((g, g + 1e-5 * torch.randn(200_000) * g.abs()))
    exact = rows.double().numpy()
    exact = exact @ exact.T
    jacobian = Jacobian([nn.Parameter(g)])
    jacobian.rows.copy_(rows)
    found = jacobian.gramian()
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found, exact, rtol=1e-13)

    def squared_sine(a):
        return 1 - a[0, 1] ** 2 / (a[0, 0] * a[1, 1])

    assert abs(squared_sine(found) / squared_sine(exact) - 1) < 1e-2
    assert not abs(squared_sine(rows @ rows.T) / squared_sine(exact) - 1) < 1e-2


def test_combination_is_handed_to_the_parameters():
    parameters = [nn.Parameter(torch.zeros(2, 3)), nn.Parameter(torch.zeros(()))]
    jacobian = Jacobian(parameters)
    jacobian.rows.copy_(torch.arange(14.0).view(2, 7))
    jacobian.combine(torch.tensor([2.0, -1.0], dtype=torch.float64))
    torch.testing.assert_close(parameters[0].grad, (torch.arange(6.0) - 7).view(2, 3))
    torch.testing.assert_close(parameters[1].grad, torch.tensor(-1.0))


def test_each_step_forgets_the_one_before():
    used, other = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))
    jacobian = Jacobian([used, other])
    jacobian.differentiate((used.sum(), other.sum()))
    jacobian.differentiate((other.sum(), 2 * used.sum()))
    expected = torch.tensor([[0.0, 0, 1, 1, 1], [2, 2, 0, 0, 0]])
    torch.testing.assert_close(jacobian.rows, expected)


def test_three_objectives():
    parameter = nn.Parameter(torch.tensor([1.0, 2.0]))
    jacobian = Jacobian([parameter], objectives=3)
    jacobian.differentiate([k * parameter.square().sum() for k in (1, 2, 3)])
    expected = 20 * torch.outer(torch.arange(1.0, 4), torch.arange(1.0, 4)).double()
    torch.testing.assert_close(jacobian.gramian(), expected)


def two_parameters(mask=None):
    parameters = [nn.Parameter(torch.zeros(2, 3)), nn.Parameter(torch.zeros(4))]
    jacobian = Jacobian(parameters, mask=mask)
    jacobian.rows.copy_(torch.randn(2, 10, generator=torch.Generator().manual_seed(0)))
    return parameters, jacobian


def test_gramians_of_parameters_add_up_to_the_whole():
    _, jacobian = two_parameters()
    rows = jacobian.rows.double()
    found = jacobian.gramians()
    assert found.dtype == torch.float64
    torch.testing.assert_close(found[0], rows[:, :6] @ rows[:, :6].mT)
    torch.testing.assert_close(found.sum(0), jacobian.gramian())


def test_each_parameter_may_have_weights_of_its_own():
    parameters, jacobian = two_parameters()
    jacobian.combine(torch.tensor([[1.0, 0.0], [0.5, -2.0]], dtype=torch.float64))
    torch.testing.assert_close(parameters[0].grad, jacobian.rows[0, :6].view(2, 3))
    expected = 0.5 * jacobian.rows[0, 6:] - 2 * jacobian.rows[1, 6:]
    torch.testing.assert_close(parameters[1].grad, expected)
    jacobian.combine(torch.tensor([[0.3, 0.7]]).expand(2, 2))
    apart = [p.grad.clone() for p in parameters]
    jacobian.combine(torch.tensor([0.3, 0.7]))
    torch.testing.assert_close([p.grad for p in parameters], apart)


def test_masked_weights_have_no_gradient():
    mask = torch.tensor([1.0, 0, 1, 1, 0, 1, 0, 0, 1, 1])
    (first, second), jacobian = two_parameters(mask)
    jacobian.differentiate((first.sum() + second.sum(), 2 * second.sum()))
    torch.testing.assert_close(jacobian.rows[0], mask)
    torch.testing.assert_close(jacobian.rows[1], 2 * mask * (torch.arange(10) >= 6))

import pickle

import numpy as np
import pytest
import torch
from torch import nn

from pareto_explorer.unlearning.core import gradients
from pareto_explorer.unlearning.core.gradients import Jacobian, gradient


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


def convolutions():
    """Two convolutions (one of 1x1 pixels) with their channels last, and a head."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.Tanh(),
        nn.Conv2d(4, 5, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(5, 2),
    )
    return model.to(memory_format=torch.channels_last)


def losses_of(model):
    generator = torch.Generator().manual_seed(1)
    first, second = torch.randn(2, 6, 3, 8, 8, generator=generator)
    return model(first).square().mean(), model(second).exp().mean()


def test_gradients_have_the_layout_of_their_parameters():
    model = convolutions()
    parameters = list(model.parameters())
    assert not parameters[0].is_contiguous()
    jacobian = Jacobian(parameters)
    jacobian.differentiate(losses_of(model))
    weights = torch.tensor([2.0, -3.0])
    jacobian.combine(weights)
    plain = [torch.autograd.grad(loss, parameters) for loss in losses_of(model)]
    for p, first, second, part in zip(parameters, *plain, jacobian.step, strict=True):
        assert p.grad.shape == p.shape
        assert p.grad.stride() == p.stride() == part.stride()
        torch.testing.assert_close(p.grad, 2 * first - 3 * second)
        assert p.grad.untyped_storage().data_ptr() == part.untyped_storage().data_ptr()
    flat = torch.stack([torch.cat([part.reshape(-1) for part in row]) for row in plain]).double()
    torch.testing.assert_close(jacobian.gramian(), flat @ flat.mT, rtol=1e-6, atol=1e-12)


def test_layouts_do_not_change_what_is_written_or_masked():
    model = convolutions()
    parameters = list(model.parameters())
    n = sum(p.numel() for p in parameters)
    mask = (torch.arange(n) % 3 == 0).float()
    parts = torch.split(mask, [p.numel() for p in parameters])
    masks = [part.view(p.shape) for part, p in zip(parts, parameters, strict=True)]
    jacobian = Jacobian(parameters, mask=mask)
    for each in (jacobian, pickle.loads(pickle.dumps(jacobian))):  # noqa: S301
        own = each._parameters
        each.differentiate([sum((2 * p).sum() for p in own), sum((p * 0).sum() for p in own)])
        each.combine(torch.tensor([1.0, 1.0]))
        for p, part in zip(own, masks, strict=True):
            torch.testing.assert_close(p.grad, 2 * part)


def test_gradients_made_elsewhere_are_written_to_a_row():
    model = convolutions()
    parameters = list(model.parameters())
    first, second = Jacobian(parameters), Jacobian(parameters)
    first.differentiate(losses_of(model))
    for row, loss in enumerate(losses_of(model)):
        second.write(row, gradient(loss, parameters))
    assert torch.equal(first.rows, second.rows)


def test_a_graph_can_be_kept_for_a_second_gradient():
    p = nn.Parameter(torch.tensor([1.0, 2.0]))
    squares = p.square()
    gradient(squares.sum(), [p], keep_graph=True)
    torch.testing.assert_close(gradient(squares.sum(), [p])[0], 2 * p.detach())


@pytest.mark.parametrize("block", [1, 3, 10, 64])
def test_products_by_blocks_of_columns(block, monkeypatch):
    _, jacobian = two_parameters()
    others = torch.randn(2, 10, generator=torch.Generator().manual_seed(1))
    whole = jacobian.gramian(), jacobian.gramian(others)
    apart = jacobian.gramians(), jacobian.gramians(others)
    rows = jacobian.rows.double()
    assert torch.equal(whole[0], rows @ rows.mT)
    assert torch.equal(whole[1], rows @ others.double().mT)
    for part, columns in enumerate((slice(0, 6), slice(6, 10))):
        assert torch.equal(apart[0][part], rows[:, columns] @ rows[:, columns].mT)
    monkeypatch.setattr(gradients, "_BLOCK", block)
    torch.testing.assert_close((jacobian.gramian(), jacobian.gramian(others)), whole)
    torch.testing.assert_close((jacobian.gramians(), jacobian.gramians(others)), apart)


def test_gradients_of_large_models_are_never_in_float64_as_a_whole(monkeypatch):
    monkeypatch.setattr(gradients, "_BLOCK", 4)
    doubled = []
    double = torch.Tensor.double
    monkeypatch.setattr(torch.Tensor, "double", lambda x: doubled.append(x.numel()) or double(x))
    _, jacobian = two_parameters()
    jacobian.gramian()
    jacobian.gramians(jacobian.rows)
    assert max(doubled) <= 8

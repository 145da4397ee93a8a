import pytest
import torch
from torch import nn

from pareto_explorer.unlearning.methods._auto_lr import AutoLR, vertex


def parabola(x):
    return torch.as_tensor(3.0 * (x - 0.7) ** 2 + 2)


@pytest.mark.parametrize("lr", [0.01, 0.5, 4.0])
def test_vertex_of_a_parabola_is_exact(lr):
    points = (parabola(torch.tensor(k * lr, dtype=torch.float64)) for k in range(3))
    assert vertex(*points, lr).item() == pytest.approx(0.7)


def test_without_curvature_the_learning_rate_stays():
    for values in ((1.0, 2.0, 3.0), (1.0, 2.0, 2.5)):
        assert vertex(*map(torch.tensor, values), 0.3).item() == pytest.approx(0.3)


def quadratic(lr, curvature=1.0):
    """Half of c‖θ‖² from θ = (1, 2), along its own gradient: the best learning rate is 1/c."""
    parameter = nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))
    optimizer = torch.optim.SGD([parameter], lr=lr)

    def loss():
        return curvature * parameter.detach().square().sum() / 2

    return parameter, optimizer, loss, AutoLR([parameter], optimizer, loss)


def test_learning_rate_becomes_newtons_and_parameters_come_back():
    parameter, optimizer, loss, auto = quadratic(0.05, 4.0)
    before = parameter.detach().clone()
    auto.update(loss(), [4.0 * before])
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.25)
    assert auto.lr == pytest.approx(0.25)
    assert torch.equal(parameter, before)


def test_only_every_tenth_step_is_measured():
    parameter, optimizer, loss, auto = quadratic(0.05)
    found = []
    for _ in range(21):
        optimizer.param_groups[0]["lr"] = 0.05
        auto.update(loss(), [parameter.detach()])
        found.append(auto.lr != 0.05)
    assert [k for k, moved in enumerate(found) if moved] == [0, 10, 20]


def test_learning_rate_stays_within_a_factor_of_its_start():
    parameter, _, loss, auto = quadratic(1e-3)
    auto.update(loss(), [1e-4 * parameter.detach()])
    assert auto.lr == pytest.approx(0.1)
    parameter, _, loss, auto = quadratic(1e-3)
    auto.update(loss(), [-parameter.detach()])
    assert auto.lr == pytest.approx(1e-5)

import numpy as np
import pytest
import torch
from torch import nn

from pareto_explorer.tasks.core.task import Samples
from pareto_explorer.unlearning import Budget, UnlearningData
from pareto_explorer.unlearning.methods.influence import InfluenceUnlearning, inverse_fisher_product
from tests.unlearning.softmax_regression import cross_entropy_gradient, start
from tests.unlearning.toys import draws, flat, linear, make_data, network

WHOLE = 100
CELLS = np.array([[12, 6, 6], [4, 8, 12]])  # samples of class k (column) with input x (row)


def repeated(cells):
    """Samples with a one-hot input each, as often as a table of inputs and classes says."""
    x, y = np.nonzero(cells)
    counts = cells[x, y]
    inputs = torch.eye(len(cells), dtype=torch.float64)[np.repeat(x, counts)]
    return Samples(inputs, torch.from_numpy(np.repeat(y, counts)))


def error_of_leaving_one_out(times):
    """How far the unlearned predictions are from those of the model trained without one sample.

    Softmax regression on one-hot inputs fits the frequencies of a table exactly, and there the
    Fisher matrix is the Hessian: influence differs from the truth by second-order terms only.
    """
    table, one = CELLS * times, np.array([[0, 1, 0], [1, 0, 0]])
    data = UnlearningData(repeated(table - one), repeated(one), repeated(one), 3)
    model = nn.Linear(2, 3, bias=False, dtype=torch.float64)
    with torch.no_grad():
        model.weight.copy_(torch.from_numpy(np.log(table / table.sum(1, keepdims=True)).T))
    method = InfluenceUnlearning(strength=1.0, damping=1e-8, fisher_samples=10**6)
    list(method.run(model, data, Budget(1, WHOLE, 1), draws()))
    left = table - one
    exact = np.log(left / left.sum(1, keepdims=True))
    found = model.weight.detach().log_softmax(0).mT.numpy()
    moved = np.log(table / table.sum(1, keepdims=True))
    return np.abs(found - exact).max(), np.abs(moved - exact).max()


def test_it_is_the_leave_out_solution_to_first_order():
    small, large = error_of_leaving_one_out(8), error_of_leaving_one_out(4)
    assert small[0] < 0.2 * small[1]  # far closer than the original model
    assert 1.7 < large[1] / small[1] < 2.3  # the distance itself is of first order,
    assert 3.4 < large[0] / small[0] < 4.8  # what is left is of second order


def test_the_step_follows_from_hand_made_gradients():
    data, model = make_data(23, 11, dtype=torch.float64), linear()
    theta = start(model)
    retain = data.retain
    g = np.stack(
        [
            cross_entropy_gradient(theta, Samples(retain.inputs[i, None], retain.labels[i, None]))
            for i in range(23)
        ]
    )
    v = 11 / 34 * (cross_entropy_gradient(theta, data.forget) - g.mean(0))
    step = np.linalg.solve(0.2 * np.eye(len(theta)) + g.T @ g / 23, v)
    method = InfluenceUnlearning(strength=3.0, damping=0.2)
    list(method.run(model, data, Budget(1, WHOLE, 1), draws()))
    np.testing.assert_allclose(flat(model), theta + 3 * step, rtol=1e-10)


@pytest.mark.parametrize("n", [3, 8, 30])
@pytest.mark.parametrize("damping", [1e-3, 1.0])
def test_the_product_solves_the_damped_system(n, damping):
    rows = torch.randn(n, 8, generator=draws(1), dtype=torch.float64)
    v = torch.randn(8, generator=draws(2), dtype=torch.float64)
    matrix = damping * torch.eye(8, dtype=torch.float64) + rows.mT @ rows / n
    torch.testing.assert_close(
        inverse_fisher_product(rows, v, damping), torch.linalg.solve(matrix, v)
    )


def test_the_product_is_what_woodfishers_recursion_ends_at():
    """F₀⁻¹ = I/λ, and F⁻¹ ← F⁻¹ − F⁻¹g gᵀF⁻¹ / (N + gᵀF⁻¹g) for each of the N gradients."""
    rows = torch.randn(6, 8, generator=draws(1), dtype=torch.float64)
    v = torch.randn(8, generator=draws(2), dtype=torch.float64)
    inverse = torch.eye(8, dtype=torch.float64) / 0.3
    for g in rows:
        product = inverse @ g
        inverse = inverse - torch.outer(product, product) / (6 + g @ product)
    torch.testing.assert_close(inverse_fisher_product(rows, v, 0.3), inverse @ v)


def test_counts_both_sets_once_and_the_fisher_samples_again():
    budget = Budget(3, 5, 3)
    method = InfluenceUnlearning(fisher_samples=7)
    list(method.run(network(), make_data(23, 11), budget, draws()))
    assert (budget.ledger.forward, budget.ledger.backward) == (23 + 11 + 7, 23 + 11 + 7)

import numpy as np
import pytest
import torch

from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.methods.controls import FineTune
from pareto_explorer.unlearning.methods.l1_sparse import L1Sparse
from tests.unlearning.softmax_regression import cross_entropy_gradient, sgd, start
from tests.unlearning.toys import draws, flat, linear, make_data, network

WHOLE = 100


def run(method, model, data, steps, size=WHOLE):
    budget = Budget(steps, size, steps)
    list(method.run(model, data, budget, draws()))
    return budget.ledger


@pytest.mark.parametrize(
    ("unpenalised", "weights"),
    [(0.0, [1, 0.8, 0.6, 0.4, 0.2]), (0.4, [1, 2 / 3, 1 / 3, 0, 0]), (1.0, [0] * 5)],
)
def test_the_penalty_falls_linearly_to_zero(unpenalised, weights):
    data, model = make_data(dtype=torch.float64), linear()

    def gradient(theta, step):
        penalty = 0.3 * weights[step] * np.sign(theta)
        return cross_entropy_gradient(theta, data.retain) + penalty

    theta = sgd(start(model), gradient, 5, 0.1, momentum=0.9, decay=0.01)
    method = L1Sparse(lr=0.1, alpha=0.3, weight_decay=0.01, unpenalised=unpenalised)
    run(method, model, data, 5)
    np.testing.assert_allclose(flat(model), theta, rtol=1e-12)


def test_weights_without_a_use_shrink_to_zero_and_zero_is_left_alone():
    """A feature that is always 0 has no loss gradient: each step takes lr·α_t off its weights."""
    data = make_data(dtype=torch.float64)
    data.retain.inputs[:, 1] = 0
    model = linear()
    with torch.no_grad():
        model.weight[:, 1] = torch.tensor([0.5, -0.5, 0.0])
    run(L1Sparse(lr=0.1, alpha=0.2, momentum=0, weight_decay=0), model, data, 4)
    left = 0.5 - 0.1 * 0.2 * (1 + 0.75 + 0.5 + 0.25)
    found = model.weight[:, 1].detach()
    torch.testing.assert_close(found, torch.tensor([left, -left, 0.0], dtype=torch.float64))


def test_without_a_penalty_it_is_fine_tuning():
    ours, theirs = network(), network()
    ledger = run(L1Sparse(alpha=0.0), ours, make_data(), 6, size=5)
    run(FineTune(), theirs, make_data(), 6, size=5)
    assert torch.equal(flat(ours), flat(theirs))
    assert (ledger.forward, ledger.backward) == (30, 30)
    assert set(ledger.drain()) == {"loss_retain"}


def test_a_stronger_penalty_leaves_a_smaller_norm():
    def norm(alpha):
        model = network()
        run(L1Sparse(alpha=alpha, lr=0.05), model, make_data(), 30, size=5)
        return flat(model).norm(p=1)

    assert norm(0.1) < norm(0.01) < norm(0.0)


def test_the_forget_set_is_never_read():
    data = make_data()
    data.forget.inputs.fill_(float("nan"))
    model = network()
    run(L1Sparse(), model, data, 5, size=5)
    assert torch.isfinite(flat(model)).all()

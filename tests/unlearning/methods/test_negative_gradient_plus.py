import numpy as np
import pytest
import torch

from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.aggregators.weighted_sum import WeightedSum
from pareto_explorer.unlearning.forget_losses.negative_cross_entropy import negative_cross_entropy
from pareto_explorer.unlearning.methods.controls import FineTune
from pareto_explorer.unlearning.methods.jacobian_descent import JacobianDescent
from pareto_explorer.unlearning.methods.negative_gradient_plus import NegativeGradientPlus
from tests.unlearning.softmax_regression import cross_entropy_gradient, sgd, start
from tests.unlearning.toys import draws, flat, linear, make_data, network

WHOLE = 100


def run(method, model, data, steps=4, size=WHOLE):
    budget = Budget(steps, size, steps)
    list(method.run(model, data, budget, draws()))
    return budget.ledger


def test_steps_follow_the_hand_made_gradients():
    data, model = make_data(dtype=torch.float64), linear()

    def gradient(theta, step):
        g_r = cross_entropy_gradient(theta, data.retain)
        return 0.7 * g_r - 0.3 * cross_entropy_gradient(theta, data.forget)

    theta = sgd(start(model), gradient, 4, 0.1, momentum=0.9, decay=0.01)
    run(NegativeGradientPlus(lr=0.1, beta=0.7, weight_decay=0.01), model, data)
    np.testing.assert_allclose(flat(model), theta, rtol=1e-12)


def test_is_jacobian_descent_with_constant_weights():
    ours, theirs, data = network(), network(), make_data()
    run(NegativeGradientPlus(lr=0.1, beta=0.8), ours, data, size=5)
    same = JacobianDescent(aggregator=WeightedSum(0.2), forget_loss=negative_cross_entropy, lr=0.1)
    run(same, theirs, data, size=5)
    torch.testing.assert_close(flat(ours), flat(theirs))


def test_beta_one_is_fine_tuning():
    ours, theirs, data = linear(), linear(), make_data(dtype=torch.float64)
    run(NegativeGradientPlus(lr=0.1, beta=1.0), ours, data, size=5)
    run(FineTune(lr=0.1), theirs, data, size=5)
    torch.testing.assert_close(flat(ours), flat(theirs))


def test_ledger_counts_both_batches_and_observes_both_losses():
    data, model = make_data(dtype=torch.float64), linear()
    ledger = run(NegativeGradientPlus(), model, data, steps=1, size=5)
    assert (ledger.forward, ledger.backward) == (10, 10)
    uniform = pytest.approx(np.log(3))  # the model starts at zero
    found = ledger.drain()
    assert found["loss_retain"] == uniform
    assert -found["loss_forget"] == uniform

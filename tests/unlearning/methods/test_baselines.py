import copy

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax

from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.methods.controls import DoNothing, FineTune, GradientAscent
from tests.unlearning.toys import CLASSES, draws, flat, linear, make_data, network

WHOLE = 100


def cross_entropy(theta, samples):
    weight, bias = theta[: 4 * CLASSES].reshape(CLASSES, 4), theta[4 * CLASSES :]
    log_p = log_softmax(samples.inputs.numpy() @ weight.T + bias, 1)
    return -log_p[np.arange(len(log_p)), samples.labels].mean()


def test_fine_tuning_reaches_the_minimum_on_the_retain_set():
    data, decay = make_data(dtype=torch.float64), 0.05
    best = minimize(
        lambda theta: cross_entropy(theta, data.retain) + decay / 2 * theta @ theta,
        np.zeros(5 * CLASSES),
        tol=1e-12,
    ).x
    method = FineTune(lr=0.5, momentum=0.5, weight_decay=decay)
    model = linear()
    list(method.run(model, data, Budget(500, WHOLE, 500), draws()))
    np.testing.assert_allclose(flat(model), best, atol=1e-5)


def test_fine_tuning_never_reads_the_forget_set():
    data = make_data()
    data.forget.inputs.fill_(float("nan"))
    model = network()
    list(FineTune(lr=0.1).run(model, data, Budget(5, 5, 5), draws()))
    assert torch.isfinite(flat(model)).all()


def test_gradient_ascent_climbs_from_zero_as_worked_out_by_hand():
    """At θ = 0 the softmax is uniform, so ∇CE = mean((1/C − onehot) xᵀ)."""
    data = make_data(dtype=torch.float64)
    x, y = data.forget.inputs, torch.eye(CLASSES, dtype=torch.float64)[data.forget.labels]
    rows = 1 / CLASSES - y
    model = linear()
    method = GradientAscent(lr=0.1, momentum=0, weight_decay=0)
    list(method.run(model, data, Budget(1, WHOLE, 1), draws()))
    torch.testing.assert_close(model.weight.detach(), 0.1 * rows.mT @ x / len(x))
    torch.testing.assert_close(model.bias.detach(), 0.1 * rows.mean(0))


def test_gradient_ascent_never_reads_the_retain_set():
    data = make_data()
    data.retain.inputs.fill_(float("nan"))
    model = network()
    list(GradientAscent(lr=0.01).run(model, data, Budget(5, 5, 5), draws()))
    assert torch.isfinite(flat(model)).all()


def test_each_counts_one_batch_a_step_and_observes_its_loss():
    for method, name in ((FineTune(), "loss_retain"), (GradientAscent(), "loss_forget")):
        budget = Budget(7, 5, 3)
        list(method.run(network(), make_data(), budget, draws()))
        ledger = budget.ledger
        assert (ledger.step, ledger.forward, ledger.backward) == (7, 35, 35)
        assert set(ledger.drain()) == {name}


def test_doing_nothing_changes_and_spends_nothing():
    model = network()
    before = copy.deepcopy(model.state_dict())
    budget, generator = Budget(7, 5, 3), draws()
    state = generator.get_state()
    models = list(DoNothing().run(model, make_data(), budget, generator))
    assert models == [model]
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert (budget.ledger.step, budget.ledger.samples) == (0, 0)
    assert torch.equal(generator.get_state(), state)

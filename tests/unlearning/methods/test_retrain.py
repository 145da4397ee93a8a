from dataclasses import replace

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax
from torch import nn

from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.methods.controls import FineTune, Retrain
from tests.unlearning.softmax_regression import SIZE, cross_entropy_gradient, logits_of, sgd
from tests.unlearning.toys import CLASSES, draws, flat, linear, make_data, network

WHOLE = 100


def run(model, seed=0, steps=6, data=None, **knobs):
    data = data or make_data()
    list(Retrain(lr=0.1, **knobs).run(model, data, Budget(steps, 5, steps), draws(seed)))
    return model


def test_nothing_of_the_original_is_left():
    """Two originals that have nothing in common become one model, buffers included."""
    first, second = network(1), network(2)
    with torch.no_grad():
        second[1].running_mean.fill_(7)
        second[0].weight.fill_(float("nan"))
    states = [run(model).state_dict() for model in (first, second)]
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name


def test_the_forget_set_is_never_read():
    data = make_data()
    data.forget.inputs.fill_(float("nan"))
    assert torch.isfinite(flat(run(network(), data=data))).all()


def test_initial_weights_come_from_the_methods_generator():
    def initial(seed, global_seed):
        model = network()
        torch.manual_seed(global_seed)
        method = Retrain(lr=1e-30, weight_decay=0)
        list(method.run(model, make_data(), Budget(1, 5, 1), draws(seed)))
        return model[3].weight.detach().clone()

    assert torch.equal(initial(1, 0), initial(1, 9))
    assert not torch.equal(initial(1, 0), initial(2, 0))
    spread = torch.stack([initial(seed, 0) for seed in range(40)])
    bound = 6**-0.5  # PyTorch draws the weights of six inputs from U(±1/√6)
    assert 0.9 * bound < spread.abs().max() <= bound
    assert abs(spread.mean()) < 0.1 * bound


def test_batches_are_those_of_fine_tuning():
    """The draw of weights shifts no batch."""

    def batches(method):
        seen, model = [], network()
        model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        list(method.run(model, make_data(), Budget(3, 5, 3), draws()))
        return torch.stack(seen)

    assert torch.equal(batches(Retrain()), batches(FineTune()))


def test_reaches_the_minimum_on_the_retain_set():
    """Softmax regression with decay is strictly convex: the answer is unique."""
    data, decay = make_data(dtype=torch.float64), 0.05
    data = replace(data, fresh_model=lambda: nn.Linear(4, CLASSES).double())

    def objective(theta):
        log_p = log_softmax(logits_of(theta, data.retain), 1)
        picked = log_p[np.arange(len(log_p)), data.retain.labels]
        return -picked.mean() + decay / 2 * theta @ theta

    best = minimize(objective, np.zeros(SIZE), tol=1e-12).x
    model = linear()
    method = Retrain(lr=0.5, momentum=0.5, weight_decay=decay)
    list(method.run(model, data, Budget(500, WHOLE, 500), draws()))
    np.testing.assert_allclose(flat(model), best, atol=1e-5)


def test_the_learning_rate_falls_linearly_to_zero():
    data, model = make_data(dtype=torch.float64), linear()
    data = replace(data, fresh_model=linear)

    def gradient(theta, step):
        return (1 - step / 5) * cross_entropy_gradient(theta, data.retain)

    theta = sgd(np.zeros(SIZE), gradient, 5, 0.3)
    method = Retrain(lr=0.3, momentum=0, weight_decay=0)
    list(method.run(model, data, Budget(5, WHOLE, 2), draws()))
    np.testing.assert_allclose(flat(model), theta, rtol=1e-12)


def test_parameters_that_are_not_trainable_stay():
    model = network()
    model[0].weight.requires_grad_(False)
    before = model[0].weight.clone()
    assert torch.equal(run(model)[0].weight, before)

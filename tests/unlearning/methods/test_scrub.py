import numpy as np
import pytest
import torch

from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.methods._phases import forget_steps
from pareto_explorer.unlearning.methods.controls import FineTune
from pareto_explorer.unlearning.methods.scrub import Scrub
from tests.unlearning.softmax_regression import (
    cross_entropy_gradient,
    gradient_of,
    predictions,
    sgd,
    start,
)
from tests.unlearning.toys import draws, flat, linear, make_data, network

WHOLE = 100


def run(method, model, data, steps, size=WHOLE):
    budget = Budget(steps, size, steps)
    list(method.run(model, data, budget, draws()))
    return budget.ledger


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_max_and_min_steps_follow_the_hand_made_gradients(temperature):
    data, model = make_data(15, 10, dtype=torch.float64), linear()
    original = start(model)
    plan = forget_steps(data, 15, 3, 2)
    assert plan == (True, True, False, False, False) * 2 + (False,) * 5

    def towards(theta, samples):
        p, q = (predictions(x, samples, temperature) for x in (original, theta))
        return gradient_of(temperature * (q - p), samples)

    def gradient(theta, step):
        if plan[step]:
            return -towards(theta, data.forget)
        classified = cross_entropy_gradient(theta, data.retain)
        return 0.9 * classified + 0.2 * towards(theta, data.retain)

    theta = sgd(original, gradient, 15, 0.05, momentum=0.9, decay=0.01)
    method = Scrub(
        lr=0.05,
        weight_decay=0.01,
        temperature=temperature,
        alpha=0.2,
        gamma=0.9,
        rounds=3,
        max_rounds=2,
    )
    run(method, model, data, 15)
    np.testing.assert_allclose(flat(model), theta, rtol=1e-10)


def test_max_steps_end_when_they_should():
    """Marked inputs show which set each step reads."""
    data, seen, model = make_data(20, 10), [], network()
    data.forget.inputs.fill_(99)

    def note(module, inputs):
        if module.training:
            seen.append(bool((inputs[0] == 99).all()))

    model.register_forward_pre_hook(note)
    run(Scrub(lr=1e-6), model, data, 30, size=5)
    assert seen == ([True] * 2 + [False] * 4) * 3 + [False] * 12


def test_without_max_rounds_and_divergence_it_is_fine_tuning():
    ours, theirs = network(), network()
    run(Scrub(max_rounds=0, alpha=0.0, lr=0.1), ours, make_data(), 8, size=5)
    run(FineTune(lr=0.1), theirs, make_data(), 8, size=5)
    torch.testing.assert_close(flat(ours), flat(theirs))


def test_the_original_is_a_stationary_point_of_max_steps():
    data, model = make_data(1, 30, dtype=torch.float64), linear()
    theta = start(model)
    run(Scrub(lr=1.0, weight_decay=0, rounds=1), model, data, 5)
    np.testing.assert_allclose(flat(model), theta, rtol=1e-12)


def test_min_steps_return_to_a_model_that_is_right_where_it_is():
    """With γ = 0 the only minimum on the retain set is the teacher's predictions."""
    data, model = make_data(60, 3, dtype=torch.float64), linear()
    original = start(model)
    method = Scrub(lr=0.05, weight_decay=0, gamma=0.0, alpha=1.0, max_rounds=1)
    run(method, model, data, 800)
    found = predictions(flat(model).numpy(), data.retain)
    np.testing.assert_allclose(found, predictions(original, data.retain), atol=1e-3)


def test_ledger_counts_the_teacher_too():
    ledger = run(Scrub(), network(), make_data(), 10, size=5)
    assert (ledger.step, ledger.forward, ledger.backward) == (10, 100, 50)
    assert set(ledger.drain()) == {"loss_retain", "loss_forget"}

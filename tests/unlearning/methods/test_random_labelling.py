import numpy as np
import torch

from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.forget_losses.random_labels import random_labels
from pareto_explorer.unlearning.methods._phases import forget_steps
from pareto_explorer.unlearning.methods.controls import FineTune
from pareto_explorer.unlearning.methods.random_labelling import RandomLabelling
from tests.unlearning.softmax_regression import (
    cross_entropy_gradient,
    gradient_of,
    predictions,
    sgd,
    start,
)
from tests.unlearning.toys import CLASSES, draws, flat, linear, make_data, network, references

WHOLE = 100


def run(method, model, data, steps, size=WHOLE):
    budget = Budget(steps, size, steps)
    list(method.run(model, data, budget, draws()))
    return budget.ledger


def test_follows_hand_made_gradients_of_drawn_and_of_true_labels():
    data, model = make_data(23, 11, dtype=torch.float64), linear()
    plan = forget_steps(data, 9, 3)
    assert plan.count(True) == 3
    drawn = references(model, random_labels, data)

    def gradient(theta, step):
        if not plan[step]:
            return cross_entropy_gradient(theta, data.retain)
        noise = np.eye(CLASSES)[drawn.random_labels(data.forget.labels)]
        return gradient_of(predictions(theta, data.forget) - noise, data.forget)

    theta = sgd(start(model), gradient, 9, 0.1, momentum=0.9)
    run(RandomLabelling(lr=0.1, weight_decay=0, rounds=3), model, data, 9)
    np.testing.assert_allclose(flat(model), theta, rtol=1e-12)


def test_never_learns_the_labels_that_are_to_be_forgotten():
    def with_labels(shift):
        data = make_data()
        data.forget.labels.copy_((data.forget.labels + shift) % CLASSES)
        model = network()
        run(RandomLabelling(lr=0.1), model, data, 12, size=5)
        return flat(model)

    assert torch.equal(with_labels(0), with_labels(1))


def test_forget_predictions_become_uniform_where_nothing_else_is_learned():
    """With no retain step, the expected loss has its minimum at p = U."""
    data, model = make_data(1, 400, dtype=torch.float64), linear()
    start(model)
    run(RandomLabelling(lr=0.05, weight_decay=0, momentum=0, rounds=1), model, data, 399, 500)
    p = predictions(flat(model).numpy(), data.forget)
    assert np.abs(p - 1 / CLASSES).max() < 0.1


def test_ledger_counts_one_batch_a_step():
    ledger = run(RandomLabelling(), network(), make_data(), 12, size=5)
    assert (ledger.step, ledger.forward, ledger.backward) == (12, 60, 60)
    assert set(ledger.drain()) == {"loss_retain", "loss_forget"}


def test_retain_batches_are_those_of_fine_tuning():
    def batches(method):
        data, seen, model = make_data(), [], network()
        data.forget.inputs.fill_(99)
        model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        run(method, model, data, 6, size=5)
        return [x for x in seen if not (x == 99).all()]

    ours, theirs = batches(RandomLabelling(rounds=2)), batches(FineTune())
    assert 0 < len(ours) < 6
    for a, b in zip(ours, theirs, strict=False):
        assert torch.equal(a, b)

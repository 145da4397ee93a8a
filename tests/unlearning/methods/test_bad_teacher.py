from dataclasses import replace

import numpy as np
import pytest
import torch

from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.methods.bad_teacher import BadTeacher
from tests.unlearning.softmax_regression import gradient_of, predictions, put, sgd, start
from tests.unlearning.toys import CLASSES, draws, flat, linear, make_data, network

WHOLE = 100
BAD = np.linspace(-1, 1, 5 * CLASSES)


def bad():
    model = linear()
    put(model, BAD)
    return model


def doubles(retain=23, forget=11):
    return replace(make_data(retain, forget, dtype=torch.float64), fresh_model=bad)


def run(method, model, data, steps, size=WHOLE):
    budget = Budget(steps, size, steps)
    list(method.run(model, data, budget, draws()))
    return budget.ledger


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_steps_follow_the_hand_made_gradients(temperature):
    data, model = doubles(), linear()
    original = start(model)

    def towards(target, theta, samples):
        p, q = (predictions(x, samples, temperature) for x in (target, theta))
        return gradient_of(temperature * (q - p), samples)

    def gradient(theta, step):
        obeyed = towards(original, theta, data.retain)
        return 0.7 * obeyed + 0.3 * towards(BAD, theta, data.forget)

    theta = sgd(original, gradient, 5, 0.1, momentum=0.9, decay=0.01)
    method = BadTeacher(lr=0.1, weight_decay=0.01, temperature=temperature, forget_weight=0.3)
    run(method, model, data, 5)
    np.testing.assert_allclose(flat(model), theta, rtol=1e-10)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_each_teacher_alone_is_copied_on_its_set(weight):
    """The divergence from one teacher is convex in θ, with its minimum at the teacher."""
    data, model = doubles(30, 30), linear()
    original = start(model)
    method = BadTeacher(lr=0.5, weight_decay=0, momentum=0.5, forget_weight=weight)
    run(method, model, data, 1500)
    theta = flat(model).numpy()
    samples, teacher = (data.forget, BAD) if weight else (data.retain, original)
    np.testing.assert_allclose(
        predictions(theta, samples), predictions(teacher, samples), atol=1e-3
    )


def test_no_label_is_read():
    def with_labels(shift):
        data = make_data()
        for samples in (data.forget, data.retain):
            samples.labels.copy_((samples.labels + shift) % CLASSES)
        model = network()
        run(BadTeacher(lr=0.1), model, data, 6, size=5)
        return flat(model)

    assert torch.equal(with_labels(0), with_labels(1))


def test_the_bad_teacher_is_new_for_each_seed():
    def run_with(seed):
        data = make_data(4, 4)  # batches are the whole sets: only the teacher is drawn
        model = network()
        list(BadTeacher(lr=0.1).run(model, data, Budget(3, 5, 3), draws(seed)))
        return flat(model)

    assert torch.equal(run_with(1), run_with(1))
    assert not torch.equal(run_with(1), run_with(2))


def test_ledger_counts_both_teachers():
    ledger = run(BadTeacher(), network(), make_data(), 6, size=5)
    assert (ledger.step, ledger.forward, ledger.backward) == (6, 120, 60)
    assert set(ledger.drain()) == {"loss_retain", "loss_forget"}

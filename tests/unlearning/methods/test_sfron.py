import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.methods.sfron import SFRon, adaptive_ascent
from tests.unlearning.softmax_regression import cross_entropy_gradient, start
from tests.unlearning.toys import CLASSES, draws, flat, linear, make_data, network

WHOLE = 100


def hand_made(theta, data, steps, knobs):
    """Plain gradient steps of the whole method on softmax regression."""
    forget, retain = data.forget, data.retain
    x, y = forget.inputs.numpy(), np.eye(CLASSES)[forget.labels]
    g_f, g_r = (cross_entropy_gradient(theta, s) for s in (forget, retain))
    mask = g_f**2 >= knobs["threshold"] * g_r**2
    assert 0 < mask.sum() < len(mask)
    for step in range(steps):
        decay = (1 + math.cos(math.pi * step / steps)) / 2
        if step % (knobs["forget_every"] + 1):
            gradient = cross_entropy_gradient(theta, retain)
        else:
            logits = x @ theta[: 4 * CLASSES].reshape(CLASSES, 4).T + theta[4 * CLASSES :]
            p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
            weights = (-np.log((p * y).sum(1))) ** -knobs["adaptivity"]
            rows = (p - y) * (weights / weights.sum())[:, None]
            gradient = (
                -knobs["coefficient"]
                * decay
                * np.concatenate([(rows.T @ x).reshape(-1), rows.sum(0)])
            )
            gradient = gradient * mask
            norm = np.linalg.norm(gradient)
            gradient = gradient * min(1, knobs["clip_norm"] / (norm + 1e-6))
        theta = theta - knobs["lr"] * decay * gradient
    return theta


@pytest.mark.parametrize("clip_norm", [0.05, 100.0])
def test_steps_follow_the_hand_made_gradients(clip_norm):
    data, model = make_data(dtype=torch.float64), linear()
    knobs = {
        "lr": 0.2,
        "forget_every": 2,
        "coefficient": 3.0,
        "adaptivity": 0.7,
        "clip_norm": clip_norm,
        "threshold": 0.8,
    }
    expected = hand_made(start(model), data, 7, knobs)
    method = SFRon(**knobs, momentum=0, weight_decay=0)
    list(method.run(model, data, Budget(7, WHOLE, 7), draws()))
    np.testing.assert_allclose(flat(model), expected, rtol=1e-9)


def test_without_adaptivity_it_is_the_negative_cross_entropy():
    logits = torch.randn(6, CLASSES, generator=draws(1))
    labels = torch.tensor([0, 1, 2, 2, 1, 0])
    expected = -functional.cross_entropy(logits, labels)
    torch.testing.assert_close(adaptive_ascent(logits, labels, 0.0), expected)


def test_samples_that_are_forgotten_already_count_less():
    logits = torch.tensor([[4.0, 0.0], [-4.0, 0.0]], requires_grad=True)
    adaptive_ascent(logits, torch.tensor([0, 0]), 1.0).backward()
    losses = functional.cross_entropy(logits, torch.tensor([0, 0]), reduction="none")
    weights = (1 / losses) / (1 / losses).sum()
    slopes = logits.softmax(1)[:, 0] - 1
    torch.testing.assert_close(logits.grad[:, 0], -(weights * slopes).detach())
    assert weights[0] > 0.99


def test_samples_without_a_loss_do_not_hide_the_others():
    logits = torch.tensor([[300.0, 0.0], [1.0, 0.0]], requires_grad=True)
    value = adaptive_ascent(logits, torch.tensor([0, 0]), 0.5)
    value.backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[1, 0] > 1e-5


def test_a_threshold_that_no_weight_reaches_leaves_fine_tuning():
    data = make_data()
    models = []
    for coefficient in (1.0, 1000.0):
        model = network()
        method = SFRon(coefficient=coefficient, threshold=1e30, weight_decay=0)
        list(method.run(model, data, Budget(7, 5, 7), draws()))
        models.append(flat(model))
    assert torch.equal(*models)


def test_each_kind_of_step_is_one_of_the_budget():
    budget = Budget(12, 5, 6)
    steps = []
    snapshots = SFRon(forget_every=2).run(network(), make_data(23, 11), budget, draws())
    for _ in snapshots:
        steps.append(budget.ledger.step)
        assert set(budget.ledger.drain()) == {"loss_retain", "loss_forget"}
    assert steps == [6, 12]
    assert budget.ledger.forward == 12 * 5 + 23 + 11
    assert budget.ledger.backward == budget.ledger.forward

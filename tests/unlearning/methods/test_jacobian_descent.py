import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from torch import nn

from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.losses import (
    kl_heldout,
    kl_heldout_detached,
    kl_heldout_published,
    kl_uniform,
    negative_cross_entropy,
    random_labels,
)
from pareto_explorer.unlearning.methods import JacobianDescent
from pareto_explorer.unlearning.methods.jacobian_descent import DIAGNOSTICS
from pareto_explorer.unlearning.weightings import CUP, MGDA, Mean, UPGrad, WeightedSum
from tests.unlearning.toys import CLASSES, draws, flat, linear, make_data, network

WHOLE = 100  # a batch of this size is the whole set


def plain(aggregator, forget_loss=kl_uniform, **knobs):
    """Gradient descent without momentum or decay."""
    knobs = {"lr": 0.1, "momentum": 0.0, "weight_decay": 0.0} | knobs
    return JacobianDescent(aggregator=aggregator, forget_loss=forget_loss, **knobs)


def run(method, model, data, budget, seed=0):
    for _ in method.run(model, data, budget, draws(seed)):
        pass
    return model


def logits_of(theta, inputs):
    weight, bias = theta[: 4 * CLASSES].reshape(CLASSES, 4), theta[4 * CLASSES :]
    return inputs.numpy() @ weight.T + bias


def gradient_of(logit_gradient, inputs):
    """Gradient of a batch mean by the parameters of softmax regression."""
    rows = logit_gradient / len(inputs)
    return np.concatenate([(rows.T @ inputs.numpy()).reshape(-1), rows.sum(0)])


def rows_of(theta, data):
    """Gradients of the retain cross-entropy and of KL(U‖p), by hand."""
    retain, forget = data.retain, data.forget
    p_r = softmax(logits_of(theta, retain.inputs), 1)
    p_f = softmax(logits_of(theta, forget.inputs), 1)
    g_r = gradient_of(p_r - np.eye(CLASSES)[retain.labels], retain.inputs)
    return g_r, gradient_of(p_f - 1 / CLASSES, forget.inputs)


def test_weighted_sum_reaches_the_minimum_of_the_weighted_objective():
    """Softmax regression with decay is strictly convex: the answer is unique."""
    data, weight, decay = make_data(dtype=torch.float64), 0.3, 0.05

    def objective(theta):
        log_r = log_softmax(logits_of(theta, data.retain.inputs), 1)
        log_f = log_softmax(logits_of(theta, data.forget.inputs), 1)
        loss_r = -log_r[np.arange(len(log_r)), data.retain.labels].mean()
        return (1 - weight) * loss_r - weight * log_f.mean() + decay / 2 * theta @ theta

    best = minimize(objective, np.zeros(5 * CLASSES), tol=1e-12).x
    method = plain(WeightedSum(weight), lr=0.5, weight_decay=decay, momentum=0.5)
    model = run(method, linear(), data, Budget(500, WHOLE, 500))
    np.testing.assert_allclose(flat(model), best, atol=1e-5)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_steps_follow_the_hand_made_gradients(momentum):
    data = make_data(dtype=torch.float64)
    theta, velocity = np.linspace(-1, 1, 5 * CLASSES), 0
    model = linear()
    with torch.no_grad():
        model.weight.copy_(torch.tensor(theta[: 4 * CLASSES]).view(CLASSES, 4))
        model.bias.copy_(torch.tensor(theta[4 * CLASSES :]))
    for _ in range(4):
        g_r, g_f = rows_of(theta, data)
        conflict = max(0, -g_r @ g_f)
        d = ((1 + conflict / (g_r @ g_r)) * g_r + (1 + conflict / (g_f @ g_f)) * g_f) / 2
        velocity = momentum * velocity + d
        theta = theta - 0.1 * velocity
    run(plain(UPGrad(), momentum=momentum), model, data, Budget(4, WHOLE, 4))
    np.testing.assert_allclose(flat(model), theta, rtol=1e-12)


@pytest.mark.parametrize("aggregator", [UPGrad(), MGDA()], ids=str)
def test_descends_to_a_pareto_stationary_point_without_raising_a_loss(aggregator):
    data = make_data(dtype=torch.float64)
    model = linear()
    with torch.no_grad():
        model.weight.copy_(torch.randn(CLASSES, 4, generator=draws(5)))
    losses = []
    budget = Budget(400, WHOLE, 20)
    for _ in plain(aggregator).run(model, data, budget, draws()):
        found = budget.ledger.drain()
        losses.append((found["loss_retain"], found["loss_forget"]))
    assert (np.diff(losses, axis=0) <= 1e-9).all()
    g_r, g_f = rows_of(flat(model).numpy(), data)
    along = np.clip(-g_f @ (g_r - g_f) / ((g_r - g_f) @ (g_r - g_f)), 0, 1)
    assert np.linalg.norm(g_f + along * (g_r - g_f)) < 0.02


def test_cup_zero_leaves_the_forget_loss_and_one_the_retain_loss():
    data = make_data(dtype=torch.float64)
    start = linear()
    nn.init.normal_(start.weight, generator=draws(5))
    before = rows_of(flat(start).numpy(), data)
    for intensity, other in ((0.0, 1), (1.0, 0)):
        model = copy.deepcopy(start)
        run(plain(CUP(intensity), lr=1e-3), model, data, Budget(1, WHOLE, 1))
        moved = (flat(model) - flat(start)).numpy()
        assert abs(moved @ before[other]) < 1e-9 * np.linalg.norm(moved)
        assert moved @ before[1 - other] < 0


def test_adamw_is_torchs_adamw_on_the_aggregate():
    data = make_data(dtype=torch.float64)
    ours = run(
        plain(Mean(), optimizer="adamw", weight_decay=0.1), linear(), data, Budget(5, WHOLE, 5)
    )
    model = linear()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        log_r, log_f = (model(s.inputs).log_softmax(1) for s in (data.retain, data.forget))
        loss_r = -log_r.gather(1, data.retain.labels[:, None]).mean()
        ((loss_r - log_f.mean()) / 2).backward()
        optimizer.step()
    torch.testing.assert_close(flat(ours), flat(model), rtol=1e-10, atol=0)


def test_diagnostics_are_means_over_the_steps_since_the_last_evaluation():
    data = make_data()
    method = plain(UPGrad(), negative_cross_entropy)

    def drained(every):
        budget = Budget(6, 5, every)
        return [budget.ledger.drain() for _ in method.run(network(), data, budget, draws())]

    each, means = drained(1), drained(4)
    assert set(each[0]) == set(DIAGNOSTICS)
    for name in DIAGNOSTICS:
        values = [step[name] for step in each]
        assert means[0][name] == pytest.approx(np.mean(values[:4]), rel=1e-9)
        assert means[1][name] == pytest.approx(np.mean(values[4:]), rel=1e-9)


def test_diagnostics_of_one_step():
    data = make_data(dtype=torch.float64)
    model = linear()
    nn.init.normal_(model.weight, generator=draws(5))
    theta = flat(model).numpy()
    g_r, g_f = rows_of(theta, data)
    budget = Budget(1, WHOLE, 1)
    run(plain(WeightedSum(0.25)), model, data, budget)
    log_r = log_softmax(logits_of(theta, data.retain.inputs), 1)
    log_f = log_softmax(logits_of(theta, data.forget.inputs), 1)
    norms = np.linalg.norm(g_r), np.linalg.norm(g_f)
    assert budget.ledger.drain() == pytest.approx(
        {
            "loss_retain": -log_r[np.arange(len(log_r)), data.retain.labels].mean(),
            "loss_forget": -log_f.mean() - np.log(CLASSES),
            "weight_retain": 0.75,
            "weight_forget": 0.25,
            "norm_retain": norms[0],
            "norm_forget": norms[1],
            "cosine": g_r @ g_f / norms[0] / norms[1],
            "hardness": -g_r @ g_f,
        },
        rel=1e-10,
    )


def test_cosine_with_a_zero_gradient_is_zero():
    budget = Budget(1, WHOLE, 1)
    run(plain(Mean()), linear(), make_data(dtype=torch.float64), budget)  # p is uniform: g_f = 0
    assert budget.ledger.drain()["cosine"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("loss", "once", "forward", "backward"),
    [
        (kl_uniform, 0, 10, 10),
        (random_labels, 0, 10, 10),
        (kl_heldout, 13, 10, 10),
        (kl_heldout_detached, 0, 15, 10),
        (kl_heldout_published, 0, 15, 15),
    ],
    ids=lambda x: getattr(x, "__name__", str(x)),
)
def test_ledger_counts_every_sample(loss, once, forward, backward):
    budget = Budget(7, 5, 3)
    run(plain(UPGrad(), loss), network(), make_data(heldout=13), budget)
    assert budget.ledger.step == 7
    assert budget.ledger.forward == once + 7 * forward
    assert budget.ledger.backward == 7 * backward


def test_batches_are_those_of_every_other_family_with_the_same_seed():
    """Common random numbers: what the forget loss draws does not shift the batches."""

    def batches(loss):
        seen = []
        model = network()
        model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        run(plain(UPGrad(), loss), model, make_data(), Budget(3, 5, 3))
        return seen

    alone, others = batches(kl_uniform), batches(kl_heldout_published)
    for step in range(3):
        for k in range(2):
            torch.testing.assert_close(alone[2 * step + k], others[3 * step + k], rtol=0, atol=0)


def test_frozen_batch_norm_keeps_running_statistics_bit_identical_and_learns_scale():
    model = network()
    before = copy.deepcopy(model)
    method = plain(UPGrad(), kl_heldout_published, batch_norm="frozen")
    run(method, model, make_data(), Budget(5, 5, 2))
    for (name, now), then in zip(model.named_buffers(), before.buffers(), strict=True):
        assert torch.equal(now, then), name
    assert not torch.equal(model[1].weight, before[1].weight)


def test_batch_norm_batch_moves_running_statistics_with_every_forward_pass():
    """Retain, forget and held-out batches all count: three updates a step."""
    model = network()
    method = plain(UPGrad(), kl_heldout_published, batch_norm="batch")
    run(method, model, make_data(), Budget(4, 5, 4))
    assert model[1].num_batches_tracked.item() == 12


def test_forget_batches_move_the_statistics_even_with_no_weight():
    def mean_with(forget_shift):
        data = make_data()
        data = replace(data, forget=replace(data.forget, inputs=data.forget.inputs + forget_shift))
        model = network()
        run(plain(WeightedSum(0.0), batch_norm="batch"), model, data, Budget(3, 5, 3))
        return model

    near, far = mean_with(0.0), mean_with(9.0)
    torch.testing.assert_close(flat(near), flat(far))
    assert not torch.allclose(near[1].running_mean, far[1].running_mean, atol=0.1)


class Counting(Mean):
    """A weighting with a state: halves its weights at every call."""

    def __init__(self):
        super().__init__()
        self.scale = 2.0

    def forward(self, gramian, /):
        self.scale /= 2
        return self.scale * super().forward(gramian)


def test_state_of_a_weighting_does_not_leak_into_the_next_run():
    method = plain(Counting())
    first, second = (run(method, network(), make_data(), Budget(3, 5, 3)) for _ in range(2))
    assert torch.equal(flat(first), flat(second))


def test_diverged_losses_reach_the_model():
    """Nothing turns NaN into a number on the way: the consumer has to see it."""
    model = network()
    with torch.no_grad():
        model[0].weight[0, 0] = float("nan")
    for aggregator in (UPGrad(), MGDA(), CUP(), WeightedSum(0.5)):
        diverged = run(plain(aggregator), copy.deepcopy(model), make_data(), Budget(1, 5, 1))
        assert not torch.isfinite(diverged[3].weight).all()

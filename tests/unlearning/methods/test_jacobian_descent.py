import copy
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning import AGGREGATORS, Budget, make_method
from pareto_explorer.unlearning.aggregators import Rule, Step
from pareto_explorer.unlearning.aggregators.barrier import BarrierForget
from pareto_explorer.unlearning.aggregators.cup import CUP
from pareto_explorer.unlearning.aggregators.hamu import HAMUQ
from pareto_explorer.unlearning.aggregators.mgda import MGDA
from pareto_explorer.unlearning.aggregators.pcd import PCD
from pareto_explorer.unlearning.aggregators.scalarised import FAMO, GeometricMean
from pareto_explorer.unlearning.aggregators.upgrad import UPGrad
from pareto_explorer.unlearning.aggregators.weighted_sum import Mean, WeightedSum
from pareto_explorer.unlearning.forget_losses.kl_heldout import (
    kl_heldout,
    kl_heldout_detached,
    kl_heldout_published,
)
from pareto_explorer.unlearning.forget_losses.kl_uniform import kl_uniform
from pareto_explorer.unlearning.forget_losses.negative_cross_entropy import negative_cross_entropy
from pareto_explorer.unlearning.forget_losses.random_labels import random_labels
from pareto_explorer.unlearning.methods._saliency import saliency_mask
from pareto_explorer.unlearning.methods.jacobian_descent import DIAGNOSTICS, JacobianDescent
from tests.unlearning.aggregators.steps import begun
from tests.unlearning.toys import CLASSES, draws, flat, linear, make_data, network

#: What sees more than one Gramian, or remembers; ``nash_mtl`` has a solver to wait for.
RULES = [
    name
    for name, aggregator in ((n, e.build()) for n, e in AGGREGATORS.items() if n != "nash_mtl")
    if isinstance(aggregator, Rule) or aggregator.keeps_state
]
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


class Recorder(Rule):
    """Weighs like the mean and notes what it is given."""

    def begin(self, descent):
        super().begin(descent)
        self.seen, self.again = SEEN, AGAIN

    def forward(self, step, /):
        self.seen.append((step.values, step.gramian, step.jacobian.rows.clone()))
        return torch.full_like(step.gramian[..., 0], 0.5)

    def after(self):
        self.again.append((self.descent.retain_again(), self.descent.losses_again()))


SEEN, AGAIN = [], []


@pytest.fixture
def recorded():
    SEEN.clear()
    AGAIN.clear()
    return SEEN, AGAIN


def test_a_rule_sees_losses_rows_and_what_the_step_did(recorded):
    seen, again = recorded
    data = make_data(dtype=torch.float64)
    model = linear()
    nn.init.normal_(model.weight, generator=draws(5))
    ours = run(plain(Recorder()), copy.deepcopy(model), data, Budget(3, WHOLE, 3))
    mean = run(plain(Mean()), copy.deepcopy(model), data, Budget(3, WHOLE, 3))
    assert torch.equal(flat(ours), flat(mean))
    for (values, gramian, rows), (retain, both) in zip(seen, again, strict=True):
        torch.testing.assert_close(gramian, rows @ rows.mT)
        assert both[0] == retain
        assert both[1] < values[1]
    for (_, both), (values, _, _) in zip(again[:-1], seen[1:], strict=True):
        torch.testing.assert_close(both, values)  # the whole sets are drawn in every step


def test_losses_after_a_step_are_counted_and_move_no_statistics(recorded):
    budget, alone = Budget(4, 5, 4), Budget(4, 5, 4)
    ours = run(plain(Recorder()), network(), make_data(), budget)
    mean = run(plain(Mean()), network(), make_data(), alone)
    assert budget.ledger.backward == alone.ledger.backward
    assert budget.ledger.forward == alone.ledger.forward + 4 * (5 + 10)
    for ours_now, mean_now in zip(
        ours.state_dict().values(), mean.state_dict().values(), strict=True
    ):
        assert torch.equal(ours_now, mean_now)


@pytest.mark.parametrize(
    "aggregator", [UPGrad(0.3), MGDA(), CUP(), HAMUQ(0.1), PCD(0.4), BarrierForget()], ids=str
)
def test_layers_are_weighed_each_by_itself(aggregator):
    """Against a loop over tensors that are each combined on their own."""
    data = make_data(dtype=torch.float64)
    model = network().double().eval()
    parameters = list(model.parameters())
    expected = [p.detach().clone() for p in parameters]
    log_r, log_f = (model(s.inputs).log_softmax(1) for s in (data.retain, data.forget))
    loss_r = -log_r.gather(1, data.retain.labels[:, None]).mean()
    loss_f = -log_f.mean() - np.log(CLASSES)
    rows = [torch.autograd.grad(loss, parameters, retain_graph=True) for loss in (loss_r, loss_f)]
    products = torch.stack(
        [
            torch.stack([torch.stack([(a * b).sum() for b in pair]) for a in pair])
            for pair in zip(*rows, strict=True)
        ]
    )
    inner = copy.deepcopy(aggregator)
    if isinstance(inner, Rule):
        begun(inner)
        weights = inner(Step((loss_r.detach(), loss_f.detach()), products, None))
    else:
        weights = torch.stack([copy.deepcopy(aggregator)(g) for g in products])
    for value, g_r, g_f, (w_r, w_f) in zip(expected, *rows, weights, strict=True):
        value -= 0.1 * (w_r * g_r + w_f * g_f)
    method = plain(aggregator, granularity="layer", batch_norm="frozen")
    budget = Budget(1, WHOLE, 1)
    run(method, model, data, budget)
    torch.testing.assert_close(list(model.parameters()), expected, rtol=1e-9, atol=1e-12)
    found = budget.ledger.drain()
    assert found["weight_retain"] == pytest.approx(weights[:, 0].mean().item())
    assert found["hardness"] == pytest.approx(-products.sum(0)[0, 1].item())


@pytest.mark.parametrize("granularity", ["full", "layer"])
@pytest.mark.parametrize("name", [*RULES, "cup", "weighted_sum"])
def test_masked_weights_stay_bit_identical(name, granularity):
    knobs = {"granularity": granularity, "saliency": 0.4, "weight_decay": 0.1, "lr": 0.05}
    config = {"method": "jacobian_descent", "aggregator": name, "forget_loss": "kl_uniform"}
    model, data = network(), make_data()
    masks = saliency_mask(model, data.forget, 0.4)
    before = [p.detach().clone() for p in model.parameters()]
    budget = Budget(4, 5, 2)
    list(make_method(config | knobs).run(model, data, budget, draws()))
    moved = 0
    for parameter, mask, then in zip(model.parameters(), masks, before, strict=True):
        assert torch.equal(parameter[~mask], then[~mask])
        moved += (parameter[mask] != then[mask]).sum()
    assert moved > 0.5 * sum(mask.sum() for mask in masks)
    assert budget.ledger.backward >= 11 + 40


def test_masked_weights_have_no_part_in_the_gramian():
    model, data = network().double(), make_data(dtype=torch.float64)
    kept = torch.cat([m.flatten() for m in saliency_mask(model, data.forget, 0.4)])
    budget = Budget(1, WHOLE, 1)
    method = plain(Mean(), saliency=0.4, batch_norm="frozen")
    twin = copy.deepcopy(model)
    run(method, model, data, budget)
    step = (flat(twin) - flat(model))[kept] / 0.1
    found = budget.ledger.drain()
    squared = found["norm_retain"] ** 2 + found["norm_forget"] ** 2 - 2 * found["hardness"]
    assert 4 * step.square().sum().item() == pytest.approx(squared)


def test_hamu_brings_the_quota_that_it_promises():
    """To first order, in the loss of the forget batch itself."""
    data = make_data(dtype=torch.float64)
    start = linear()
    nn.init.normal_(start.weight, generator=draws(5))
    losses = []
    for quota in (0.1, 0.2):
        model, budget = copy.deepcopy(start), Budget(2, WHOLE, 1)
        method = plain(HAMUQ(quota, radius=1.0, clip_norm=None), lr=1e-5)
        found = [budget.ledger.drain() for _ in method.run(model, data, budget, draws())]
        assert found[0]["share_infeasible"] == 0
        if found[0]["share_rectified"]:
            losses.append((found[0]["loss_forget"] - found[1]["loss_forget"]) / 1e-5 / quota)
    assert losses == pytest.approx([1.0] * len(losses), rel=1e-3)
    assert losses


def test_a_run_that_stops_yields_the_model_as_it_is_and_ends():
    data, model = make_data(), network()
    before = flat(model)
    budget = Budget(6, 5, 2)
    method = plain(HAMUQ(50.0, stop_when_infeasible=True))
    models = [copy.deepcopy(x) for x in method.run(model, data, budget, draws())]
    assert len(models) == 1
    assert torch.equal(flat(models[0]), before)
    assert not models[0].training
    assert (budget.ledger.step, budget.ledger.stopped) == (0, "quota infeasible")


class StopsAfter(Recorder):
    def forward(self, step, /):
        if len(self.seen) == 3:
            self.descent.ledger.stopped = "enough"
        return super().forward(step)


def test_a_run_that_stops_on_its_way_keeps_what_it_has(recorded):
    budget, shorter = Budget(6, 5, 2), Budget(3, 5, 3)
    model, twin = network(), network()
    steps = [
        budget.ledger.step for _ in plain(StopsAfter()).run(model, make_data(), budget, draws())
    ]
    assert steps == [2, 3]
    assert budget.ledger.stopped == "enough"
    run(plain(Mean()), twin, make_data(), shorter)
    assert torch.equal(flat(model), flat(twin))


def test_learning_rate_is_fitted_along_the_way():
    """On one step of a linear model: as the vertex through three losses, measured by hand."""
    data, lr = make_data(dtype=torch.float64), 0.3
    start = linear()
    nn.init.normal_(start.weight, generator=draws(5))
    theta = flat(start).numpy()
    g_r, g_f = rows_of(theta, data)
    d = (g_r + g_f) / 2

    def loss(at):
        log = log_softmax(logits_of(at, data.retain.inputs), 1)
        return -log[np.arange(len(log)), data.retain.labels].mean()

    here, ahead, beyond = (loss(theta - k * lr * d) for k in range(3))
    best = lr - lr * (beyond - here) / 2 / (beyond - 2 * ahead + here)
    budget = Budget(1, WHOLE, 1)
    model = run(plain(Mean(), lr=lr, auto_lr=True), copy.deepcopy(start), data, budget)
    np.testing.assert_allclose(flat(model), theta - np.clip(best, lr / 100, 100 * lr) * d)
    assert budget.ledger.forward == 23 + 11 + 2 * 23
    assert budget.ledger.backward == 23 + 11


def test_rules_that_need_positive_losses_refuse_others():
    for rule in (FAMO(), GeometricMean()):
        with pytest.raises(InputError, match=r"aggregator: .* positive losses only"):
            plain(rule, negative_cross_entropy).require(make_data())
        with pytest.raises(InputError, match="positive losses only"):
            plain(rule, partial(negative_cross_entropy, clip=3.0)).require(make_data())
        plain(rule).require(make_data())
    plain(Mean(), negative_cross_entropy).require(make_data())


def test_rules_that_need_positive_losses_refuse_a_divergence_that_begins_at_zero():
    with pytest.raises(InputError, match=r"^retain_loss: 'kl' is 0 at the original .* take 'task'"):
        plain(FAMO(), retain_loss="kl").require(make_data())
    plain(Mean(), retain_loss="kl").require(make_data())


def test_retaining_by_divergence_costs_a_pass_of_the_original():
    data, budget = make_data(), Budget(1, WHOLE, 1)
    start = network()
    losses = plain(Mean(), retain_loss="kl", lr=1e-9)
    run(losses, copy.deepcopy(start), data, budget)
    assert (budget.ledger.forward, budget.ledger.backward) == (23 + 11 + 23, 23 + 11)
    with torch.no_grad():
        before, now = (
            model(data.retain.inputs).log_softmax(1)
            for model in (copy.deepcopy(start).eval(), start.train())
        )
    expected = (before.exp() * (before - now)).sum(1).mean().item()
    assert budget.ledger.drain()["loss_retain"] == pytest.approx(expected, rel=1e-5)


def test_bad_knobs_are_refused():
    with pytest.raises(InputError, match=r"granularity: 'layers' .*'layer'"):
        plain(Mean(), granularity="layers")
    with pytest.raises(InputError, match="retain_loss: 'lk' is not known"):
        plain(Mean(), retain_loss="lk")
    with pytest.raises(InputError, match=r"auto_lr: .* not 'adamw'"):
        plain(Mean(), auto_lr=True, optimizer="adamw")


@pytest.mark.parametrize("name", RULES)
def test_rules_keep_no_state_from_one_run_to_the_next(name):
    config = {"method": "jacobian_descent", "aggregator": name, "forget_loss": "kl_uniform"}
    method = make_method(config | {"lr": 0.02})
    first, second = (run(method, network(), make_data(), Budget(5, 5, 3)) for _ in range(2))
    assert torch.equal(flat(first), flat(second))

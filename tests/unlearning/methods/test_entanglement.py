import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from scipy.special import log_softmax, softmax
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.core.losses import cross_entropy
from pareto_explorer.unlearning.methods._descent import BATCH_NORM_POLICIES
from pareto_explorer.unlearning.methods._projection import flat_gradient, project_off
from pareto_explorer.unlearning.methods.entanglement import Entanglement, squared_wasserstein
from tests.unlearning.toys import CLASSES, draws, flat, linear, make_data, network, samples

WHOLE = 100  # a batch of this size is the whole set


def parted(dtype=torch.float64):
    """Data whose forget set is not a batch of itself in disguise: all sizes differ."""
    return replace(
        make_data(retain=23, forget=11, dtype=dtype),
        adjacent=samples(7, 4, dtype=dtype),
        remote=samples(16, 5, dtype=dtype),
    )


def plain(**knobs):
    """Gradient descent without momentum or decay in both phases."""
    return Entanglement(**({"lr": 0.1, "optimizer": "sgd", "momentum": 0.0} | knobs))


def start(seed=5, scale=1.0):
    model = linear()
    nn.init.normal_(model.weight, std=scale, generator=draws(seed))
    return model


def run(method, model, data, budget, seed=0):
    for _ in method.run(model, data, budget, draws(seed)):
        pass
    return model


class ByHand:
    """Softmax regression on one set: losses and gradients of single samples, by hand."""

    def __init__(self, theta, part):
        self.inputs, labels = part.inputs.numpy(), part.labels.numpy()
        logits = self.inputs @ theta[: 4 * CLASSES].reshape(CLASSES, 4).T + theta[4 * CLASSES :]
        self.errors = softmax(logits, 1) - np.eye(CLASSES)[labels]
        self.losses = -log_softmax(logits, 1)[np.arange(len(labels)), labels]

    def gradient(self, weights=None):
        """Gradient of the weighted sum of the losses, of their mean by default."""
        n = len(self.losses)
        rows = self.errors * (np.full(n, 1 / n) if weights is None else weights)[:, None]
        return np.concatenate([(rows.T @ self.inputs).reshape(-1), rows.sum(0)])


def test_forgetting_follows_the_augmented_lagrangian():
    data, model = parted(), start()
    lr, ascent, penalty, clip = 0.2, 0.7, 3.0, 2.0
    theta = flat(model).numpy().copy()
    pinned, multiplier = ByHand(theta, data.remote).losses.mean(), 0.0
    clipped = set()
    for _ in range(6):
        forget, remote = ByHand(theta, data.forget), ByHand(theta, data.remote)
        below = forget.losses < clip
        clipped |= {bool(b) for b in below}
        excess = remote.losses.mean() - pinned
        d = -ascent * forget.gradient(below / len(below))
        d = d + (multiplier + penalty * excess) * remote.gradient()
        theta = theta - lr * d
        multiplier += penalty * excess
    method = plain(lr=lr, forget_share=1.0, ascent=ascent, penalty=penalty, clip=clip)
    run(method, model, data, Budget(6, WHOLE, 6))
    assert clipped == {True, False}
    np.testing.assert_allclose(flat(model), theta, rtol=1e-10)


def test_samples_beyond_the_clip_do_not_pull_and_the_constraint_starts_without_force():
    model = start()
    before = flat(model)
    run(plain(forget_share=1.0, clip=1e-9), model, parted(), Budget(1, WHOLE, 1))
    torch.testing.assert_close(flat(model), before, rtol=0, atol=1e-15)


@pytest.mark.parametrize("policy", BATCH_NORM_POLICIES)
@pytest.mark.parametrize("batch_size", [5, WHOLE])
def test_a_model_that_stands_still_meets_the_constraint(policy, batch_size):
    """The losses of the first steps are those that the pinned one is the mean of, so λ is 0."""
    losses = []

    def noted(logits, labels):
        losses.append(cross_entropy(logits, labels).item())
        return cross_entropy(logits, labels)

    data, model = replace(parted(torch.float32), loss=noted), network()
    steps = -(-len(data.remote) // batch_size)
    before = flat(model)
    method = plain(lr=0.0, weight_decay=0.0, forget_share=1.0, batch_norm=policy)
    run(method, model, data, Budget(steps, batch_size, steps))
    pinned, seen = losses[:steps], losses[steps:]
    assert torch.equal(flat(model), before)
    assert seen == pytest.approx(pinned, rel=1e-6)
    assert len(set(seen)) == steps


@pytest.mark.parametrize("policy", BATCH_NORM_POLICIES)
def test_the_constraint_does_not_pull_at_the_original_model(policy):
    data, model = parted(torch.float32), network()
    before = flat(model)
    method = plain(forget_share=1.0, clip=1e-9, batch_norm=policy)
    run(method, model, data, Budget(4, WHOLE, 4))
    torch.testing.assert_close(flat(model), before, rtol=0, atol=1e-6)


def test_pinning_the_remote_loss_moves_no_running_statistics():
    """After one step they have seen the remote and the forget batch once each."""
    data, model = parted(torch.float32), network()
    run(plain(forget_share=1.0, batch_norm="batch"), model, data, Budget(1, WHOLE, 1))
    assert model[1].num_batches_tracked == 2


def test_augmented_batches_are_held_at_the_loss_of_augmented_samples():
    def doubled(inputs, generator):
        return 2 * inputs

    data = parted()
    by_hand = replace(data, remote=replace(data.remote, inputs=2 * data.remote.inputs))
    by_hand = replace(by_hand, forget=replace(data.forget, inputs=2 * data.forget.inputs))
    found, expected = (
        flat(run(plain(forget_share=1.0), start(), own, Budget(4, WHOLE, 4)))
        for own in (replace(data, augment=doubled), by_hand)
    )
    torch.testing.assert_close(found, expected)


def test_forgetting_holds_the_remote_loss_while_the_forget_loss_rises():
    data, model = parted(), start(scale=0.1)
    theta = flat(model).numpy()
    before = {name: ByHand(theta, getattr(data, name)).losses.mean() for name in PARTS}
    run(plain(lr=0.05, forget_share=1.0, clip=4.0), model, data, Budget(400, WHOLE, 400))
    theta = flat(model).numpy()
    after = {name: ByHand(theta, getattr(data, name)).losses.mean() for name in PARTS}
    assert after["forget"] > before["forget"] + 1
    assert after["remote"] == pytest.approx(before["remote"], abs=0.02)


PARTS = ("adjacent", "remote", "forget")


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("wasserstein", [0.0, 0.5, 1.0])
def test_repair_follows_the_projected_gradients(momentum, wasserstein):
    data, model = parted(), start()
    theta = flat(model).numpy().copy()
    clip, velocity = 1.5, 0.0
    forgotten = np.minimum(ByHand(theta, data.forget).losses, clip)
    for _ in range(5):
        adjacent, remote, forget = (
            ByHand(theta, getattr(data, name)) for name in ("adjacent", "remote", "forget")
        )
        now, n = np.minimum(forget.losses, clip), len(forgotten)
        drift = np.empty(n)
        drift[np.argsort(now)] = np.sort(now) - np.sort(forgotten)
        pull = wasserstein * 2 * drift / n - (1 - wasserstein) / n
        protected = forget.gradient(pull * (forget.losses < clip)), remote.gradient()
        velocity = momentum * velocity + adjacent.gradient()
        # The first Wasserstein gradient is zero: nothing to project off.
        basis = np.stack([g / np.linalg.norm(g) for g in protected if np.linalg.norm(g) > 1e-12])
        velocity = velocity - basis.T @ np.linalg.lstsq(basis.T, velocity, rcond=None)[0]
        theta = theta - 0.05 * velocity
    method = plain(
        forget_share=0.0, repair_lr=0.05, momentum=momentum, wasserstein=wasserstein, clip=clip
    )
    run(method, model, data, Budget(5, WHOLE, 5))
    np.testing.assert_allclose(flat(model), theta, atol=1e-5)


def test_repair_lowers_the_adjacent_loss_and_touches_the_others_to_second_order():
    """Half the step: half the gain, a quarter of the damage."""
    data = parted()

    def changes(lr):
        model = start()
        before = flat(model).numpy()
        run(plain(forget_share=0.0, repair_lr=lr, wasserstein=0.3), model, data, Budget(1, 99, 1))
        after = flat(model).numpy()
        means = [
            [ByHand(theta, getattr(data, name)).losses.mean() for name in PARTS]
            for theta in (before, after)
        ]
        return np.subtract(means[1], means[0])

    whole, half = changes(2e-3), changes(1e-3)
    ratios = whole / half
    assert whole[0] < 0
    assert ratios[0] == pytest.approx(2, rel=0.01)
    assert ratios[1:] == pytest.approx(4, rel=0.02)
    assert np.abs(whole[1:]).max() < 0.01 * -whole[0]


def test_repair_needs_no_optimiser_and_decays_nothing():
    def repaired(**knobs):
        return flat(run(plain(forget_share=0.0, **knobs), start(), parted(), Budget(3, WHOLE, 3)))

    decayed = repaired(optimizer="adamw", weight_decay=0.5)
    torch.testing.assert_close(decayed, repaired(), rtol=0, atol=0)


def test_the_model_before_repair_is_compared_in_the_mode_of_training():
    """So the first distance is 0 for batch norm too, and α = 1 protects the remote part alone."""
    data, model = parted(torch.float32), network()
    twin = copy.deepcopy(model).train()
    parameters = list(twin.parameters())
    rows = {
        name: flat_gradient(cross_entropy(twin(part.inputs), part.labels), parameters)
        for name, part in (("adjacent", data.adjacent), ("remote", data.remote))
    }
    expected = flat(model) - 0.1 * project_off(rows["adjacent"], rows["remote"][None])
    method = plain(forget_share=0.0, repair_lr=0.1, wasserstein=1.0, batch_norm="batch")
    run(method, model, data, Budget(1, WHOLE, 1))
    torch.testing.assert_close(flat(model), expected, rtol=1e-4, atol=1e-6)


def test_the_phases_divide_the_steps_wherever_evaluations_fall():
    data = parted()
    knobs = {"lr": 0.1, "repair_lr": 0.05, "momentum": 0.9, "penalty": 2.0}
    model = start()
    budget = Budget(8, WHOLE, 3)
    steps = [budget.ledger.step for _ in plain(**knobs).run(model, data, budget, draws())]
    assert steps == [3, 6, 8]
    apart = run(plain(**knobs, forget_share=1.0), start(), data, Budget(4, WHOLE, 4))
    run(plain(**knobs, forget_share=0.0), apart, data, Budget(4, WHOLE, 4))
    torch.testing.assert_close(flat(model), flat(apart))


def seen(method, data, budget, model=None):
    """Which set each forward pass reads; a batch is known by its first sample."""
    model = model or linear()
    names = {
        tuple(row): name for name in PARTS for row in getattr(data, name).inputs.numpy().tolist()
    }
    passes = []
    hooked = network_of(passes, names, model)
    run(method, hooked, data, budget)
    return passes


def network_of(passes, names, model):
    def note(_, inputs):
        passes.append(names[tuple(inputs[0][0].tolist())])

    model.register_forward_pre_hook(note)
    return model


def test_each_phase_reads_its_sets():
    data = parted()
    forgetting = seen(plain(forget_share=1.0), data, Budget(2, 5, 2))
    assert forgetting == [*["remote"] * 4, *["remote", "forget"] * 2]
    repairing = seen(plain(forget_share=0.0, batches=2), data, Budget(1, 5, 1))
    assert repairing == ["adjacent", "remote", "remote", *["forget", "forget"] * 2]
    whole = seen(plain(forget_share=0.0), data, Budget(1, 5, 1))
    assert whole == ["adjacent", *["remote"] * 4, *["forget", "forget"] * 3]


def test_the_ledger_counts_every_sample():
    budget = Budget(5, 5, 5)
    run(plain(forget_share=0.4, batches=2), start(), parted(), budget)
    ledger = budget.ledger
    assert ledger.step == 5
    once, forgetting = 4 * 5, 2 * (5 + 5)
    assert ledger.forward == once + forgetting + 3 * (5 + 2 * 2 * 5 + 2 * 5)
    assert ledger.backward == forgetting + 3 * (5 + 2 * 5 + 2 * 5)


def test_diagnostics_have_one_meaning_in_both_phases():
    data = parted()
    for share in (1.0, 0.0):
        model, budget = start(), Budget(1, WHOLE, 1)
        theta = flat(model).numpy().copy()
        run(plain(forget_share=share, clip=1.5), model, data, budget)
        forget = np.minimum(ByHand(theta, data.forget).losses, 1.5)
        assert budget.ledger.drain() == pytest.approx(
            {
                "loss_retain": ByHand(theta, data.remote).losses.mean(),
                "loss_forget": -forget.mean(),
            }
        )


def test_a_run_depends_on_its_generator_alone():
    method, data = Entanglement(), parted(torch.float32)
    first, second, other = (
        flat(run(method, network(), data, Budget(6, 5, 3), seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_frozen_batch_norm_stays_as_it_is():
    model = network()
    before = copy.deepcopy(model)
    run(Entanglement(), model, parted(torch.float32), Budget(4, 5, 2))
    for now, then in zip(model.buffers(), before.buffers(), strict=True):
        assert torch.equal(now, then)
    assert not torch.equal(flat(model), flat(before))


def test_parameters_that_are_not_trained_stay():
    model = network()
    model[0].requires_grad_(False)
    before = copy.deepcopy(model)
    run(Entanglement(), model, parted(torch.float32), Budget(4, 5, 2))
    assert torch.equal(model[0].weight, before[0].weight)
    assert not torch.equal(model[3].weight, before[3].weight)


@pytest.mark.parametrize("missing", ["adjacent", "remote"])
def test_data_without_an_adjacent_set_are_refused_before_anything_runs(missing):
    method, data = Entanglement(), replace(parted(), **{missing: None})
    for refuse in (
        lambda: method.require(data),
        lambda: method.run(start(), data, Budget(1, 5, 1), draws()),
    ):
        with pytest.raises(InputError, match=r"^method: 'entanglement' needs a task with an adj"):
            refuse()
    method.require(parted())


def test_numbers_that_are_none_reach_the_model():
    for share in (0.0, 1.0):
        model = start()
        with torch.no_grad():
            model.weight[0, 0] = torch.nan
        run(plain(forget_share=share), model, parted(), Budget(1, WHOLE, 1))
        assert flat(model).isnan().all()


def test_squared_wasserstein_is_the_cheapest_matching():
    first, second = torch.randn(2, 9, generator=draws(), dtype=torch.float64)
    costs = (first[:, None] - second).square().numpy()
    pairs = linear_sum_assignment(costs)
    assert squared_wasserstein(first, second).item() == pytest.approx(costs[pairs].mean())
    assert squared_wasserstein(first, first.flip(0)) == 0

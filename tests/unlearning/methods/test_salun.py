import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.methods._saliency import saliency_mask
from pareto_explorer.unlearning.methods.random_labelling import RandomLabelling
from pareto_explorer.unlearning.methods.salun import SalUn, SalUnSoft, shrink_changes
from tests.unlearning.toys import draws, flat, make_data, network


def run(method, model, steps=12, seed=0):
    budget = Budget(steps, 5, steps)
    list(method.run(model, make_data(), budget, draws(seed)))
    return budget.ledger


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_masked_weights_keep_every_bit_and_the_others_move(kept, optimizer):
    original = network()
    mask = torch.cat([m.flatten() for m in saliency_mask(original, make_data().forget, kept)])
    model = copy.deepcopy(original)
    knobs = {"lr": 0.1, "optimizer": optimizer, "weight_decay": 0.3, "momentum": 0.9}
    for _ in SalUn(saliency=kept, **knobs).run(model, make_data(), Budget(9, 5, 2), draws()):
        before, now = flat(original), flat(model)
        assert torch.equal(now[~mask], before[~mask])
        assert (now[mask] != before[mask]).all()


def test_what_moves_moves_as_in_projected_descent():
    """One step: exactly that of random labelling where the mask allows it."""
    original = network()
    mask = torch.cat([m.flatten() for m in saliency_mask(original, make_data().forget, 0.4)])
    ours, free = copy.deepcopy(original), copy.deepcopy(original)
    run(SalUn(lr=0.1, saliency=0.4), ours, steps=1)
    run(RandomLabelling(lr=0.1), free, steps=1)
    expected = torch.where(mask, flat(free), flat(original))
    torch.testing.assert_close(flat(ours), expected, rtol=0, atol=0)


@pytest.mark.parametrize("method", [SalUn(saliency=1.0), SalUnSoft(lr=0.1, proximal=0.0)], ids=str)
def test_without_a_restriction_it_is_random_labelling(method):
    ours, free = network(), network()
    run(method, ours)
    run(RandomLabelling(), free)
    assert torch.equal(flat(ours), flat(free))


def test_a_mask_that_keeps_nothing_leaves_every_weight():
    model = network()
    before = flat(model)
    run(SalUn(saliency=0.0), model)
    assert torch.equal(flat(model), before)


def test_ledger_counts_the_pass_for_the_mask():
    assert run(SalUn(), network(), 3).samples == 2 * (11 + 3 * 5)
    assert run(SalUnSoft(), network(), 3).samples == 2 * 3 * 5


def changes(new, old):
    parts = [(p - o).detach().flatten() for p, o in zip(new, old, strict=True)]
    return torch.cat(parts).numpy()


def soft(change, threshold):
    return np.sign(change) * np.maximum(np.abs(change) - threshold, 0)


@given(st.floats(0, 1), st.integers(0, 2**31))
def test_changes_are_soft_thresholded_so_that_the_fraction_returns(returned, seed):
    generator = draws(seed)
    old = [torch.randn(shape, generator=generator).double() for shape in ((3, 4), (5,))]
    new = [nn.Parameter(x + torch.randn(x.shape, generator=generator)) for x in old]
    before = changes(new, old)
    shrink_changes(new, old, returned)
    after = changes(new, old)
    count = int(returned * 17)
    threshold = np.sort(np.abs(before))[count - 1] if count else 0.0
    np.testing.assert_allclose(after, soft(before, threshold), atol=1e-12)
    assert (after == 0).sum() == count


def test_soft_thresholding_is_the_proximal_step_of_an_l1_penalty():
    """It minimises ½‖x − y‖² + τ‖x − θ0‖₁ in x: no nearby point is better."""
    generator = draws(3)
    old, y = (torch.randn(30, generator=generator).double() for _ in range(2))
    x = nn.Parameter(y.clone())
    shrink_changes([x], [old], 0.4)
    x = x.detach()
    tau = (y - old).abs().sort().values[11]

    def objective(z):
        return ((z - y) ** 2).sum() / 2 + tau * (z - old).abs().sum()

    for _ in range(100):
        nearby = x + 1e-3 * torch.randn(30, generator=generator).double()
        assert objective(nearby) > objective(x)


def test_the_fraction_that_returns_falls_linearly_to_none():
    """Three steps with 0.9: after them, 60 %, 30 % and none are at the original."""
    original = network()
    n = len(flat(original))
    model = copy.deepcopy(original)
    method = SalUnSoft(lr=0.1, proximal=0.9)
    models = method.run(model, make_data(), Budget(3, 5, 1), draws())
    at_original = [(flat(now) == flat(original)).sum().item() for now in models]
    assert at_original == [int(0.9 * (1 - k / 3) * n) for k in (1, 2, 3)]


def test_batch_statistics_still_move():
    model = network()
    run(SalUn(saliency=0.0), model, 4)
    assert model[1].num_batches_tracked.item() == 4

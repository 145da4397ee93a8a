import copy

import pytest
import torch

from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.core.data import Streams
from pareto_explorer.unlearning.core.loss_pair import Objectives, untracked
from pareto_explorer.unlearning.forget_losses.kl_heldout import (
    kl_heldout,
    kl_heldout_detached,
    kl_heldout_published,
)
from pareto_explorer.unlearning.forget_losses.kl_uniform import kl_uniform
from pareto_explorer.unlearning.forget_losses.random_labels import random_labels
from tests.unlearning.toys import draws, make_data, network

LOSSES = [kl_uniform, kl_heldout, kl_heldout_detached, kl_heldout_published, random_labels]


def objectives_of(model, loss):
    data, budget = make_data(), Budget(9, 5, 9)
    return Objectives(model, data, Streams(data, 5, draws()), budget.ledger, loss), budget.ledger


@pytest.mark.parametrize("loss", LOSSES, ids=lambda x: x.__name__)
def test_losses_of_an_unchanged_model_are_the_same_again(loss):
    model = network().train()
    objectives, _ = objectives_of(model, loss)
    for _ in range(3):
        drawn = objectives.draw()
        objectives.draw_others()
        first = torch.stack(drawn).detach()
        if loss is not random_labels and "heldout" not in loss.__name__:
            torch.testing.assert_close(objectives.losses_again(), first)
        torch.testing.assert_close(objectives.retain_again(), first[0])
    drawn = torch.stack(objectives.draw()).detach()
    torch.testing.assert_close(objectives.losses_again(), drawn)


def test_measuring_again_moves_nothing_and_counts_forward():
    model = network().train()
    objectives, ledger = objectives_of(model, kl_uniform)
    objectives.draw()
    before = copy.deepcopy(model.state_dict())
    assert (ledger.forward, ledger.backward) == (10, 10)
    assert not objectives.retain_again().requires_grad
    assert (ledger.forward, ledger.backward) == (15, 10)
    assert not objectives.losses_again().requires_grad
    assert (ledger.forward, ledger.backward) == (25, 10)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    objectives.draw()
    assert not torch.equal(model[1].running_mean, before["1.running_mean"])


def test_measuring_again_sees_the_model_as_it_is():
    model = network().train()
    objectives, _ = objectives_of(model, kl_uniform)
    first = torch.stack(objectives.draw()).detach()
    with torch.no_grad():
        model[3].weight.mul_(3)
    assert (objectives.losses_again() != first).all()


def test_layers_in_eval_mode_and_layers_without_statistics_stay_as_they_are():
    frozen, bare = torch.nn.BatchNorm1d(4).eval(), torch.nn.BatchNorm1d(4)
    bare.track_running_stats = False
    model = torch.nn.Sequential(frozen, bare)
    with untracked(model):
        model(torch.randn(5, 4))
    assert frozen.track_running_stats
    assert not bare.track_running_stats

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
from pareto_explorer.unlearning.forget_losses.npo import dpo_refusal
from pareto_explorer.unlearning.forget_losses.random_labels import random_labels
from pareto_explorer.unlearning.forget_losses.undial import undial
from pareto_explorer.unlearning.methods._retain_losses import kl_to_original
from tests.tasks.sequences import SmallCausal
from tests.unlearning.sequence_data import sequence_data
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


class Sequences:
    """Objectives on sequences, all of whose parts are drawn at once."""

    def __init__(self, forget_loss, retain_loss=None):
        torch.manual_seed(0)
        self.model = SmallCausal()
        data, budget = sequence_data(), Budget(9, 5, 9)
        self.ledger = budget.ledger
        self.objectives = Objectives(
            self.model, data, Streams(data, 5, draws()), budget.ledger, forget_loss, retain_loss
        )

    def counts(self):
        return self.ledger.forward, self.ledger.backward


def test_the_original_passes_once_for_each_batch_of_a_step():
    case = Sequences(undial, kl_to_original)
    first = torch.stack(case.objectives.draw()).detach()
    assert first[0] == 0
    assert case.counts() == (20, 10)  # both batches through both models
    torch.testing.assert_close(case.objectives.losses_again(), first)
    assert case.counts() == (30, 10)
    torch.testing.assert_close(case.objectives.retain_again(), first[0])
    assert case.counts() == (35, 10)
    case.objectives.draw_others()
    assert case.counts() == (55, 20)
    torch.testing.assert_close(case.objectives.retain_again(), first[0])
    assert case.counts() == (65, 20)  # the step's own batch once more, the original included


def test_refusals_are_measured_again_of_the_model_as_it_is():
    case = Sequences(dpo_refusal)
    first = torch.stack(case.objectives.draw()).detach()
    assert case.counts() == (10 + 8 + 8 + 5, 15)
    torch.testing.assert_close(case.objectives.losses_again(), first)
    assert case.counts() == (31 + 15, 15)
    with torch.no_grad():
        case.model.head.bias.copy_(torch.randn(16, generator=draws()))
    assert case.objectives.losses_again()[1] != first[1]


def test_nothing_of_a_step_is_put_away_with_the_references():
    case = Sequences(undial, kl_to_original)
    case.objectives.draw()
    assert case.objectives._references.__getstate__()["_logits"] == []

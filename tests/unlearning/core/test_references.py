from functools import partial

import pytest
import torch

from pareto_explorer.unlearning import Budget, References
from pareto_explorer.unlearning.core.data import Streams
from pareto_explorer.unlearning.core.references import reads_original
from pareto_explorer.unlearning.forget_losses.kl_heldout import kl_heldout
from pareto_explorer.unlearning.forget_losses.kl_uniform import kl_uniform
from tests.unlearning.toys import CLASSES, draws, linear, make_data, network, references


def test_original_predictions_do_not_follow_the_model():
    model = network().eval()
    data = make_data()
    with torch.no_grad():
        p = model(data.heldout.inputs).softmax(1)
    expected = torch.stack([p[data.heldout.labels == k].mean(0) for k in range(CLASSES)])
    asked = references(model, kl_heldout, data)
    model.train()
    model(torch.randn(9, 4) + 5)  # moves the running statistics
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    torch.testing.assert_close(asked.original_heldout.probabilities, expected)


def test_only_losses_that_ask_for_the_original_keep_a_copy():
    with pytest.raises(RuntimeError, match="reads_original"):
        references(network(), kl_uniform).original_heldout  # noqa: B018

    @reads_original
    def loss(batch, *, knob):
        raise AssertionError

    assert references(network(), partial(loss, knob=1)).original_heldout.counts.sum() == 13


def test_the_ledger_counts_what_is_passed_through_a_model():
    data, budget = make_data(heldout=13), Budget(1, 5, 1)
    asked = References(
        linear(torch.float32), data, Streams(data, 5, draws()), budget.ledger, kl_heldout
    )
    assert budget.ledger.samples == 0
    for _ in range(2):
        asked.original_heldout  # noqa: B018
    assert (budget.ledger.forward, budget.ledger.backward) == (13, 0)
    asked.current_heldout(gradient=False)
    assert (budget.ledger.forward, budget.ledger.backward) == (18, 0)
    asked.current_heldout(gradient=True)
    assert (budget.ledger.forward, budget.ledger.backward) == (23, 5)


def test_current_predictions_follow_the_model_and_its_mode():
    data = make_data(heldout=5)
    model = network()
    asked = references(model, None, data)
    before = model[1].running_mean.clone()
    in_training = asked.current_heldout(gradient=False).probabilities
    assert not torch.equal(model[1].running_mean, before)
    model.eval()
    assert not torch.allclose(asked.current_heldout(gradient=False).probabilities, in_training)


def test_random_labels_cover_all_classes_evenly_and_repeat_with_the_seed():
    many = torch.zeros(6000, dtype=torch.long)
    drawn = references(linear(), None).random_labels(many)
    assert torch.equal(drawn, references(linear(), None).random_labels(many))
    counts = drawn.bincount(minlength=CLASSES)
    assert len(counts) == CLASSES
    assert (counts - 2000).abs().max() < 200

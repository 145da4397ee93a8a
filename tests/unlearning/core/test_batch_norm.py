"""Statistics of batch norm, estimated anew on the retain set."""

import copy

import pytest
import torch
from torch import nn

from pareto_explorer.tasks import Samples
from pareto_explorer.unlearning import Ledger
from pareto_explorer.unlearning.core import batch_norm
from pareto_explorer.unlearning.core.batch_norm import recompute_statistics
from tests.unlearning.toys import draws, network, samples


def moved(model: nn.Module, seed: int = 7) -> nn.Module:
    """The same weights after other samples have passed."""
    other = copy.deepcopy(model).train()
    with torch.no_grad():
        other(3 + 5 * torch.randn(9, 4, generator=draws(seed)))
    return other


def test_they_are_the_moments_of_the_activations():
    model, retain = moved(network()), samples(40, 1)
    recompute_statistics(model, retain)
    before = model[0](retain.inputs)
    torch.testing.assert_close(model[1].running_mean, before.mean(0))
    torch.testing.assert_close(model[1].running_var, before.var(0))
    assert not any(module.training for module in model.modules())


def test_batches_have_equal_weight_and_none_is_a_single_sample(monkeypatch):
    monkeypatch.setattr(batch_norm, "_BATCH", 8)
    sizes = []
    model, retain = network(), samples(33, 1)
    model[0].register_forward_hook(lambda _, inputs, __: sizes.append(len(inputs[0])))
    recompute_statistics(model, retain)
    assert sorted(sizes) == [6, 6, 7, 7, 7]
    whole = model[0](retain.inputs)
    torch.testing.assert_close(model[1].running_mean, whole.mean(0), atol=0.02, rtol=0)


def test_classes_that_come_one_after_the_other_are_mixed(monkeypatch):
    """Else no batch would have the variance between classes."""
    monkeypatch.setattr(batch_norm, "_BATCH", 16)
    labels = torch.arange(64) // 32
    retain = Samples(samples(64, 1).inputs + 20 * labels[:, None], labels)
    model = network()
    recompute_statistics(model, retain)
    whole = model[0](retain.inputs)
    torch.testing.assert_close(model[1].running_var, whole.var(0), rtol=0.2, atol=0)


def test_earlier_statistics_and_calls_do_not_matter():
    retain, found = samples(40, 1), []
    for model in (network(), moved(network()), moved(network(), 8)):
        for _ in range(2):
            recompute_statistics(model, retain)
            found.append(copy.deepcopy(model.state_dict()))
    for state in found[1:]:
        assert all(torch.equal(state[name], found[0][name]) for name in state)


def test_nothing_is_drawn_and_no_weight_moves():
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 3))
    before = [p.detach().clone() for p in model.parameters()]
    state = torch.get_rng_state()
    recompute_statistics(model, samples(40, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(map(torch.equal, before, model.parameters()))


def test_what_was_before_can_be_put_back():
    model = moved(network())
    before = copy.deepcopy(model.state_dict())
    former = recompute_statistics(model, samples(40, 1))
    assert not torch.equal(model[1].running_mean, before["1.running_mean"])
    former.restore()
    assert all(torch.equal(model.state_dict()[name], before[name]) for name in before)
    assert model[1].momentum == 0.1


def test_the_ledger_counts_one_pass():
    ledger = Ledger()
    recompute_statistics(network(), samples(40, 1), ledger)
    assert (ledger.forward, ledger.backward) == (40, 0)


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6), nn.Linear(6, 3)),
        nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6, track_running_stats=False)),
    ],
    ids=["layer norm", "no running statistics"],
)
def test_without_statistics_nothing_happens(model):
    ledger, before = Ledger(), copy.deepcopy(model.state_dict())
    model.register_forward_hook(lambda *_: pytest.fail("the model is called"))
    former = recompute_statistics(model.train(), samples(40, 1), ledger)
    former.restore()
    assert ledger.samples == 0
    assert all(torch.equal(model.state_dict()[name], before[name]) for name in before)
    assert not model.training

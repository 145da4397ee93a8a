"""What every method that edits the weights once promises."""

import copy

import pytest
import torch

from pareto_explorer.unlearning import Budget, make_method
from tests.unlearning.toys import draws, flat, make_data, network

CONFIGS = [
    {"method": "influence_unlearning", "fisher_samples": 9},
    {"method": "fisher_forgetting"},
    {"method": "ssd", "selection": 0.5, "importance_batch": 3},
]
every = pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c["method"])


@every
def test_yields_one_changed_model_at_step_zero_in_eval_mode(config):
    model, budget = network(), Budget(7, 5, 3)
    model.train()
    before = copy.deepcopy(model)
    found = list(make_method(config).run(model, make_data(), budget, draws()))
    assert found == [model]
    assert not any(module.training for module in model.modules())
    assert all(p.grad is None for p in model.parameters())
    assert not torch.equal(flat(model), flat(before))
    assert budget.ledger.step == 0
    for old, new in zip(before.buffers(), model.buffers(), strict=True):
        assert torch.equal(old, new)


@every
def test_same_seed_gives_the_same_model_and_another_seed_another(config):
    def run(seed):
        model = network()
        torch.manual_seed(seed + 99)  # the global generator must not matter
        list(make_method(config).run(model, make_data(), Budget(3, 5, 3), draws(seed)))
        return flat(model)

    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))


@every
def test_only_trainable_parameters_move(config):
    model = network()
    model[0].weight.requires_grad_(False)
    before = copy.deepcopy(model)
    list(make_method(config).run(model, make_data(), Budget(3, 5, 3), draws()))
    assert torch.equal(model[0].weight, before[0].weight)
    assert not torch.equal(model[3].weight, before[3].weight)


@every
def test_a_spent_budget_is_refused(config):
    budget = Budget(2, 5, 2)
    list(make_method(config).run(network(), make_data(), budget, draws()))
    with pytest.raises(ValueError, match="this budget is spent"):
        next(make_method(config).run(network(), make_data(), budget, draws()))

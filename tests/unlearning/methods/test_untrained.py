import copy
from dataclasses import replace

import pytest
import torch

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning import Budget, make_method
from tests.unlearning.toys import draws, make_data, network


@pytest.mark.parametrize("name", ["retrain", "bad_teacher"])
def test_a_task_without_untrained_models_is_refused_before_anything_changes(name):
    method, data = make_method({"method": name}), replace(make_data(), fresh_model=None)
    method.require(make_data())
    message = f"^method: '{name}' needs an untrained model; give the data a fresh_model"
    with pytest.raises(InputError, match=message):
        method.require(data)
    model = network()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(InputError, match=message):
        next(method.run(model, data, Budget(1, 5, 1), draws()))
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


@pytest.mark.parametrize("name", ["retrain", "bad_teacher"])
def test_the_callers_random_state_is_left_alone(name):
    model = network()
    before = torch.random.get_rng_state()
    list(make_method({"method": name}).run(model, make_data(), Budget(2, 5, 2), draws()))
    assert torch.equal(torch.random.get_rng_state(), before)

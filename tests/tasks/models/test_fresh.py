from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.models.fresh import Fresh


def trained():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(1, 4, 3),
        nn.BatchNorm1d(4),
        nn.BatchNorm1d(4, affine=False),
        nn.Flatten(),
        nn.Linear(24, 3),
    )
    model(5 + torch.randn(9, 1, 8))  # moves the running statistics
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(10)
    return model


def test_a_fresh_model_is_what_building_one_gives():
    def built():
        torch.manual_seed(3)
        return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))

    fresh = Fresh(trained_like(built()))
    torch.manual_seed(3)
    made = [p for m in reversed(list(fresh().modules())) for p in m.parameters(recurse=False)]
    torch.manual_seed(3)
    plain = [nn.Linear(4, 2), nn.BatchNorm1d(4), nn.Linear(4, 4)]  # drawn from the last on
    expected = [p for m in plain for p in m.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(made, expected, strict=True))


def trained_like(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(7).add_(1)
    return model


def test_nothing_that_was_learned_is_left():
    model = trained()
    before = copy.deepcopy(model.state_dict())
    state = Fresh(model)().state_dict()
    for name, value in state.items():
        assert not torch.equal(value, before[name]), name
    assert torch.equal(state["2.running_mean"], torch.zeros(4))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_every_draw_gives_another_model_and_equal_seeds_equal_ones():
    fresh = Fresh(trained())

    def drawn(seed):
        torch.manual_seed(seed)
        return fresh()[0].weight

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


def test_what_is_frozen_stays():
    model = trained()
    model[0].requires_grad_(False)
    model[4].bias.requires_grad_(False)
    made = Fresh(model)()
    assert torch.equal(made[0].weight, model[0].weight)
    assert torch.equal(made[4].bias, model[4].bias)
    assert not torch.equal(made[4].weight, model[4].weight)
    assert not made[0].weight.requires_grad


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.register_buffer("table", torch.arange(3.0))


class Resettable(Scaled):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def reset_parameters(self):
        with torch.no_grad():
            self.scale.fill_(0.5)
            self.layer.weight.zero_()


def test_a_layer_that_cannot_be_reset_is_refused():
    with pytest.raises(InputError, match=r"its layer '1' of type Scaled has parameters but no"):
        Fresh(nn.Sequential(nn.Linear(3, 3), Scaled()))
    with pytest.raises(InputError, match=r"model: the type Scaled has parameters but no"):
        Fresh(Scaled())
    assert Fresh(Scaled().requires_grad_(False))().table.tolist() == [0, 1, 2]


def test_a_layer_has_the_last_word_about_what_it_contains():
    made = Fresh(Resettable())()
    assert made.scale.tolist() == [0.5] * 3
    assert not made.layer.weight.any()


def test_attention_is_reset():
    model = nn.MultiheadAttention(4, 2)
    made = Fresh(model)()
    assert not torch.equal(made.in_proj_weight, model.in_proj_weight)
    assert not torch.equal(made.out_proj.weight, model.out_proj.weight)


def test_it_travels_by_pickle_and_leaves_the_wrapper_behind():
    model = trained()
    fresh = Fresh(nn.DataParallel(model))
    made = pickle.loads(pickle.dumps(fresh))()  # noqa: S301
    assert made.state_dict().keys() == model.state_dict().keys()
    assert type(made) is nn.Sequential

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from pareto_explorer.unlearning.methods._saliency import restore_masked, saliency_mask
from tests.unlearning.toys import make_data, network


def saliencies(model, samples):
    model = copy.deepcopy(model).eval()
    for inputs, label in zip(samples.inputs, samples.labels, strict=True):
        functional.cross_entropy(model(inputs[None]), label[None]).backward()
    return torch.cat([p.grad.abs().flatten() for p in model.parameters() if p.requires_grad])


@pytest.mark.parametrize("kept", [0.0, 0.2, 0.5, 1.0])
def test_the_largest_gradients_of_all_tensors_together_are_marked(kept):
    model, forget = network().double(), make_data(dtype=torch.float64).forget
    masks = saliency_mask(model, forget, kept)
    assert [m.shape for m in masks] == [p.shape for p in model.parameters()]
    marks, values = torch.cat([m.flatten() for m in masks]), saliencies(model, forget)
    assert marks.sum() == round(kept * len(marks))
    if 0 < kept < 1:
        assert values[marks].min() > values[~marks].max()


def test_neither_the_batch_size_nor_the_running_statistics_matter():
    model, forget = network().double().train(), make_data(dtype=torch.float64).forget
    model[1].eval()
    before = copy.deepcopy(model.state_dict())
    first, second = saliency_mask(model, forget, 0.3, 4), saliency_mask(model, forget, 0.3)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert [m.training for m in model.modules()] == [True, True, False, True, True]
    assert all(p.grad is None for p in model.parameters())


def test_only_trainable_parameters_have_a_mask():
    model = network()
    model[0].weight.requires_grad_(False)
    masks = saliency_mask(model, make_data().forget, 0.5)
    assert [m.shape for m in masks] == [p.shape for p in model.parameters() if p.requires_grad]


def test_weights_without_saliency_are_marked_only_as_far_as_asked():
    parameter = nn.Linear(4, 3)
    nn.init.zeros_(parameter.weight)
    forget = make_data().forget
    forget.inputs.zero_()
    weight, bias = saliency_mask(parameter, forget, 6 / 15)
    assert bias.all()
    assert weight.sum() == 3


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
def test_masked_weights_are_bit_identical_despite_decay_and_momentum(optimizer):
    model = network()
    masks = saliency_mask(model, make_data().forget, 0.4)
    parameters = list(model.parameters())
    originals = [p.detach().clone() for p in parameters]
    knobs = {"momentum": 0.9} if optimizer == "SGD" else {}
    optimizer = getattr(torch.optim, optimizer)(parameters, lr=0.1, weight_decay=0.1, **knobs)
    for _ in range(3):
        for p in parameters:
            p.grad = torch.randn_like(p)
        optimizer.step()
        restore_masked(parameters, masks, originals)
    for p, mask, original in zip(parameters, masks, originals, strict=True):
        assert torch.equal(p[~mask], original[~mask])
        assert (p[mask] != original[mask]).all()

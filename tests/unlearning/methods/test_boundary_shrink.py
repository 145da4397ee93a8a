import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.core.task import Samples
from pareto_explorer.tasks.models.networks import ImageClassifier
from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.methods._descent import Demanding
from pareto_explorer.unlearning.methods.boundary_shrink import BoundaryShrink, nearest_labels
from tests.unlearning.softmax_regression import cross_entropy_gradient, sgd, start
from tests.unlearning.toys import draws, flat, linear, make_data, network

WHOLE = 100


def directions(angles):
    """A linear model in the plane: logit k is the projection on the direction of angle k."""
    radians = torch.deg2rad(torch.tensor(angles))
    model = nn.Linear(2, len(angles), bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.stack((radians.cos(), radians.sin()), 1))
    return model


def test_the_nearest_label_is_on_the_other_side_of_the_nearest_boundary():
    model = directions([0.0, 90.0, 180.0])
    inputs = torch.tensor([[1.0, 0.9], [0.9, 1.0], [-0.9, 1.0], [-1.0, 0.9]])
    samples = Samples(inputs, torch.tensor([0, 1, 1, 2]))
    assert nearest_labels(model, samples, 0.1).tolist() == [1, 0, 2, 1]


def test_the_label_is_wrong_even_where_the_attack_fails():
    model = directions([0.0, 120.0, 240.0])
    samples = Samples(torch.tensor([[9.0, 1.0], [9.0, -1.0]]), torch.tensor([0, 0]))
    assert nearest_labels(model, samples, 1e-3).tolist() == [1, 2]


def test_the_attack_goes_uphill_on_the_loss():
    """Along a line: logits x, 0 and 1 − 2x; class 2 is the runner-up only at lower x."""
    model = nn.Linear(1, 3)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0], [0.0], [-2.0]]))
        model.bias.copy_(torch.tensor([0.0, 0.0, 1.0]))
    samples = Samples(torch.tensor([[1.0], [-2.0], [3.0]]), torch.tensor([0, 0, 0]))
    assert nearest_labels(model, samples, 0.1).tolist() == [1, 2, 1]
    assert nearest_labels(model, samples, 1.5).tolist() == [2, 2, 1]


def test_the_attack_stays_within_the_range_of_the_inputs():
    seen = []
    model = nn.Linear(4, 3)
    model.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].detach()))
    samples = make_data().forget
    nearest_labels(model, samples, 1.5)
    moved = (seen[1] - seen[0]).abs()
    lowest, highest = samples.inputs.aminmax()
    assert seen[1].min() == lowest
    assert seen[1].max() <= highest
    assert moved.max() <= 1.5 + 1e-6
    inside = (seen[1] > lowest) & (seen[1] < highest)
    torch.testing.assert_close(moved[inside], torch.full_like(moved[inside], 1.5))


def test_descends_on_the_labels_that_were_nearest_to_the_original():
    data, model = make_data(dtype=torch.float64), linear()
    theta = start(model)
    labels = nearest_labels(model, data.forget, 0.1)
    relabelled = Samples(data.forget.inputs, labels)
    theta = sgd(
        theta,
        lambda theta, _: cross_entropy_gradient(theta, relabelled),
        5,
        0.3,
        momentum=0.9,
        decay=0.01,
    )
    budget = Budget(5, WHOLE, 5)
    list(BoundaryShrink(lr=0.3, weight_decay=0.01).run(model, data, budget, draws()))
    np.testing.assert_allclose(flat(model), theta, rtol=1e-11)


def test_counts_the_search_for_labels_and_never_reads_the_retain_set():
    data = make_data(forget=11)
    data.retain.inputs.fill_(float("nan"))
    model, budget = network(), Budget(4, 5, 2)
    before = copy.deepcopy(model)
    list(BoundaryShrink().run(model, data, budget, draws()))
    assert (budget.ledger.forward, budget.ledger.backward) == (2 * 11 + 20, 11 + 20)
    assert set(budget.ledger.drain()) == {"loss_forget"}
    assert torch.isfinite(flat(model)).all()
    assert not torch.equal(flat(model), flat(before))


def on_pixels():
    """A linear model of four pixels in [0, 1]."""
    torch.manual_seed(1)
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3, bias=False))
    return ImageClassifier(network, mean=[0.5], std=[0.25]).eval()


def test_images_of_bytes_are_attacked_as_numbers_from_0_to_1():
    model, seen = on_pixels(), []
    draw = torch.Generator().manual_seed(0)
    pixels = torch.randint(20, 200, (9, 1, 2, 2), generator=draw).byte()
    labels = torch.randint(3, (9,), generator=draw)
    handle = model.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    found = nearest_labels(model, Samples(pixels, labels), 0.3)
    handle.remove()
    lowest, highest = pixels.aminmax()
    assert torch.equal(seen[0].detach(), pixels / 255)
    moved = (seen[1] - pixels / 255).abs()
    torch.testing.assert_close(moved.max(), torch.tensor(0.3))
    assert seen[1].min() == lowest / 255
    assert seen[1].max() == highest / 255
    assert torch.equal(found, nearest_labels(model, Samples(pixels / 255, labels), 0.3))


def test_images_stay_bytes_while_it_descends():
    pixels = torch.arange(24, dtype=torch.uint8).reshape(6, 1, 2, 2)
    data = make_data()
    data = replace(data, forget=Samples(pixels, torch.arange(6) % 3))
    model, seen = on_pixels(), []
    model.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].dtype))
    list(BoundaryShrink().run(model, data, Budget(2, 3, 2), draws()))
    tried = [torch.uint8, torch.float32]
    assert seen == [*tried, torch.float32, torch.float32, torch.uint8, torch.uint8]


class AlwaysDivides(nn.Module):
    """Whatever it is given, it takes for bytes."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 3)

    def forward(self, inputs):
        return self.head(inputs.flatten(1).float() / 255)


def test_a_model_that_knows_its_images_as_bytes_only_is_refused():
    torch.manual_seed(0)
    pixels = torch.randint(256, (6, 1, 2, 2)).byte()
    data = replace(make_data(), forget=Samples(pixels, torch.arange(6) % 3))
    with pytest.raises(InputError, match=r"^method: 'boundary_shrink' .* divide by 255 only what"):
        next(BoundaryShrink().run(AlwaysDivides(), data, Budget(2, 3, 2), draws()))


def test_token_ids_are_refused():
    data = replace(
        make_data(), forget=Samples(torch.ones(6, 5, dtype=torch.long), torch.zeros(6).long())
    )
    method = BoundaryShrink()
    assert isinstance(method, Demanding)
    method.require(make_data())
    message = r"^method: 'boundary_shrink' moves inputs .* are int64 numbers such as token ids; "
    with pytest.raises(InputError, match=message):
        method.require(data)
    with pytest.raises(InputError, match=message):
        next(method.run(network(), data, Budget(2, 3, 2), draws()))

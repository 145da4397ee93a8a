import copy
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.core.task import Samples
from pareto_explorer.tasks.models.networks import ImageClassifier
from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.core.data import Streams
from pareto_explorer.unlearning.methods.boundary_expand import BoundaryExpand, _Widened
from tests.unlearning.toys import CLASSES, draws, flat, make_data, network

WHOLE = 100


def first_row(model, data, batch_size):
    """The additional row as a run with ``draws()`` starts with it."""
    widened = _Widened(model, model[-1])
    widened.draw_row(Streams(data, batch_size, draws()).generator("weights"))
    return widened.weight.detach(), widened.bias.detach()


def test_it_is_fine_tuning_of_a_wider_head_on_a_new_class_less_the_last_logit():
    data, model = make_data(), network()
    wide = copy.deepcopy(model)
    row, bias = first_row(model, data, WHOLE)
    head = nn.Linear(6, CLASSES + 1)
    with torch.no_grad():
        head.weight.copy_(torch.cat((wide[-1].weight, row)))
        head.bias.copy_(torch.cat((wide[-1].bias, bias)))
    wide[-1] = head
    optimizer = torch.optim.SGD(wide.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    wide.train()
    for _ in range(6):
        optimizer.zero_grad()
        labels = torch.full_like(data.forget.labels, CLASSES)
        functional.cross_entropy(wide(data.forget.inputs), labels).backward()
        optimizer.step()

    method = BoundaryExpand(lr=0.1, weight_decay=0.01)
    (found,) = method.run(model, data, Budget(6, WHOLE, 6), draws())
    assert found is model
    with torch.no_grad():
        logits = model(data.retain.inputs)
        wider = wide.eval()(data.retain.inputs)
    assert logits.shape == (23, CLASSES)
    torch.testing.assert_close(logits, wider[:, :CLASSES])


def test_models_have_their_own_logits_whenever_they_are_yielded():
    data, model = make_data(), network()
    names = list(model.state_dict())
    for found in BoundaryExpand().run(model, data, Budget(4, 5, 1), draws()):
        assert found is model
        assert list(found.state_dict()) == names
        assert found(data.retain.inputs).shape[1] == CLASSES
        assert not any(m._forward_pre_hooks or m._forward_hooks for m in found.modules())
        copy.deepcopy(found)


def test_the_new_row_is_drawn_as_linear_layers_are():
    model = nn.Sequential(nn.Linear(4, 400), nn.Linear(400, CLASSES))
    row, bias = first_row(model, make_data(), 5)
    assert row.shape == (1, 400)
    assert 0.9 / 20 < row.abs().max() <= 1 / 20
    assert row.min() < 0 < row.max()
    assert 0 < bias.abs() <= 1 / 20


@pytest.mark.parametrize("bias", [True, False])
def test_a_head_inside_a_module_is_found(bias):
    class Nested(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(6, CLASSES, bias=bias)
            self.body = nn.Linear(4, 6)

        def forward(self, inputs):
            return self.head(self.body(inputs).relu())

    model = Nested()
    before = copy.deepcopy(model)
    list(BoundaryExpand(lr=0.1).run(model, make_data(), Budget(2, 5, 2), draws()))
    assert not torch.equal(model.head.weight, before.head.weight)
    assert not torch.equal(model.body.weight, before.body.weight)


def test_a_model_without_a_linear_head_is_refused():
    model = nn.Sequential(nn.Linear(4, CLASSES), nn.Softplus())
    with pytest.raises(InputError, match=r"'boundary_expand' needs .* Sequential has none"):
        next(BoundaryExpand().run(model, make_data(), Budget(2, 5, 2), draws()))


def test_counts_one_batch_a_step_and_never_reads_the_retain_set():
    data = make_data()
    data.retain.inputs.fill_(float("nan"))
    model, budget = network(), Budget(4, 5, 2)
    list(BoundaryExpand().run(model, data, budget, draws()))
    assert (budget.ledger.forward, budget.ledger.backward) == (2 + 20, 20)
    assert set(budget.ledger.drain()) == {"loss_forget"}
    assert torch.isfinite(flat(model)).all()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("compiled", [False, True])
def test_the_head_of_an_image_classifier_is_that_of_its_network(precision, compiled, monkeypatch):
    """Logits are cast there, and hooks on parts of a compiled network are not called."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Flatten(), nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, CLASSES))
    model = ImageClassifier(inner, [0.5], [0.25], precision, compile=compiled).eval()
    images = torch.arange(24, dtype=torch.uint8).reshape(6, 1, 2, 2)
    data = replace(make_data(), forget=Samples(images, torch.arange(6) % CLASSES))
    model(images)  # compiles
    before, start = copy.deepcopy(inner.state_dict()), model(images)
    widened = _Widened(model, inner[-1])
    widened.draw_row(draws())
    assert widened(images).shape == (6, CLASSES + 1)
    torch.testing.assert_close(widened(images)[:, :CLASSES], start)
    for found in BoundaryExpand(lr=0.1).run(model, data, Budget(2, 3, 1), draws()):
        assert found is model
        assert found(images).shape == (6, CLASSES)
    assert not torch.equal(inner[-1].weight, before["3.weight"])
    assert not torch.equal(inner[1].weight, before["1.weight"])
    torch.compiler.reset()


def test_an_image_classifier_without_a_linear_head_is_refused_by_its_networks_name():
    inner = nn.Sequential(nn.Flatten(), nn.Linear(4, CLASSES), nn.Softplus())
    model = ImageClassifier(inner, [0.5], [0.25])
    data = replace(make_data(), forget=Samples(torch.zeros(6, 1, 2, 2), torch.zeros(6).long()))
    with pytest.raises(InputError, match=r"'boundary_expand' needs .* Sequential has none"):
        next(BoundaryExpand().run(model, data, Budget(2, 5, 2), draws()))

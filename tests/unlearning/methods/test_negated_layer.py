import pytest
import torch
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.methods.controls import FineTune
from pareto_explorer.unlearning.methods.negated_layer import NegatedLayer
from tests.unlearning.toys import CLASSES, draws, flat, make_data, network


def negated(model, index):
    with torch.no_grad():
        for parameter in model[index].parameters():
            parameter.neg_()
    return model


@pytest.mark.parametrize(("layer", "index"), [(0, 0), (1, 3)])
def test_it_is_fine_tuning_of_a_model_with_a_negated_layer(layer, index):
    """Batch norm has weights too, but no weight matrix: it is not counted."""
    ours, theirs = network(), negated(network(), index)
    data = make_data()
    budgets = Budget(6, 5, 3), Budget(6, 5, 3)
    list(NegatedLayer(lr=0.05, layer=layer).run(ours, data, budgets[0], draws()))
    list(FineTune(lr=0.05).run(theirs, data, budgets[1], draws()))
    assert torch.equal(flat(ours), flat(theirs))
    assert (budgets[0].ledger.forward, budgets[0].ledger.backward) == (30, 30)
    assert budgets[0].ledger.drain() == budgets[1].ledger.drain()


def test_the_layers_output_changes_its_sign():
    model = nn.Sequential(nn.Conv1d(1, 3, 2), nn.Flatten(), nn.Linear(9, CLASSES))
    inputs = torch.randn(5, 1, 4, generator=draws(1))
    before = model[0](inputs).detach()
    method = NegatedLayer(lr=1e-30, weight_decay=0)
    data = make_data()
    model_in = nn.Sequential(nn.Unflatten(1, (1, 4)), *model)
    next(method.run(model_in, data, Budget(1, 5, 1), draws()))
    torch.testing.assert_close(model[0](inputs).detach(), -before)


def test_the_forget_set_is_never_read():
    data, model = make_data(), network()
    data.forget.inputs.fill_(float("nan"))
    list(NegatedLayer().run(model, data, Budget(5, 5, 5), draws()))
    assert torch.isfinite(flat(model)).all()


@pytest.mark.parametrize("layer", [2, -1])
def test_a_layer_that_is_not_there_is_named(layer):
    with pytest.raises(InputError, match=rf"layer: {layer} must be a whole number from 0 to 1"):
        next(NegatedLayer(layer=layer).run(network(), make_data(), Budget(2, 5, 2), draws()))

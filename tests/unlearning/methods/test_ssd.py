from dataclasses import replace

import pytest
import torch
from torch import nn

from pareto_explorer.tasks.core.task import Samples
from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.methods.ssd import SelectiveSynapticDampening
from tests.unlearning.toys import CLASSES, draws, flat, linear, make_data, network

WHOLE = 100


def started(seed=4):
    model = linear()
    nn.init.normal_(model.weight, generator=draws(seed))
    nn.init.normal_(model.bias, generator=draws(seed + 1))
    return model


def importances(model, data, size):
    """Mean squared gradients by hand: single samples, or the whole set in one batch."""
    p = model(data.inputs).softmax(1).detach()
    slopes = p - torch.eye(CLASSES, dtype=p.dtype)[data.labels]
    weight = slopes[:, :, None] * data.inputs[:, None, :]
    rows = torch.cat([weight.flatten(1), slopes], 1)
    return (rows**2).mean(0) if size == 1 else rows.mean(0) ** 2


def run(method, model, data, size=WHOLE):
    budget = Budget(3, size, 3)
    list(method.run(model, data, budget, draws()))
    return budget.ledger


@pytest.mark.parametrize("size", [1, WHOLE])
@pytest.mark.parametrize(("selection", "dampening"), [(1.0, 1.0), (0.5, 0.7), (1.5, 1.2)])
def test_weights_shrink_by_the_ratio_of_importances_where_it_is_large(size, selection, dampening):
    data, model = make_data(dtype=torch.float64), started()
    everything = Samples(
        torch.cat((data.retain.inputs, data.forget.inputs)),
        torch.cat((data.retain.labels, data.forget.labels)),
    )
    i_f, i_d = (importances(model, s, size) for s in (data.forget, everything))
    before = flat(model)
    factor = (dampening * i_d / i_f).clamp(max=1)
    expected = torch.where(i_f > selection * i_d, before * factor, before)
    run(
        SelectiveSynapticDampening(selection=selection, dampening=dampening, importance_batch=size),
        model,
        data,
    )
    torch.testing.assert_close(flat(model), expected)
    assert 0 < (expected != before).sum() < len(before)


def test_equal_importances_change_nothing():
    data, model = make_data(), network()
    data = replace(data, forget=data.retain)
    before = flat(model)
    run(SelectiveSynapticDampening(selection=1.001, importance_batch=1), model, data)
    assert torch.equal(flat(model), before)


def test_weights_never_grow_and_never_change_sign():
    model = network()
    before = flat(model)
    run(SelectiveSynapticDampening(selection=0.1, dampening=9.0), model, make_data(), 5)
    assert (flat(model).abs() <= before.abs()).all()
    assert (flat(model) * before >= 0).all()


def test_weights_without_a_gradient_stay_as_they_are():
    data, model = make_data(dtype=torch.float64), started()
    for part in (data.retain, data.forget):
        part.inputs[:, 2] = 0
    before = flat(model).view(-1)[: 4 * CLASSES].view(CLASSES, 4)[:, 2].clone()
    run(SelectiveSynapticDampening(selection=0.01), model, data)
    assert torch.equal(model.weight[:, 2], before)
    assert torch.isfinite(flat(model)).all()


def test_each_sample_counts_once_for_every_set_that_it_is_in():
    ledger = run(SelectiveSynapticDampening(), network(), make_data(23, 11), 5)
    assert (ledger.forward, ledger.backward) == (23 + 2 * 11, 23 + 2 * 11)


def test_the_batch_of_the_budget_is_used_unless_another_is_given():
    def weights(size, batch):
        model = started()
        method = SelectiveSynapticDampening(selection=0.5, importance_batch=batch)
        run(method, model, make_data(dtype=torch.float64), size)
        return flat(model)

    assert torch.equal(weights(5, None), weights(7, 5))
    assert not torch.equal(weights(5, None), weights(7, None))

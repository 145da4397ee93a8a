import copy
import importlib.util
import pickle

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from torch import nn
from torchjd.aggregation import UPGrad

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning import Budget, make_method
from pareto_explorer.unlearning.core.losses import ForgetBatch, cross_entropy
from pareto_explorer.unlearning.forget_losses.kl_uniform import kl_uniform_reverse
from pareto_explorer.unlearning.methods._projection import flat_gradient
from pareto_explorer.unlearning.methods.calibrated import (
    TRIPLE_AGGREGATORS,
    RAULCalibrated,
    calibration,
)
from tests.unlearning.toys import CLASSES, draws, flat, linear, make_data, network, references

WHOLE = 100  # a batch of this size is the whole set
LOGITS = [[2.0, -1.0, 0.5], [0.0, 0.0, 0.0], [-3.0, 4.0, 4.0]]
LABELS = [0, 2, 0]


def plain(**knobs):
    """Gradient descent without momentum or decay."""
    return RAULCalibrated(**({"lr": 0.1, "momentum": 0.0, "weight_decay": 0.0} | knobs))


def start():
    model = linear()
    nn.init.normal_(model.weight, generator=draws(5))
    return model


def run(method, model, data, budget):
    for _ in method.run(model, data, budget, draws()):
        pass
    return model


def trained(data):
    """A model that has learned the forget set, on which the objectives conflict."""
    model = start()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for _ in range(100):
        optimizer.zero_grad()
        for part in (data.retain, data.forget):
            cross_entropy(model(part.inputs), part.labels).backward()
        optimizer.step()
    return model


def losses_of(model, data, smoothing=0.15, penalty=0.1):
    logits, labels = model(data.forget.inputs), data.forget.labels
    yield cross_entropy(model(data.retain.inputs), data.retain.labels)
    yield kl_uniform_reverse(ForgetBatch(logits, labels, references(model, kl_uniform_reverse)))
    yield calibration(logits, labels, smoothing, penalty)


def rows_of(model, data):
    parameters = list(model.parameters())
    rows = [flat_gradient(loss, parameters, keep_graph=True) for loss in losses_of(model, data)]
    return torch.stack(rows)


@pytest.mark.parametrize("smoothing", [0.0, 0.15, 1.0])
def test_calibration_follows_its_definition(smoothing):
    log_p = log_softmax(np.array(LOGITS), 1)
    target = np.full((3, 3), smoothing / 2)
    target[np.arange(3), LABELS] = 1 - smoothing
    expected = -(target * log_p).sum(1).mean() + 0.1 * np.exp(log_p).max(1).mean()
    logits = torch.tensor(LOGITS, dtype=torch.float64)
    found = calibration(logits, torch.tensor(LABELS), smoothing, 0.1)
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_calibration_is_differentiated_right_and_survives_extreme_logits():
    labels = torch.tensor(LABELS)
    logits = torch.randn(3, 3, generator=draws(), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: calibration(z, labels, 0.15, 0.1), logits)
    extreme = torch.tensor([[300.0, -300.0, 0.0]], requires_grad=True)
    loss = calibration(extreme, torch.tensor([1]), 0.15, 0.1)
    assert loss.item() == pytest.approx(0.85 * 600 + 0.075 * 300 + 0.1)
    loss.backward()
    assert extreme.grad.isfinite().all()


def test_the_mean_of_the_rows_is_descent_on_the_mean_of_the_losses():
    data, model, twin = make_data(dtype=torch.float64), start(), start()
    knobs = {"smoothing": 0.3, "confidence_penalty": 0.7}
    run(plain(triple_aggregator="mean", **knobs), model, data, Budget(4, WHOLE, 4))
    for _ in range(4):
        twin.zero_grad()
        (sum(losses_of(twin, data, 0.3, 0.7)) / 3).backward()
        with torch.no_grad():
            for parameter in twin.parameters():
                parameter -= 0.1 * parameter.grad
    torch.testing.assert_close(flat(model), flat(twin), rtol=1e-12, atol=1e-14)


def test_upgrad_raises_none_of_the_three_losses():
    data = make_data(dtype=torch.float64)
    model = trained(data)
    rows, before = rows_of(model, data), flat(model)
    assert (rows @ rows.mT).min() < 0  # they conflict
    run(plain(), model, data, Budget(1, WHOLE, 1))
    step = before - flat(model)
    cosines = rows @ step / rows.norm(dim=1) / step.norm()
    assert cosines.min() > -1e-6
    assert cosines.max() > 0.1


def test_upgrad_torchjd_is_the_librarys():
    data = make_data(dtype=torch.float64)
    model = trained(data)
    rows, before = rows_of(model, data), flat(model)
    expected = before - 0.1 * UPGrad()(rows)
    assert not torch.allclose(expected, before - 0.1 * rows.mean(0))
    run(plain(triple_aggregator="upgrad_torchjd"), model, data, Budget(1, WHOLE, 1))
    torch.testing.assert_close(flat(model), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", TRIPLE_AGGREGATORS)
def test_every_aggregator_can_be_pickled_and_run(name):
    method = pickle.loads(pickle.dumps(plain(triple_aggregator=name)))  # noqa: S301 - our own
    model = network()
    before = flat(model)
    run(method, model, make_data(), Budget(3, 5, 3))
    assert flat(model).isfinite().all()
    assert not torch.equal(flat(model), before)


@pytest.mark.parametrize("name", TRIPLE_AGGREGATORS)
def test_diverged_losses_reach_the_model(name):
    model = network()
    with torch.no_grad():
        model[0].weight[0, 0] = torch.nan
    run(plain(triple_aggregator=name), model, make_data(), Budget(1, 5, 1))
    assert not torch.isfinite(model[3].weight).all()


def test_an_unknown_aggregator_is_refused():
    with pytest.raises(InputError, match=r"triple_aggregator: 'upgard' .* mean 'upgrad'"):
        RAULCalibrated(triple_aggregator="upgard")


def test_the_ledger_counts_two_backward_passes_of_the_forget_batch():
    budget = Budget(3, 5, 3)
    run(plain(), network(), make_data(), budget)
    assert (budget.ledger.forward, budget.ledger.backward) == (3 * 10, 3 * 15)


def test_diagnostics_are_about_the_retain_and_the_uniform_objective():
    data, model = make_data(dtype=torch.float64), start()
    budget = Budget(1, WHOLE, 1)
    rows = rows_of(model, data)
    losses = [loss.item() for loss in losses_of(model, data)]
    run(plain(triple_aggregator="mean"), copy.deepcopy(model), data, budget)
    norms, product = rows.norm(dim=1), (rows[0] @ rows[1]).item()
    assert budget.ledger.drain() == pytest.approx(
        {
            "loss_retain": losses[0],
            "loss_forget": losses[1],
            "weight_retain": 1 / 3,
            "weight_forget": 1 / 3,
            "norm_retain": norms[0].item(),
            "norm_forget": norms[1].item(),
            "cosine": product / (norms[0] * norms[1]).item(),
            "hardness": -product,
        }
    )


def test_label_smoothing_one_leaves_nothing_of_the_label():
    logits = torch.tensor([[5.0] + [0.0] * (CLASSES - 1)])
    kept, gone = (calibration(logits, torch.tensor([0]), s, 0.0) for s in (0.0, 1.0))
    assert kept < 0.02 < 5 < gone


def test_a_compiled_model_goes_the_same_way():
    found = []
    for compiled in (False, True):
        model = network()
        if compiled:
            model.compile(backend="aot_eager")
        list(RAULCalibrated().run(model, make_data(), Budget(3, 5, 3), draws()))
        found.append(flat(model))
    torch.compiler.reset()
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("package", ["quadprog", "qpsolvers"])
@pytest.mark.parametrize("name", ["upgrad", "upgrad_torchjd", "dualproj"])
def test_a_missing_solver_is_refused_before_anything_runs(monkeypatch, name, package):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "torchjd._mixins.find_spec", lambda wanted: None if wanted == package else find(wanted)
    )
    with pytest.raises(InputError, match=rf"^method: 'raul_calibrated' needs .*{package}"):
        make_method({"method": "raul_calibrated", "triple_aggregator": name})
    make_method({"method": "raul_calibrated", "triple_aggregator": "mgda"})

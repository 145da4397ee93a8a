"""What every method that takes gradient steps promises."""

import copy

import pytest
import torch

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning import AGGREGATORS, FORGET_LOSSES, METHODS, Budget, make_method
from pareto_explorer.unlearning.methods import GradientMethod
from pareto_explorer.unlearning.methods.controls import FineTune
from tests.unlearning.toys import draws, flat, make_data, network

#: Those that need no parts, nor a task with an adjacent set, and show more than their last model.
STEPWISE = [
    name
    for name, entry in METHODS.items()
    if isinstance(entry.build, type)
    and issubclass(entry.build, GradientMethod)
    and not (entry.needs or name in {"entanglement", "neg_merge"})
]
FAMILIES = [
    *({"method": name} for name in STEPWISE),
    *(
        {"method": "jacobian_descent", "aggregator": "upgrad", "forget_loss": x}
        for x in FORGET_LOSSES
    ),
    *(
        {"method": "jacobian_descent", "aggregator": x, "forget_loss": "kl_uniform"}
        for x in AGGREGATORS
    ),
]
every = pytest.mark.parametrize("family", FAMILIES, ids=lambda f: "/".join(f.values()))


@every
def test_yields_the_model_in_eval_mode_without_gradients_at_each_evaluation_step(family):
    model, budget = network(), Budget(7, 5, 3)
    steps = []
    for found in make_method(family).run(model, make_data(), budget, draws()):
        assert found is model
        assert not any(module.training for module in model.modules())
        assert all(p.grad is None for p in model.parameters())
        steps.append(budget.ledger.step)
    assert tuple(steps) == budget.evaluation_steps()


@every
def test_same_seed_gives_the_same_model_and_another_seed_another(family):
    def run(seed):
        model = network()
        torch.manual_seed(seed + 99)  # the global generator must not matter
        list(make_method(family).run(model, make_data(), Budget(3, 5, 3), draws(seed)))
        return flat(model)

    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))


@every
def test_evaluating_on_the_way_changes_nothing(family):
    def run(every, disturb):
        model = network()
        for found in make_method(family).run(model, make_data(), Budget(4, 5, every), draws()):
            if disturb:
                found.eval()
                found(torch.randn(3, 4))
        return torch.cat([flat(model), *(b.double().reshape(-1) for b in model.buffers())])

    torch.testing.assert_close(run(1, True), run(4, False), rtol=0, atol=0)


@every
def test_equal_budgets_are_equal_steps_of_equal_batches(family):
    sizes, model, budget = [], network(), Budget(4, 5, 2)
    model.register_forward_pre_hook(
        lambda module, inputs: sizes.append(len(inputs[0])) if module.training else None
    )
    list(make_method(family).run(model, make_data(), budget, draws()))
    assert budget.ledger.step == 4
    assert set(sizes) == {5}


@pytest.mark.parametrize(
    "family",
    [f for f in FAMILIES if not {"nash_mtl", "raul_calibrated"} & {*f.values()}],  # have a solver
    ids=lambda f: "/".join(f.values()),
)
def test_a_step_never_makes_the_host_wait_for_the_device(family, monkeypatch):
    method = make_method(family | {"optimizer": "sgd"})  # adamw counts its steps on the host
    snapshots = method.run(network(), make_data(), Budget(5, 5, 1), draws())
    next(snapshots)

    def wait(*args, **kwargs):
        raise AssertionError("a step read a tensor on the host")

    names = ("item", "tolist", "cpu", "numpy", "nonzero", "__bool__", "__float__", "__int__")
    for name in names:
        monkeypatch.setattr(torch.Tensor, name, wait)
    monkeypatch.setattr(torch, "nonzero", wait)
    assert len(list(snapshots)) == 4


@every
def test_only_trainable_parameters_move(family):
    model = network()
    model[0].weight.requires_grad_(False)
    before = copy.deepcopy(model)
    list(make_method(family).run(model, make_data(), Budget(3, 5, 3), draws()))
    assert torch.equal(model[0].weight, before[0].weight)
    assert not torch.equal(model[3].weight, before[3].weight)


def test_a_spent_budget_is_refused():
    budget = Budget(2, 5, 2)
    list(FineTune().run(network(), make_data(), budget, draws()))
    with pytest.raises(ValueError, match="this budget is spent"):
        next(FineTune().run(network(), make_data(), budget, draws()))


def test_bad_words_are_refused():
    with pytest.raises(InputError, match=r"optimizer: 'adam' .*'adamw'"):
        FineTune(optimizer="adam")
    with pytest.raises(InputError, match=r"batch_norm: 'freeze' .*'frozen'"):
        FineTune(batch_norm="freeze")

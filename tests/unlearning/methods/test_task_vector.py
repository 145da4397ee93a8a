import copy
from dataclasses import replace

import pytest
import torch

from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.methods.controls import FineTune
from pareto_explorer.unlearning.methods.task_vector import TaskVector
from tests.unlearning.toys import draws, flat, make_data, network

WHOLE = 100


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_every_yield_negates_what_fine_tuning_on_the_forget_set_has_learned(scale):
    data, model, tuned = make_data(), network(), network()
    start = flat(model)
    knobs = {"lr": 0.1, "weight_decay": 0.01}
    ours = TaskVector(scale=scale, **knobs).run(model, data, Budget(7, WHOLE, 3), draws())
    theirs = FineTune(**knobs).run(
        tuned, replace(data, retain=data.forget), Budget(7, WHOLE, 3), draws()
    )
    yields = 0
    for found, _ in zip(ours, theirs, strict=True):
        assert found is model
        torch.testing.assert_close(flat(model), start - scale * (flat(tuned) - start))
        yields += 1
    assert yields == 3


def test_batch_norm_statistics_are_those_of_the_original():
    model = network()
    before = copy.deepcopy(model)
    list(TaskVector(lr=0.1).run(model, make_data(), Budget(4, 5, 2), draws()))
    for old, new in zip(before.buffers(), model.buffers(), strict=True):
        assert torch.equal(old, new)


def test_counts_its_batches_and_never_reads_the_retain_set():
    data, model, budget = make_data(), network(), Budget(4, 5, 2)
    data.retain.inputs.fill_(float("nan"))
    list(TaskVector().run(model, data, budget, draws()))
    ledger = budget.ledger
    assert (ledger.step, ledger.forward, ledger.backward) == (4, 20, 20)
    assert set(ledger.drain()) == {"loss_forget"}
    assert torch.isfinite(flat(model)).all()

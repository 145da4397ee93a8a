import copy
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pareto_explorer.unlearning import Budget
from pareto_explorer.unlearning.methods.controls import FineTune
from pareto_explorer.unlearning.methods.neg_merge import NegMerge, agreement
from pareto_explorer.unlearning.methods.task_vector import TaskVector
from tests.unlearning.toys import draws, flat, make_data, network

WHOLE = 100


def test_only_what_all_agree_on_is_kept():
    vectors = [torch.tensor(v) for v in ([1.0, -1.0, 1.0, 0.0], [3.0, -2.0, -1.0, 2.0])]
    assert agreement(vectors).tolist() == [2.0, -1.5, 0.0, 0.0]


@settings(deadline=None)
@given(arrays("float64", (3, 6), elements=st.integers(-3, 3)))
def test_what_is_kept_is_between_the_shortest_and_the_longest(array):
    vectors = list(torch.from_numpy(array.copy()))
    stacked, merged = torch.stack(vectors), agreement(vectors)
    assert torch.equal(agreement([-v for v in vectors]), -merged)
    kept = merged != 0
    assert torch.equal(kept, (stacked > 0).all(0) | (stacked < 0).all(0))
    assert (merged[kept] >= stacked.min(0).values[kept] - 1e-12).all()
    assert (merged[kept] <= stacked.max(0).values[kept] + 1e-12).all()


def test_candidates_share_the_steps_and_differ_in_their_learning_rates():
    """Whole sets as batches: nothing but the learning rates and the steps is then different."""
    data, model = make_data(), network()
    start = [p.detach().clone() for p in model.parameters()]
    method = NegMerge(lr=0.1, scale=2.0, candidates=3, lr_spread=9.0, weight_decay=0.01)
    vectors = []
    for lr, steps in ((0.1 / 3, 3), (0.1, 2), (0.3, 2)):
        tuned = network()
        tuning = FineTune(lr=lr, weight_decay=0.01)
        list(
            tuning.run(
                tuned, replace(data, retain=data.forget), Budget(steps, WHOLE, steps), draws()
            )
        )
        vectors.append([p.detach() - q for p, q in zip(tuned.parameters(), start, strict=True)])
    list(method.run(model, data, Budget(7, WHOLE, 2), draws()))
    for p, q, *parts in zip(model.parameters(), start, *vectors, strict=True):
        torch.testing.assert_close(p.detach(), q - 2 * agreement(parts))


def test_a_single_candidate_is_a_task_vector():
    ours, theirs = network(), network()
    list(NegMerge(candidates=1, scale=2.0).run(ours, make_data(), Budget(5, 5, 5), draws()))
    knobs = {"lr": NegMerge().lr, "scale": 2.0}
    list(TaskVector(**knobs).run(theirs, make_data(), Budget(5, 5, 5), draws()))
    torch.testing.assert_close(flat(ours), flat(theirs))


@pytest.mark.parametrize(("steps", "candidates"), [(7, 3), (2, 4), (8, 4)])
def test_spends_the_budget_and_yields_once(steps, candidates):
    data, model, budget = make_data(), network(), Budget(steps, 5, 1)
    data.retain.inputs.fill_(float("nan"))
    before = copy.deepcopy(model)
    assert list(NegMerge(candidates=candidates).run(model, data, budget, draws())) == [model]
    ledger = budget.ledger
    assert (ledger.step, ledger.forward, ledger.backward) == (steps, 5 * steps, 5 * steps)
    assert not torch.equal(flat(model), flat(before))
    for old, new in zip(before.buffers(), model.buffers(), strict=True):
        assert torch.equal(old, new)
    with pytest.raises(ValueError, match="this budget is spent"):
        next(NegMerge().run(network(), data, budget, draws()))

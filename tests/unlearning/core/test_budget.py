from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning import Budget, Ledger
from pareto_explorer.unlearning.core import budget as module


@given(st.integers(1, 200), st.integers(1, 200))
def test_evaluation_steps_are_the_multiples_and_the_last(steps, every):
    found = Budget(steps, 1, every).evaluation_steps()
    assert found == tuple(s for s in range(1, steps + 1) if s % every == 0 or s == steps)


@pytest.mark.parametrize("name", ["steps", "batch_size", "evaluate_every"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3"])
def test_bad_numbers_are_named(name, value):
    with pytest.raises(InputError, match=rf"budget.{name}: {value!r} must be a whole number"):
        Budget(**({"steps": 1, "batch_size": 1, "evaluate_every": 1} | {name: value}))


def test_every_budget_has_a_ledger_of_its_own():
    spent = Budget(1, 1, 1)
    spent.ledger.count(forward=3, backward=2)
    assert spent.ledger.samples == 5
    assert Budget(1, 1, 1).ledger.samples == 0
    assert replace(spent).ledger.samples == 0
    assert replace(spent) == spent


def twice_and_norm(numbers, vectors):
    return {"twice": 2 * numbers, "norm": vectors.norm(dim=1)}


def as_they_are(numbers):
    return {"value": numbers}


def test_drain_gives_means_since_the_last_drain():
    ledger = Ledger()
    for k in (1.0, 2.0, 6.0):
        ledger.observe(twice_and_norm, torch.tensor(k), torch.tensor([3 * k, 4 * k]))
    ledger.observe(as_they_are, torch.tensor(7.0))
    assert ledger.drain() == {"twice": 6.0, "norm": 15.0, "value": 7.0}
    assert ledger.drain() == {}
    ledger.observe(as_they_are, torch.tensor(8.0))
    assert ledger.drain() == {"value": 8.0}


@pytest.mark.parametrize("n", [255, 256, 257, 700])
def test_means_over_many_steps_hold_few_tensors(n):
    ledger = Ledger()
    for k in range(n):
        ledger.observe(as_they_are, torch.tensor(float(k)))
        assert sum(map(len, ledger._pending.values())) < 256
    assert ledger.drain() == {"value": pytest.approx((n - 1) / 2)}


def test_observed_tensors_carry_no_graph():
    ledger = Ledger()
    ledger.observe(as_they_are, torch.tensor(1.0, requires_grad=True) * 2)
    ((noted,),) = ledger._pending[as_they_are]
    assert noted.grad_fn is None


def test_clock_adds_the_seconds_of_its_block_even_if_it_fails(monkeypatch):
    now = iter([10.0, 12.5, 20.0, 21.0])
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(now))
    ledger = Ledger()
    with ledger.clock():
        pass
    with pytest.raises(KeyError), ledger.clock():
        raise KeyError
    assert ledger.seconds == 3.5

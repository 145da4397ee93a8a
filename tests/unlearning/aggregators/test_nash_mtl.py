import copy
import importlib.util

import numpy as np
import pytest
import torch

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning.aggregators.munba import MUNBa
from pareto_explorer.unlearning.aggregators.nash_mtl import NashMTL
from tests.unlearning.aggregators.pairs import gramian, pair, step, weigh

SOLVERS = ("cvxpy", "ecos")
missing = [name for name in SOLVERS if importlib.util.find_spec(name) is None]
solved = pytest.mark.skipif(bool(missing), reason=f"needs {missing}")


@pytest.mark.parametrize("name", SOLVERS)
def test_without_the_solver_the_extra_is_named(monkeypatch, name):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "torchjd._mixins.find_spec", lambda wanted: None if wanted == name else find(wanted)
    )
    with pytest.raises(InputError, match=r"^aggregator: 'nash_mtl' .*pareto-explorer\[all\]"):
        NashMTL()


@solved
@pytest.mark.parametrize("cosine", [-0.3, 0.0, 0.5])
@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_finds_the_bargain_from_the_gramian_alone(cosine, ratio):
    from torchjd.aggregation import NashMTL as Reference

    g = pair(cosine, ratio, 1.0)
    expected = Reference(2, max_norm=0)(torch.tensor(np.stack(g))).numpy()
    np.testing.assert_allclose(step(NashMTL(max_norm=0.0), *g), expected, atol=1e-3)
    np.testing.assert_allclose(step(MUNBa(), *g), expected, atol=1e-3)


@solved
def test_step_is_shortened_to_the_norm():
    g = pair(-0.3, 2.0, 1.0)
    for longest in (0.7, 1.0):
        length = np.linalg.norm(step(NashMTL(max_norm=longest), *g))
        np.testing.assert_allclose(length, longest, rtol=1e-9)


@solved
def test_a_solution_serves_as_many_steps_as_it_is_told_to():
    one, other = pair(-0.3, 2.0, 1.0), pair(0.6, 1.0, 3.0)
    kept = NashMTL(max_norm=0.0, update_weights_every=2)
    first = weigh(kept, *one)
    np.testing.assert_allclose(weigh(kept, *other), first, rtol=1e-12)
    assert not np.allclose(weigh(kept, *other), first)


@solved
def test_memory_is_the_runs_own():
    one, other = pair(-0.3, 2.0, 1.0), pair(0.6, 1.0, 3.0)
    rule = NashMTL(max_norm=0.0, update_weights_every=2)
    fresh = copy.deepcopy(rule)
    first = weigh(rule, *one)
    np.testing.assert_array_equal(weigh(fresh, *other), weigh(copy.deepcopy(fresh), *other))
    rule.reset()
    np.testing.assert_array_equal(weigh(rule, *one), first)


@solved
def test_several_gramians_are_solved_one_by_one():
    cases = [pair(c, r) for c in (-0.5, 0.7) for r in (0.5, 1, 2)]
    stack = torch.stack([gramian(torch.tensor(np.stack(g))) for g in cases]).view(3, 2, 2, 2)
    expected = np.stack([weigh(NashMTL(), *g) for g in cases]).reshape(3, 2, 2)
    np.testing.assert_allclose(NashMTL()(stack).numpy(), expected, rtol=1e-9)


@solved
def test_zero_and_bad_gradients_reach_no_solver():
    zero = np.zeros(3)
    np.testing.assert_array_equal(weigh(NashMTL(), zero, zero), (0, 0))
    bad = torch.full((2, 2), float("nan"), dtype=torch.float64)
    np.testing.assert_array_equal(NashMTL()(bad).numpy(), (0, 0))


@solved
def test_knobs_are_shown():
    expected = "max_norm=0.5, update_weights_every=3, optim_niter=7"
    assert expected in repr(NashMTL(0.5, 3, 7))

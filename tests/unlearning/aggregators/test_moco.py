import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchjd.aggregation._utils.simplex import project_onto_simplex

from pareto_explorer.unlearning.aggregators.mgda import MGDA
from pareto_explorer.unlearning.aggregators.moco import MoCo, on_simplex
from pareto_explorer.unlearning.core.gradients import Jacobian
from tests.unlearning.aggregators.pairs import pair, step
from tests.unlearning.aggregators.steps import begun, direction, step_of

numbers = st.floats(-10, 10)


@given(x=numbers, y=numbers)
def test_projection_on_the_simplex(x, y):
    weights = torch.tensor((x, y), dtype=torch.float64)
    torch.testing.assert_close(on_simplex(weights), project_onto_simplex(weights))


def test_gradients_and_weights_are_tracked_as_the_equations_say():
    draws = np.random.default_rng(0)
    rule = begun(MoCo(0.3, 0.2, 0.1))
    tracked, weights = None, np.array([0.5, 0.5])
    for g in draws.normal(size=(6, 2, 5)):
        tracked = g if tracked is None else tracked - 0.3 * (tracked - g)
        moved = weights - 0.2 * (tracked @ tracked.T + 0.1 * np.eye(2)) @ weights
        weights = project_onto_simplex(torch.tensor(moved)).numpy()
        np.testing.assert_allclose(direction(rule, step_of(*g)), weights @ tracked, rtol=1e-9)


def test_with_equal_gradients_it_converges_to_mgda():
    g = pair(-0.2, 1.0, 1.4)
    rule = begun(MoCo(1.0, 0.05))
    for _ in range(500):
        d = direction(rule, step_of(*g))
    np.testing.assert_allclose(d, step(MGDA(), *g), atol=1e-9)


def test_tensors_have_weights_of_their_own():
    sizes, draws = (3, 4), np.random.default_rng(1)
    steps = draws.normal(size=(4, 2, 7))
    whole = begun(MoCo(0.4, 0.1), products=Jacobian.gramians)
    parts = [begun(MoCo(0.4, 0.1)) for _ in sizes]
    for g in steps:
        d = direction(whole, step_of(*g, sizes=sizes))
        expected = [
            direction(rule, step_of(*part))
            for rule, part in zip(parts, np.split(g, [3], axis=1), strict=True)
        ]
        np.testing.assert_allclose(d, np.concatenate(expected), rtol=1e-12)


def test_a_new_run_starts_anew():
    rule, g = MoCo(0.1), pair(-0.5)
    first = direction(begun(rule), step_of(*g))
    direction(rule, step_of(*pair(0.5, 3.0)))
    assert direction(begun(rule), step_of(*g)) == pytest.approx(first, abs=0)

import numpy as np
import pytest
import torch
from torchjd.aggregation import ExcessMTLWeighting

from pareto_explorer.unlearning.aggregators.excess_mtl import ExcessMTL
from pareto_explorer.unlearning.core.gradients import Jacobian
from tests.unlearning.aggregators.steps import begun, direction, step_of


def walk(n=25, size=9, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 2, size)) * [[0.3], [2.0]]


@pytest.mark.parametrize(("lr", "warm_up"), [(1.0, 1), (0.1, 5), (3.0, 12)])
def test_weights_are_torchjds_over_a_run(lr, warm_up):
    rule, reference = begun(ExcessMTL(lr, warm_up)), ExcessMTLWeighting(lr, warm_up)
    found = []
    for g in walk():
        expected = reference(torch.tensor(g))
        found.append(rule(step_of(*g)))
        torch.testing.assert_close(found[-1], expected, rtol=1e-9, atol=1e-12)
    assert (torch.stack(found[:warm_up]) == 0.5).all()
    assert torch.stack(found[warm_up:]).std(0).min() > 0


def test_the_rows_stay_as_they_are():
    rule, (g,) = begun(ExcessMTL(warm_up=1)), walk(1)
    np.testing.assert_allclose(direction(rule, step_of(*g)), g.sum(0) / 2, rtol=1e-12)


def test_the_loss_that_converges_loses_weight():
    rule = begun(ExcessMTL(warm_up=3))
    for step, g in enumerate(walk()):
        g[0] *= 0.7**step
        weights = rule(step_of(*g))
    assert weights[0] < 0.05


def test_a_weight_that_has_vanished_can_return():
    """The logarithms of the weights are kept, and they have no floor."""
    rule = begun(ExcessMTL(2000.0, 1))
    quiet, loud = np.array([1e-3, 0.0]), np.array([0.0, 1.0])
    rule(step_of([1.0, 0.0], loud))
    assert rule(step_of(quiet, loud))[0] == 0
    for _ in range(40):
        weights = rule(step_of([1.0, 0.0], 1e-3 * loud))
    assert weights[0] > 0.99


def test_tensors_have_weights_of_their_own():
    sizes = (3, 6)
    whole = begun(ExcessMTL(warm_up=2), products=Jacobian.gramians)
    parts = [begun(ExcessMTL(warm_up=2)) for _ in sizes]
    for g in walk(8):
        found = whole(step_of(*g, sizes=sizes))
        pieces = zip(parts, np.split(g, [3], axis=1), strict=True)
        expected = torch.stack([rule(step_of(*piece)) for rule, piece in pieces])
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("zero", [(0, 1), (1, 0), (0, 0)])
def test_zero_gradients_leave_finite_weights(zero):
    rule = begun(ExcessMTL(warm_up=1))
    for g in walk(4):
        weights = rule(step_of(*(g * np.array(zero)[:, None])))
        assert torch.isfinite(weights).all()


def test_broken_gradients_break_the_step():
    rule = begun(ExcessMTL(warm_up=1))
    rule(step_of([1.0, 1.0], [1.0, 2.0]))
    assert np.isnan(direction(rule, step_of([1.0, 1.0], [1.0, np.nan]))).all()


def test_a_new_run_starts_anew():
    def weights(rule):
        begun(rule)
        return torch.stack([rule(step_of(*g)) for g in walk()])

    rule = ExcessMTL(warm_up=3)
    torch.testing.assert_close(weights(rule), weights(rule), rtol=0, atol=0)

import numpy as np
import pytest
import torch
from torchjd.aggregation import GradDrop as Reference

from pareto_explorer.unlearning.aggregators.graddrop import GradDrop, drop
from tests.unlearning.aggregators.steps import begun, direction, step_of


@pytest.mark.parametrize("leak", [0.0, 0.3])
def test_what_stays_is_torchjds_for_the_same_draws(leak):
    torch.manual_seed(0)
    rows = torch.randn(2, 400, dtype=torch.float64)
    torch.manual_seed(1)
    expected = Reference(leak=torch.full((2,), leak, dtype=torch.float64))(rows)
    torch.manual_seed(1)
    drawn = torch.rand(400, dtype=torch.float64)
    torch.testing.assert_close(drop(rows, drawn, leak).sum(0), expected)


def test_coordinates_of_one_sign_stay_whole():
    g_r, g_f = np.array([1.0, -2.0, 0.0, 0.0]), np.array([3.0, -1.0, 2.0, 0.0])
    d = direction(begun(GradDrop()), step_of(g_r, g_f))
    np.testing.assert_array_equal(d, [4.0, -3.0, 2.0, 0.0])


def test_the_step_is_as_long_on_average_as_purity_says():
    """Of (3, −1) the purity is ¾: the step is 3 or −1, 2 on average."""
    d = direction(begun(GradDrop()), step_of(np.full(40_000, 3.0), np.full(40_000, -1.0)))
    assert set(d) == {3.0, -1.0}
    assert d.mean() == pytest.approx(2.0, abs=0.05)


def test_nothing_is_dropped_with_a_full_leak():
    g_r, g_f = np.array([1.0, -2.0]), np.array([-3.0, 1.0])
    np.testing.assert_allclose(direction(begun(GradDrop(1.0)), step_of(g_r, g_f)), g_r + g_f)


def test_broken_gradients_break_the_step():
    d = direction(begun(GradDrop()), step_of([1.0, 1.0], [1.0, np.nan]))
    assert np.isnan(d[1])


def test_draws_come_from_the_run():
    g = np.random.default_rng(0).normal(size=(2, 50))
    first, again = (direction(begun(GradDrop()), step_of(*g)) for _ in range(2))
    other = begun(GradDrop(), generator=torch.Generator().manual_seed(1))
    np.testing.assert_array_equal(first, again)
    assert (direction(other, step_of(*g)) != first).any()

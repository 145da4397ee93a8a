import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.unlearning.aggregators.barrier import BarrierForget, BarrierRetain
from pareto_explorer.unlearning.aggregators.gru import GRU
from pareto_explorer.unlearning.aggregators.upgrad import UPGrad
from tests.unlearning.aggregators.pairs import angled, anything, pair, weigh
from tests.unlearning.aggregators.steps import begun, direction, step_of

losses = st.floats(-3, 3)


@given(g=angled, loss=losses, level=losses, rate=st.floats(0, 3), cap=st.floats(0, 2))
def test_constraint_falls_as_fast_as_the_barrier_asks(g, loss, level, rate, cap):
    g_r, g_f = g
    for rule, free, constrained, values in (
        (BarrierForget, g_r, g_f, (9.0, loss)),
        (BarrierRetain, g_f, g_r, (loss, 9.0)),
    ):
        d = direction(begun(rule(level, rate, cap)), step_of(g_r, g_f, values))
        psi = min(rate * (loss - level), cap * (constrained @ constrained))
        multiplier = max(0, (psi - g_r @ g_f) / (constrained @ constrained))
        scale = np.linalg.norm(constrained) * np.linalg.norm(d) + abs(psi)
        assert constrained @ d >= psi - 1e-9 * scale
        expected = free + multiplier * constrained
        reach = np.linalg.norm(free) + multiplier * np.linalg.norm(constrained)
        np.testing.assert_allclose(d, expected, rtol=0, atol=1e-9 * reach)


@given(g=angled)
def test_at_its_level_the_retain_barrier_is_gru_and_one_sided_upgrad(g):
    """Identity 3: ψ = 0."""
    weights = begun(BarrierRetain(0.7))(step_of(*g, (0.7, 2.0))).numpy()
    np.testing.assert_allclose(weights, weigh(GRU(), *g), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(weights, weigh(UPGrad(1.0), *g), rtol=1e-9, atol=1e-12)


def test_far_above_its_level_the_cap_bounds_what_is_asked():
    g_r, g_f = pair(-0.5, 1.0, 2.0)
    d = direction(begun(BarrierForget(0.0, cap=1.0)), step_of(g_r, g_f, (1.0, 1e9)))
    assert g_f @ d == pytest.approx(4.0)


def test_tensors_share_what_is_asked_by_squared_norm():
    draws = np.random.default_rng(0)
    g_r, g_f = draws.normal(size=(2, 12)) * np.repeat([1, 3, 0], (4, 5, 3))
    d = direction(begun(BarrierForget(0.0)), step_of(g_r, g_f, (1.0, 7.0), sizes=(4, 5, 3)))
    psi = min(7.0, g_f @ g_f)
    for part in (slice(0, 4), slice(4, 9)):
        r, f = g_r[part], g_f[part]
        asked = psi * (f @ f) / (g_f @ g_f)
        np.testing.assert_allclose(d[part], r + max(0, (asked - r @ f) / (f @ f)) * f)
    assert (d[9:] == 0).all()


@given(g=anything, loss=losses)
def test_weights_are_finite(g, loss):
    for rule in (BarrierForget(), BarrierRetain()):
        assert np.isfinite(begun(rule)(step_of(*g, (loss, loss))).numpy()).all()


def test_a_zero_gradient_constrains_nothing_and_a_broken_one_breaks_the_step():
    g_r, g_f = pair(0.3, 1.0, 0.0)
    np.testing.assert_array_equal(direction(begun(BarrierForget()), step_of(g_r, g_f)), g_r)
    broken = direction(begun(BarrierForget()), step_of(g_r, g_f * np.nan))
    assert not np.isfinite(broken).all()

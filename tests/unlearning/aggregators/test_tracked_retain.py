import numpy as np
import pytest
import torch

from pareto_explorer.unlearning import make_method, resolve
from pareto_explorer.unlearning.aggregators import TrackedRetain
from pareto_explorer.unlearning.aggregators.gru import GRU
from pareto_explorer.unlearning.aggregators.weighted_sum import Mean
from pareto_explorer.unlearning.core.gradients import Jacobian
from tests.unlearning.aggregators.pairs import pair
from tests.unlearning.aggregators.steps import begun, direction, step_of

SIZES = (3, 4)


def published(run, share):
    """The authors' routine on vectors: the gradient that they hand to the optimiser."""
    memory = np.zeros_like(run[0][0])
    for g_r, g_f in run:
        memory = share * g_r + (1 - share) * memory
        product = g_f @ memory
        yield g_f - product / (memory @ memory) * memory if product < 0 else g_f


def walk(n=8, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 2, 7))


@pytest.mark.parametrize("share", [0.8, 0.3])
def test_the_forget_gradient_is_rectified_against_the_average_as_published(share):
    rule, run = begun(TrackedRetain(GRU(), share)), walk()
    found = [direction(rule, step_of(*g)) for g in run]
    np.testing.assert_allclose(found, list(published(run, share)), rtol=1e-9)
    plain = [direction(begun(TrackedRetain(GRU(), 1.0)), step_of(*g)) for g in run]
    assert not np.allclose(found, plain)


def test_any_weighting_gets_the_average():
    rule, (first, second) = begun(TrackedRetain(Mean(), 0.8)), walk(2)
    direction(rule, step_of(*first))
    d = direction(rule, step_of(*second))
    np.testing.assert_allclose(d, (0.16 * first[0] + 0.8 * second[0] + second[1]) / 2, rtol=1e-12)


def test_tensors_have_weights_of_their_own():
    whole = begun(TrackedRetain(GRU()), products=Jacobian.gramians)
    parts = [begun(TrackedRetain(GRU())) for _ in SIZES]
    for g in walk():
        pieces = zip(parts, np.split(g, [3], axis=1), strict=True)
        expected = [direction(rule, step_of(*piece)) for rule, piece in pieces]
        d = direction(whole, step_of(*g, sizes=SIZES))
        np.testing.assert_allclose(d, np.concatenate(expected), rtol=1e-12)


def test_a_new_run_starts_anew():
    rule, g = TrackedRetain(GRU()), pair(-0.5)
    first = direction(begun(rule), step_of(*g))
    direction(rule, step_of(*pair(0.5, 3.0)))
    np.testing.assert_array_equal(direction(begun(rule), step_of(*g)), first)


def test_broken_gradients_break_the_step():
    g_r, g_f = pair(-0.3)
    d = direction(begun(TrackedRetain(GRU())), step_of(g_r * np.nan, g_f))
    assert not np.isfinite(d).all()


def test_gru_tracks_only_where_it_is_asked_to():
    entry = resolve("aggregator", "gru")
    assert isinstance(entry.build(), GRU)
    config = {"method": "jacobian_descent", "aggregator": "gru", "forget_loss": "kl_uniform"}
    tracked = make_method({**config, "tracking": 0.8, "cap": 2.0}).aggregator
    assert (tracked.tracking, tracked.weighting.cap) == (0.8, 2.0)
    assert torch.equal(make_method(config).aggregator(torch.eye(2)), torch.tensor([0.0, 1.0]))

import numpy as np
import pytest
from scipy.stats import norm

from pareto_explorer.audits.statistics import (
    by_role,
    jackknife,
    swap_advantage,
    swap_advantages,
    threshold_auc,
    u_lira,
)
from pareto_explorer.errors import InputError


def leaking(n, samples, d, seed=0):
    """Margins of models that forgot halves: forgotten samples are d above those never seen."""
    rng = np.random.default_rng(seed)
    first = rng.permuted(np.arange(samples) < samples // 2 * np.ones((n, 1)), axis=1)
    margins = rng.normal(size=samples) + rng.normal(size=(n, 2, samples))
    return margins + d * np.stack([first, ~first], axis=1), first


def test_every_sample_is_forgotten_and_never_seen_once_by_seed():
    halves, first = leaking(5, 8, 100.0)
    forgotten, never_seen = by_role(halves, first)
    assert (forgotten > 50).all()
    assert (never_seen < 50).all()
    assert np.sort(np.stack([forgotten, never_seen], 1), axis=1) == pytest.approx(
        np.sort(halves, axis=1)
    )


@pytest.mark.parametrize(("d", "n"), [(0.0, 8), (1.0, 32), (-1.0, 32)])
def test_the_attack_finds_what_leaks(d, n):
    found = u_lira(*by_role(*leaking(n, 1000, d)))
    assert found.accuracy == pytest.approx(norm.cdf(abs(d) / 2), abs=0.012)
    assert swap_advantage(swap_advantages(*leaking(n, 1000, d))) == pytest.approx(
        2 * norm.cdf(abs(d) / 2) - 1, abs=0.025
    )


@pytest.mark.parametrize("samples", [10, 11])
def test_retrained_models_leak_nothing_at_all(samples):
    halves, first = leaking(6, samples, 0.0)
    halves[:, 1] = halves[:, 0]  # both models of a seed are its retrained one
    found = u_lira(*by_role(halves, first))
    assert (found.per_seed == 0.5).all()
    assert (swap_advantages(halves, first) == 0.0).all()


def test_swapped_halves_are_the_same_test():
    halves, first = leaking(6, 30, 0.5)
    assert swap_advantages(halves[:, ::-1], ~first) == pytest.approx(swap_advantages(halves, first))


def test_the_magnitude_is_taken_after_averaging():
    assert swap_advantage(np.array([0.2, -0.2])) == 0.0
    advantages = swap_advantages(*leaking(16, 200, 0.0))
    assert swap_advantage(advantages) < 0.03 < np.abs(advantages).max()
    assert jackknife(swap_advantage, advantages + 1).se == pytest.approx(advantages.std(ddof=1) / 4)


def test_a_population_attack_sees_less():
    halves, first = leaking(16, 500, 1.0)  # spreads between samples hide what leaks
    forgotten, never_seen = by_role(halves, first)
    found = threshold_auc(forgotten, never_seen)
    assert found.shape == (16,)
    assert found.mean() == pytest.approx(norm.cdf(0.5), abs=0.01)
    assert u_lira(forgotten, never_seen).auc == pytest.approx(norm.cdf(np.sqrt(0.5)), abs=0.02)


@pytest.mark.parametrize(
    ("halves", "first", "words"),
    [
        (np.zeros((4, 3, 2)), np.ones((4, 2), bool), r"halves: shape \(4, 3, 2\) found"),
        (np.zeros((4, 2, 2)), np.ones((4, 2)), "first: float64 of shape"),
        (np.zeros((4, 2, 2)), np.ones((4, 2), bool), "first: a half without samples"),
    ],
)
def test_refuses(halves, first, words):
    with pytest.raises(InputError, match=words):
        swap_advantages(halves, first)

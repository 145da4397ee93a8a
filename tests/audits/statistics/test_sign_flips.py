"""Intervals of the accuracy of an attack."""

from __future__ import annotations

import numpy as np
import pytest

from pareto_explorer.audits.statistics import (
    attack_estimate,
    jackknife,
    sign_flips,
    u_lira_accuracy,
)

DRAWS = 60


def pairs(n: int, d: float, shared: float = 0.0):
    """Margins of unlearned and retrained models; seeds are shared, samples of a model related."""
    draws = np.random.default_rng(0)
    side = d * np.where(np.arange(60) % 2, 1, -1)
    for _ in range(DRAWS):
        seed = draws.normal(size=(n, 60)) * np.sqrt(0.3)
        u, r = (
            seed + draws.normal(size=(n, 60)) * np.sqrt(0.7) + shared * draws.normal(size=(n, 1))
            for _ in range(2)
        )
        yield u + side, r


@pytest.mark.parametrize(("n", "d", "shared"), [(8, 0, 0), (8, 1, 0), (12, 0, 0.4), (12, 0.4, 0)])
def test_intervals_cover_what_is_found_on_average(n, d, shared):
    found = [attack_estimate(u, r) for u, r in pairs(n, d, shared)]
    mean = np.mean([one.value for one in found])
    inside = [low <= mean <= high for low, high in (one.interval() for one in found)]
    assert np.mean(inside) >= 0.93


def test_what_is_there_is_noticed_sooner_than_by_the_jackknife():
    drawn = list(pairs(12, 0.4))
    low = np.mean([attack_estimate(u, r).interval()[0] > 0.5 for u, r in drawn])
    by_jackknife = [jackknife(u_lira_accuracy, u, r).interval()[0] > 0.5 for u, r in drawn]
    assert low > 0.5
    assert low > np.mean(by_jackknife) + 0.2


def test_the_spread_where_there_is_nothing_is_that_of_sign_flips():
    found = [attack_estimate(u, r) for u, r in pairs(12, 0)]
    spread = np.std([one.value for one in found])
    assert np.mean([one.se for one in found]) == pytest.approx(spread, rel=0.35)


def test_patterns_are_all_of_few_seeds_and_always_the_same_of_many():
    ((u, r), *_) = pairs(5, 1)
    assert len(sign_flips(u, r)) == 16
    ((u, r), *_) = pairs(12, 1)
    np.testing.assert_array_equal(sign_flips(u, r), sign_flips(u, r))
    assert len(sign_flips(u, r)) == 40
    assert u_lira_accuracy(u, r) == pytest.approx(u_lira_accuracy(r, u))  # all seeds exchanged

import numpy as np
import pytest
from scipy.stats import t

from pareto_explorer.audits.statistics import Estimate, jackknife, minimum_detectable


def test_of_a_mean_it_is_the_usual_standard_error():
    values = np.random.default_rng(0).normal(size=(9, 3))
    found = jackknife(lambda x: x.mean(), values)
    assert found.value == values.mean()
    assert found.se == pytest.approx(values.mean(1).std(ddof=1) / 3)
    assert found.seeds == 9


def test_a_seed_leaves_all_roles():
    u = np.arange(8.0)[:, np.newaxis]
    found = jackknife(lambda u, r: (u - r).mean(), u, u - 3)
    assert (found.value, found.se) == (3.0, 0.0)


def test_interval():
    low, high = Estimate(0.6, 0.01, 8).interval()
    assert (low + high) / 2 == pytest.approx(0.6)
    assert high - low == pytest.approx(0.02 * t.ppf(0.975, 7))
    assert Estimate(0.6, 0.01, 8).interval(0.5)[1] < high


def test_minimum_detectable():
    assert minimum_detectable(0.01) == pytest.approx(0.528)

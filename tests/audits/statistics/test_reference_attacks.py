import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from pareto_explorer.audits.statistics import auc, offline_lira, rmia
from pareto_explorer.errors import InputError
from tests.audits.statistics.draws import gaussian_pair


def test_rmia_is_the_share_of_population_samples_it_beats():
    rng = np.random.default_rng(0)
    target, out = rng.normal(size=7), rng.normal(size=(3, 7))
    population, out_population = rng.normal(size=11), rng.normal(size=(3, 11))
    a, gamma = 0.3, 1.2

    def ratio(margin, others):
        p = np.mean([expit(other) for other in others])
        return expit(margin) / (0.5 * ((1 + a) * p + (1 - a)))

    expected = [
        np.mean(
            [
                ratio(x, out[:, i]) / ratio(z, out_population[:, k]) > gamma
                for k, z in enumerate(population)
            ]
        )
        for i, x in enumerate(target)
    ]
    found = rmia(target, out, population, out_population, a=a, gamma=gamma)
    assert found == pytest.approx(expected)


def test_a_target_that_is_the_out_model_beats_nothing():
    out, out_population = gaussian_pair(1, 40, 2.0)
    found = rmia(out[0], out, out_population[0], out_population, a=1.0)
    assert (found == 0).all()
    assert auc(found, found) == 0.5


def test_rmia_grows_with_the_margin():
    out, out_population = gaussian_pair(4, 30, 0.0)
    population = out_population.mean(0)
    below = rmia(out[0], out, population, out_population, a=0.3)
    above = rmia(out[0] + 1, out, population, out_population, a=0.3)
    assert (above >= below).all()
    assert above.mean() > below.mean() + 0.1


def test_offline_lira_is_uniform_where_nothing_was_learned():
    target, out = gaussian_pair(200, 4000, 0.0)
    found = offline_lira(target[0], out)
    assert np.quantile(found, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.03)
    assert offline_lira(out.mean(0) + 1, out) == pytest.approx(np.full(4000, norm.cdf(1)), abs=0.01)


def test_refuses():
    with pytest.raises(InputError, match="out: 1 models found; give at least 2"):
        offline_lira([0.0, 1.0], [[0.0, 1.0]])
    with pytest.raises(InputError, match="target: nan"):
        rmia([np.nan], [[0.0]], [0.0], [[0.0]], a=0.3)

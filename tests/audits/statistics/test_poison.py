import numpy as np
import pytest
from scipy.stats import norm

from pareto_explorer.audits.statistics import auc, poison_auc, poison_scores

S = 0.5


def drawn(samples=4000, shape=(2, 3), seed=0):
    rng = np.random.default_rng(seed)
    return S * rng.normal(size=(samples, *shape)), rng.normal(size=shape) ** 3


def test_fresh_noise_is_standard_normal_for_any_model():
    noise, weights = drawn()
    gradients = weights * np.random.default_rng(1).exponential(size=(4000, 1, 1))
    scores = poison_scores(noise, gradients, S)
    assert abs(scores.mean()) < 3 / np.sqrt(4000)
    assert scores.var() == pytest.approx(1, abs=3 * np.sqrt(2 / 4000))
    assert np.quantile(scores, [0.05, 0.95]) == pytest.approx(norm.ppf([0.05, 0.95]), abs=0.1)
    assert poison_auc(scores) == pytest.approx(0.5, abs=3 / np.sqrt(12 * 4000))


def test_what_was_learned_shows():
    noise, weights = drawn()
    scores = poison_scores(noise, weights + 2 * noise, S)
    assert scores.mean() > 0.5
    assert poison_auc(scores) > 0.6
    fresh = np.random.default_rng(2).normal(size=20000)
    assert poison_auc(scores) == pytest.approx(auc(scores, fresh), abs=0.01)


def test_definition():
    noise, gradients = np.array([[3.0, 4.0]]), np.array([[0.0, 2.0]])
    assert poison_scores(noise, gradients, 0.5).tolist() == [8.0]
    assert poison_scores(noise, 1e-9 * gradients, 0.5) == pytest.approx([8.0])
    assert poison_scores(noise, 0 * gradients, 0.5).tolist() == [0.0]

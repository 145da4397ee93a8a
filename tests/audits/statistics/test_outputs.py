from itertools import combinations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax

from pareto_explorer.audits.statistics import (
    between_seeds,
    calibration_error,
    churn,
    js_divergence,
    zero_retrain_forgetting,
)


def logits(n=40, classes=4, scale=2.0, seed=0):
    return scale * np.random.default_rng(seed).normal(size=(n, classes))


def test_churn():
    assert churn([0, 1, 2, 2], [0, 1, 1, 1]) == 0.5
    models = [np.random.default_rng(seed).integers(0, 3, 30) for seed in range(4)]
    pairs = [churn(a, b) for a, b in combinations(models, 2)]
    assert between_seeds(churn, models) == pytest.approx(np.mean(pairs))
    assert between_seeds(churn, [models[0]] * 3) == 0.0


def test_calibration_error_is_that_of_bins():
    z = logits(500)
    y = np.random.default_rng(1).integers(0, 4, 500)
    p = softmax(z, axis=1)
    expected = 0.0
    for k in range(15):
        inside = (p.max(1) > k / 15) & (p.max(1) <= (k + 1) / 15)
        if inside.any():
            right = (p.argmax(1) == y)[inside].mean()
            expected += inside.mean() * abs(right - p.max(1)[inside].mean())
    assert calibration_error(z, y) == pytest.approx(expected)


def test_calibration_error_of_models_that_know_and_that_do_not():
    certain = 100 * np.eye(3)
    assert calibration_error(certain, [0, 1, 2]) == pytest.approx(0)
    assert calibration_error(certain, [1, 2, 0]) == pytest.approx(1)
    rng = np.random.default_rng(0)
    z = logits(40000)
    y = (softmax(z, axis=1).cumsum(1) > rng.random((40000, 1))).argmax(1)
    assert calibration_error(z, y) == pytest.approx(0, abs=0.01)
    assert calibration_error(3 * z, y) > 0.1


def test_js_divergence_is_scipys_mean_squared_distance():
    p, q = softmax(logits(seed=1), axis=1), softmax(logits(seed=2), axis=1)
    expected = np.mean(jensenshannon(p, q, axis=1) ** 2)
    assert js_divergence(logits(seed=1), logits(seed=2)) == pytest.approx(expected)


def test_js_divergence_at_its_ends():
    assert js_divergence(logits(), logits() + 5) == pytest.approx(0, abs=1e-12)
    ends = 1000 * np.eye(2)
    assert js_divergence(ends, ends[::-1]) == pytest.approx(np.log(2))
    assert zero_retrain_forgetting(ends, ends[::-1]) == pytest.approx(1 - np.log(2))
    assert zero_retrain_forgetting(ends, ends) == 1.0


def test_the_number_of_classes_does_not_scale_it():
    narrow = np.array([[3.0, 0.0]]), np.array([[0.0, 3.0]])
    wide = [np.concatenate([z, np.full((1, 98), -1000.0)], axis=1) for z in narrow]
    assert js_divergence(*wide) == pytest.approx(js_divergence(*narrow))

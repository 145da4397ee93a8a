"""How a forgotten class is spread over the others."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import norm

from pareto_explorer.audits.statistics import remaining_accuracy, remaining_log_probabilities


def test_probabilities_are_those_of_the_other_classes_among_themselves():
    logits = np.random.default_rng(0).normal(size=(3, 4, 5))
    p = softmax(logits, axis=-1)[..., [0, 1, 3, 4]]
    expected = np.log(p / p.sum(-1, keepdims=True))
    np.testing.assert_allclose(remaining_log_probabilities(logits, 2), expected)


def test_the_logit_of_the_forgotten_class_does_not_matter():
    logits = np.random.default_rng(0).normal(size=(3, 4, 5))
    before = remaining_log_probabilities(logits, 2)
    logits[..., 2] -= 100
    np.testing.assert_array_equal(remaining_log_probabilities(logits, 2), before)


@pytest.mark.parametrize("d", [0.0, 1.0, 2.0])
def test_accuracy_is_that_of_the_best_discriminant_of_normal_features(d):
    u, r = np.random.default_rng(1).normal(size=(2, 16, 200, 9))
    u[..., 3] += d
    assert remaining_accuracy(u, r).mean() == pytest.approx(norm.cdf(d / 2), abs=0.015)


def test_what_all_models_of_a_seed_share_is_not_taken_for_a_difference():
    draws = np.random.default_rng(2)
    of_seed = 3 * draws.normal(size=(4, 1, 9))
    u, r = (of_seed + draws.normal(size=(4, 50, 9)) for _ in range(2))
    assert remaining_accuracy(u, r).mean() == pytest.approx(0.5, abs=0.06)


def test_the_same_models_cannot_be_told_apart():
    u = np.random.default_rng(3).normal(size=(4, 10, 3))
    assert remaining_accuracy(u, u) == pytest.approx(np.full(4, 0.5))

from __future__ import annotations

import pytest

from pareto_explorer.metrics import average_gap, mean_gap, tug_of_war

METRICS = {
    "unlearning_accuracy": 0.50,
    "retain_accuracy": 0.90,
    "test_accuracy": 0.80,
    "membership_inference": 0.30,
}
RETRAINED = {
    "unlearning_accuracy": 0.90,
    "retain_accuracy": 1.00,
    "test_accuracy": 0.75,
    "membership_inference": 0.90,
}


def test_gaps_by_hand() -> None:
    forget = ("unlearning_accuracy", "membership_inference")
    assert mean_gap(METRICS, RETRAINED, forget) == pytest.approx((0.4 + 0.6) / 2)
    assert mean_gap(METRICS, RETRAINED, ("test_accuracy",)) == pytest.approx(0.05)
    assert average_gap(METRICS, RETRAINED) == pytest.approx((0.4 + 0.1 + 0.05 + 0.6) / 4)


def test_tug_of_war_by_hand() -> None:
    assert tug_of_war(METRICS, RETRAINED) == pytest.approx(0.6 * 0.9 * 0.95)


def test_the_retrained_model_is_at_no_distance_from_itself() -> None:
    assert average_gap(RETRAINED, RETRAINED) == 0.0
    assert tug_of_war(RETRAINED, RETRAINED) == 1.0

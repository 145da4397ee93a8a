from __future__ import annotations

import pytest

from pareto_explorer.metrics import (
    accuracy_drop,
    forget_accuracy_gap,
    mean_gap,
    tug_of_war,
)

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
    assert mean_gap(METRICS, RETRAINED, tuple(METRICS)) == pytest.approx(
        (0.4 + 0.1 + 0.05 + 0.6) / 4
    )


def test_tug_of_war_by_hand() -> None:
    assert tug_of_war(METRICS, RETRAINED) == pytest.approx(0.6 * 0.9 * 0.95)


def test_the_retrained_model_is_at_no_distance_from_itself() -> None:
    assert mean_gap(RETRAINED, RETRAINED, tuple(METRICS)) == 0.0
    assert tug_of_war(RETRAINED, RETRAINED) == 1.0


ORIGINAL = {"unlearning_accuracy": 0.0, "retain_accuracy": 1.0, "validation_accuracy": 0.9}


@pytest.mark.parametrize(("known", "expected"), [(1.0, 0.1), (0.9, 0.0), (0.25, 0.65), (0.0, 0.9)])
def test_forgetting_aims_at_what_is_known_of_unseen_samples(known: float, expected: float) -> None:
    metrics = {"unlearning_accuracy": 1 - known}
    assert forget_accuracy_gap(metrics, ORIGINAL) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("retain", "validation", "expected"),
    [(1.0, 0.9, 0.0), (0.8, 0.9, 0.1), (0.9, 0.6, 0.2), (1.0, 0.95, 0.0), (0.9, 1.0, 0.05)],
)
def test_a_rise_makes_up_for_no_drop(retain: float, validation: float, expected: float) -> None:
    metrics = {"retain_accuracy": retain, "validation_accuracy": validation}
    assert accuracy_drop(metrics, ORIGINAL) == pytest.approx(expected)

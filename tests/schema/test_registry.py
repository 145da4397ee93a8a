from __future__ import annotations

from pareto_explorer.metrics import METRICS


def test_every_metric_is_described() -> None:
    for name, entry in METRICS.items():
        assert name == entry.name
        assert entry.summary.endswith(".")
        assert entry.source
        assert entry.direction in {"min", "max", "none"}


def test_gaps_are_to_be_small_and_accuracies_high() -> None:
    assert all(METRICS[name].direction == "min" for name in METRICS if name.endswith("_gap"))
    assert METRICS["accuracy_drop"].direction == "min"
    assert METRICS["tug_of_war"].direction == METRICS["test_accuracy"].direction == "max"
    assert METRICS["membership_inference"].direction == "none"

import numpy as np
import pandas as pd
import pytest

from pareto_explorer.fronts import Box, Objective
from pareto_explorer.fronts.core.validation_twins import twin, validation_box
from pareto_explorer.runs import read_manifest, read_points
from pareto_explorer.schema.metrics import METRICS
from tests.synthetic import write_synthetic_run


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("forget_gap", "validation_forget_gap"),
        ("retain_gap", "validation_retain_gap"),
        ("test_accuracy", "validation_accuracy"),
        ("membership_inference", "validation_membership_inference"),
        ("unlearning_accuracy", "unlearning_accuracy"),
        ("retain_accuracy", "retain_accuracy"),
        ("average_gap", "average_gap"),
        ("validation_forget_gap", "validation_forget_gap"),
    ],
)
def test_twins_of_the_known_metrics(metric, expected):
    assert twin(metric, METRICS) == expected


def test_a_twin_must_have_been_measured():
    assert twin("forget_gap", {"forget_gap"}) == "forget_gap"
    assert twin("test_loss", {"test_loss", "validation_loss"}) == "validation_loss"
    assert twin("latest_accuracy", {"validation_accuracy"}) == "latest_accuracy"


def box(*metrics, reference=()):
    directions = ("min", "max", "min")
    return Box(
        tuple(
            Objective(m, d, float(d == "max"), float(d == "min") + 0.5 * (d == "min"))
            for m, d in zip(metrics, directions, strict=False)
        ),
        reference,
    )


def table(**columns):
    return pd.DataFrame({name: [value] for name, value in columns.items()})


def test_directions_bounds_and_reference_point_stay():
    before = box("forget_gap", "test_accuracy", reference=(1.1, 1.2))
    points = table(
        forget_gap=0.1, test_accuracy=0.9, validation_forget_gap=0.1, validation_accuracy=0.9
    )
    assert validation_box(points, before) == box(
        "validation_forget_gap", "validation_accuracy", reference=(1.1, 1.2)
    )


def test_a_metric_without_a_twin_stays():
    points = table(unlearning_accuracy=0.1, test_accuracy=0.9, validation_accuracy=0.9)
    found = validation_box(points, box("unlearning_accuracy", "test_accuracy"))
    assert found.metrics == ("unlearning_accuracy", "validation_accuracy")


def test_a_twin_without_values_is_none():
    points = table(forget_gap=0.1, retain_gap=0.2, validation_forget_gap=np.nan)
    before = box("forget_gap", "retain_gap")
    assert validation_box(points, before) == before


def test_no_metric_becomes_two_objectives():
    points = table(test_accuracy=0.1, validation_accuracy=0.2, accuracy=0.3)
    for metrics in (("test_accuracy", "validation_accuracy"), ("validation_accuracy", "accuracy")):
        assert validation_box(points, box(*metrics)).metrics == metrics
    found = validation_box(points, box("accuracy", "test_accuracy"))
    assert found.metrics == ("validation_accuracy", "test_accuracy")


def test_the_preset_has_twins_for_both_objectives(tmp_path):
    run = write_synthetic_run(tmp_path / "run", replicates=1, configurations=1)
    before = Box.from_dict(read_manifest(run)["box"])
    found = validation_box(read_points(run), before)
    assert found.metrics == ("validation_forget_gap", "validation_retain_gap")
    assert validation_box(read_points(run), found) == found

"""A metric is its row and the function that computes it, and nothing else."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from pareto_explorer.cli.catalogue import catalogue
from pareto_explorer.figures import plot_front
from pareto_explorer.fronts import Box, Objective
from pareto_explorer.fronts.core.validation_twins import spares_test, validation_box
from pareto_explorer.fronts.statistics.floor import retrain_floor
from pareto_explorer.metrics import Evaluator, evaluator_of, functions
from pareto_explorer.runs import (
    PointsWriter,
    RunDirectory,
    metric_columns,
    read_points,
)
from pareto_explorer.schema import METRICS, MetricEntry
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.tasks import Mislabelled
from tests.tasks.small import SmallNet, small_task

ROWS = (
    MetricEntry(
        "doubt",
        "max",
        "Doubt",
        "how little of the forget set is sure",
        "1 - the mean confidence on the forget set.",
        "made up, section 2",
    ),
    MetricEntry(
        "doubt_gap",
        "min",
        "Doubt gap",
        "distance to retraining in doubt",
        "Distance of doubt and TA to the retrained model's.",
        "made up, section 3",
        reads_test=True,
        twin="validation_doubt_gap",
        over=("doubt", "test_accuracy"),
        needs_retrained=True,
    ),
    MetricEntry(
        "validation_doubt_gap",
        "min",
        "Doubt gap (validation)",
        "distance to retraining in doubt",
        "Distance of doubt and VA to the retrained model's.",
        "made up, section 3",
        over=("doubt", "validation_accuracy"),
        needs_retrained=True,
    ),
)
BOX = Box((Objective("doubt_gap", "min", 0.0, 1.0), Objective("doubt", "max", 1.0, 0.0)))


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    for row in ROWS:
        monkeypatch.setitem(METRICS, row.name, row)
    monkeypatch.setitem(
        functions.OWN, "doubt", lambda of: 1 - of.confidences["forget"].mean().item()
    )
    for name in ("doubt_gap", "validation_doubt_gap"):
        monkeypatch.setitem(functions.TO_RETRAINED, name, functions._gap(METRICS[name].over))


@pytest.fixture
def evaluator(added: None) -> Evaluator:
    torch.manual_seed(0)
    return evaluator_of(small_task(Mislabelled(fraction=0.2)), SmallNet(), SmallNet())


@pytest.fixture
def points(evaluator: Evaluator, tmp_path) -> pd.DataFrame:
    """A points table with one evaluated model, written and read again."""
    (tmp_path / "run").mkdir()
    run = RunDirectory(tmp_path / "run")
    row = {
        "trial_id": "a-0", "family": "a", "method": "m", "replicate": 0, "training_seed": 0,
        "unlearning_seed": 0, "step": 1, "samples": 1, "seconds": 0.0, "status": "ok",
        "cosine": 0.5, "mine": 1.0,
    }  # fmt: skip
    with PointsWriter(run) as writer:
        writer.append([row | evaluator(SmallNet())])
        writer.finish("a-0", "finished")
    return read_points(run)


def test_it_is_evaluated_in_its_place(evaluator: Evaluator) -> None:
    found = evaluator(SmallNet())
    assert list(found)[-3:] == [row.name for row in ROWS]
    gap = (
        abs(found["doubt"] - evaluator.retrained["doubt"])
        + abs(found["test_accuracy"] - evaluator.retrained["test_accuracy"])
    ) / 2
    assert found["doubt_gap"] == pytest.approx(gap)


def test_it_is_stored_after_the_known_ones_and_before_those_of_ones_own(points) -> None:
    names = [row.name for row in ROWS]
    assert list(points)[-5:] == [*names, "mine", "cosine"]
    assert metric_columns(points)[-4:] == [*names, "mine"]
    assert points["doubt"].between(0, 1).all()


def test_it_is_labelled(points: pd.DataFrame, evaluator: Evaluator) -> None:
    original, first = evaluator.original, evaluator.retrained
    second = first | {"doubt": first["doubt"] + 0.1}
    landmarks = pd.DataFrame(
        [
            {"landmark": kind, "replicate": seed, "training_seed": seed} | metrics
            for kind, models in (("original", [original] * 2), ("retrained", [first, second]))
            for seed, metrics in enumerate(models)
        ]
    )
    layout = plot_front(points, landmarks, BOX).layout
    assert "Doubt gap, " in layout.xaxis.title.text
    assert "distance to retraining in doubt" in layout.xaxis.title.text
    assert "how little of the forget set is sure" in layout.yaxis.title.text
    floor = retrain_floor(landmarks, BOX)
    assert floor is not None
    assert floor.mean == pytest.approx((0.05, 0.1))


def test_its_twin_chooses_in_its_place(points: pd.DataFrame) -> None:
    assert validation_box(points, BOX).metrics == ("validation_doubt_gap", "doubt")
    assert (spares_test("doubt"), spares_test("doubt_gap")) == (True, False)


def test_it_is_listed_and_can_be_an_objective(added: None, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # which remembers what is listed
    listed = {entry.name: entry for entry in catalogue()["metrics"]}
    assert listed["doubt"].summary == ROWS[0].meaning
    assert listed["doubt"].source == ROWS[0].source
    assert listed["doubt"].lines == ("higher is better",)
    assert listed["doubt_gap"].lines == (
        "lower is better; needs a retrained model; reads the test set; "
        "models are chosen by validation_doubt_gap",
    )
    spec = {
        "task": {"name": "digits"},
        "families": [{"method": "none"}],
        "objectives": [
            {"metric": o.metric, "direction": o.direction, "ideal": o.ideal, "nadir": o.nadir}
            for o in BOX.objectives
        ],
    }
    assert SweepSpec.from_mapping(spec).metrics == BOX.metrics

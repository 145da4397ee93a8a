import numpy as np
import pandas as pd
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective, front, replicate_means
from pareto_explorer.runs import metric_columns
from pareto_explorer.runs.journal import as_plain
from pareto_explorer.schema.columns import IDENTITY, tabulate

BOX = Box((Objective("cost", "min", 0.0, 1.0), Objective("gain", "max", 1.0, 0.0)))


def row(trial, replicate, step, cost, gain, *, family="f", status="ok", **more):
    return {
        "trial_id": trial,
        "family": family,
        "method": "m",
        "replicate": replicate,
        "training_seed": replicate,
        "unlearning_seed": replicate,
        "step": step,
        "samples": 10 * step,
        "seconds": float(step + replicate),
        "status": status,
        "trial_status": "ok",
        "cost": cost,
        "gain": gain,
        **more,
    }


def table(*rows):
    return tabulate([as_plain(each) for each in rows], IDENTITY)


TWO = table(
    row("a", 0, 1, 0.2, 0.8, **{"config.lr": 0.1, "cosine": -1.0}),
    row("a", 1, 1, 0.4, 0.6, **{"config.lr": 0.1, "cosine": 0.0}),
    row("b", 0, 1, 0.5, 0.5, family="g"),
    row("b", 1, 1, 0.7, 0.5, family="g"),
    row("b", 0, 2, 0.1, 0.3, family="g"),
    row("b", 1, 2, 0.1, 0.3, family="g"),
)


def test_means_and_spreads_by_hand():
    means = replicate_means(TWO)
    assert means[["trial_id", "step"]].to_numpy().tolist() == [["a", 1], ["b", 1], ["b", 2]]
    assert means["cost"].tolist() == pytest.approx([0.3, 0.6, 0.1])
    assert means["cost.std"].tolist() == pytest.approx([0.02**0.5, 0.02**0.5, 0.0])
    assert means["gain"].tolist() == pytest.approx([0.7, 0.5, 0.3])
    assert means["seconds"].tolist() == [1.5, 1.5, 2.5]
    assert means["samples"].tolist() == [10, 10, 20]
    assert means["cosine"].tolist()[0] == -0.5
    assert means["config.lr"].tolist()[0] == 0.1
    assert "on_front" not in means
    assert metric_columns(means) == ["cost", "gain"]


def test_marks_say_where_each_mean_lies():
    means = replicate_means(
        table(
            row("a", 0, 1, 0.3, 0.7),
            row("b", 0, 1, 0.6, 0.5, family="g"),
            row("b", 0, 2, 0.1, 0.3, family="g"),
            row("b", 0, 3, 1.0, 0.9, family="g"),
            row("b", 0, 4, 1.0, 0.9, family="g"),
        ),
        BOX,
    )
    assert means["on_front"].tolist() == [True, False, True, True, True]
    assert means["on_family_front"].tolist() == [True] * 5
    assert means["beyond_box"].tolist() == [False, False, False, True, True]


def test_the_front_is_sorted_from_the_best_in_the_first_objective():
    found = front(TWO, BOX)
    assert found[["trial_id", "step"]].to_numpy().tolist() == [["b", 2], ["a", 1]]
    assert found["on_front"].all()
    assert found.index.tolist() == [0, 1]


@pytest.mark.parametrize(
    "broken",
    [
        {"status": "diverged"},
        {"status": "failed"},
        {"cost": np.nan},
        {"cost": np.inf},
        {"gain": -np.inf},
    ],
)
def test_a_checkpoint_that_went_wrong_in_one_replicate_has_no_mean(broken):
    points = table(
        row("a", 0, 1, 0.2, 0.8),
        row("a", 1, 1, 0.4, 0.6) | broken,
        row("a", 0, 2, 0.2, 0.8),
        row("a", 1, 2, 0.4, 0.6),
    )
    assert replicate_means(points, BOX)["step"].tolist() == [2]
    assert front(points, BOX)["step"].tolist() == [2]


def test_a_replicate_that_is_missing_is_not_averaged_away():
    points = table(row("a", 0, 1, 0.2, 0.8), row("b", 0, 1, 0.2, 0.8), row("b", 1, 1, 0.2, 0.8))
    assert replicate_means(points)["trial_id"].tolist() == ["b"]


def test_a_measure_that_is_missing_in_one_replicate_is_missing_in_the_mean():
    points = table(row("a", 0, 1, 0.2, 0.8, extra=1.0), row("a", 1, 1, 0.2, 0.8))
    means = replicate_means(points, BOX)
    assert means["extra"].isna().tolist() == [True]
    assert means["cost"].tolist() == [0.2]


def test_one_replicate_has_no_spread():
    means = replicate_means(table(row("a", 0, 1, 0.2, 0.8)))
    assert means["cost"].tolist() == [0.2]
    assert means["cost.std"].isna().all()


def test_rows_in_any_order_give_the_same_table():
    shuffled = TWO.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(replicate_means(shuffled, BOX), replicate_means(TWO, BOX))
    pd.testing.assert_frame_equal(front(shuffled, BOX), front(TWO, BOX))


def test_the_points_are_not_changed():
    points = TWO.copy(deep=True)
    replicate_means(points, BOX)
    front(points, BOX)
    pd.testing.assert_frame_equal(points, TWO)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("points", [table(), TWO.iloc[:0]], ids=["no columns", "no rows"])
def test_a_table_without_rows(points):
    assert len(replicate_means(points)) == 0
    assert len(front(points, BOX)) == 0
    assert {"on_front", "on_family_front", "beyond_box"} <= set(front(points, BOX).columns)


def test_when_every_trial_failed_there_is_no_front_and_no_complaint():
    failed = table(row("a", 0, 0, None, None, status="failed")).drop(columns=["cost", "gain"])
    assert front(failed, BOX).empty


def test_an_objective_that_was_not_measured_is_named():
    with pytest.raises(InputError, match=r"objective: 'gain' is not known.* Choose from cost"):
        front(TWO.drop(columns="gain"), BOX)


@pytest.mark.parametrize("metric", ["family", "status", "error", "step", "seconds", "config.lr"])
def test_an_objective_that_is_no_metric_is_refused(metric):
    box = Box((Objective(metric, "min", 0.0, 1.0), Objective("gain", "max", 1.0, 0.0)))
    for points in (TWO, TWO.assign(status="failed")):
        with pytest.raises(InputError, match=f"objective: '{metric}' is not known"):
            replicate_means(points, box)

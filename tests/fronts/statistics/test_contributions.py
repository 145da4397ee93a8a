import moocore
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pareto_explorer.fronts import Box, Objective, hypervolume, replicate_means
from pareto_explorer.fronts.statistics.contributions import (
    exclusive_volumes,
    family_contributions,
    knob_contributions,
    point_contributions,
)
from tests.fronts.core.test_tables import BOX, row, table
from tests.fronts.twins_geometry import lost_without

eighths = st.integers(-1, 10).map(lambda k: k / 8)
some_points = st.tuples(st.integers(0, 8), st.sampled_from([2, 3])).flatmap(
    lambda shape: arrays(np.float64, shape, elements=eighths)
)


@settings(deadline=None)
@given(some_points, st.data())
def test_agrees_with_leaving_each_group_out(units, data):
    n, m = units.shape
    reference = (1.0, 1.125, 0.875)[:m]
    groups = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    for codes in (groups, list(range(n))):
        found = exclusive_volumes(units, np.array(codes, int), reference)
        assert found.tolist() == pytest.approx(
            lost_without(units.tolist(), codes, reference), abs=1e-9
        )


@settings(deadline=None)
@given(some_points)
def test_contributions_are_together_at_most_the_volume(units):
    reference = (1.0,) * units.shape[1]
    box = Box(tuple(Objective(f"o{i}", "min", 0.0, 1.0) for i in range(units.shape[1])))
    found = exclusive_volumes(units, np.arange(len(units)), reference)
    assert found.sum() <= hypervolume(units, box).value + 1e-9
    assert (found >= 0).all()
    doubled = np.concatenate([units, units])
    assert exclusive_volumes(doubled, np.arange(len(doubled)), reference).sum() == 0


def test_moocore_documented_example():
    units = np.array([[5, 1], [1, 5], [4, 2], [4, 4], [5, 1]], float)
    found = exclusive_volumes(units, np.arange(5), (6.0, 6.0))
    assert found.tolist() == [0, 3, 2, 0, 0]
    units = np.array([[5, 5], [4, 6], [2, 7], [7, 4]], float)
    assert exclusive_volumes(units, np.arange(4), (10.0, 10.0)).tolist() == [2, 1, 6, 3]


def test_three_objectives_agree_with_moocore_on_many_points():
    units = np.random.default_rng(0).random((200, 3))
    found = exclusive_volumes(units, np.arange(200), (1.0, 1.0, 1.0))
    expected = moocore.hv_contributions(units, ref=[1, 1, 1], ignore_dominated=False)
    assert found == pytest.approx(expected, abs=1e-12)
    assert (found > 0).sum() == 9


# One minus gain is the loss: in eighths, a (2, 4) and (4, 2), b (3, 3), c (5, 5), which is worse.
LINES = [("a", 1, 2, 4), ("a", 2, 4, 2), ("b", 1, 3, 3), ("c", 1, 5, 5)]
HAND = table(
    *(
        row(trial, replicate, step, cost / 8, 1 - loss / 8, family=f"family {trial}")
        | {"config.lr": {"a": 0.1, "b": 0.2, "c": 0.2}[trial], "config.quota": quota}
        for trial, step, cost, loss in LINES
        for quota in [None if trial == "c" else 1.0 + (trial == "b")]
        for replicate in (0, 1)
    )
)


def test_points_by_hand():
    means = replicate_means(HAND, BOX)
    assert means["trial_id"].tolist() == ["a", "a", "b", "c"]
    assert point_contributions(means, BOX) == pytest.approx(np.array([4, 4, 1, 0]) / 64)


def test_families_by_hand():
    # all: (2, 4), (3, 3), (4, 2) leave 6·4 + 5·1 + 4·1 = 33; without a: 25; without b: 32
    expected = {"family a": 8 / 64, "family b": 1 / 64, "family c": 0.0}
    assert family_contributions(HAND, BOX) == pytest.approx(expected)
    assert family_contributions(HAND, BOX, over="replicates") == pytest.approx(expected)


def test_over_replicates_each_replicate_has_its_own_front():
    points = table(
        row("a", 0, 1, 0.25, 0.75),
        row("a", 1, 1, 0.75, 0.25),
        row("b", 0, 1, 0.75, 0.25, family="g"),
        row("b", 1, 1, 0.25, 0.75, family="g"),
    )
    volume = 9 / 16 - 1 / 16
    assert family_contributions(points, BOX) == {"f": 0.0, "g": 0.0}  # the means are equal
    assert family_contributions(points, BOX, over="replicates") == pytest.approx(
        {"f": volume / 2, "g": volume / 2}
    )


def test_a_replicate_that_a_family_was_not_run_in_does_not_thin_its_contribution():
    points = table(
        row("a", 0, 1, 0.5, 0.5),
        row("a", 1, 1, 0.5, 0.5),
        row("b", 0, 1, 0.25, 0.25, family="g"),
    )
    found = family_contributions(points, BOX, over="replicates")
    alone = family_contributions(points[points["replicate"] == 0], BOX, over="replicates")
    assert found["g"] == alone["g"] > 0


def test_knobs_by_hand():
    found = knob_contributions(HAND, BOX)
    assert found["knob"].tolist() == ["lr", "lr", "quota", "quota"]
    assert found["value"].tolist() == ["0.1", "0.2", "1", "2"]
    assert found["points"].tolist() == [2, 2, 2, 1]
    # without lr 0.2 the three of c and b leave 32; c has no quota and stays when others leave
    assert found["contribution"].tolist() == pytest.approx([8 / 64, 1 / 64, 8 / 64, 1 / 64])


def test_many_numbers_of_a_knob_are_binned_by_quantiles():
    rows = [
        row(f"t{i}", 0, 1, 0.9 - 0.08 * i, 0.1 + 0.08 * i) | {"config.lr": 10.0**-i}
        for i in range(8)
    ]
    found = knob_contributions(table(*rows), BOX)
    assert found["value"].tolist() == [
        "1e-07 to 1e-06", "1e-05 to 0.0001", "0.001 to 0.01", "0.1 to 1"
    ]  # fmt: skip
    assert found["points"].tolist() == [2, 2, 2, 2]
    best, second, third = ((0.1 + 0.08 * i) ** 2 for i in (7, 6, 5))
    assert second > third
    assert found["contribution"].tolist() == pytest.approx([best - third, 0, 0, 0])


def test_points_without_the_knob_stay():
    points = table(
        row("a", 0, 1, 0.5, 0.5) | {"config.quota": 1.0},
        row("b", 0, 1, 0.75, 0.75) | {"config.quota": 2.0},
        row("c", 0, 1, 0.25, 0.25),
    )
    found = knob_contributions(points, BOX)
    assert found["contribution"].tolist() == pytest.approx([1 / 16, 1 / 16])


def test_what_is_not_missed_has_exactly_no_contribution():
    # the differences of two volumes leave rounding behind
    units = np.random.default_rng(1).random((60, 3))
    for shape in (units, units[:, :2]):
        twice = np.concatenate([shape, shape])
        reference = (1.0,) * shape.shape[1]
        assert (exclusive_volumes(twice, np.arange(120), reference) == 0).all()
        assert (exclusive_volumes(twice, np.arange(120) // 20, reference) == 0).all()


def test_words_and_parts_of_the_family_are_knobs():
    rows = [
        row("a", 0, 1, 0.5, 0.5, aggregator="mgda", **{"config.optimizer": "sgd"}),
        row("b", 0, 1, 0.25, 0.75, aggregator="upgrad", **{"config.optimizer": "adamw"}),
        row("c", 0, 1, 0.5, 0.5),
    ]
    found = knob_contributions(table(*rows), BOX)
    assert found[["knob", "value"]].to_numpy().tolist() == [
        ["aggregator", "mgda"], ["aggregator", "upgrad"],
        ["optimizer", "adamw"], ["optimizer", "sgd"],
    ]  # fmt: skip
    assert found["contribution"].tolist() == pytest.approx([0, 5 / 16, 5 / 16, 0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("points", [table(), HAND.iloc[:0]])
def test_a_table_without_rows(points):
    assert family_contributions(points, BOX) == {}
    assert family_contributions(points, BOX, over="replicates") == {}
    assert list(knob_contributions(points, BOX)) == ["knob", "value", "points", "contribution"]
    assert len(point_contributions(replicate_means(points, BOX), BOX)) == 0


def test_the_points_are_not_changed():
    points = HAND.copy(deep=True)
    family_contributions(points, BOX, over="replicates")
    knob_contributions(points, BOX)
    pd.testing.assert_frame_equal(points, HAND)

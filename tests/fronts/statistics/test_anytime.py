import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective, family_hypervolumes
from pareto_explorer.fronts.statistics.anytime import AXES, anytime_curves, common_grid, trial_order
from pareto_explorer.runs import read_manifest, read_points
from tests.fronts.core.test_tables import BOX, row, table
from tests.fronts.twins_geometry import slow_volume
from tests.synthetic import write_synthetic_run

# Replicate 0: trial 2 (first, since 2 < 10) has (0.5, 0.5), worth 1/4, then (0.25, 0.5), worth 3/8;
# trial 10 fails after 30 samples; trial 11 adds (0.5, 0.25): 3/8 + 1/8. Replicate 1 has one point.
HAND = table(
    row("f-11", 0, 1, 0.5, 0.75),
    row("f-2", 0, 1, 0.5, 0.5),
    row("f-2", 0, 2, 0.25, 0.5),
    row("f-10", 0, 3, None, None, status="diverged"),
    row("f-2", 1, 1, 0.5, 0.5),
    row("g-1", 1, 5, 2.0, 0.5, family="g"),
)


def curve(curves, family, replicate):
    chosen = curves[(curves["family"] == family) & (curves["replicate"] == replicate)]
    return chosen[["x", "hypervolume"]].to_numpy().tolist()


def test_by_hand():
    trials = anytime_curves(HAND, BOX)
    assert curve(trials, "f", 0) == [[0, 0], [1, 0.375], [3, 0.5]]
    assert curve(trials, "f", 1) == [[0, 0], [1, 0.25], [3, 0.25]]
    assert curve(trials, "g", 0) == [[0, 0], [1, 0]]
    assert curve(trials, "g", 1) == [[0, 0], [1, 0]]
    samples = anytime_curves(HAND, BOX, "samples")
    assert curve(samples, "f", 0) == [[0, 0], [10, 0.25], [20, 0.375], [60, 0.5]]
    assert curve(samples, "f", 1) == [[0, 0], [10, 0.25]]
    assert curve(samples, "g", 0) == [[0, 0]]
    assert curve(samples, "g", 1) == [[0, 0], [50, 0]]
    seconds = anytime_curves(HAND, BOX, "seconds")  # a step costs a second, replicate 1 one more
    assert curve(seconds, "f", 0) == [[0, 0], [1, 0.25], [2, 0.375], [6, 0.5]]
    assert curve(seconds, "f", 1) == [[0, 0], [2, 0.25]]


@pytest.mark.parametrize("first", ["min", "max"])
@pytest.mark.parametrize("second", ["min", "max"])
def test_directions(first, second):
    ends = {"min": (0.0, 1.0), "max": (1.0, 0.0)}
    box = Box((Objective("cost", first, *ends[first]), Objective("gain", second, *ends[second])))
    points = HAND.copy()
    if first == "max":
        points["cost"] = 1 - points["cost"]
    if second == "min":
        points["gain"] = 1 - points["gain"]
    pd.testing.assert_frame_equal(anytime_curves(points, box), anytime_curves(HAND, BOX))


eighths = st.integers(-1, 9).map(lambda k: k / 8)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3), eighths, eighths, eighths)),
    st.booleans(),
    st.sampled_from(AXES),
)
def test_agrees_with_measuring_anew_after_every_step(drawn, flat, axis):
    unique = {(trial, step): values for trial, step, *values in drawn}
    lines = [(trial, step, *values) for (trial, step), values in unique.items()]
    m = 2 if flat else 3
    box = Box(tuple(Objective(n, "min", 0.0, 1.0) for n in ("cost", "gain", "third")[:m]))
    points = table(*(row(f"t{t}", 0, s, x, y, third=z) for t, s, x, y, z in lines))
    found = curve(anytime_curves(points, box, axis), "f", 0) if lines else []
    # what each point's presence costs, by walking through the trials
    moments, before = [], 0.0
    for place, trial in enumerate(sorted({t for t, *_ in lines}), 1):
        own = sorted(line for line in lines if line[0] == trial)
        scale = {"samples": 10.0, "seconds": 1.0}.get(axis, 0.0)
        for _, step, *values in own:
            moments.append((place if axis == "trials" else before + scale * step, values[:m]))
        before += scale * max(step for _, step, *_ in own)
    expected = []
    for x in sorted({0.0, *(x for x, _ in moments)}):
        now = slow_volume([values for time, values in moments if time <= x], [1.0] * m)
        if not expected or now > expected[-1][1] + 1e-12:
            expected.append([x, now])
    if expected and moments and expected[-1][0] < moments[-1][0]:
        expected.append([moments[-1][0], expected[-1][1]])
    assert found == [pytest.approx(step, abs=1e-9) for step in expected if lines]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_synthetic_run(tmp_path_factory.mktemp("runs") / "synthetic")


@pytest.mark.parametrize("axis", AXES)
def test_curves_end_at_the_hypervolume_of_the_family(run, axis):
    points, box = read_points(run), Box.from_dict(read_manifest(run)["box"])
    curves = anytime_curves(points, box, axis)
    families = family_hypervolumes(points, box)
    assert set(curves["family"]) == set(families)
    for (family, replicate), steps in curves.groupby(["family", "replicate"]):
        assert steps["x"].is_monotonic_increasing
        assert steps["x"].is_unique
        assert steps["hypervolume"].is_monotonic_increasing
        assert steps[["x", "hypervolume"]].to_numpy()[0].tolist() == [0, 0]
        last = steps["hypervolume"].iloc[-1]
        assert last == pytest.approx(families[family].per_replicate[replicate], abs=1e-12)
    shuffled = points.sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(anytime_curves(shuffled, box, axis), curves)
    grid = common_grid(curves)
    ends = grid.groupby("family").last()
    for family, measured in families.items():
        assert ends["mean"][family] == pytest.approx(measured.mean, abs=1e-12)
        assert ends["low"][family] == pytest.approx(min(measured.per_replicate.values()), abs=1e-12)
        assert ends["high"][family] == pytest.approx(
            max(measured.per_replicate.values()), abs=1e-12
        )


def test_common_grid_carries_the_last_value_on():
    grid = common_grid(anytime_curves(HAND, BOX, "samples"))
    f = grid[grid["family"] == "f"].drop(columns="family")
    assert f.to_numpy().tolist() == [
        [0, 0, 0, 0],
        [10, 0.25, 0.25, 0.25],
        [20, 0.3125, 0.25, 0.375],
        [60, 0.375, 0.25, 0.5],
    ]


def test_common_grid_is_never_finer_than_500_steps():
    x = np.arange(1000.0)
    curves = pd.DataFrame({"family": "f", "replicate": 0, "x": x, "hypervolume": x / 1000})
    grid = common_grid(curves)
    assert len(grid) == 500
    assert grid["x"].iloc[[0, -1]].tolist() == [0, 999]
    assert (grid["mean"] <= grid["x"] / 1000).all()


def test_trials_are_ordered_by_their_number_then_by_name():
    names = pd.Series(["b-10", "b-2", "a-10", "last", "b-2", "x-0003"])
    assert trial_order(names).tolist() == [3, 0, 2, 4, 0, 1]


def test_a_point_at_no_cost_counts_from_the_start():
    points = table(row("none-0", 0, 0, 0.5, 0.5) | {"seconds": 0.0})
    assert curve(anytime_curves(points, BOX, "seconds"), "f", 0) == [[0, 0.25]]


def test_a_trial_that_failed_before_it_spent_anything_costs_nothing():
    points = table(
        row("f-1", 0, 0, None, None, status="failed") | {"seconds": 0.0},
        row("f-2", 0, 1, 0.5, 0.5),
    )
    assert curve(anytime_curves(points, BOX, "seconds"), "f", 0) == [[0, 0], [1, 0.25]]
    assert curve(anytime_curves(points, BOX), "f", 0) == [[0, 0], [2, 0.25]]


def test_an_unknown_axis_is_refused():
    with pytest.raises(InputError, match="axis: 'hours' is not known"):
        anytime_curves(HAND, BOX, "hours")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("points", [table(), HAND.iloc[:0]])
def test_a_table_without_rows(points):
    curves = anytime_curves(points, BOX)
    assert list(curves) == ["family", "replicate", "x", "hypervolume"]
    assert list(common_grid(curves)) == ["family", "x", "mean", "low", "high"]


def test_the_points_are_not_changed():
    points = HAND.copy(deep=True)
    anytime_curves(points, BOX, "samples")
    pd.testing.assert_frame_equal(points, HAND)

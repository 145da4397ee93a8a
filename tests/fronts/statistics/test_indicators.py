import math
from itertools import product

import moocore
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pymoo.indicators.igd_plus import IGDPlus

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective, family_hypervolumes, front, replicate_means
from pareto_explorer.fronts.statistics.indicators import (
    additive_epsilon,
    additive_epsilon_metric,
    family_indicators,
    igd_plus,
    r2,
)
from pareto_explorer.runs import read_manifest, read_points
from tests.fronts import twins_geometry as twins
from tests.fronts.core.test_tables import row, table
from tests.synthetic import write_synthetic_run


def unit_box(m):
    return Box(tuple(Objective(f"o{i}", "min", 0.0, 1.0) for i in range(m)))


eighths = st.integers(-1, 10).map(lambda k: k / 8)


def points(m, least=1, most=6):
    return st.integers(least, most).flatmap(lambda n: arrays(np.float64, (n, m), elements=eighths))


two_sets = st.sampled_from([2, 3]).flatmap(lambda m: st.tuples(points(m), points(m)))


@settings(deadline=None)
@given(two_sets)
def test_agree_with_loops(sets):
    values, target = sets
    box = unit_box(values.shape[1])
    expected = twins.igd_plus(values.tolist(), target.tolist())
    assert igd_plus(values, target, box) == pytest.approx(expected, abs=1e-12)
    expected = twins.epsilon(values.tolist(), target.tolist())
    assert additive_epsilon(values, target, box) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(points(2))
def test_r2_agrees_with_many_weights(values):
    assert r2(values, unit_box(2)) == pytest.approx(twins.r2(values.tolist()), abs=1e-3)


@settings(deadline=None)
@given(two_sets, st.data())
def test_a_better_set_is_never_worse(sets, data):
    values, target = sets
    m = values.shape[1]
    box = unit_box(m)
    more = np.concatenate([values, data.draw(points(m, most=2))])
    assert igd_plus(more, target, box) <= igd_plus(values, target, box) + 1e-12
    assert additive_epsilon(more, target, box) <= additive_epsilon(values, target, box)
    if m == 2:
        assert r2(more, box) <= r2(values, box) + 1e-12


@settings(deadline=None)
@given(two_sets, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(sets, random):
    values, target = sets
    box = unit_box(values.shape[1])
    order = random.sample(range(len(values)), len(values))
    assert igd_plus(values[order], target[::-1], box) == pytest.approx(
        igd_plus(values, target, box), abs=1e-12
    )
    assert additive_epsilon(values[order], target[::-1], box) == additive_epsilon(
        values, target, box
    )


# In eighths of the box: values (2, 2), target (1, 2) and (4, 1). Distances 1 and 1; R2 of one point
# on the diagonal is 1/4 times the mean of max(w, 1 - w), 3/4.
@pytest.mark.parametrize(("first", "second"), list(product(["min", "max"], repeat=2)), ids="/".join)
def test_by_hand_in_every_direction(first, second):
    ends = {"min": (0.0, 8.0), "max": (16.0, 0.0)}
    box = Box((Objective("cost", first, *ends[first]), Objective("gain", second, *ends[second])))

    def place(*eighths):
        directions = zip(eighths, (first, second), strict=True)
        return [float(v if d == "min" else 16 - 2 * v) for v, d in directions]

    values, target = [place(2, 2)], [place(1, 2), place(4, 1)]
    assert igd_plus(values, target, box) == pytest.approx(1 / 8)
    assert additive_epsilon(values, target, box) == pytest.approx(1 / 8)
    assert additive_epsilon_metric(values, target, box) == pytest.approx(
        {"cost": 1.0 if first == "min" else 2.0, "gain": 1.0 if second == "min" else 2.0}
    )
    assert r2(values, box) == pytest.approx(3 / 16)


def test_room_to_spare_is_a_negative_epsilon():
    assert additive_epsilon([[0.0, 0.0]], [[0.5, 0.25]], unit_box(2)) == -0.25
    assert igd_plus([[0.0, 0.0]], [[0.5, 0.25]], unit_box(2)) == 0.0


def test_r2_at_and_beyond_the_ideal():
    assert r2([[0.0, 0.0]], unit_box(2)) == 0.0
    assert r2([[-0.5, -0.5], [1.0, 1.0]], unit_box(2)) == 0.0
    # on both axes: the mean of min(w, 1 - w) / 2
    assert r2([[0.0, 0.5], [0.5, -0.1]], unit_box(2)) == pytest.approx(1 / 8)
    assert math.isnan(r2([[0.0, 0.0, 0.0]], unit_box(3)))


def test_nothing_to_compare():
    box = unit_box(2)
    for indicator in (igd_plus, additive_epsilon):
        assert indicator([], [[0.0, 0.0]], box) == math.inf
        assert math.isnan(indicator([[0.0, 0.0]], [], box))
        with pytest.raises(InputError, match="row 0 is"):
            indicator([[np.nan, 0.0]], [[0.0, 0.0]], box)
    assert r2([], box) == math.inf
    with pytest.raises(InputError, match="row 0 is"):
        r2([[np.nan, 0.0]], box)


def test_moocore_and_pymoo_examples():
    values = [[3.5, 5.5], [3.6, 4.1], [4.1, 3.2], [5.5, 1.5]]
    target = [[1, 6], [2, 5], [3, 4], [4, 3], [5, 2], [6, 1]]
    box = unit_box(2)
    assert igd_plus(values, target, box) == pytest.approx(0.9855036468106652)
    assert igd_plus(values, target, box) == pytest.approx(
        IGDPlus(np.array(target, float))(np.array(values))
    )
    assert additive_epsilon(values, target, box) == 2.5
    assert r2([[5, 5], [4, 6], [2, 7], [7, 4]], box) == pytest.approx(2.594191919191919)
    data = moocore.get_dataset("input1.dat")[:, :-1]
    assert r2(data, box) == pytest.approx(0.3336076878950565)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_synthetic_run(tmp_path_factory.mktemp("runs") / "synthetic")


def test_families_against_the_pooled_front(run):
    points, box = read_points(run), Box.from_dict(read_manifest(run)["box"])
    found = family_indicators(points, box).set_index("family")
    means = replicate_means(points, box)
    inside = means[~means["beyond_box"]]
    pooled = front(points, box)
    target = pooled.loc[~pooled["beyond_box"], list(box.metrics)].to_numpy()
    assert list(found.index) == sorted(points["family"].unique())
    assert found["share_of_pooled_front"].sum() == pytest.approx(1.0)
    for family, line in found.iterrows():
        rows = points[(points["family"] == family) & (points["status"] == "ok")]
        sets = [
            box.normalise(rows.loc[rows["replicate"] == r, list(box.metrics)]).tolist()
            for r in (0, 1, 2)
        ]
        goal = box.normalise(target).tolist()
        mean = sum(twins.igd_plus(values, goal) for values in sets) / 3
        assert line["igd_plus"] == pytest.approx(mean)
        assert line["epsilon"] == pytest.approx(sum(twins.epsilon(v, goal) for v in sets) / 3)
        assert line["r2"] == pytest.approx(sum(twins.r2(v) for v in sets) / 3, abs=1e-3)
        own = inside[inside["family"] == family]
        assert line["front_points"] == own["on_family_front"].sum()
        assert line["front_points"] == family_hypervolumes(points, box)[family].of_means.n_front
        assert line["share_of_pooled_front"] == own["on_front"].sum() / len(target)
    assert found["vorobev_deviation"]["upgrad/kl_heldout"] > 0
    assert found["vorobev_deviation"]["none"] == 0  # it dominates nothing


@pytest.mark.parametrize(("diverged", "far"), [(True, math.inf), (False, 0.0)])
def test_only_a_replicate_that_was_run_can_be_infinitely_far(diverged, far):
    box = Box((Objective("cost", "min", 0.0, 1.0), Objective("gain", "max", 1.0, 0.0)))
    rows = table(
        row("a", 0, 1, 0.5, 0.5),
        row("a", 1, 1, 0.5, 0.5),
        row("b", 0, 1, 0.5, 0.5, family="g"),
        *([row("b", 1, 1, None, None, family="g", status="diverged")] if diverged else []),
    )
    found = family_indicators(rows, box).set_index("family")
    assert found["igd_plus"].tolist() == [0.0, far]
    assert found["front_points"].tolist() == [1, 0]


@pytest.mark.filterwarnings("error")
def test_a_table_without_rows():
    assert family_indicators(table(), unit_box(2)).empty

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pareto_explorer.fronts import (
    Box,
    Objective,
    family_hypervolumes,
    front,
    hypervolume_json,
    pooled_hypervolume,
)
from pareto_explorer.runs import read_manifest, read_points
from pareto_explorer.runs.columns import IDENTITY, tabulate
from tests.fronts.test_tables import BOX, row, table
from tests.synthetic import write_synthetic_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_synthetic_run(tmp_path_factory.mktemp("runs") / "synthetic")


# Family f: replicate 0 has (1/2, 1/4), replicate 1 has (1/4, 1/4), in normalised
# units (there twice), so 3/8 and 9/16. The means are (3/8, 1/4) and (5/8, 1/8): 15/32 + 3/64.
# Family g never works.
HAND = table(
    row("a", 0, 1, 0.50, 0.75),
    row("a", 1, 1, 0.25, 0.75),
    row("a", 0, 2, 1.00, 1.00),
    row("a", 1, 2, 0.25, 0.75),
    row("b", 0, 1, None, None, family="g", status="diverged"),
    row("b", 1, 1, np.nan, 0.5, family="g"),
)


def test_by_hand():
    found = family_hypervolumes(HAND, BOX)
    assert list(found) == ["f", "g"]
    f, g = found["f"], found["g"]
    assert f.per_replicate == pytest.approx({0: 3 / 8, 1: 9 / 16})
    assert f.mean == pytest.approx(15 / 32)
    assert f.interval == pytest.approx((3 / 8, 9 / 16))
    assert f.of_means.value == pytest.approx(15 / 32 + 3 / 64)
    assert (f.n_points, f.n_beyond, f.n_excluded) == (4, 1, 0)
    assert (f.of_means.n_points, f.of_means.n_front, f.of_means.n_beyond) == (2, 2, 0)
    assert f.box == BOX
    assert g.per_replicate == {0: 0.0, 1: 0.0}
    assert (g.mean, g.interval, g.of_means.value) == (0.0, (0.0, 0.0), 0.0)
    assert (g.n_points, g.n_beyond, g.n_excluded) == (0, 0, 2)


def test_a_family_missing_from_a_replicate_scores_0_there():
    points = table(row("a", 0, 1, 0.5, 0.5), row("b", 1, 1, 0.5, 0.5, family="g"))
    assert family_hypervolumes(points, BOX)["f"].per_replicate == pytest.approx({0: 0.25, 1: 0.0})
    assert pooled_hypervolume(points, BOX).per_replicate == pytest.approx({0: 0.25, 1: 0.25})


def test_pooled_is_never_below_a_family_and_counts_add_up(run):
    points, box = read_points(run), _box(run)
    pooled = pooled_hypervolume(points, box)
    families = family_hypervolumes(points, box)
    assert len(families) == 7
    for family in families.values():
        assert family.of_means.value <= pooled.of_means.value + 1e-12
        for replicate, value in family.per_replicate.items():
            assert value <= pooled.per_replicate[replicate] + 1e-12
    assert pooled.n_points == sum(family.n_points for family in families.values())
    assert pooled.n_beyond == sum(family.n_beyond for family in families.values())
    assert pooled.n_excluded == sum(family.n_excluded for family in families.values())
    assert pooled.n_points + pooled.n_excluded == len(points)
    assert pooled.of_means.n_front == (~front(points, box)["beyond_box"]).sum()


def test_doing_nothing_scores_0_in_every_replicate(run):
    box = _box(run)
    nothing = family_hypervolumes(read_points(run), box)["none"]
    assert nothing.per_replicate == {0: 0.0, 1: 0.0, 2: 0.0}
    assert nothing.of_means.value == 0.0
    assert nothing.n_beyond == 3


def test_rows_in_any_order_give_the_same_numbers(run):
    points, box = read_points(run), _box(run)
    shuffled = points.sample(frac=1, random_state=1)
    before, after = (pooled_hypervolume(table, box) for table in (points, shuffled))
    assert after.per_replicate == pytest.approx(before.per_replicate, abs=1e-12)
    assert after.of_means.value == pytest.approx(before.of_means.value, abs=1e-12)


def test_three_objectives(run):
    points = read_points(run)
    box = Box(
        (
            Objective("forget_gap", "min", 0.0, 0.8),
            Objective("retain_gap", "min", 0.0, 0.1),
            Objective("test_accuracy", "max", 1.0, 0.8),
        )
    )
    pooled = pooled_hypervolume(points, box)
    assert pooled.n_points == 150
    assert all(
        0 < family.mean <= pooled.mean
        for name, family in family_hypervolumes(points, box).items()
        if name != "none"
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("points", [tabulate([], IDENTITY), HAND.iloc[:0]])
def test_a_table_without_rows(points):
    assert family_hypervolumes(points, BOX) == {}
    pooled = pooled_hypervolume(points, BOX)
    assert (pooled.mean, pooled.per_replicate, pooled.interval) == (0.0, {}, (0.0, 0.0))
    json.dumps(hypervolume_json(points, BOX), allow_nan=False)


def test_the_points_are_not_changed():
    points = HAND.copy(deep=True)
    hypervolume_json(points, BOX)
    pd.testing.assert_frame_equal(points, HAND)


def staircase_area(corners):
    """Area dominated inside the unit square, by slicing from left to right."""
    corners = sorted(corner for corner in corners if corner[0] < 1 and corner[1] < 1)
    area, height = 0.0, 1.0
    for x, y in corners:
        if y < height:
            area += (1 - x) * (height - y)
            height = y
    return area


def test_hypervolume_json_can_be_recomputed_from_the_parquet_file_by_hand(run):
    written = json.loads(json.dumps(hypervolume_json(read_points(run), _box(run)), allow_nan=False))
    rows = pq.read_table(run.points).to_pylist()
    bounds = {o["metric"]: (o["ideal"], o["nadir"]) for o in written["box"]["objectives"]}
    assert list(bounds) == ["forget_gap", "retain_gap"]
    assert written["box"]["reference"] == [1.0, 1.0]
    assert {o["direction"] for o in written["box"]["objectives"]} == {"min"}

    def corner(row):
        return tuple((row[m] - low) / (high - low) for m, (low, high) in bounds.items())

    def recompute(chosen):
        good = [row for row in chosen if row["status"] == "ok"]
        per_replicate = {}
        for replicate in (0, 1, 2):
            corners = [corner(row) for row in good if row["replicate"] == replicate]
            per_replicate[str(replicate)] = staircase_area(corners)
        checkpoints = {}
        for point in good:
            checkpoints.setdefault((point["trial_id"], point["step"]), []).append(point)
        means = []
        for three in checkpoints.values():
            if len(three) == 3:
                mean = {m: sum(row[m] for row in three) / 3 for m in bounds}
                means.append(corner(mean))
        inside = [mean for mean in means if max(mean) < 1]
        beaten = [any(o != p and o[0] <= p[0] and o[1] <= p[1] for o in inside) for p in inside]
        return {
            "hypervolume": sum(per_replicate.values()) / 3,
            "per_replicate": per_replicate,
            "interval": [min(per_replicate.values()), max(per_replicate.values())],
            "points": len(good),
            "beyond_box": sum(max(corner(row)) >= 1 for row in good),
            "excluded": len(chosen) - len(good),
            "of_means": {
                "hypervolume": staircase_area(means),
                "points": len(means),
                "front_points": beaten.count(False),
                "beyond_box": sum(max(mean) >= 1 for mean in means),
            },
        }

    def same(found, expected):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            if isinstance(value, dict):
                same(found[key], value)
            else:
                assert found[key] == pytest.approx(value, abs=1e-12), key

    same(written["pooled"], recompute(rows))
    names = {row["family"] for row in rows}
    assert written["families"].keys() == names
    for name in names:
        same(written["families"][name], recompute([r for r in rows if r["family"] == name]))


def _box(run):
    return Box.from_dict(read_manifest(run)["box"])

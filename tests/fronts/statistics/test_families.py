import json
from itertools import combinations

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
from pareto_explorer.fronts.statistics.floor import families_inside
from pareto_explorer.fronts.statistics.resampling import interval
from pareto_explorer.runs import read_landmarks, read_manifest, read_points
from pareto_explorer.schema.columns import IDENTITY, tabulate
from tests.fronts.core.test_tables import BOX, row, table
from tests.fronts.twins_draws import quantile
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
    assert f.interval.kind == "range"
    assert tuple(f.interval) == pytest.approx((3 / 8, 9 / 16))
    assert f.of_means.value == pytest.approx(15 / 32 + 3 / 64)
    assert (f.n_points, f.n_beyond, f.n_excluded) == (4, 1, 0)
    assert (f.of_means.n_points, f.of_means.n_front, f.of_means.n_beyond) == (2, 2, 0)
    assert f.box == BOX
    assert f.lost_without_best is None  # one configuration
    assert f.to_dict()["half_samples"] is None
    assert g.per_replicate == {0: 0.0, 1: 0.0}
    assert (g.mean, tuple(g.interval), g.of_means.value) == (0.0, (0.0, 0.0), 0.0)
    assert (g.n_points, g.n_beyond, g.n_excluded) == (0, 0, 2)


def test_what_one_configuration_is_worth_by_hand():
    # b reaches (1/2, 1/4) and (1/4, 1/4); a has (1/2, 1/2) twice; c lies beyond the box
    points = table(
        row("f-1", 0, 1, 0.50, 0.50),
        row("f-1", 1, 1, 0.50, 0.50),
        row("f-2", 0, 1, 0.50, 0.75),
        row("f-2", 1, 1, 0.25, 0.75),
        row("f-3", 0, 1, 1.50, 0.75),
        row("f-3", 1, 1, None, None, status="diverged"),
    )
    found = family_hypervolumes(points, BOX)["f"]
    assert found.lost_without_best == pytest.approx(15 / 32 - 1 / 4)
    # with one of the three: 1/4, 15/32 or nothing
    assert found.half_samples.spread()[0] == pytest.approx((1 / 4 + 15 / 32) / 3)
    twice = table(row("f-1", 0, 1, 0.5, 0.5), row("f-2", 0, 1, 0.5, 0.5))
    assert family_hypervolumes(twice, BOX)["f"].lost_without_best == 0.0


def test_a_replicate_that_a_family_was_not_run_in_is_missing_and_one_that_diverged_scores_0():
    points = table(
        row("a", 0, 1, 0.5, 0.5),
        row("b", 1, 1, 0.5, 0.5, family="g"),
        row("b", 0, 1, None, None, family="g", status="diverged"),
    )
    found = family_hypervolumes(points, BOX)
    assert found["f"].per_replicate == pytest.approx({0: 0.25})
    assert (found["f"].mean, found["f"].interval.kind) == (0.25, "single")
    assert found["f"].cross_fitted is None
    assert found["f"].of_means.n_points == 0  # a mean needs every replicate of the table
    assert found["g"].per_replicate == pytest.approx({0: 0.0, 1: 0.25})
    assert found["g"].mean == 0.125
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
    assert 0 < pooled.cross_fitted_mean < pooled.mean
    assert 0 < pooled.on_validation_mean < pooled.mean
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
    assert (pooled.mean, pooled.per_replicate, tuple(pooled.interval)) == (0.0, {}, (0.0, 0.0))
    assert (pooled.cross_fitted, pooled.on_validation, pooled.optimism) == (None, None, None)
    written = hypervolume_json(points, BOX, landmarks=pd.DataFrame({"landmark": []}))
    assert (written["comparisons"], written["floor"]) == ([], None)
    json.dumps(written, allow_nan=False)


def test_the_points_are_not_changed():
    points = HAND.copy(deep=True)
    hypervolume_json(points, BOX)
    pd.testing.assert_frame_equal(points, HAND)


def test_five_replicates_give_a_bootstrap_interval(tmp_path):
    run = write_synthetic_run(tmp_path / "run", replicates=5, configurations=1)
    for family in family_hypervolumes(read_points(run), _box(run)).values():
        volumes = list(family.per_replicate.values())
        assert family.interval == interval(volumes)
        assert family.interval.kind == "bootstrap"
        assert min(volumes) <= family.interval.low <= family.mean <= family.interval.high
    assert family.to_dict()["interval_kind"] == "bootstrap"


def test_hypervolumes_that_look_back_are_never_above_those_of_all_points(run):
    points, box = read_points(run), _box(run)
    pooled = pooled_hypervolume(points, box)
    for family in [pooled, *family_hypervolumes(points, box).values()]:
        assert family.optimism == pytest.approx(family.mean - family.cross_fitted_mean, abs=1e-12)
        for replicate, value in family.per_replicate.items():
            assert 0 <= family.cross_fitted[replicate] <= value + 1e-12
            assert 0 <= family.on_validation[replicate] <= value + 1e-12
    assert pooled.optimism > 1e-6


def test_json_has_the_comparisons_and_the_floor(run):
    points, box, landmarks = read_points(run), _box(run), read_landmarks(run)
    written = hypervolume_json(points, box, landmarks=landmarks)
    assert "floor" not in hypervolume_json(points, box)
    assert len(written["comparisons"]) == 7 * 6 / 2
    assert {entry["first"] for entry in written["comparisons"][:6]} == {
        max(written["families"], key=lambda name: written["families"][name]["hypervolume"])
    }
    assert written["floor"]["metrics"] == ["forget_gap", "retain_gap"]
    assert written["floor"]["pairs"] == 3
    assert written["floor"]["families_inside"] == families_inside(points, landmarks, box)
    json.dumps(written, allow_nan=False)


def test_json_has_no_verdict_while_a_trial_is_running(tmp_path):
    run = write_synthetic_run(tmp_path / "run", replicates=7, configurations=1)
    points, box = read_points(run), _box(run)
    assert any(c["distinguishable"] for c in hypervolume_json(points, box)["comparisons"])
    planned = hypervolume_json(points, box, planned=points["trial_id"].nunique() + 1)
    assert not any(c["distinguishable"] for c in planned["comparisons"])
    last = points["trial_id"] == points["trial_id"].iloc[-1]
    points.loc[last, "trial_status"] = "running"
    assert not any(c["distinguishable"] for c in hypervolume_json(points, box)["comparisons"])


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

    def corner(row, prefix=""):
        return tuple((row[prefix + m] - low) / (high - low) for m, (low, high) in bounds.items())

    def validation_corner(row):
        return corner(row, "validation_")

    def chosen(checkpoints, corner, replicates):
        means = []
        for points in checkpoints.values():
            looked_at = [corner(row) for row in points if row["replicate"] in replicates]
            if len(looked_at) == len(replicates):
                means.append((tuple(sum(c) / len(c) for c in zip(*looked_at, strict=True)), points))
        return [
            points
            for mean, points in means
            if not any(m != mean and m[0] <= mean[0] and m[1] <= mean[1] for m, _ in means)
        ]

    def measured(points, replicate):
        return staircase_area(
            [corner(row) for three in points for row in three if row["replicate"] == replicate]
        )

    def recompute(rows_of_family):
        good = [row for row in rows_of_family if row["status"] == "ok"]
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
        cross_fitted, on_validation = {}, {}
        for replicate in (0, 1, 2):
            found = chosen(checkpoints, corner, [r for r in (0, 1, 2) if r != replicate])
            cross_fitted[str(replicate)] = measured(found, replicate)
            found = chosen(checkpoints, validation_corner, [0, 1, 2])
            on_validation[str(replicate)] = measured(found, replicate)
        trials = sorted({row["trial_id"] for row in rows_of_family})

        def mean_of(kept):
            corners = [[corner(p) for p in good if p["replicate"] == r and p["trial_id"] in kept]
                       for r in (0, 1, 2)]  # fmt: skip
            return sum(map(staircase_area, corners)) / 3

        of_one_family = len({row["family"] for row in rows_of_family}) == 1 < len(trials)
        lost, half = None, None
        if of_one_family:
            lost = max(mean_of(trials) - mean_of(set(trials) - {trial}) for trial in trials)
            halves = [mean_of(kept) for kept in combinations(trials, len(trials) // 2)]
            half = {
                "hypervolume": sum(halves) / len(halves),
                "interval": [quantile(halves, 0.1), quantile(halves, 0.9)],
                "interval_kind": "10 to 90 %",
                "interval_covers": "draws",
            }
        return {
            "hypervolume": sum(per_replicate.values()) / 3,
            "per_replicate": per_replicate,
            "interval_covers": "seeds",
            "lost_without_best": lost,
            "half_samples": half,
            "interval": [min(per_replicate.values()), max(per_replicate.values())],
            "interval_kind": "range",
            "cross_fitted": {
                "hypervolume": sum(cross_fitted.values()) / 3,
                "per_replicate": cross_fitted,
            },
            "on_validation": {
                "hypervolume": sum(on_validation.values()) / 3,
                "per_replicate": on_validation,
            },
            "points": len(good),
            "beyond_box": sum(max(corner(row)) >= 1 for row in good),
            "excluded": len(rows_of_family) - len(good),
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

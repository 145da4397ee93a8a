"""Rows that belong to another run than the manifest is of."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.results.run import load_run
from pareto_explorer.runs import PointsWriter, read_points, require_planned
from tests.runs.test_points import row
from tests.synthetic import write_synthetic_run

OWN = {"family": "none", "method": "none", "training_seed": 0, "unlearning_seed": 100}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, ""),
        (
            {"family": "other"},
            "trial 'a' .* has family 'other', but sweep.yaml has 'upgrad/kl_held",
        ),
        ({"replicate": 3}, "trial 'a' .* has replicate 3, but sweep.yaml has 3, numbered from 0"),
        ({"unlearning_seed": 7}, "replicate 0 has seeds 0 and 7 in .* and seeds 0 and 100 in"),
        (
            {"training_seed": 2**64 - 1},
            f"0 has seeds {2**64 - 1} and 100 in .* and seeds 0 and 100",
        ),
    ],
)
def test_rows_of_another_run_are_refused(tmp_path, change, problem):
    run = write_synthetic_run(tmp_path / "run")
    with PointsWriter(run) as writer:
        writer.append([row("a", **{**OWN, **change})])
    if not problem:
        assert "a" in set(load_run(run.path).points["trial_id"])
        return
    with pytest.raises(InputError, match=problem):
        load_run(run.path)


def test_landmarks_have_the_seeds_of_the_points(tmp_path):
    run = write_synthetic_run(tmp_path / "run")
    table = pq.read_table(run.landmarks)
    seeds = pa.array([5] * len(table), pa.uint64())
    pq.write_table(table.set_column(2, "training_seed", seeds), run.landmarks)
    with pytest.raises(InputError, match=r"landmarks: replicate 0 .* training seed 5, but 0 in"):
        load_run(run.path)


def test_trials_that_are_not_planned_are_refused(tmp_path):
    points = read_points(write_synthetic_run(tmp_path / "run"))
    run = write_synthetic_run(tmp_path / "run")
    trials = set(points["trial_id"])
    require_planned(run, points, {}, trials)
    with pytest.raises(InputError, match="plans no trial 'none-0', which"):
        require_planned(run, points, {}, trials - {"none-0"})
    with pytest.raises(InputError, match="plans no trial 'b', which"):
        require_planned(run, points, {"b": {}}, trials)

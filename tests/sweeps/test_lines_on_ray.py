"""Lines of models through a whole sweep, and a point of one run again."""

from __future__ import annotations

import pytest

from pareto_explorer import run_sweep
from pareto_explorer.runs.kept_models import read_kept_models
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.again.reproduce import reproduce

pytestmark = pytest.mark.ray

FORGET = {"forget_loss": "bounded_cross_entropy", "points": 3}


def test_all_models_of_a_line_are_swept_kept_searched_and_reproduced(
    cluster, space, cache_dir, tmp_path
):
    lr = {"loguniform": [0.01, 0.05]}
    families = [
        {"method": "pareto_line", "lr": lr, **FORGET},
        {"method": "interpolation", "lr": 0.01, **FORGET},
    ]
    spec = SweepSpec.from_mapping(
        space
        | {
            "families": families,
            "search": {"mode": "explore", "configurations": 3, "sampler": "tpe"},
            "checkpoints": {"keep": "all"},
            "early_stopping": {"grace": 3},
        }
    )
    assert [f.name for f in spec.family_list()] == [
        "pareto_line/bounded_cross_entropy",
        "interpolation/bounded_cross_entropy",
    ]
    out = tmp_path / "run"
    run = run_sweep(spec, out, cache_dir=cache_dir)
    assert set(run.points["trial_status"]) <= {"finished"} | {
        status for status in run.points["trial_status"] if status.startswith("stopped")
    }
    for _, rows in run.points.groupby(["trial_id", "replicate", "step"]):
        assert rows["position"].tolist() == [0.0, 0.5, 1.0]
        assert rows["samples"].is_monotonic_increasing
    assert len(read_kept_models(run.directory)) == len(run.points)
    row = run.points[run.points["position"] == 0.5].iloc[-1]
    point = (row["trial_id"], int(row["replicate"]), int(row["step"]))
    again = reproduce(out, *point, 0.5, cache_dir=cache_dir)
    assert again.largest_difference == 0.0
    assert reproduce(out, *point, cache_dir=cache_dir).largest_difference == 0.0
    assert again.values.loc["retain_gap", "recorded"] == row["retain_gap"]
    grown = SweepSpec.from_mapping(
        spec.to_mapping() | {"search": {"mode": "explore", "configurations": 4, "sampler": "tpe"}}
    )
    more = run_sweep(grown, out, cache_dir=cache_dir)
    assert more.points["trial_id"].nunique() == 4
    assert not more.points.duplicated(["trial_id", "replicate", "step", "position"]).any()
    kept = more.points[more.points["trial_id"].isin(run.points["trial_id"])]
    assert len(kept) == len(run.points)

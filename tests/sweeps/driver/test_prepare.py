from __future__ import annotations

import pytest
import yaml

from pareto_explorer.errors import InputError
from pareto_explorer.runs import PointsWriter, RunDirectory
from pareto_explorer.runs.manifest import FORMAT
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.driver.continuing import earlier_manifest, extends
from pareto_explorer.sweeps.driver.prepare import Prepared, prepare, swept_task
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.tasks import make_task
from tests.runs.test_points import row

TASK = {"name": "digits"}
FAMILIES = [{"method": "fine_tune", "lr": {"choice": [0.001, 0.01]}}, {"method": "none"}]


def prepared(run: RunDirectory, search: dict, progress: Progress | None = None) -> Prepared:
    spec = SweepSpec.from_mapping({"task": TASK, "families": FAMILIES, "search": search})
    return prepare(spec, run, make_task(TASK), {}, progress or Progress())


def test_a_new_sweep_has_all_its_trials_before_it_and_writes_nothing(tmp_path):
    progress = Progress()
    found = prepared(RunDirectory(tmp_path), {"configurations": 3}, progress)
    assert found.sweep.trials == list(found.sweep.spec.plan())
    assert found.sweep.goes_on
    assert found.manifest is None
    assert not found.recorded
    assert found.entries == {"draws": "scrambled_sobol", "trials": 4}
    assert found.sweep.starts == []
    assert progress.total == 4
    assert list(tmp_path.iterdir()) == []


def test_of_trials_that_are_drawn_while_it_runs_only_their_number_is_known(tmp_path):
    found = prepared(RunDirectory(tmp_path), {"mode": "explore", "configurations": 3})
    assert found.sweep.trials == []
    assert found.sweep.goes_on
    assert found.entries == {"trials": 3}
    assert [family.name for family, _ in found.sweep.starts] == ["fine_tune", "none"]
    seconds = prepared(RunDirectory(tmp_path), {"budget_per_family": {"seconds": 5}})
    assert seconds.entries == {"draws": "scrambled_sobol"}


@pytest.mark.parametrize(
    ("missing", "goes_on"), [("batch_norm_statistics", True), ("steps", False)]
)
def test_what_an_earlier_version_did_not_have_was_its_default(tmp_path, missing, goes_on):
    given = {"task": TASK, "families": FAMILIES, "budget": {"steps": 7}}
    spec = SweepSpec.from_mapping(given)
    recorded = spec.to_mapping()
    del recorded["budget"][missing]
    run = RunDirectory(tmp_path)
    run.sweep_yaml.write_text(yaml.safe_dump({"format": FORMAT, "spec": recorded}))
    if goes_on:
        assert earlier_manifest(run, spec, {})["spec"] == recorded
    else:
        with pytest.raises(InputError, match="budget differs"):
            earlier_manifest(run, spec, {})


@pytest.mark.parametrize(
    ("before", "after", "goes_on"),
    [
        ({"samples": 100}, {"samples": 200}, True),
        ({"seconds": 1}, {"seconds": 2}, True),
        ({"samples": 200}, {"samples": 100}, False),
        ({"samples": 100}, {"seconds": 200}, False),
    ],
)
def test_a_budget_per_family_may_only_grow(before, after, goes_on):
    old, new = (
        SweepSpec.from_mapping(
            {"task": TASK, "families": FAMILIES, "search": {"budget_per_family": budget}}
        ).to_mapping()["search"]
        for budget in (before, after)
    )
    assert extends(old, new) == goes_on


def test_points_without_a_specification_are_of_another_run(tmp_path):
    run = RunDirectory(tmp_path)
    with PointsWriter(run) as writer:
        writer.append([row("a")])
    with pytest.raises(InputError, match=r"holds other files \(points"):
        prepared(run, {})


def test_a_task_is_known_by_its_digest_where_python_has_built_it(tmp_path):
    spec = SweepSpec.from_mapping({"task": TASK, "families": FAMILIES})
    run = RunDirectory(tmp_path / "run")
    task, digests = swept_task(spec, run, None)
    assert digests == {}
    given, known = swept_task(spec, run, task)
    assert given is task
    assert known.keys() == {"task_given"}

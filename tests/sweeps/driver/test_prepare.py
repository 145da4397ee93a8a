from __future__ import annotations

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.runs import PointsWriter, RunDirectory
from pareto_explorer.sweeps import SweepSpec
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

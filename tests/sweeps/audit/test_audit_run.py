"""An audit from a run directory to its tables, on Ray."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pareto_explorer import InputError, SweepSpec, audit, run_sweep
from pareto_explorer.audits.records import AuditFiles, read_audit, read_shadows
from pareto_explorer.sweeps.audit import execute as module
from tests.tasks.small import small_task

SPACE = {
    "task": {"name": "mine"},
    "replicates": {"training_seeds": [0, 1]},
    "budget": {"steps": 4, "batch_size": 8, "evaluate_every": 4},
    "families": [{"method": "fine_tune", "lr": 0.01}],
    "search": {"configurations": 1},
}


@pytest.mark.ray
@pytest.mark.slow  # thirty-five models, each a task of Ray
def test_an_audit_continues_and_repeats_nothing(cluster, tmp_path: Path, monkeypatch) -> None:
    task, cache = small_task({"kind": "random", "fraction": 0.2}), tmp_path / "cache"
    run = run_sweep(SweepSpec.from_mapping(SPACE), tmp_path / "run", task=task, cache_dir=cache)
    given = {"task": task, "cache_dir": cache, "models": 5, "games": ["leakage", "recovery"]}

    plans = []
    found = audit(run.directory.path, dry_run=True, planned=plans.append, **given)
    assert found.table.empty
    assert plans == [found.plan]
    assert not AuditFiles(run.directory).folder.exists()

    def stop(self, shadow, arrays):
        if len(self.journal.models) == 8:
            raise KeyboardInterrupt
        add(self, shadow, arrays)

    add = module._Work._add
    with monkeypatch.context() as patched:
        patched.setattr(module._Work, "_add", stop)
        with pytest.raises(KeyboardInterrupt) as stopped:
            audit(run.directory.path, **given)
    assert "7 of 35 models asked" in stopped.value.__notes__[0]
    before = read_shadows(run.directory)
    assert len(before) == 8  # with what they are asked

    found = audit(run.directory.path, **given)
    after = read_shadows(run.directory)
    assert len(after) == 36
    for shadow, arrays in before.items():
        for name, values in arrays.items():
            assert (after[shadow][name] == values).all()
    assert set(found.table["audit"]) >= {"u_lira", "excess_auc", "leakage", "outputs"}
    assert set(found.table["seeds"]) == {"own", "fresh", "all"}
    assert set(found.table["trial_id"]) == {"fine_tune-000", "none"}
    assert found.notes == ()
    pd.testing.assert_frame_equal(read_audit(run.directory), found.table)

    def never(*_):
        raise AssertionError("nothing is left to do")

    monkeypatch.setattr(module, "connect", never)
    again = audit(run.directory.path, **given)
    columns = [name for name in found.table if name != "seconds"]
    pd.testing.assert_frame_equal(again.table[columns], found.table[columns])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"models": 1}, "`models`: 1 found"),
        ({"budget": 0.0}, "`budget`: 0.0 seconds found"),
        ({"games": ["leaks"]}, "`games`: 'leaks' is not known; did you mean 'leakage'?"),
        ({"games": []}, "`games`: none is given"),
        ({"front": True, "rule": "knee"}, "`front`: all points of the front are audited"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(tmp_path, given, said):
    from tests.synthetic import write_synthetic_run

    run = write_synthetic_run(tmp_path / "run", configurations=1)
    with pytest.raises(InputError) as refused:
        audit(run.path, **given)
    assert str(refused.value).startswith(said)

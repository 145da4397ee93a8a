"""The driver's side of a sweep, called as Ray calls it."""

from __future__ import annotations

import errno
import json
import os
from types import SimpleNamespace

import pytest

from pareto_explorer.fronts import Box, Objective
from pareto_explorer.interruption import Held
from pareto_explorer.runs import PointsWriter, RunDirectory, finished_trials, read_points
from pareto_explorer.sweeps.cluster.workers import Patience
from pareto_explorer.sweeps.driver.callbacks import SWEEP_ENDED, Driver, Over, SweepCallback
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.spec.families import expand_families, plan_trials
from pareto_explorer.sweeps.spec.parts import Replicate, Resources
from pareto_explorer.sweeps.stopping.hypervolume_stopper import HypervolumeStopper
from tests.sweeps.twins_schedulers import point_row

BOX = Box((Objective("forget_gap", "min", 0.0, 1.0), Objective("retain_gap", "min", 0.0, 1.0)))
FAMILIES = expand_families([{"method": "fine_tune", "lr": {"loguniform": [0.001, 0.1]}}])
PLANS = plan_trials(FAMILIES, 4, 0)
A, B, C, D = (plan.trial_id for plan in PLANS)


class Keeper:
    def __init__(self):
        self.rows, self.kept, self.ends = [], [], []

    def report(self, rows, kept):
        self.rows += rows
        self.kept += kept

    def ended(self, trial_id):
        self.ends.append(trial_id)


class Sweep:
    """A callback with all that it talks to; Ray trials are made on the way."""

    def __init__(self, folder, *, parts=1, scheduler=None, stopper=None):
        self.run = RunDirectory(folder)
        self.writer = PointsWriter(self.run)
        self.keeper, self.told, self.trials, self.changes = Keeper(), [], {}, 0
        searcher = SimpleNamespace(on_trial_complete=lambda *told: self.told.append(told))
        self.progress = Progress()
        self.progress.expect(PLANS, {})
        self.progress.begin(read_points(self.run), BOX)
        self.held = Held()
        families = {family.name: family for family in FAMILIES}
        replicates = [Replicate(0, 0, 0), Replicate(1, 1, 0)]
        self.stopper = stopper
        self.callback = SweepCallback(
            Driver(
                self.run, self.writer, self.keeper, self.progress, families, replicates, parts,
                searcher, scheduler, stopper, self.changed, Patience(Resources(), self.told.append),
                self.held, Over(),
            )
        )  # fmt: skip

    def changed(self):
        self.changes += 1

    def trial(self, trial_id, replicate=None):
        plan = next(plan for plan in PLANS if plan.trial_id == trial_id)
        config = plan.to_config() | ({} if replicate is None else {"replicate": replicate})
        name = f"ray-{trial_id}-{replicate}"
        new = SimpleNamespace(trial_id=name, config=config, last_result={}, get_error=lambda: "")
        return self.trials.setdefault(name, new)

    def report(self, trial_id, rows, replicate=None, *, done=False, **end):
        trial = self.trial(trial_id, replicate)
        result = {"rows": rows, "done": done, "share": 0.5} | end
        if self.stopper:
            self.stopper(trial.trial_id, result)
        self.callback.on_trial_result(0, list(self.trials.values()), trial, result)
        trial.last_result = result

    def finish(self, trial_id, rows, replicate=None, status="finished", error=""):
        self.report(trial_id, rows, replicate, done=True, trial_status=status, error=error)

    def end(self):
        self.callback.on_experiment_end(list(self.trials.values()))

    @property
    def statuses(self):
        points = read_points(self.run)
        return points.groupby("trial_id")["trial_status"].first().to_dict()


def row(trial_id, step, replicate=0, **columns):
    measured = {"forget_gap": 0.5, "retain_gap": 0.5} | columns
    return point_row(trial_id, "fine_tune", step, replicate, **measured)


def test_rows_are_kept_as_they_come_and_the_end_with_the_last(tmp_path):
    sweep = Sweep(tmp_path)
    sweep.report(A, [row(A, 3)])
    assert sweep.statuses == {A: "running"}
    sweep.finish(A, [row(A, 6)])
    assert sweep.statuses == {A: "finished"}
    assert [r["step"] for r in sweep.keeper.rows] == [3, 6]
    assert sweep.keeper.ends == [A]
    assert sweep.progress.done == 1
    assert sweep.changes == 2


def test_a_trial_that_the_scheduler_ended_says_why(tmp_path):
    sweep = Sweep(tmp_path, scheduler=SimpleNamespace(reason=f"rung of {A}".format))
    sweep.report(A, [row(A, 3)], done=True)
    assert sweep.statuses == {A: f"stopped: rung of {A}"}


def test_a_diverged_trial_that_the_scheduler_ended_has_diverged(tmp_path):
    sweep = Sweep(tmp_path, scheduler=SimpleNamespace(reason=lambda _: "no finite forget_gap"))
    sweep.report(A, [row(A, 3), row(A, 3, 1, status="diverged", error="NaN")], done=True)
    assert sweep.statuses == {A: "diverged"}


def test_a_failed_trial_keeps_its_traceback(tmp_path):
    sweep = Sweep(tmp_path)
    rows = [row(A, 0, status="failed", error="KeyError: 'x'")]
    end = {"trial_status": "failed", "error": "KeyError: 'x'", "traceback": "where it was"}
    sweep.report(A, rows, done=True, **end)
    assert sweep.statuses == {A: "failed"}
    assert (tmp_path / "errors" / f"{A}.txt").read_text() == "where it was"


@pytest.mark.parametrize("replicate", [None, 1])
def test_a_trial_that_ray_lost_leaves_a_row_of_the_right_replicate(tmp_path, replicate):
    sweep = Sweep(tmp_path)
    trial = sweep.trial(A, replicate)
    trial.get_error = lambda: "Traceback ...\nActorDiedError: the node is gone\n"
    sweep.callback.on_trial_error(0, [trial], trial)
    [lost] = read_points(sweep.run).to_dict("records")
    assert (lost["status"], lost["trial_status"]) == ("failed", "failed")
    assert lost["error"] == "ActorDiedError: the node is gone"
    assert lost["replicate"] == lost["training_seed"] == (replicate or 0)


def test_a_trial_that_repeats_its_points_after_a_lost_worker_ends_as_if_it_had_not(tmp_path):
    sweep = Sweep(tmp_path)
    first = row(A, 3, seconds=1.0)
    sweep.report(A, [first])
    sweep.report(A, [row(A, 3, seconds=2.0, forget_gap=0.5 + 1e-9)])
    sweep.finish(A, [row(A, 6)])
    points = read_points(sweep.run)
    assert points["step"].tolist() == [3, 6]
    assert points["seconds"].tolist()[0] == 1.0
    assert points["forget_gap"].tolist() == [0.5, 0.5]
    assert sweep.statuses == {A: "finished"}
    assert [r["step"] for r in sweep.keeper.rows] == [3, 3, 6]
    assert sweep.keeper.rows[1] is first  # its model, which was written again, is kept for it
    assert not (tmp_path / "errors").exists()


@pytest.mark.parametrize("status", ["finished", "diverged", "failed"])
def test_a_trial_that_contradicts_itself_loses_no_point_and_ends_as_failed(tmp_path, status):
    sweep = Sweep(tmp_path)
    sweep.report(A, [row(A, 3), row(A, 3, 1)])
    sweep.report(A, [row(A, 3), row(A, 3, 1, forget_gap=0.25), row(A, 4, 1)])
    sweep.report(B, [row(B, 3)])
    assert sweep.statuses == {A: "running", B: "running"}  # both go on
    sweep.finish(A, [row(A, 6), row(A, 6, 1)], status=status, error="its own")
    sweep.finish(B, [row(B, 6)])
    points = read_points(sweep.run)
    of_a = points[points["trial_id"] == A]
    keys = list(zip(of_a["replicate"], of_a["step"], strict=True))
    assert keys == [(0, 3), (0, 6), (1, 3), (1, 4), (1, 6)]
    assert set(of_a["forget_gap"]) == {0.5}
    assert sweep.statuses == {A: "failed", B: "finished"}
    assert len(sweep.keeper.rows) == len(points) + 1  # all but the contradiction
    text = (tmp_path / "errors" / f"{A}.txt").read_text()
    said, *rows = text.splitlines()
    assert said.startswith(
        f"trial {A!r}, replicate 1, step 3 was reported twice, with forget_gap 0.5 and 0.25"
    )
    assert [json.loads(line)["forget_gap"] for line in rows] == [0.5, 0.25]
    assert set(of_a["error"]) == {"its own" if status == "failed" else said}


def test_a_spread_trial_of_which_one_replicate_contradicts_itself_has_failed(tmp_path):
    sweep = Sweep(tmp_path, parts=2)
    for value in (0.5, 0.25):
        sweep.report(A, [row(A, 3, 1, forget_gap=value)], 1)
    sweep.finish(A, [row(A, 6, 1)], 1)
    sweep.finish(A, [row(A, 6)], 0)
    assert sweep.statuses == {A: "failed"}
    assert len(read_points(sweep.run)) == 3


def test_a_trial_that_contradicted_itself_when_the_sweep_ended_has_failed(tmp_path):
    sweep = Sweep(tmp_path, stopper=HypervolumeStopper(BOX, 10, 1))
    for value in (0.5, 0.25):
        sweep.report(A, [row(A, 3, forget_gap=value)])
    sweep.finish(B, [row(B, 6)])
    sweep.end()
    assert sweep.statuses == {A: "failed", B: "finished"}


def test_a_failure_does_not_take_the_place_of_a_point(tmp_path):
    sweep = Sweep(tmp_path)
    sweep.report(A, [row(A, 0)])
    trial = sweep.trial(A)
    trial.get_error = lambda: "the node is gone"
    sweep.callback.on_trial_error(0, [trial], trial)
    failed = row(B, 0, status="failed", error="KeyError: 'x'")
    sweep.finish(B, [row(B, 0), failed], status="failed", error="KeyError: 'x'")
    points = read_points(sweep.run)
    assert points["status"].tolist() == ["ok", "ok"]
    assert points["trial_status"].tolist() == ["failed", "failed"]
    assert points["error"].tolist() == ["the node is gone", "KeyError: 'x'"]


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        (["finished", "finished"], "finished"),
        (["finished", "diverged"], "diverged"),
        (["failed", "diverged"], "failed"),
        (["stopped: quota infeasible", "finished"], "stopped: quota infeasible"),
        (["diverged", "stopped: quota infeasible"], "diverged"),
    ],
)
def test_a_spread_trial_ends_with_its_last_replicate_and_as_its_worst(tmp_path, ends, status):
    stopper = HypervolumeStopper(BOX, 0.01, 1)
    sweep = Sweep(tmp_path, parts=2, stopper=stopper)
    for replicate, end in enumerate(ends):
        assert sweep.statuses in ({}, {A: "running"})
        assert len(stopper.history) == 1
        sweep.finish(A, [row(A, 6, replicate)], replicate, end)
    assert sweep.statuses == {A: status}
    assert sweep.keeper.ends == [A]
    assert len(stopper.history) == 2
    assert len(read_points(sweep.run)) == 2


def test_what_ran_when_the_stopper_ended_the_sweep_ends_with_it(tmp_path):
    sweep = Sweep(tmp_path, stopper=HypervolumeStopper(BOX, 10, 1))
    sweep.report(A, [row(A, 3)])
    sweep.finish(B, [row(B, 6)])
    sweep.trial(C)  # has not reported yet: if the sweep goes on, it runs
    sweep.end()
    assert sweep.statuses == {A: SWEEP_ENDED, B: "finished"}
    assert list(finished_trials(sweep.run)) == [B, A]
    assert sweep.told == [(f"ray-{A}-None", {})]
    assert sorted(sweep.keeper.ends) == [A, B]


@pytest.mark.parametrize("begun", ["not at all", "no report", "one report"])
def test_of_a_spread_trial_too(tmp_path, begun):
    sweep = Sweep(tmp_path, parts=2, stopper=HypervolumeStopper(BOX, 10, 1))
    for replicate in (0, 1):
        sweep.finish(B, [row(B, 6, replicate)], replicate)
    sweep.finish(A, [row(A, 6)], 0)
    if begun != "not at all":
        sweep.trial(A, 1)
    if begun == "one report":
        sweep.report(A, [row(A, 3, 1)], 1)
    sweep.end()
    assert sweep.statuses == {A: SWEEP_ENDED, B: "finished"}


@pytest.mark.parametrize("stopper", [None, HypervolumeStopper(BOX, 1e-6, 1)])
def test_trials_of_an_interrupted_sweep_have_not_ended(tmp_path, stopper):
    sweep = Sweep(tmp_path, stopper=stopper)
    sweep.report(A, [row(A, 3)])
    sweep.end()
    assert sweep.statuses == {A: "running"}
    assert sweep.told == []


def test_a_full_disk_ends_the_sweep_at_the_first_report(tmp_path, monkeypatch):
    sweep = Sweep(tmp_path)
    sweep.finish(A, [row(A, 6)])

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="space"):
            sweep.report(B, [row(B, 3)])
    assert str(sweep.callback.failure) == (
        f"'{tmp_path}/points.jsonl' cannot be written (No space left on device); make room, and "
        "run the same command again to continue."
    )
    with pytest.raises(Over):
        sweep.callback.on_step_begin(0, [])
    sweep.report(C, [row(C, 3)])  # while Ray puts its workers away
    sweep.callback.on_trial_error(0, [], sweep.trial(D))
    sweep.end()
    assert sweep.statuses == {A: "finished"}


def test_errors_that_cannot_be_written_down_end_the_sweep_too(tmp_path):
    sweep = Sweep(tmp_path)
    (tmp_path / "errors").touch()
    end = {"trial_status": "failed", "error": "x", "traceback": "where it was"}
    with pytest.raises(OSError, match="errors"):
        sweep.report(A, [row(A, 0, status="failed", error="x")], done=True, **end)
    assert "errors' cannot be written" in str(sweep.callback.failure)
    assert sweep.statuses == {A: "failed"}


def test_a_signal_that_is_held_back_ends_the_sweep_at_its_next_turn(tmp_path):
    sweep = Sweep(tmp_path)
    sweep.callback.on_step_begin(0, [])
    sweep.held.stop = KeyboardInterrupt()
    with pytest.raises(Over):
        sweep.callback.on_step_begin(0, [])


def test_what_fails_after_the_end_of_a_trial_changes_nothing(tmp_path):
    sweep = Sweep(tmp_path)
    sweep.finish(A, [row(A, 6)])
    sweep.callback.on_trial_error(0, [], sweep.trial(A))
    assert sweep.statuses == {A: "finished"}
    assert sweep.progress.done == 1

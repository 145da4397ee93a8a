"""A worker dies in the middle of a trial; another one goes on from the checkpoint."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from ray import tune

from pareto_explorer.sweeps.spec.parts import BudgetSpec
from pareto_explorer.sweeps.trials.replicate import Bench, run_replicate
from pareto_explorer.sweeps.trials.trainable import Job, UnlearningTrial
from tests.sweeps.test_replicate_resume import (
    REPLICATES,
    make_landmarks,
    make_plan,
    make_task,
    measured,
)

pytestmark = pytest.mark.ray

BUDGET = BudgetSpec(steps=9, batch_size=16, evaluate_every=3)


def kills_at_ninth_call(batch, *, log=""):
    """Notes each call in a file, and kills its process at the ninth of all."""
    if log:
        with Path(log).open("a") as file:
            file.write(".")
        if Path(log).stat().st_size == 9:
            os.kill(os.getpid(), signal.SIGKILL)
    return batch.logits.square().mean()


def link_at_once(link: Path, folder: Path) -> None:
    """Makes a link to a folder, in the place of whatever is there."""
    fresh = link.with_name("link")
    fresh.symlink_to(folder)
    fresh.replace(link)


def loses_the_storage(batch, *, log=""):
    """Puts a file in the place of the storage at the seventh call, and restores it later."""
    log, storage = Path(log), Path(log).with_name("storage")
    with log.open("a") as file:
        file.write(".")
    calls = log.stat().st_size
    if calls == 7:
        storage.with_name("file").touch()
        storage.with_name("file").replace(storage)
    if calls == 13:
        link_at_once(storage, storage.with_name("there"))
    return batch.logits.square().mean()


class Collect(tune.Callback):
    def __init__(self) -> None:
        self.results: list[dict] = []

    def on_trial_result(self, result, **_) -> None:
        self.results.append(dict(result))


def tuned(plan, folder, retries):
    """The results of one trial that asks for a checkpoint with each of them."""
    collect = Collect()
    families = {plan.family.name: plan.family}
    job = Job(families, make_task(), make_landmarks(), REPLICATES[:1], BUDGET, "cpu", 1, 0.0)
    tune.Tuner(
        tune.with_parameters(UnlearningTrial, job=job),
        param_space=plan.to_config(),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(folder),
            callbacks=[collect],
            failure_config=tune.FailureConfig(max_failures=retries),
            checkpoint_config=tune.CheckpointConfig(num_to_keep=1),
            verbose=0,
        ),
    ).fit()
    return collect.results


def test_a_trial_goes_on_from_its_checkpoint_in_another_worker(cluster, tmp_path):
    parts = {"method": "jacobian_descent", "aggregator": "famo"}
    config = {**parts, "forget_loss": f"{__name__}:kills_at_ninth_call", "optimizer": "adamw"}
    log = tmp_path / "calls"
    results = tuned(make_plan({**config, "log": str(log)}), tmp_path, retries=1)

    found = measured(row for result in results for row in result["rows"])
    undisturbed = run_replicate(
        Bench(make_task(), make_landmarks(), "cpu"), make_plan(config), REPLICATES[0], BUDGET
    )
    expected = [{**row, "config.log": str(log)} for row in measured(p.row for p in undisturbed)]
    assert found == expected
    assert [row["step"] for row in found] == [3, 6, 9]
    assert results[-1]["trial_status"] == "finished"
    # A step computes the loss twice, before and after it. The checkpoint is that of step 3, and
    # the ninth computation is in step 5: four to nine were to be done.
    assert log.stat().st_size == 9 + 2 * 6
    assert len(list((tmp_path / "tune").glob("*/checkpoint_*"))) == 1


def test_a_trial_whose_checkpoint_cannot_be_stored_goes_on_without_it(cluster, tmp_path):
    parts = {"method": "jacobian_descent", "aggregator": "famo"}
    log = tmp_path / "calls"
    config = {**parts, "forget_loss": f"{__name__}:loses_the_storage", "log": str(log)}
    (tmp_path / "there").mkdir()
    link_at_once(tmp_path / "storage", tmp_path / "there")
    results = tuned(make_plan(config), tmp_path / "storage", retries=0)
    assert results[-1]["trial_status"] == "finished"
    assert [row["step"] for result in results for row in result["rows"]] == [3, 6, 9]
    assert log.stat().st_size == 2 * 9  # the checkpoint of step 6 fell in between
    assert len(list((tmp_path / "storage" / "tune").glob("*/checkpoint_*"))) == 1

"""Sweeps that are stopped, or whose disk fails, and what comes of them when they go on."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest
import ray
import yaml

from pareto_explorer import Run, load_run, run_sweep
from pareto_explorer.errors import InputError, WriteError
from pareto_explorer.reports.cards.failures import failures_card
from pareto_explorer.reports.cards.finding import finding_card
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.runs import RunDirectory, finished_trials
from pareto_explorer.sweeps import SweepSpec, execute
from pareto_explorer.sweeps.live.progress import Progress

TRIALS = 4
AGES = 120.0  # seconds: a test that waits so long has failed


@pytest.fixture
def spec(space) -> SweepSpec:
    return SweepSpec.from_mapping(space | {"replicates": {"training_seeds": [0]}})


@pytest.fixture(scope="module")
def undisturbed(cluster, cache_dir, tmp_path_factory):
    """The points of a sweep, once it was made."""
    made: list[Run] = []

    def sweep(spec: SweepSpec) -> pd.DataFrame:
        if not made:
            out = tmp_path_factory.mktemp("undisturbed") / "run"
            made.append(run_sweep(spec, out, cache_dir=cache_dir))
        return measured(made[0].points)

    return sweep


def measured(points: pd.DataFrame) -> pd.DataFrame:
    return points.drop(columns=["seconds", "evaluation_seconds"])


class Stops(Progress):
    """Sends a signal to this process once a number of trials have ended, or in a landmark."""

    def __init__(self, after: int | None = None) -> None:
        super().__init__()
        self.after = after

    def ended(self, plan, status):
        super().ended(plan, status)
        if self.done == self.after:
            signal.raise_signal(signal.SIGINT)

    def landmark(self, *arguments):
        if self.after is None:
            signal.raise_signal(signal.SIGINT)
        return super().landmark(*arguments)


@pytest.mark.ray
def test_an_interrupt_in_python_leaves_ray_usable_and_the_sweep_goes_on(
    cluster, cache_dir, spec, tmp_path, undisturbed
):
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt) as caught:
        run_sweep(spec, out, cache_dir=cache_dir, progress=Stops(after=1))
    (note,) = caught.value.__notes__
    found = re.fullmatch(
        rf"(\d) of {TRIALS} trials done; run the same command again to continue", note
    )
    done = finished_trials(RunDirectory(out))
    assert found
    assert int(found[1]) == len(done) < TRIALS
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert ray.get(ray.remote(lambda: 1).options(num_cpus=1).remote()) == 1  # all are free again

    assert (out / "points.parquet").exists()
    material = Material(load_run(out))
    left = TRIALS - len(done)
    assert material.unfinished == (left, TRIALS)
    said = " ".join([finding_card(material).sentence, *finding_card(material).context["sentences"]])
    assert f"{left} of {TRIALS} planned trials " in said or f"Of {TRIALS} planned trials" in said
    assert f"of {TRIALS}" in str(failures_card(material))
    assert not any(pair.distinguishable for pair in material.comparisons)

    again = run_sweep(spec, out, cache_dir=cache_dir)
    pd.testing.assert_frame_equal(measured(again.points), undisturbed(spec))
    assert Material(again).unfinished == (0, TRIALS)


@pytest.mark.ray
def test_an_interrupt_while_landmarks_are_trained_is_heard(cluster, spec, tmp_path):
    with pytest.raises(KeyboardInterrupt) as caught:
        execute(spec, tmp_path / "run", cache_dir=tmp_path / "cache", progress=Stops())
    assert caught.value.__notes__[0].startswith(f"0 of {TRIALS} trials done; ")


@pytest.mark.ray
@pytest.mark.slow
def test_a_disk_that_is_full_for_a_while_costs_nothing_that_was_computed(
    cluster, cache_dir, spec, tmp_path, undisturbed, monkeypatch
):
    out, fsync, calls = tmp_path / "run", os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) > 2 and Path(f"/proc/self/fd/{handle}").readlink() == out / "points.jsonl":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    progress = Progress()
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(WriteError) as caught:
            execute(spec, out, cache_dir=cache_dir, progress=progress)
    assert str(caught.value) == (
        f"'{out}/points.jsonl' cannot be written (No space left on device); make room, and run "
        "the same command again to continue."
    )
    assert progress.done == len(finished_trials(RunDirectory(out))) < TRIALS
    stale = [out / f".points.parquet.{10**10 - 1}", out / "report" / f".index.html.{10**10 - 1}"]
    stale[1].parent.mkdir()
    for file in stale:
        file.touch()
    again = run_sweep(spec, out, cache_dir=cache_dir)
    pd.testing.assert_frame_equal(measured(again.points), undisturbed(spec))
    assert not any(file.exists() for file in stale)


def test_a_sweep_that_is_refused_leaves_nothing(spec, tmp_path):
    with pytest.raises(InputError, match=r"no Ray cluster at '127\.0\.0\.1:1'"):
        execute(spec, tmp_path / "deep" / "run", address="127.0.0.1:1")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(InputError, match="holds other files"):
        execute(spec, tmp_path / "mine")
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["notes.txt"]


@pytest.mark.ray
@pytest.mark.slow
def test_a_command_ends_at_sigterm_with_one_sentence_and_without_a_native_trace(
    spec, cache_dir, tmp_path
):
    """The command with a cluster of its own, where Ray listens to the signal natively."""
    longer = spec.to_mapping() | {"search": {"configurations": 20}}
    (tmp_path / "space.yaml").write_text(yaml.safe_dump(longer))
    command = ["-m", "pareto_explorer", "sweep", "space.yaml", "--out", "run"]
    with subprocess.Popen(
        [sys.executable, *command, "--cache", str(cache_dir)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        watchdog = threading.Timer(AGES, process.kill)
        watchdog.start()
        for line in process.stdout:
            if re.match(r"[1-9]\d*/40 trials", line):
                break
        process.send_signal(signal.SIGTERM)
        out, said = process.communicate()
        watchdog.cancel()
    assert process.returncode == 143
    assert "Hypervolume by family" not in out
    done = len(finished_trials(RunDirectory(tmp_path / "run")))
    assert said == (
        f"interrupted; {done} of 40 trials done; run the same command again to continue\n"
    )

"""Sweeps over several nodes that lose a node, a worker, the driver or the storage in the middle.

All of them end with the points of the sweep that nothing happened to.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from pareto_explorer import Run, load_run
from pareto_explorer.runs import RunDirectory, find_model, finished_trials, read_points
from pareto_explorer.runs.kept_models import read_kept_models
from tests.sweeps.test_resume_on_ray import link_at_once

pytestmark = [pytest.mark.ray, pytest.mark.slow]

AGES = 120.0  # seconds: a test that waits so long has failed
SECONDS = ["seconds", "evaluation_seconds"]
KEY = ["trial_id", "replicate", "step"]

WORKERS = 2
STEPS, EVERY, REPLICATES, TRIALS = 6, 3, 2, 6
TRIAL = STEPS * REPLICATES  # calls of the loss
REPORT = EVERY * REPLICATES
SECOND = REPORT + 4  # a call between the first and the second report of a worker's first trial

LOSS = '''
import os, signal
from pathlib import Path
from pareto_explorer.unlearning.forget_losses.kl_uniform import kl_uniform

NOTES = Path({notes!r})
HOLD_AT, HOLDERS, KILL_AT = {hold_at}, {holders}, {kill_at}
calls = 0


def first(name):
    """Whether no process has asked for this before."""
    try:
        (NOTES / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def watched(batch):
    """Notes the call; dies, or waits for the test, at a worker's call of a given number."""
    global calls
    calls += 1
    with (NOTES / "calls").open("a") as file:
        file.write(".")
    if calls == KILL_AT and first("killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    if calls == HOLD_AT and any(first(f"held-{{number}}") for number in range(HOLDERS)):
        with (NOTES / "held").open("w") as held:
            held.write(f"{{os.getpid()}} {{os.getppid()}}\\n")
        with (NOTES / "go").open("rb", buffering=0) as go:
            go.read(1)
    return kl_uniform(batch)
'''

RENEWS = """
from pareto_explorer.runs.remote import lease, mirror
lease.RENEWAL = mirror.RENEWAL = 0.2
from pareto_explorer.cli.app import main
main()
"""
"""A driver that looks after its storage all the time."""


@dataclass(frozen=True)
class Held:
    """A worker that waits in the middle of a trial.

    Attributes:
        pid: Its process.
        raylet: That of its node.
    """

    pid: int
    raylet: int


class Lab:
    """A folder with a user's own module, from which drivers are started."""

    def __init__(
        self, folder: Path, space: Mapping[str, Any], address: str, cache_dir: Path
    ) -> None:
        self.folder, self.notes, self.run = folder, folder / "notes", folder / "run"
        self.notes.mkdir(parents=True)
        for name in ("held", "go"):
            os.mkfifo(self.notes / name)
        self._held, self._go = (os.open(self.notes / n, os.O_RDWR) for n in ("held", "go"))
        (folder / "space.yaml").write_text(yaml.safe_dump(dict(space)))
        self._options = ["--address", address, "--cache", str(cache_dir)]
        self.plans()

    def plans(self, *, hold_at: int = 0, holders: int = 1, kill_at: int = 0) -> None:
        """Sets at which of its calls a worker waits or dies, and how many of them wait."""
        text = LOSS.format(notes=str(self.notes), hold_at=hold_at, holders=holders, kill_at=kill_at)
        (self.folder / "mine.py").write_text(text)

    @contextmanager
    def driver(
        self, *more: str, out: str | Path = "run", program: str = "", machine: str = "here"
    ) -> Iterator[subprocess.Popen[str]]:
        """The sweep's command; it is ended if it takes ages."""
        run = ["-c", program] if program else ["-m", "pareto_explorer"]
        command = [sys.executable, *run, "sweep", "space.yaml", "--out", str(out)]
        environment = {
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "XDG_CACHE_HOME": str(self.folder / machine),
        }
        with subprocess.Popen(
            [*command, *self._options, *more],
            cwd=self.folder,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            watchdog = threading.Timer(AGES, process.kill)
            watchdog.start()
            try:
                yield process
            finally:
                watchdog.cancel()
                process.kill()

    def sweep(self, *more: str, **options: Any) -> str:
        """Runs the command to its end."""
        with self.driver(*more, **options) as process:
            return ended_well(process)

    def held(self) -> Held:
        """Waits for a worker to wait."""
        line = b""
        while not line.endswith(b"\n"):
            assert select.select([self._held], [], [], AGES)[0], "no worker came to its call"
            line += os.read(self._held, 1)
        pid, raylet = line.split()
        return Held(int(pid), int(raylet))

    def go(self, workers: int = 1) -> None:
        """Lets workers go on."""
        os.write(self._go, b"." * workers)

    @property
    def calls(self) -> int:
        """How often the loss was computed."""
        return (self.notes / "calls").stat().st_size

    def close(self) -> None:
        for pipe in (self._held, self._go):
            os.close(pipe)


def ended_well(process: subprocess.Popen[str]) -> str:
    """What a driver said until it ended without an error."""
    said, _ = process.communicate()
    assert process.returncode == 0, said
    return said


class Nodes:
    """A Ray cluster on this machine: a head without CPUs, and workers with one each."""

    def __init__(self, workers: int) -> None:
        from ray.cluster_utils import Cluster

        store = {"object_store_memory": 80 * 2**20}
        health = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500}
        head = {"num_cpus": 0, "include_dashboard": False, "_system_config": health}
        self._cluster = Cluster(initialize_head=True, head_node_args=store | head)
        self._worker = {"num_cpus": 1, **store}
        for _ in range(workers):
            self.add()
        self.address: str = self._cluster.address

    def add(self) -> None:
        self._cluster.add_node(**self._worker)

    @property
    def raylets(self) -> dict[int, Any]:
        """The workers' nodes by the process of their raylet."""
        nodes = self._cluster.worker_nodes
        return {node.all_processes["raylet"][0].process.pid: node for node in nodes}

    def lose(self, raylet: int) -> None:
        """Takes a node away as a power cut does."""
        self._cluster.remove_node(self.raylets[raylet], allow_graceful=False)

    def close(self) -> None:
        self._cluster.shutdown()


@pytest.fixture(scope="module")
def nodes():
    from pareto_explorer.sweeps.cluster.connect import QUIET

    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUIET.items():
            patch.setenv(name, value)
        nodes = Nodes(WORKERS)
        yield nodes
        nodes.close()


SPACE = {
    "task": {"name": "digits"},
    "replicates": {"training_seeds": [0], "unlearning_seeds": [0, 1]},
    "budget": {"steps": STEPS, "batch_size": 32, "evaluate_every": EVERY},
    "families": [
        {
            "method": "jacobian_descent",
            "aggregator": ["upgrad", "mgda"],
            "forget_loss": "mine:watched",
            "lr": {"loguniform": [0.02, 0.1]},
        }
    ],
    "search": {"configurations": 3},
}


@pytest.fixture(scope="module")
def labs(nodes, cache_dir, tmp_path_factory):
    """Makes folders in which drivers of the same sweep are started."""
    made: list[Lab] = []

    def make(**space: Any) -> Lab:
        folder = tmp_path_factory.mktemp("lab")
        made.append(Lab(folder, {**SPACE, **space}, nodes.address, cache_dir))
        return made[-1]

    yield make
    for lab in made:
        lab.close()


@pytest.fixture
def lab(labs) -> Lab:
    return labs()


@pytest.fixture(scope="module")
def undisturbed(nodes, labs) -> tuple[Run, set[int], int]:
    """The sweep that nothing happened to, the raylets of its first workers, and its calls."""
    lab = labs()
    lab.plans(hold_at=1, holders=WORKERS)
    with lab.driver() as driver:
        raylets = {lab.held().raylet for _ in range(WORKERS)}  # all of them at the same time
        lab.go(WORKERS)
        ended_well(driver)
    return load_run(lab.run), raylets, lab.calls


def as_undisturbed(run: Run, undisturbed: tuple[Run, set[int], int]) -> None:
    """Every planned point once, and the same points and hypervolumes."""
    expected = undisturbed[0]
    assert not run.points.duplicated(KEY).any()
    pd.testing.assert_frame_equal(*(measured(one.points) for one in (run, expected)))
    assert run.hypervolume() == expected.hypervolume()
    assert run.pooled_hypervolume() == expected.pooled_hypervolume()


def measured(points: pd.DataFrame) -> pd.DataFrame:
    """The points without what differs from run to run, in order."""
    return points.drop(columns=SECONDS).sort_values(KEY).reset_index(drop=True)


def test_a_sweep_spreads_over_the_nodes_and_has_every_point_once(nodes, undisturbed):
    run, raylets, calls = undisturbed
    assert raylets == nodes.raylets.keys()
    assert calls == TRIALS * TRIAL
    trials = run.points.groupby("family")["trial_id"].nunique()
    assert trials.to_dict() == {f"{name}/watched": TRIALS // 2 for name in ("upgrad", "mgda")}
    ids = run.points["trial_id"].unique()
    keys = itertools.product(ids, range(REPLICATES), (EVERY, STEPS))
    assert sorted(run.points[KEY].itertuples(index=False, name=None)) == sorted(keys)
    assert set(run.points["trial_status"]) == {"finished"}
    assert all(family.mean > 0 for family in run.hypervolume().values())


def test_a_lost_node_costs_the_trial_that_ran_there_some_time(nodes, lab, undisturbed):
    lab.plans(hold_at=SECOND)
    with lab.driver() as driver:
        held = lab.held()
        assert len(read_points(RunDirectory(lab.run))) >= REPLICATES  # it has reported once
        nodes.lose(held.raylet)
        ended_well(driver)
    nodes.add()
    as_undisturbed(load_run(lab.run), undisturbed)
    assert lab.calls == TRIALS * TRIAL + SECOND  # no minute was up: there was no checkpoint


def test_a_lost_worker_costs_what_was_done_since_the_checkpoint(nodes, labs, undisturbed):
    lab = labs(checkpoints={"every_seconds": 0.001})
    lab.plans(kill_at=SECOND)
    lab.sweep()
    assert (lab.notes / "killed").exists()
    as_undisturbed(load_run(lab.run), undisturbed)
    assert lab.calls == TRIALS * TRIAL + SECOND - REPORT


def test_a_killed_driver_leaves_no_worker_and_its_command_continues(nodes, lab, undisturbed):
    lab.plans(hold_at=SECOND)
    with lab.driver() as driver:
        held = lab.held()
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    run = RunDirectory(lab.run)
    before, ended = read_points(run), finished_trials(run)
    assert len(ended) < TRIALS
    assert len(before) >= REPLICATES
    lab.sweep()
    assert not Path(f"/proc/{held.pid}").exists()
    after = load_run(lab.run)
    as_undisturbed(after, undisturbed)
    kept = before["trial_id"].isin(ended)
    again = after.points.merge(before.loc[kept, [*KEY, "seconds"]], on=[*KEY, "seconds"])
    assert len(again) == kept.sum()  # not run again: seconds differ between any two runs


def test_storage_behind_a_uri_may_fail_for_a_while_and_move_to_another_machine(
    nodes, labs, undisturbed, tmp_path, monkeypatch
):
    lab = labs(search={"configurations": 2}, checkpoints={"keep": "front", "every_seconds": 0.001})
    storage = tmp_path / "shared" / "a run"
    there = tmp_path / "there"
    there.mkdir()
    storage.parent.mkdir()
    link_at_once(storage, there)
    lab.plans(hold_at=SECOND)
    with lab.driver(out=storage.as_uri(), program=RENEWS, machine="one") as driver:
        lab.held()
        (tmp_path / "file").touch()
        (tmp_path / "file").replace(storage)
        lab.go()
        until(driver, "cannot be written")
        link_at_once(storage, there)
        ended_well(driver)
    first = load_run(storage)
    assert set(first.points["trial_status"]) == {"finished"}
    kept_by_first = read_kept_models(first.directory)

    said = lab.sweep("--set", "search.configurations=3", out=storage.as_uri(), machine="two")
    report, stored = said.rpartition("report: ")[2].splitlines()
    assert stored == f"stored in: {storage.as_uri()}"
    staging = Path(report).parents[1]
    assert staging.is_relative_to(lab.folder / "two")
    for place in (storage, staging):
        as_undisturbed(load_run(place), undisturbed)
    assert (storage / "report" / "index.html").read_bytes() == (
        staging / "report" / "index.html"
    ).read_bytes()

    kept = read_kept_models(RunDirectory(staging))
    front = load_run(staging).front()[["trial_id", "step"]].itertuples(index=False, name=None)
    points = {(trial, r, step) for trial, step in front for r in range(REPLICATES)}
    assert {(e["trial_id"], e["replicate"], e["step"]) for e in kept.values()} == points
    files = {p.relative_to(storage / "models").as_posix() for p in storage.rglob("*.safetensors")}
    assert files == kept.keys()
    assert not list((lab.folder / "two").rglob("*.safetensors"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert kept_by_first.keys() & kept.keys()
    for entry in kept.values():
        model = find_model(RunDirectory(staging), *(entry[k] for k in KEY))
        assert model is not None
        assert hashlib.sha256(model.read_bytes()).hexdigest() == entry["sha256"]


def until(driver: subprocess.Popen[str], text: str) -> None:
    """Waits for a driver to say something."""
    assert driver.stdout is not None
    said = []
    for line in driver.stdout:
        if text in line:
            return
        said.append(line)
    pytest.fail(f"{text!r} is not in what the driver said: {''.join(said)}")

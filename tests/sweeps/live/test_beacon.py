"""How far a sweep is, as its run directory tells it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory
from pareto_explorer.runs.files.progress_file import Standing, read_standing
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.driver.continuing import earlier_manifest
from pareto_explorer.sweeps.live import beacon as module
from pareto_explorer.sweeps.live.beacon import beacon
from pareto_explorer.sweeps.live.progress import Progress


class Asked(Progress):
    """Says when it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Semaphore(0)

    def standing(self) -> Standing:
        try:
            return super().standing()
        finally:
            self.asked.release()


def told(folder: Path) -> Standing | None:
    found = read_standing(folder)
    return found and Standing(**{**vars(found), "time": 0.0})


def test_it_tells_the_phase_and_the_counts_and_in_the_end_that_it_is_over(
    tmp_path, space, monkeypatch
):
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    progress = Asked()
    plans = SweepSpec.from_mapping(space).plan()
    with beacon(RunDirectory(tmp_path), progress):
        progress.stage("Ray: starts on this machine")
        progress.expect(plans, {}, len(plans))
        progress.running = 1
        progress.ended(plans[0], "failed")
        for _ in range(progress.asked._value + 2):  # the next one has seen it all, and is written
            assert progress.asked.acquire(timeout=60)
        found = told(tmp_path)
    assert found == Standing("Ray: starts on this machine", done=1, total=4, failed=1, running=1)
    assert told(tmp_path) == Standing("the sweep is over", done=1, total=4, failed=1, over=True)


def test_of_an_interrupted_sweep_it_says_so(tmp_path):
    with pytest.raises(KeyboardInterrupt), beacon(RunDirectory(tmp_path), Progress()):
        raise KeyboardInterrupt
    assert told(tmp_path) == Standing("the sweep was interrupted", over=True)


def test_a_sweep_that_is_refused_leaves_nothing(tmp_path):
    with pytest.raises(InputError), beacon(RunDirectory(tmp_path), Progress()):
        raise InputError("no")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path):
    with beacon(RunDirectory(tmp_path / "none"), Progress()):
        pass


def test_what_it_writes_is_no_stranger_to_a_sweep_that_begins_again(tmp_path, space):
    spec = SweepSpec.from_mapping(space)
    for name in ("progress.json", ".progress.json"):  # the second where it was killed on the way
        (tmp_path / name).write_text("{}")
    assert earlier_manifest(RunDirectory(tmp_path), spec, {}) is None
    (tmp_path / "other.json").touch()
    with pytest.raises(InputError, match=r"holds other files \(other\.json"):
        earlier_manifest(RunDirectory(tmp_path), spec, {})

"""What is computed when, by a clock that the test sets."""

from __future__ import annotations

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.reports.cards import CARDS, FOLLOWING
from pareto_explorer.results import MEMBER, Run, load_run, load_runs
from pareto_explorer.runs import RunDirectory
from pareto_explorer.runs.files.progress_file import HEARTBEAT, Standing
from pareto_explorer.runs.notes import read_notes
from pareto_explorer.schema.checkpoint_ids import checkpoint_id
from pareto_explorer.serving.pages import Pages
from pareto_explorer.serving.places import Folder, place_of
from tests.synthetic import write_synthetic_run

DEAR = 2.0
"""What a step costs that computes; looking costs nothing."""


class Fake:
    """A place that a test writes to."""

    pause = 1.0

    def __init__(self, run: Run | None = None, name: str = "run") -> None:
        self.run, self.name = run, name
        self.stamp, self.looks, self.loads = 0, 0, 0
        self.said: Standing | None = None
        self.problem = ""

    def look(self) -> int:
        self.looks += 1
        if self.problem:
            raise InputError(self.problem)
        return self.stamp

    def load(self) -> Run | None:
        self.loads += 1
        return self.run

    def standing(self) -> Standing | None:
        return self.said


class Clock:
    """Seconds that pass when a test says so; a step that computes takes ``DEAR`` of them."""

    def __init__(self, *places: Fake) -> None:
        self.now = 1000.0
        self.pages = Pages(places, clock=lambda: self.now, wall=lambda: self.now, cost=self._cost)
        self._spent = 0.0

    def _cost(self) -> float:
        self._spent += DEAR / 2  # asked before and after
        return self._spent * 2

    def shown(self) -> list[int]:
        """From now on nothing is drawn: how many cards would have been, each time."""
        found: list[int] = []
        self.pages._show = lambda builders: found.append(len(builders))
        return found

    def run(self, seconds: float) -> None:
        """Steps whenever there is something to do."""
        end = self.now + seconds
        while (pause := self.pages.wait()) <= end - self.now:
            self.now += pause
            self.pages.step()
        self.now = end


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("pages") / "run"
    write_synthetic_run(path, configurations=1, replicates=2)
    return load_run(path)


def keys(pages: Pages) -> list[str]:
    return list(pages.page.parts)


def test_a_place_without_a_run_says_so_and_fills_by_itself(finished):
    place = Fake()
    clock = Clock(place)
    assert not clock.pages.begun
    clock.run(0)
    assert keys(clock.pages) == ["waiting"]
    assert "run" in clock.pages.page.parts["waiting"].section.html
    place.run, place.stamp = finished, 1
    clock.run(200)
    assert "waiting" not in keys(clock.pages)
    assert {"finding", "front", "specification"} <= set(keys(clock.pages))
    assert clock.pages.page.name == finished.name


def test_what_follows_every_point_comes_first_and_all_is_in_the_order_of_the_report(finished):
    clock = Clock(Fake(finished))
    clock.pages.step()
    first = keys(clock.pages)
    assert 0 < len(first) <= len(FOLLOWING)
    clock.run(1)
    assert set(first) < set(keys(clock.pages))
    assert len(keys(clock.pages)) == len(CARDS) - 2  # there are no notes, and no other run
    ordered = [key for key in keys(clock.pages) if key in first]
    assert ordered == first


def test_as_long_as_nothing_changes_it_only_looks(finished):
    place = Fake(finished)
    clock = Clock(place)
    clock.shown()
    clock.run(200)
    page, loads, looks = clock.pages.page, place.loads, place.looks
    clock.run(1000)
    assert (place.loads, clock.pages.page.digests) == (loads, page.digests)
    assert place.looks - looks == 1000


def test_a_run_that_changes_all_the_time_costs_a_small_share(finished):
    place = Fake(finished)
    clock = Clock(place)
    shown = clock.shown()
    clock.run(200)
    loads = place.loads
    shown.clear()
    for _ in range(400):
        place.stamp += 1
        clock.run(1)
    assert place.loads - loads == pytest.approx(400 * 0.05 / DEAR, abs=1)  # 5 % of a core
    others = [n for n in shown if n > len(FOLLOWING)]
    assert len(others) == pytest.approx(400 * 0.02 / DEAR, abs=1)


def test_once_the_sweep_has_ended_all_is_brought_up_to_date_at_once(finished):
    place = Fake(finished)
    place.said = Standing("trials", time=1000.0)
    clock = Clock(place)
    clock.shown()
    clock.run(1)
    place.stamp = 1
    clock.run(1)
    made = place.loads
    clock.run(1)
    assert place.loads == made  # its time has not come
    place.said = replace(place.said, over=True, time=1003.0)
    clock.run(2)
    assert place.loads == made + 1
    assert clock.pages._made == [(1,), (1,)]
    assert [course.alive for course in clock.pages.page.courses] == [False]


@pytest.mark.parametrize("ahead", [-3600.0, 0.0, 3600.0])
def test_a_driver_that_is_not_heard_of_is_gone_whatever_its_clock_says(ahead, finished):
    place = Fake(finished)
    clock = Clock(place)
    clock.shown()
    for beat in range(10):
        place.said = Standing("trials", time=clock.now + ahead)
        clock.run(HEARTBEAT)
        if beat:
            assert [course.alive for course in clock.pages.page.courses] == [True]
    clock.run(10 * HEARTBEAT)
    assert [course.alive for course in clock.pages.page.courses] == [False]


def test_a_driver_that_was_killed_long_ago_is_gone_from_the_start(finished):
    place = Fake(finished)
    place.said = Standing("trials", time=1000.0 - 3600)
    clock = Clock(place)
    clock.shown()
    clock.run(0)
    assert [course.alive for course in clock.pages.page.courses] == [False]


def test_a_place_that_fails_for_a_while_says_so_and_keeps_what_it_showed(finished):
    place = Fake(finished)
    clock = Clock(place)
    clock.run(200)
    place.problem = "s3://bucket/run: cannot be read."
    clock.run(5)
    assert clock.pages.page.problem == place.problem
    assert "front" in keys(clock.pages)
    place.problem = ""
    clock.run(5)
    assert clock.pages.page.problem == ""


def test_of_several_runs_those_without_points_are_waited_for(finished, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(finished.directory.path, other)
    second = load_run(other)
    places = Fake(finished, "a"), Fake(None, "b")
    clock = Clock(*places)
    clock.shown()
    clock.run(200)
    assert clock.pages._material.run is finished
    assert clock.pages.page.problem == "'b' has no points yet."
    places[1].run, places[1].stamp = replace(second, points=second.points.head(0)), 1
    clock.run(200)
    assert clock.pages.page.problem == "'b' has no points yet."
    places[1].run, places[1].stamp = second, 2
    clock.run(200)
    assert clock.pages.page.problem == ""
    assert len(clock.pages._material.run.members) == 2


def test_runs_that_do_not_go_together_say_why(finished):
    twice = Fake(finished, "a"), Fake(finished, "b")
    clock = Clock(*twice)
    clock.run(200)
    assert "name a run twice" in clock.pages.page.problem
    assert clock.pages.begun


def growing(path: Path, full: RunDirectory, lines: int) -> None:
    """A journal that has come so far."""
    path.mkdir(exist_ok=True)
    for name in ("sweep.yaml", "landmarks.parquet"):
        shutil.copy(full.path / name, path / name)
    whole = full.journal.read_bytes().splitlines(keepends=True)
    (path / "points.jsonl").write_bytes(b"".join(whole[:lines]))


def test_a_folder_reads_on_and_sees_what_a_fresh_reader_sees(finished, tmp_path):
    place = Folder(str(tmp_path / "run"))
    assert place.load() is None
    whole = finished.directory.journal.read_bytes().count(b"\n")
    stamps = set()
    for lines in (0, 1, 2, whole // 2, whole):
        growing(tmp_path / "run", finished.directory, lines)
        stamps.add(place.look())
        run = place.load()
        fresh = load_run(tmp_path / "run")
        assert run.points.equals(fresh.points)
        assert run.points.dtypes.equals(fresh.points.dtypes)
    assert len(stamps) == 5
    assert place.look() == place.look()


def test_a_note_on_several_runs_together_goes_to_the_run_of_its_point(finished, tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        shutil.copytree(finished.directory.path, path)
    pages = Pages([place_of(str(path)) for path in paths])
    pages.step()
    row = finished.points.iloc[0]
    own = checkpoint_id(row["trial_id"], row["step"])
    name = list(load_runs(paths).members)[1]
    point = f"{name}{MEMBER}{own}"
    pages.note(point, "of the second")
    assert [*read_notes(RunDirectory(paths[1]))] == [own]
    assert not (paths[0] / "notes.jsonl").exists()
    pages.hurry()
    pages.step()
    payload = json.loads(pages.page.parts["notes"].section.payload)
    assert [*payload] == [point]
    pages.take_back(point, payload[point][0]["time"])
    assert read_notes(RunDirectory(paths[1])) == {}


@pytest.mark.parametrize("count", [1, 2])
def test_of_a_run_in_storage_commands_and_notes_are_about_its_uri(finished, tmp_path, count):
    uris = []
    for name in ("a", "b")[:count]:
        shutil.copytree(finished.directory.path, tmp_path / name)
        uris.append((tmp_path / name).as_uri())
    pages = Pages([place_of(uri) for uri in uris])
    pages.step()
    assert f"pareto-explorer select {uris[0]} " in pages.page.parts["choose"].section.to_json()
    row = pages._material.run.points.iloc[-1]
    pages.note(checkpoint_id(row["trial_id"], row["step"]), "kept")
    assert len(read_notes(RunDirectory(tmp_path / "ab"[count - 1]))) == 1


def test_a_run_that_is_gone_stays_on_the_page_which_says_so(finished, tmp_path):
    shutil.copytree(finished.directory.path, tmp_path / "run")
    clock = Clock(Folder(str(tmp_path / "run")))
    clock.run(200)
    shutil.rmtree(tmp_path / "run")
    clock.run(200)
    assert "has no run any more" in clock.pages.page.problem
    assert "front" in keys(clock.pages)


def test_a_run_that_may_not_be_read_says_so(finished, tmp_path, monkeypatch):
    shutil.copytree(finished.directory.path, tmp_path / "run")
    clock = Clock(Folder(str(tmp_path / "run")))
    refused = PermissionError(errno.EACCES, "Permission denied")
    monkeypatch.setattr(Path, "exists", lambda _: (_ for _ in ()).throw(refused))
    clock.run(5)
    assert "cannot be read (Permission denied)" in clock.pages.page.problem


def test_a_note_is_on_a_point_that_there_is(finished):
    clock = Clock(Fake(finished))
    with pytest.raises(InputError, match="no run"):
        clock.pages.note("a@1", "x")
    clock.run(5)
    trial = finished.points["trial_id"].iloc[0]
    for point in ("nobody@1", f"{trial}@987654", "none"):
        with pytest.raises(InputError, match=r"^`point`: "):
            clock.pages.note(point, "x")

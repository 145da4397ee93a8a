from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.runs.remote import mirror as module
from pareto_explorer.runs.remote.lease import LEASE, RENEWAL, SupersededError
from pareto_explorer.runs.remote.mirror import Mirror
from pareto_explorer.runs.remote.staging import STATE, Staging, staging_folder
from tests.runs.flaky import Flaky, nothing

URI = "s3://bucket/run"
AGES = 30.0  # seconds: a test that waits so long has failed


class World:
    """Storage, and machines that run drivers; time moves only when one of them waits."""

    def __init__(self, folder: Path) -> None:
        self.flaky = Flaky()
        self.remote, self._machines = folder / "remote", folder
        self.now = 1000.0
        self.told: list[str] = []

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def mirror(self, machine: str = "a") -> Mirror:
        return Mirror(
            URI,
            self._machines / machine / "staging",
            storage=self.flaky.storage(self.remote),
            tell=self.told.append,
            pause=self.pause,
            clock=lambda: self.now,
        )


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


def tree(folder: Path) -> dict[str, bytes]:
    """All files but hidden ones and the writer's object."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.name != "writer.json"]
    names = {p.relative_to(folder).as_posix(): p for p in files}
    return {n: p.read_bytes() for n, p in names.items() if "/." not in f"/{n}"}


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def crash(mirror: Mirror) -> None:
    """Ends a driver as SIGKILL does, as far as others can see."""
    mirror._closing.set()
    mirror._asked.set()
    mirror._worker.join()
    mirror._lock.release()


def test_another_machine_continues_where_the_first_ended(world):
    files = {"sweep.yaml": "a: 1", "points.jsonl": "{}\n", "report/index.html": "<html>"}
    with world.mirror("a") as first:
        fill(first.folder, files)
    assert tree(world.remote) == tree(first.folder)
    with world.mirror("b") as second:
        assert tree(second.folder) == tree(first.folder)
        assert not (second.folder / "writer.json").exists()
        fill(second.folder, {"points.jsonl": "{}\n{}\n"})
    with world.mirror("a") as third:
        assert (third.folder / "points.jsonl").read_text() == "{}\n{}\n"
    assert world.now == 1000


def test_without_a_folder_the_users_cache_holds_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    uri = (tmp_path / "shared" / "my run").as_uri()
    with Mirror(uri + "/") as mirror:
        fill(mirror.folder, {"sweep.yaml": "a: 1"})
    assert (tmp_path / "shared" / "my run" / "sweep.yaml").read_text() == "a: 1"
    assert mirror.folder == staging_folder(uri)
    assert mirror.folder.is_relative_to(tmp_path / "cache")
    assert staging_folder("s3://a/run") != staging_folder("s3://b/run")
    assert staging_folder("s3://a/run").name.startswith("run-")


def test_only_what_changed_is_copied(world):
    with world.mirror() as mirror:
        fill(mirror.folder, {"sweep.yaml": "a", "points.jsonl": "1\n"})
        mirror.push_now()
        mirror.push_now()
        fill(mirror.folder, {"points.jsonl": "1\n2\n"})
        mirror.push_now()
    stored = world.flaky.stored()
    assert stored["sweep.yaml"] == 1
    assert stored["points.jsonl"] == 2


def test_what_was_downloaded_is_not_copied_back(world):
    with world.mirror("a") as first:
        fill(first.folder, {"sweep.yaml": "a"})
    with world.mirror("b"):
        pass
    assert world.flaky.stored()["sweep.yaml"] == 1


def test_a_file_that_is_replaced_within_one_tick_of_the_clock_is_copied(world):
    import os

    with world.mirror() as mirror:
        path = mirror.folder / "sweep.yaml"
        path.write_text("old")
        mirror.push_now()
        times = path.stat().st_atime_ns, path.stat().st_mtime_ns
        other = mirror.folder / ".other"
        other.write_text("new")
        os.utime(other, ns=times)
        other.replace(path)
        mirror.push_now()
    assert (world.remote / "sweep.yaml").read_text() == "new"


def test_files_are_copied_in_the_order_in_which_they_were_written(world):
    import os

    with world.mirror() as mirror:
        order = ["landmarks.parquet", "sweep.yaml", "points.jsonl", "a.txt"]
        for second, name in enumerate(order, start=1):
            fill(mirror.folder, {name: name})
            os.utime(mirror.folder / name, (second, second))
        mirror.push_now()
    moved = [Path(path).name for name, path in world.flaky.done if name == "move"]
    assert [name for name in moved if name in order] == order


def test_hidden_files_and_rays_own_folder_stay_where_they_are(world):
    fill(world.remote, {"tune/state": "huge", ".hidden": "x", "sweep.yaml": "a"})
    with world.mirror() as mirror:
        assert set(tree(mirror.folder)) == {"sweep.yaml"}
        fill(mirror.folder, {"tune/mine": "x", ".lock": "x", "errors/tune/y": "y"})
    names = set(tree(world.remote))
    assert names == {"tune/state", "sweep.yaml", "errors/tune/y"}
    assert not (world.remote / ".lock").exists()


def test_weights_that_workers_wrote_are_neither_downloaded_nor_uploaded(world):
    weights = {"models/a-000/replicate-0-step-3.safetensors": "of a worker"}
    fill(world.remote, weights | {"models/manifest.json": "{}", "sweep.yaml": "a"})
    for machine in "aab":  # anew, again, and elsewhere
        with world.mirror(machine) as mirror:
            assert set(tree(mirror.folder)) >= {"sweep.yaml", "models/manifest.json"}
            assert not (mirror.folder / "models" / "a-000").exists()
            fill(mirror.folder, {"models/manifest.json": machine, "models/manifest.jsonl": "{}\n"})
    fill(mirror.folder, {"models/b-000/replicate-0-step-3.safetensors": "exported here"})
    mirror = world.mirror("b")
    mirror.pull()
    mirror.close()
    assert set(tree(world.remote)) == {*weights, *tree(mirror.folder)} - {
        "models/b-000/replicate-0-step-3.safetensors"
    }
    assert (world.remote / "models" / "manifest.json").read_text() == "b"


def test_says_where_a_former_folder_was_moved(world):
    with world.mirror("a") as first:
        assert first.aside is None
        fill(first.folder, {"points.jsonl": "1\n"})
    with world.mirror("b") as second:
        fill(second.folder, {"points.jsonl": "2\n"})
    fill(first.folder, {"points.jsonl": "lost"})
    with world.mirror("a") as again:
        assert again.aside is not None
        assert (again.aside / "points.jsonl").read_text() == "lost"


def test_a_killed_driver_continues_on_its_machine_with_all_that_it_had(world):
    killed = world.mirror()
    killed.pull()
    fill(killed.folder, {"sweep.yaml": "a", "points.jsonl": "1\n"})
    killed.push_now()
    fill(killed.folder, {"points.jsonl": "1\n2\n"})
    crash(killed)
    with world.mirror() as again:
        assert (again.folder / "points.jsonl").read_text() == "1\n2\n"
    assert (world.remote / "points.jsonl").read_text() == "1\n2\n"
    assert world.now == 1000  # it did not wait for itself


def test_a_file_that_went_missing_on_the_same_machine_is_downloaded(world):
    with world.mirror() as mirror:
        fill(mirror.folder, {"sweep.yaml": "a", "points.jsonl": "1\n"})
    (mirror.folder / "points.jsonl").unlink()
    with world.mirror() as again:
        assert (again.folder / "points.jsonl").read_text() == "1\n"
    assert world.flaky.stored()["points.jsonl"] == 1


def test_what_never_reached_the_storage_is_kept_aside_when_another_machine_went_on(world):
    lost = world.mirror("a")
    lost.pull()
    fill(lost.folder, {"points.jsonl": "1\n"})
    lost.push_now()
    fill(lost.folder, {"points.jsonl": "1\nlost\n"})
    crash(lost)
    with world.mirror("b") as second:
        fill(second.folder, {"points.jsonl": "1\n2\n"})
    assert world.now >= 1000 + LEASE
    again = world.mirror("a")
    kept = again.pull()
    assert kept is not None
    assert (kept / "points.jsonl").read_text() == "1\nlost\n"
    assert (again.folder / "points.jsonl").read_text() == "1\n2\n"
    again.close()


def test_nothing_is_kept_aside_when_the_storage_has_it_all(world):
    for machine in "abab":
        mirror = world.mirror(machine)
        assert mirror.pull() is None
        fill(mirror.folder, {"points.jsonl": machine * 3})
        mirror.close()
    assert sorted(p.name for p in mirror.folder.parent.iterdir()) == ["staging", "staging.lock"]


def test_storage_that_was_emptied_starts_anew_and_the_former_run_is_kept_aside(world):
    import shutil

    with world.mirror() as first:
        fill(first.folder, {"sweep.yaml": "a"})
    shutil.rmtree(world.remote)
    again = world.mirror()
    kept = again.pull()
    assert kept is not None
    assert tree(kept) == {"sweep.yaml": b"a"}
    assert tree(again.folder) == {}
    again.close()


def test_a_driver_that_is_alive_elsewhere_is_not_disturbed(world):
    first, second = world.mirror("a"), world.mirror("b")
    first.pull()
    fill(first.folder, {"sweep.yaml": "a"})
    second._lease._pause = lambda seconds: (world.pause(seconds), first.push_now())
    with pytest.raises(InputError, match="another sweep is writing to 's3://bucket/run'"):
        second.pull()
    first.close()
    with world.mirror("b"):
        pass


def test_a_driver_that_was_taken_over_writes_no_more(world):
    first = world.mirror("a")
    first.pull()
    fill(first.folder, {"points.jsonl": "first"})
    first.push_now()
    with world.mirror("b") as second:
        fill(second.folder, {"points.jsonl": "second"})
        second.push_now()
        fill(first.folder, {"points.jsonl": "first again"})
        world.now += RENEWAL
        with pytest.raises(SupersededError):
            first.push_now()
        with pytest.raises(InputError, match="has taken it over") as refused:
            first.close()
    assert str(first.folder) in str(refused.value)
    assert (world.remote / "points.jsonl").read_text() == "second"
    first.close()  # again: nothing


def test_two_drivers_on_one_machine_are_refused(world):
    with (
        world.mirror(),
        pytest.raises(InputError, match="another sweep on this machine is writing to"),
    ):
        world.mirror().pull()


def test_storage_that_cannot_be_reached_is_refused_before_anything_runs(world):
    world.flaky.breaks("info")
    with pytest.raises(InputError, match=r"cannot be read and written \(storage is away") as error:
        world.mirror().pull()
    assert "\n" not in str(error.value)
    world.flaky.breaks()
    world.mirror().pull()  # the lock was let go


def test_storage_that_cannot_be_written_is_refused_before_anything_runs(world):
    fill(world.remote, {"sweep.yaml": "a"})
    world.flaky.breaks("write")
    with pytest.raises(InputError, match=r"cannot be read and written \(storage is away \(write"):
        world.mirror().pull()


def test_storage_that_is_away_for_a_moment_at_the_start_is_waited_for(world):
    fill(world.remote, {"sweep.yaml": "a"})
    world.flaky.breaks("read")
    mirror = world.mirror()
    mirror._pause = lambda seconds: (world.pause(seconds), world.flaky.breaks())
    mirror.pull()
    assert tree(mirror.folder) == {"sweep.yaml": b"a"}
    mirror.close()


def test_storage_that_is_away_for_a_moment_at_the_end_is_waited_for(world):
    mirror = world.mirror()
    mirror.pull()
    fill(mirror.folder, {"sweep.yaml": "a"})
    world.flaky.breaks("write")
    mirror._pause = lambda seconds: (world.pause(seconds), world.flaky.breaks())
    mirror.close()
    assert tree(world.remote) == {"sweep.yaml": b"a"}


def test_storage_that_is_away_does_not_stop_the_sweep_and_gets_everything_later(world, monkeypatch):
    monkeypatch.setattr(module, "DELAYS", (0.001,) * 5)
    monkeypatch.setattr(module, "LONGEST", 0.01)
    failed, mended = threading.Event(), threading.Event()
    with world.mirror() as mirror:
        world.flaky.breaks("write")
        failures: list[str] = []
        world.flaky.before = lambda name: (
            name == "write" and (failures.append(name), len(failures) > 2 and failed.set())
        )
        fill(mirror.folder, {"points.jsonl": "1\n"})
        mirror.push()  # returns at once, and nobody has to ask again
        assert failed.wait(AGES)
        fill(mirror.folder, {"points.jsonl": "1\n2\n"})
        world.flaky.before = lambda name: name == "move" and mended.set()
        world.flaky.breaks()
        assert mended.wait(AGES)
    assert (world.remote / "points.jsonl").read_text() == "1\n2\n"
    assert sum("cannot be written" in text for text in world.told) == 1
    assert str(mirror.folder) in world.told[0]


def test_a_push_that_is_asked_for_happens_without_waiting_for_the_end(world):
    stored = threading.Event()
    with world.mirror() as mirror:
        fill(mirror.folder, {"points.jsonl": "1\n"})
        world.flaky.before = lambda name: name == "move" and stored.set()
        mirror.push()
        assert stored.wait(AGES)


def test_a_last_push_that_fails_says_where_everything_is(world):
    mirror = world.mirror()
    mirror.pull()
    fill(mirror.folder, {"points.jsonl": "1\n"})
    world.flaky.breaks("write")
    with pytest.raises(InputError) as failed:
        mirror.close()
    message = str(failed.value)
    assert message.startswith("`out`: 's3://bucket/run' may lack the latest results")
    assert str(mirror.folder) in message
    assert "\n" not in message
    world.flaky.breaks()
    with world.mirror() as again:
        assert (again.folder / "points.jsonl").read_text() == "1\n"
    assert (world.remote / "points.jsonl").read_text() == "1\n"


def test_a_failed_last_push_does_not_hide_what_ended_the_sweep(world):
    def sweep() -> None:
        with world.mirror() as mirror:
            fill(mirror.folder, {"points.jsonl": "1\n"})
            world.flaky.breaks("write")
            raise KeyError("the reason")

    with pytest.raises(KeyError) as ended:
        sweep()
    assert "may lack the latest results" in ended.value.__notes__[0]


def test_a_push_that_breaks_off_goes_on_where_it_was(world):
    with world.mirror() as mirror:
        fill(mirror.folder, {"a": "1", "b": "2"})
        world.flaky.before = lambda name: name == "move" and world.flaky.breaks("write")
        with pytest.raises(OSError, match="storage is away"):
            mirror.push_now()
        world.flaky.before = nothing
        world.flaky.breaks()
    stored = world.flaky.stored()
    assert stored["a"] == stored["b"] == 1


steps = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(["sweep.yaml", "points.jsonl", "errors/x.txt"])),
    st.tuples(st.just("break"), st.sampled_from(["mkdir", "write", "move", "info"])),
    st.tuples(st.sampled_from(["mend", "push", "crash"]), st.just("")),
)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(steps, max_size=14))
def test_whatever_happens_on_one_machine_the_storage_ends_as_the_folder(tmp_path_factory, steps):
    world = World(tmp_path_factory.mktemp("world"))
    expected: dict[str, bytes] = {}
    mirror = world.mirror()
    mirror.pull()
    for number, (step, what) in enumerate(steps):
        if step == "write":
            fill(mirror.folder, {what: f"{number}"})
            expected[what] = f"{number}".encode()
        elif step == "break":
            world.flaky.breaks(what)
        elif step == "mend":
            world.flaky.breaks()
        elif step == "push":
            mirror.push()
        elif step == "crash":
            world.flaky.breaks()
            crash(mirror)
            mirror = world.mirror()
            assert mirror.pull() is None
    world.flaky.breaks()
    mirror.close()
    assert tree(world.remote) == expected == tree(mirror.folder)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "[" * 10_000, '{"id": 3, "files": {}}', '{"id": "a", "files": []}'),
        *('{"id": "a", "files": {"b": 1}}', '{"id": "a", "files": {"b": ["c"]}}'),
    ],
)
def test_a_damaged_state_of_a_staging_folder_says_nothing(tmp_path, text):
    (tmp_path / STATE).write_text(text)
    staging = Staging(tmp_path)
    assert (staging.identity, staging.stored) == ("", {})

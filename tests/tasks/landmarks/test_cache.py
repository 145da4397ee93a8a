from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import (
    LandmarkCache,
    Stage,
    UnlearningTask,
    default_cache_dir,
    fingerprint,
    train_landmark,
    train_stages,
)
from pareto_explorer.tasks.landmarks import cache as landmark_cache
from tests.tasks.small import small_task

STATE = {"weight": torch.arange(6.0).reshape(2, 3), "steps": torch.tensor(7)}


@pytest.fixture
def cache(tmp_path: Path) -> LandmarkCache:
    return LandmarkCache(tmp_path / "deep" / "cache")


def same(first: dict[str, Tensor] | None, second: dict[str, Tensor]) -> bool:
    return first is not None and all(
        torch.equal(first[name], second[name]) and first[name].dtype == second[name].dtype
        for name in second
    )


def test_what_is_stored_is_loaded(cache: LandmarkCache) -> None:
    assert cache.load("a") is None
    cache.store("a", STATE)
    assert same(cache.load("a"), STATE)
    assert cache.load("b") is None
    assert sorted(path.name for path in cache.root.iterdir()) == ["a.safetensors", "a.sha256"]


def test_a_landmark_says_what_its_training_took(cache: LandmarkCache) -> None:
    cache.obtain(small_task(), "original", 0)
    assert cache.seconds(fingerprint(small_task(), "original", 0)) > 0
    cache.store("0", {"x": torch.ones(1)})
    assert cache.seconds("0") is None
    cache.store("0", {"x": torch.ones(1)}, 2.5)
    assert cache.seconds("0") == 2.5
    (cache.root / "0.safetensors").write_bytes(b"damaged")
    assert cache.seconds("0") is None
    assert cache.seconds("1") is None


def test_storing_again_replaces(cache: LandmarkCache) -> None:
    cache.store("a", STATE)
    cache.store("a", {"weight": torch.ones(2)})
    assert same(cache.load("a"), {"weight": torch.ones(2)})


def flip(data: Path, checksum: Path) -> None:
    content = bytearray(data.read_bytes())
    content[-1] ^= 1
    data.write_bytes(content)


def truncate(data: Path, checksum: Path) -> None:
    data.write_bytes(data.read_bytes()[:-4])


def empty(data: Path, checksum: Path) -> None:
    data.write_bytes(b"")


def forget_checksum(data: Path, checksum: Path) -> None:
    checksum.unlink()


def other_checksum(data: Path, checksum: Path) -> None:
    checksum.write_text("0" * 64)


@pytest.mark.parametrize("damage", [flip, truncate, empty, forget_checksum, other_checksum])
def test_a_damaged_landmark_is_refused_then_trained_again(
    cache: LandmarkCache, task: UnlearningTask, damage: Callable[[Path, Path], None]
) -> None:
    name = fingerprint(task, "original", 0)
    before = cache.obtain(task, "original", 0)
    damage(cache.root / f"{name}.safetensors", cache.root / f"{name}.sha256")
    with pytest.warns(UserWarning, match="is damaged; it was removed"):
        assert cache.load(name) is None
    assert cache.load(name) is None
    assert same(cache.obtain(task, "original", 0), before)
    assert same(cache.load(name), before)


def test_a_landmark_is_trained_once(
    cache: LandmarkCache, task: UnlearningTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = cache.obtain(task, "retrained", 1)
    assert same(trained, train_landmark(task, "retrained", 1))
    monkeypatch.delattr(landmark_cache, "train_stages")
    assert same(cache.obtain(task, "retrained", 1), trained)


def test_snapshots_are_kept_until_the_landmark_is_stored(cache: LandmarkCache) -> None:
    assert cache.load_partial("a") is None
    for snapshot in (b"first", b"", b"last"):
        cache.store_partial("a", snapshot)
        assert cache.load_partial("a") == snapshot
    assert cache.load_partial("b") is None
    assert [path.name for path in cache.root.iterdir()] == ["a.partial"]
    cache.store("a", STATE)
    assert cache.load_partial("a") is None


@pytest.mark.parametrize(
    "damage", [lambda c: c[:-1], lambda c: c + b".", lambda _: b"", lambda c: c[:-3] + b"abc"]
)
def test_a_damaged_snapshot_is_removed(
    cache: LandmarkCache, damage: Callable[[bytes], bytes]
) -> None:
    cache.store_partial("a", b"snapshot")
    path = cache.root / "a.partial"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.warns(UserWarning, match=r"a\.partial is damaged; it was removed"):
        assert cache.load_partial("a") is None
    assert not path.exists()


def test_training_that_was_cut_off_goes_on_from_its_snapshot(
    cache: LandmarkCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, taken = small_task(epochs=5), []

    def cut_off(*arguments: object) -> Iterator[Stage]:
        for stage in train_stages(*arguments, every_seconds=0.0):  # type: ignore[arg-type]
            taken.append(stage.epoch)
            yield stage
            if len(taken) == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(landmark_cache, "train_stages", cut_off)
    with pytest.raises(KeyboardInterrupt):
        cache.obtain(task, "original", 0)
    assert (cache.root / f"{fingerprint(task, 'original', 0)}.partial").exists()
    assert same(cache.obtain(task, "original", 0), train_landmark(task, "original", 0))
    assert taken == [1, 2, 3, 4, 5]
    assert not list(cache.root.glob("*.partial"))


def test_an_original_that_the_task_brings_is_not_stored(cache: LandmarkCache) -> None:
    given = train_landmark(small_task(), "original", 9)
    task = replace(small_task(), original=given)
    assert same(cache.obtain(task, "original", 0), given)
    assert not cache.root.exists()


@pytest.mark.parametrize("failing", ["a.sha256", "a.safetensors"])
def test_a_write_that_fails_leaves_no_half_file(
    cache: LandmarkCache, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if target.name == failing:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        cache.store("a", STATE)
    assert cache.load("a") is None
    assert not list(cache.root.glob("*.tmp"))


@pytest.mark.parametrize(
    "use", [lambda cache: cache.store("a", STATE), lambda cache: cache.lock("a").__enter__()]
)
def test_a_directory_that_cannot_be_written_is_told(
    tmp_path: Path, use: Callable[[LandmarkCache], None]
) -> None:
    (tmp_path / "file").write_text("")
    cache = LandmarkCache(tmp_path / "file" / "cache")
    with pytest.raises(InputError, match=r"landmark cache: .*file.cache cannot be written \(.+\)"):
        use(cache)


def test_a_full_disk_is_told_with_the_files_name(
    cache: LandmarkCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left on device: ") as caught:
        cache.store("a", STATE)
    assert caught.value.filename == str(cache.root / "a.sha256")
    assert not list(cache.root.glob("*.tmp"))


def test_what_a_killed_process_left_half_written_is_removed(cache: LandmarkCache) -> None:
    cache.root.mkdir(parents=True)
    for name in ("a.safetensors.x1_y.tmp", "ab.safetensors.x1_y.tmp"):
        (cache.root / name).touch()
    with cache.lock("a"):
        assert [p.name for p in cache.root.glob("*.tmp")] == ["ab.safetensors.x1_y.tmp"]


def test_the_default_directory_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PARETO_EXPLORER_CACHE", str(tmp_path))
    assert default_cache_dir() == tmp_path
    monkeypatch.delenv("PARETO_EXPLORER_CACHE")
    assert default_cache_dir().name == "pareto-explorer"


def python(program: str) -> subprocess.Popen[str]:
    head = (
        "from pathlib import Path; from tests.tasks.small import small_task\n"
        "from pareto_explorer.tasks import LandmarkCache\n"
        "from pareto_explorer.tasks.landmarks import cache as landmark_cache\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", head + program], stdout=subprocess.PIPE, text=True
    )


def test_of_two_processes_one_trains_and_the_other_waits(
    cache: LandmarkCache, task: UnlearningTask
) -> None:
    name = fingerprint(task, "original", 0)
    with cache.lock(name):
        other = python(
            "def train(*arguments): raise SystemExit('trained a second time')\n"
            "landmark_cache.train_stages = train\n"
            "print('wants it', flush=True)\n"
            f"LandmarkCache(Path({str(cache.root)!r})).obtain(small_task(), 'original', 0)\n"
            "print('has it')"
        )
        assert other.stdout is not None
        assert other.stdout.readline() == "wants it\n"
        cache.store(name, train_landmark(task, "original", 0))
    assert other.communicate(timeout=60)[0] == "has it\n"
    assert other.returncode == 0


def test_a_killed_process_holds_nothing(cache: LandmarkCache) -> None:
    other = python(
        f"lock = LandmarkCache(Path({str(cache.root)!r})).lock('a'); lock.__enter__()\n"
        "print('holds it', flush=True); input()"
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "holds it\n"
    other.kill()
    other.wait()
    with cache.lock("a"):
        cache.store("a", STATE)
    assert same(cache.load("a"), STATE)

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pareto_explorer.cli import remembered
from pareto_explorer.cli.catalogue import KINDS, Kind, catalogue


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pareto-explorer" / "catalogue.json"


def listed(*arguments: str) -> str:
    command = [sys.executable, "-X", "importtime", "-m", "pareto_explorer", "list", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert "pareto_explorer" in imported
    assert not imported & {"torch", "ray", "optuna", "pandas"}
    return done.stdout


def test_every_name_is_listed_with_knobs_and_source():
    found = catalogue()
    assert list(found) == list(KINDS)
    shown = listed()
    for kind, entries in found.items():
        assert kind.replace("-", " ") in shown
        assert entries
        for entry in entries:
            assert entry.name in shown
            assert entry.summary
            assert entry.source
    assert "intensity" in shown


def test_metrics_are_listed_without_torch_at_once(place):
    assert not place.exists()
    shown = listed("metrics")
    assert "unlearning_accuracy" in shown
    assert "jacobian_descent" not in shown


def test_what_is_remembered_is_what_was_collected(place, monkeypatch):
    cold = catalogue()
    assert place.exists()
    refused = dict.fromkeys(KINDS, Kind("name", lambda: pytest.fail("collected again")))
    monkeypatch.setattr("pareto_explorer.cli.catalogue.KINDS", refused)
    assert catalogue() == cold
    assert catalogue(["metrics"]) == {"metrics": cold["metrics"]}


def recalled():
    return remembered.recall(remembered.foundations())


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of one file, for whose facts a cache stands."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "one.py").write_text("x = 1\n")
    monkeypatch.setattr(remembered, "_OURS", folder)
    remembered.remember({"metrics": ["a"]}, remembered.foundations())
    assert recalled() == {"metrics": ["a"]}
    return folder


def rewritten(package):
    """Another content of the same size."""
    file = package / "one.py"
    before = file.stat()
    file.write_text("x = 2\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


@pytest.mark.parametrize(
    "change",
    [
        rewritten,
        lambda package: (package / "two.py").touch(),
        lambda package: (package / "one.py").rename(package / "three.py"),
        lambda package: (package / "one.py").unlink(),
    ],
    ids=["edited", "added", "renamed", "deleted"],
)
def test_a_file_that_changes_makes_it_stale(package, change):
    change(package)
    assert recalled() == {}


def test_a_search_space_that_changes_makes_it_stale(package, monkeypatch, tmp_path):
    space = tmp_path / "mine.yaml"
    space.touch()
    monkeypatch.setattr(remembered, "shipped_spaces", lambda: {"mine": space})
    assert recalled() == {}


@pytest.mark.parametrize("name", ["__version__", "_version"])
def test_another_version_makes_it_stale(package, monkeypatch, name):
    monkeypatch.setattr(remembered, name, "9" if name == "__version__" else lambda _: "9")
    assert recalled() == {}


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-3],
        lambda text: text.replace('["a"]', '["b"]'),
        lambda _: "[1]",
        lambda _: "{}",
        lambda _: '{"seal": 1, "facts": 2}',
        lambda _: "[" * 100_000,
        lambda _: "\udcff",
    ],
)
def test_a_damaged_cache_is_none(package, place, damage):
    text = damage(place.read_text(encoding="utf-8"))
    place.write_text(text, encoding="utf-8", errors="surrogateescape")
    assert recalled() == {}


def test_where_nothing_can_be_written_nothing_is_remembered(place, monkeypatch, tmp_path):
    (tmp_path / "cache").write_text("a file")
    remembered.remember({"metrics": []}, remembered.foundations())
    assert recalled() == {}

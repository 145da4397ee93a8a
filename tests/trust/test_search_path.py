"""Files in the working directory neither break nor stand in for what is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pareto_explorer.trust.search_path import add_working_directory

TAKEN = ("copy", "difflib", "numpy", "pandas", "profile", "random", "re", "rich", "torch", "typing")


@pytest.fixture
def folder(tmp_path):
    for name in TAKEN:
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} was taken from here')\n")
    return tmp_path


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


SCRIPT = Path(sys.executable).with_name("pareto-explorer")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ([SCRIPT, "--version"], "pareto-explorer"),
        ([sys.executable, "-m", "pareto_explorer", "list", "metrics"], "retain_gap"),
    ],
)
def test_commands_leave_them_alone(folder, command, said):
    done = run(command, folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout


def test_modules_of_ones_own_are_found_last(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["/usr/lib/python"])
    add_working_directory()
    add_working_directory()
    assert sys.path == ["/usr/lib/python", str(tmp_path)]


def test_a_working_directory_that_python_was_told_of_stays_where_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), "/usr/lib/python"])
    add_working_directory()
    assert sys.path == [str(tmp_path), "/usr/lib/python"]


def test_python_m_looks_there_last(folder):
    code = "import sys; sys.argv[0] = '-m'; import pareto_explorer; print(sys.path[-1])"
    done = run([sys.executable, "-c", code], folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "\n"  # the entry of `python -c`, which stands for the working directory


def test_a_working_directory_that_was_deleted_is_left_out(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    before = list(sys.path)
    add_working_directory()
    assert sys.path == before

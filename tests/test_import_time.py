"""What starts fast does so because it leaves the slow packages alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.synthetic import write_synthetic_run

SLOW = ("torch", "torchvision", "torchjd", "ray", "optuna")
TABLES = ("numpy", "pandas", "plotly", "pyarrow", "scipy", "sklearn", "moocore", "pymoo")


def imported(*arguments: str, status: int = 0) -> set[str]:
    """The packages that a command of ours imports, as ``-X importtime`` lists them."""
    command = [sys.executable, "-X", "importtime", "-m", "pareto_explorer", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == status
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def test_what_is_imported_is_seen(tmp_path):
    point = ["--trial", "a-000", "--replicate", "0", "--step", "3"]
    assert "torch" in imported("reproduce", str(tmp_path / "none"), *point, status=2)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], *([command, "--help"] for command in ("sweep", "report", "select", "reproduce"))],
    ids=" ".join,
)
def test_help_imports_nothing_slow(arguments):
    found = imported(*arguments)
    assert "pareto_explorer" in found
    assert not found & {*SLOW, *TABLES}


def test_a_report_imports_neither_torch_nor_ray(tmp_path):
    run = write_synthetic_run(tmp_path / "run")
    found = imported("report", str(run.path))
    assert {"pareto_explorer", "pandas", "plotly"} <= found
    assert not found & set(SLOW)
    assert (tmp_path / "run" / "report" / "index.html").exists()


def brought_by(module: str) -> set[str]:
    """The packages that importing a module of ours imports."""
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_package_itself_imports_nothing_slow():
    assert not brought_by("pareto_explorer") & {*SLOW, *TABLES}


def test_statistics_of_audits_need_numpy_and_scipy_alone():
    found = brought_by("pareto_explorer.audits.statistics")
    assert found & {*SLOW, *TABLES} == {"numpy", "scipy"}

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


def test_a_point_is_reproduced_with_torch_and_without_ray(tmp_path):
    point = ["--trial", "a-000", "--replicate", "0", "--step", "3"]
    found = imported("reproduce", str(tmp_path / "none"), *point, status=2)
    assert "torch" in found
    assert not found & {"ray", "optuna"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        *(
            [command, "--help"]
            for command in ("sweep", "report", "serve", "select", "audit", "reproduce")
        ),
    ],
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


def test_the_package_itself_imports_nothing_slow():
    code = "import sys, pareto_explorer; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {*SLOW, *TABLES}

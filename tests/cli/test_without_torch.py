"""What reads a run works where neither torch nor Ray is installed."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from pareto_explorer import load_run
from pareto_explorer.fronts import select
from pareto_explorer.runs.kept_models import keep_model
from tests.synthetic import write_synthetic_run

BLOCKED = ("torch", "torchvision", "torchjd", "ray", "optuna")

BLOCKER = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
"""

COMMANDS = """
import json
from pareto_explorer.cli.app import app
assert not {"numpy", "pandas"} & set(sys.modules)
for command in json.loads(sys.argv[1]):
    print(">", *command)
    app(command, standalone_mode=False)
"""

READS = """
import pareto_explorer as pe
run = pe.load_run(sys.argv[1])
both = pe.combine_runs([run, pe.load_run(sys.argv[2])])
assert len(both.points) == 2 * len(run.points)
for one in (run, both):
    one.figure(), one.hypervolume(), one.front(), one.edges()
"""


def without(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", BLOCKER + code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [write_synthetic_run(folder / name) for name in ("one", "two")]


def test_every_command_that_reads_a_run(runs, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    one = str(runs[0].path)
    loaded = load_run(one)
    selection = select(loaded.points, loaded.box)
    weights = save({"w": np.arange(3.0)})
    keep_model(runs[0], selection.trial_id, 0, selection.step, weights)
    table, target = tmp_path / "table.csv", tmp_path / "model.safetensors"
    table.write_text("model,loss,gain\na,0.1,0.9\nb,0.3,0.95\n")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "columns: {trial_id: model, family: model}\n"
        "objectives: [{metric: loss, direction: min, ideal: 0, nadir: 1}, "
        "{metric: gain, direction: max, ideal: 1, nadir: 0}]\n"
    )
    commands = [
        ["select", one],
        ["select", one, "--export", str(target)],
        ["report", one],
        ["import", str(table), str(tmp_path / "imported"), "--mapping", str(mapping)],
        ["list", "metrics"],
        ["list", "objectives"],
    ]
    said = without(COMMANDS, json.dumps(commands))
    assert "chosen by the rule knee" in said
    assert target.read_bytes() == weights
    assert load_file(target)["w"].tolist() == [0, 1, 2]
    assert selection.trial_id in target.with_suffix(".md").read_text(encoding="utf-8")
    for folder in (runs[0].report, tmp_path / "imported" / "report"):
        assert (folder / "index.html").exists()
    assert "unlearning_accuracy" in said
    assert "retrain_gap" in said


def test_every_read_in_python(runs):
    without(READS, *(str(run.path) for run in runs))


def test_what_is_blocked_cannot_be_imported():
    code = f"""
import importlib
for name in {BLOCKED!r}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        continue
    raise AssertionError(name)
"""
    without(code)

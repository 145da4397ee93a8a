"""What a user's script sees of the package's types."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mypy import api

import pareto_explorer

SCRIPT = """\
from pareto_explorer import SweepSpec, combine_runs, explore, load_run, run_sweep
from pareto_explorer.figures import front_info, plot_front
from pareto_explorer.fronts import compare_families, family_hypervolumes, front
from pareto_explorer.reports import write_report

spec = SweepSpec.load("digits")
run = run_sweep(spec, "runs/digits")
reveal_type(spec)
reveal_type(run)
reveal_type(load_run("runs/digits"))
reveal_type(combine_runs([run, run]))
reveal_type(run.hypervolume())
reveal_type(run.means())
reveal_type(run.select(maximum={"retain_gap": 0.01}))
reveal_type(run.report())
reveal_type(run.box.objectives)
reveal_type(explore(run).selected)
reveal_type(front(run.points, run.box))
reveal_type(family_hypervolumes(run.points, run.box)["none"].interval)
reveal_type(compare_families(run.hypervolume()))
reveal_type(front_info(run.points, run.landmarks, run.box).families[0].style)
reveal_type(write_report(run))
plot_front(run.points)
run.figur()
from pareto_explorer import load_rum
"""

SEEN = """\
pareto_explorer.sweeps.spec.spec.SweepSpec
pareto_explorer.loading.Run
pareto_explorer.loading.Run
pareto_explorer.loading.Run
pareto_explorer.results.hypervolumes.Hypervolumes
pandas.core.frame.DataFrame
pareto_explorer.fronts.selection.select.Selection
pathlib.Path
tuple[pareto_explorer.fronts.core.box.Objective, ...]
pandas.core.frame.DataFrame
pandas.core.frame.DataFrame
pareto_explorer.fronts.statistics.resampling.Interval
list[pareto_explorer.fronts.statistics.comparison.Comparison]
pareto_explorer.figures.shared.style.FamilyStyle
pathlib.Path
"""

CONFIGURATION = """\
[mypy]
strict = True
follow_imports = silent
mypy_path = {root}
[mypy-{large}]
follow_imports = skip
ignore_missing_imports = True
"""

LARGE = ("torch", "torchvision", "torchjd", "ray", "optuna", "sklearn", "scipy", "plotly", "pymoo")


@pytest.mark.slow
def test_a_users_script_sees_types(tmp_path):
    package = Path(pareto_explorer.__file__).parent
    assert (package / "py.typed").exists()
    script, settings = tmp_path / "script.py", tmp_path / "mypy.ini"
    script.write_text(SCRIPT)
    large = ",".join(f"{name}.*" for name in (*LARGE, "moocore", "pyarrow", "safetensors"))
    settings.write_text(CONFIGURATION.format(root=package.parent, large=large))
    options = ["--config-file", str(settings), "--cache-dir", str(tmp_path / "cache")]
    said, trouble, _ = api.run([*options, str(script)])
    assert trouble == ""
    assert re.findall('Revealed type is "(.*)"', said) == SEEN.splitlines()
    errors = [line.partition(": error: ")[2] for line in said.splitlines() if ": error: " in line]
    missing, misspelled, unknown = errors
    assert missing.endswith("[call-arg]")
    assert misspelled.endswith('no attribute "figur"  [attr-defined]')
    assert "load_rum" in unknown

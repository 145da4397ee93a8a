"""A user's own aggregator, forget loss and method, as their page shows them, on Ray workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pareto_explorer import load_run
from tests.docs.pages import blocks

PAGE = "docs/own-parts.md"


@pytest.mark.ray
def test_parts_from_a_module_in_the_working_directory_run_on_workers(tmp_path, cache_dir, space):
    for name in ("profile", "random", "torch"):  # what is found before does not stand in the way
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} was taken from here')")
    (tmp_path / "mine.py").write_text(blocks(PAGE, "python")[0].text)
    space["families"] = yaml.safe_load(blocks(PAGE, "yaml")[0].text)["families"]
    space["search"] = {"configurations": 1}
    (tmp_path / "space.yaml").write_text(yaml.safe_dump(space))
    script = Path(sys.executable).with_name("pareto-explorer")
    done = subprocess.run(
        [script, "sweep", "space.yaml", "--out", "run", "--cache", str(cache_dir)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    points = load_run(tmp_path / "run").points
    assert set(points["family"]) == {"Tilted/kl_uniform", "upgrad/hinge", "ShrinkHead"}
    assert set(points["trial_status"]) == {"finished"}
    knobs = points.groupby("family")[["config.tilt", "config.margin", "config.factor"]].first()
    assert knobs.loc["Tilted/kl_uniform", "config.tilt"] == 0.7
    assert knobs.loc["upgrad/hinge", "config.margin"] == 2.0
    assert knobs.loc["ShrinkHead", "config.factor"] == 0.5
    head = points[points["family"] == "ShrinkHead"]
    assert head["step"].tolist() == [0, 0]

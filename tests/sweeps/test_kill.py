"""The driver is killed in the middle of a sweep; the same command finishes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from pareto_explorer.runs import RunDirectory, finished_trials, read_points
from pareto_explorer.sweeps import SweepSpec

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_a_killed_sweep_continues_without_running_a_finished_trial_again(
    cluster, cache_dir, space, tmp_path
):
    space["search"]["configurations"] = 6
    file = tmp_path / "space.yaml"
    file.write_text(yaml.safe_dump(space))
    out = RunDirectory(tmp_path / "run")
    command = [
        *(sys.executable, "-m", "pareto_explorer", "sweep", str(file)),
        *("--out", str(out.path), "--cache", str(cache_dir)),
    ]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert first.stdout is not None
    for line in first.stdout:
        done, _, rest = line.partition("/12 trials")
        if rest and 3 <= int(done.rpartition(" ")[2]) < 12:
            break
    else:
        pytest.fail("the sweep ended before it could be killed")
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    before = finished_trials(out)
    assert 3 <= len(before) < 12
    rows_before = read_points(out)

    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    after = read_points(out)
    spec = SweepSpec.from_mapping(space)
    assert after["trial_id"].nunique() == len(spec.plan()) == 12
    assert not after.duplicated(["trial_id", "replicate", "step"]).any()
    assert len(after) == 12 * 2 * 2
    # Wall-clock seconds differ between any two runs of a trial: equal rows were not run again.
    ended = list(before)
    pd.testing.assert_frame_equal(
        after[after["trial_id"].isin(ended)].reset_index(drop=True),
        rows_before[rows_before["trial_id"].isin(ended)].reset_index(drop=True),
    )

"""The driver is killed in the middle of an audit; the same command finishes it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from pareto_explorer import SweepSpec, run_sweep
from pareto_explorer.audits.records import read_audit, read_shadows
from pareto_explorer.runs import RunDirectory

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_a_killed_audit_continues_and_asks_no_model_again(cluster, cache_dir, space, tmp_path):
    space["search"]["configurations"] = 1
    out = RunDirectory(tmp_path / "run")
    run_sweep(SweepSpec.from_mapping(space), out.path, cache_dir=cache_dir)
    command = [
        *(sys.executable, "-m", "pareto_explorer", "audit", str(out.path)),
        *("--models", "4", "--games", "indistinguishability", "--cache", str(cache_dir)),
    ]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert first.stdout is not None
    for line in first.stdout:
        counts = re.search(r"(\d+) of (\d+) models asked", line)
        if counts and 3 <= int(counts[1]) < int(counts[2]):
            break
    else:
        pytest.fail("the audit ended before it could be killed")
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    before = read_shadows(out)
    assert len(before) > 3
    assert read_audit(out) is None

    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    left = int(counts[2]) + 1 - len(before)  # one line of the journal is what models are asked
    assert f"{left} of {left} models asked" in second.stdout
    after = read_shadows(out)
    assert len(after) == int(counts[2]) + 1
    for shadow, arrays in before.items():
        for name, values in arrays.items():
            np.testing.assert_array_equal(after[shadow][name], values)
    table = read_audit(out)
    assert table is not None
    assert "attack_accuracy" in set(table["statistic"])

from __future__ import annotations

import json
import math

import pytest

from pareto_explorer.runs import RunDirectory
from pareto_explorer.runs.progress_file import (
    Standing,
    progress_file,
    read_standing,
    write_standing,
)


def test_what_is_written_is_read(tmp_path):
    run = RunDirectory(tmp_path)
    assert read_standing(run) is None
    standing = Standing("trials", done=3, total=12, failed=1, running=2, left=31.5)
    write_standing(run, standing)
    found = read_standing(run)
    assert found is not None
    assert found.time > 0
    assert found == Standing("trials", 3, 12, 1, 2, 31.5, time=found.time)
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]


@pytest.mark.parametrize(
    "change",
    [
        {"done": -1},
        {"done": True},
        {"total": 1.5},
        {"left": math.inf},
        {"left": "1"},
        {"time": math.nan},
        {"phase": 3},
        {"phase": "x" * 301},
        {"over": 1},
        {"more": 1},
    ],
)
def test_what_somebody_else_wrote_is_left_alone_if_it_does_not_fit(tmp_path, change):
    run = RunDirectory(tmp_path)
    write_standing(run, Standing("trials"))
    known = json.loads(progress_file(run).read_text())
    progress_file(run).write_text(json.dumps(known | change))
    assert read_standing(run) is None


@pytest.mark.parametrize("content", ["", "[]", "{", "null", '"x"'])
def test_what_is_none_is_left_alone(tmp_path, content):
    run = RunDirectory(tmp_path)
    progress_file(run).write_text(content)
    assert read_standing(run) is None

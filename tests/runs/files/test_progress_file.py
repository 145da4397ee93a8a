from __future__ import annotations

import json
import math

import pytest

from pareto_explorer.runs.files.progress_file import (
    Standing,
    progress_file,
    read_standing,
    write_standing,
)


def test_what_is_written_is_read(tmp_path):
    assert read_standing(tmp_path) is None
    standing = Standing("trials", done=3, total=12, failed=1, running=2, left=31.5)
    write_standing(tmp_path, standing)
    found = read_standing(tmp_path)
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
        {"total": False},
        {"left": ""},
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
    write_standing(tmp_path, Standing("trials"))
    known = json.loads(progress_file(tmp_path).read_text())
    progress_file(tmp_path).write_text(json.dumps(known | change))
    assert read_standing(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"null", b'"x"', b"\xff", b" " * 20_000])
def test_what_is_none_is_left_alone(tmp_path, content):
    progress_file(tmp_path).write_bytes(content)
    assert read_standing(tmp_path) is None


def test_a_long_phase_is_cut_so_that_it_is_read(tmp_path):
    write_standing(tmp_path, Standing("x" * 1000))
    assert read_standing(tmp_path).phase == "x" * 300

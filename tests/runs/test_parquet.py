"""Tables whose columns hold something else than they must."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.runs import (
    PointsWriter,
    RunDirectory,
    read_landmarks,
    read_points,
    write_landmarks,
)
from pareto_explorer.runs.parquet import read_table, write_table
from pareto_explorer.schema.columns import tabulate
from tests.runs.test_points import row

STEP, GAP, LR = "step", "forget_gap", "config.lr"
DAY = datetime.date(2026, 1, 1)


@pytest.fixture
def run(tmp_path):
    run = RunDirectory(tmp_path)
    with PointsWriter(run) as writer:
        writer.append([row("a", **{LR: 0.1}), row("b", **{LR: 0.2})])
        writer.finish("a", "ok")
    run.journal.unlink()
    return run


@pytest.mark.parametrize(
    ("name", "values", "problem"),
    [
        (STEP, pa.array([[1], [2]]), r"column step holds list<.*>, where whole numbers"),
        (STEP, pa.array([DAY, DAY]), "column step holds date32"),
        (STEP, pa.array([1.0, 2.0]), "column step holds double, where whole numbers"),
        (STEP, pa.array(["1", "2"]), "column step holds (large_)?string"),
        (STEP, pa.array([1, None]), "row 2: step is missing, where a whole number"),
        (STEP, pa.array([1, -2]), "row 2: step is -2, where a whole number from 0"),
        (STEP, pa.array([1, 2**63], pa.uint64()), "row 2: step is 9223372036854775808, where"),
        ("seconds", pa.array([1.0, float("inf")]), "row 2: seconds is inf, where a finite number"),
        ("trial_id", pa.array([1, 2]), "column trial_id holds int64, where texts"),
        ("trial_id", pa.array(["a", None]), "row 2: trial_id is missing, where a text"),
        ("trial_id", pa.array([b"\xff", b"a"]), "column trial_id holds binary"),
        ("status", pa.array(["ok", "fine"]), "row 2: status is 'fine', where one of ok, diverged"),
        (GAP, pa.array([decimal.Decimal("0.5")] * 2), "column forget_gap holds decimal128"),
        (GAP, pa.array([True, False]), "column forget_gap holds bool, where numbers"),
        (GAP, pa.array(["0.5", ""]), "column forget_gap holds (large_)?string"),
        (GAP, pa.array([{"a": 1}] * 2), "column forget_gap holds struct"),
        (LR, pa.array([DAY, DAY]), "column config.lr holds date32"),
        (LR, pa.array([[0.1], [0.2]]), r"column config.lr holds list<"),
    ],
)
def test_a_column_of_another_type_is_told(run, name, values, problem):
    table = pq.read_table(run.points)
    at = table.column_names.index(name)
    pq.write_table(table.set_column(at, name, values), run.points)
    with pytest.raises(InputError, match=rf"points\.parquet' is damaged \({problem}"):
        read_points(run)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        (STEP, pa.array([1, 2], pa.int8()), [1, 2]),
        ("training_seed", pa.array([0, 2**64 - 1], pa.uint64()), [0, 2**64 - 1]),
        ("aggregator", pa.array([None, None]), [None, None]),
        ("family", pa.array(["f", "g"]).dictionary_encode(), ["f", "g"]),
        (GAP, pa.array([1, None], pa.int32()), [1.0, None]),
        (GAP, pa.array([float("inf"), 0.5]), [float("inf"), 0.5]),
        (LR, pa.array([float("inf"), None]), [float("inf"), None]),
        (LR, pa.array([2**64 - 1, None], pa.uint64()), [2**64 - 1, None]),
        (LR, pa.array([True, None]), [True, None]),
    ],
)
def test_other_ways_to_hold_the_same_are_read(run, name, values, expected):
    table = pq.read_table(run.points)
    at = table.column_names.index(name)
    pq.write_table(table.set_column(at, name, values), run.points)
    column = read_points(run)[name]
    assert column.astype(object).where(column.notna(), None).tolist() == expected


def test_columns_stand_once_and_none_is_missing(run):
    table = pq.read_table(run.points)
    pq.write_table(table.append_column(STEP, table[STEP]), run.points)
    with pytest.raises(InputError, match="2 columns are called 'step'"):
        read_points(run)
    pq.write_table(table.drop_columns([STEP, "samples"]), run.points)
    with pytest.raises(InputError, match="there is no column step, samples"):
        read_points(run)


def test_more_cells_than_memory_holds_are_refused_before_they_are_read(run, monkeypatch):
    monkeypatch.setattr("pareto_explorer.runs.parquet.MOST_CELLS", 10)
    with pytest.raises(InputError, match="cells, where at most 10 can be read"):
        read_points(run)


def test_a_table_comes_back_as_it_was(tmp_path):
    identity = {"n": np.dtype("int64")}
    table = tabulate(
        [
            {"n": 1, "config.a": 2**63, "config.b": True, "config.c": None, "m": 0.1},
            {"n": 2, "config.a": None, "config.b": False, "config.c": "ü", "m": float("inf")},
        ],
        identity,
    )
    write_table(tmp_path / "t.parquet", table)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.parquet", identity), table)


LANDMARKS = [
    {"landmark": kind, "replicate": r, "training_seed": 2**64 - 1 - r, "forget_gap": 0.5}
    for kind in ("original", "retrained")
    for r in (0, 1)
]


def test_landmarks_are_read_through_the_same_checks(run):
    write_landmarks(run, LANDMARKS)
    assert read_landmarks(run)["training_seed"].tolist() == [2**64 - 1, 2**64 - 2] * 2
    table = pq.read_table(run.landmarks)
    for changed, problem in (
        (pa.concat_tables([table, table.slice(0, 1)]), "row 5: a second original model of repli"),
        (
            table.set_column(0, "landmark", pa.array(["orginal"] * 4)),
            "row 1: landmark is 'orgin",
        ),
        (table.set_column(3, GAP, pa.array(["x"] * 4)), "column forget_gap holds string"),
    ):
        pq.write_table(changed, run.landmarks)
        with pytest.raises(InputError, match=rf"landmarks\.parquet' is damaged \({problem}"):
            read_landmarks(run)

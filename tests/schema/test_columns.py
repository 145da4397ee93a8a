import numpy as np
import pandas as pd
import pytest

from pareto_explorer.runs import config_columns, diagnostic_columns, metric_columns
from pareto_explorer.schema.columns import IDENTITY, STRING, tabulate


def knob(*values):
    rows = [{} if value is ... else {"config.k": value} for value in values]
    return tabulate(rows, {})["config.k"]


def test_columns_come_in_one_order_whatever_the_rows_order():
    rows = [
        {"mine": 1.0, "cosine": 0.0, "config.z": 1, "retain_gap": 0.0, "step": 1},
        {"forget_gap": 1.0, "config.a": "x", "step": 2, "also": 2.0, "norm_retain": 3.0},
    ]
    expected = ["step", "config.a", "config.z", "forget_gap", "retain_gap", "also", "mine"]
    expected += ["cosine", "norm_retain"]
    identity = {"step": np.dtype("int64")}
    table = tabulate(rows, identity)
    assert table.columns.tolist() == expected
    assert tabulate(rows[::-1], identity).columns.tolist() == expected
    assert config_columns(table) == ["config.a", "config.z"]
    assert metric_columns(table.drop(columns="step")) == expected[3:7]
    assert diagnostic_columns(table) == ["cosine", "norm_retain"]


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ((1, 2), "int64", [1, 2]),
        ((1, ...), "Int64", [1, pd.NA]),
        ((True, False), "bool", [True, False]),
        ((True, None), "boolean", [True, pd.NA]),
        ((1, 0.5), "float64", [1.0, 0.5]),
        ((0.5, ...), "float64", [0.5, np.nan]),
        ((None, None), "float64", [np.nan, np.nan]),
    ],
)
def test_a_knob_keeps_its_type(values, dtype, expected):
    column = knob(*values)
    assert column.dtype == dtype
    pd.testing.assert_series_equal(column, pd.Series(expected, dtype=dtype, name="config.k"))


def test_a_knob_of_several_types_becomes_text_that_yaml_reads_back():
    assert knob("auto", 0.1, True, [1, 2]).tolist() == ["auto", "0.1", "true", "[1, 2]"]
    mixed = knob("auto", ...)
    assert mixed.isna().tolist() == [False, True]
    assert knob(True, 2).tolist() == ["true", "2"]


def test_measures_are_floats_and_a_missing_one_is_nan():
    table = tabulate([{"m": 1}, {"m": None}, {"m": float("inf")}, {}], {})
    assert table["m"].dtype == "float64"
    assert table["m"].tolist()[0] == 1.0
    assert table["m"].isna().tolist() == [False, True, False, True]


def test_an_empty_table_has_the_types_of_a_full_one():
    empty = tabulate([], IDENTITY)
    row = {name: "ok" if dtype == STRING else 1 for name, dtype in IDENTITY.items()}
    assert empty.columns.tolist() == list(IDENTITY)
    assert empty.dtypes.to_dict() == tabulate([row], IDENTITY).dtypes.to_dict() == IDENTITY

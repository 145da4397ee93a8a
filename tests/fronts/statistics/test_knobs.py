import numpy as np
import pandas as pd
import pytest

from pareto_explorer.fronts.statistics.knobs import knob_groups, knob_name, varying_knobs
from tests.fronts.core.test_tables import row, table


def test_knobs_that_vary():
    points = table(
        row("a", 0, 1, 0, 0, aggregator="mgda")
        | {"config.lr": 0.1, "config.momentum": 0.9, "config.once": 1.0, "config.word": "x"},
        row("b", 0, 1, 0, 0) | {"config.lr": 0.2, "config.momentum": 0.9, "config.word": "y"},
    )
    # one has an aggregator, the other none; only one has `once`
    assert varying_knobs(points) == ["aggregator", "config.lr", "config.word"]
    assert varying_knobs(points.assign(aggregator="mgda")) == ["config.lr", "config.word"]
    assert varying_knobs(points.iloc[:1]) == []
    assert varying_knobs(points.iloc[:0]) == []
    assert [knob_name(c) for c in varying_knobs(points)] == ["aggregator", "lr", "word"]


@pytest.mark.parametrize(
    ("values", "codes", "labels"),
    [
        (["b", None, "a", "", "b"], [1, -1, 0, -1, 1], ["a", "b"]),
        ([2.0, np.nan, 1e-05], [1, -1, 0], ["1e-05", "2"]),
        (pd.array([3, None, 1], dtype="Int64"), [1, -1, 0], ["1", "3"]),
        (pd.array([True, None, False], dtype="boolean"), [1, -1, 0], ["False", "True"]),
        ([1, 2, 3, 4, 5, 6], [0, 0, 1, 2, 3, 3], ["1 to 2", "3", "4", "5 to 6"]),
        ([0, 0, 0, 0, 0, 0, 1, 2, 3, 4], [0] * 6 + [1, 2, 2, 2], ["0", "1", "2 to 4"]),
        ([np.inf, 0.1, -np.inf, np.inf], [2, 1, 0, 2], ["-inf", "0.1", "inf"]),
        (
            [np.inf, 1, 2, 3, 4, 5, 6, 1e308, np.nan],
            [5, 0, 0, 1, 2, 3, 3, 4, -1],
            ["1 to 2", "3", "4", "5 to 6", "1e+308", "inf"],
        ),
        ([], [], []),
    ],
    ids=["words", "numbers", "integers", "truth", "quantiles", "ties", "infinite", "far", "none"],
)  # fmt: skip
def test_groups(values, codes, labels):
    found, names = knob_groups(pd.Series(values))
    assert found.tolist() == codes
    assert names == labels

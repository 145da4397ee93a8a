import numpy as np
import pandas as pd
import pytest

from pareto_explorer.figures.parallel_axes import parallel_axes
from pareto_explorer.fronts import Box, Objective

BOX = Box((Objective("loss", "min", 0, 1), Objective("gain", "max", 1, 0)))


def axes(**columns):
    n = len(next(iter(columns.values())))
    table = {"step": [1] * n, "loss": np.linspace(0, 1, n), "gain": [0.5] * n, **columns}
    return {axis.column: axis for axis in parallel_axes(pd.DataFrame(table), BOX)}


def test_what_varies_and_the_objectives_have_an_axis():
    found = axes(**{"config.lr": [0.1, 0.2], "config.same": [1, 1]}, step=[1, 2])
    assert list(found) == ["config.lr", "step", "loss", "gain"]
    assert found["config.lr"].title == "lr"
    assert found["loss"].title == "Loss"
    assert found["gain"].ticks == (0.5,)


def test_a_knob_over_decades_is_logarithmic():
    lr = found = axes(**{"config.lr": [0.001, 0.01, 0.1]})["config.lr"]
    assert found.values == pytest.approx([-3, -2, -1])
    assert lr.texts == ("0.001", "0.0032", "0.01", "0.032", "0.1")
    assert lr.ticks == pytest.approx([-3, -2.5, -2, -1.5, -1])


def test_a_narrow_or_negative_knob_is_linear():
    found = axes(**{"config.a": [1.0, 2.0, 3.0], "config.b": [-1.0, 0.0, 1000.0]})
    assert found["config.a"].values.tolist() == [1, 2, 3]
    assert found["config.b"].values.tolist() == [-1, 0, 1000]
    assert found["config.a"].texts == ("1", "1.5", "2", "2.5", "3")


def test_words_and_truth_values_stand_at_whole_heights():
    found = axes(**{"config.o": ["sgd", "adam", "sgd"], "config.t": [True, False, True]})
    assert found["config.o"].values.tolist() == [1, 0, 1]
    assert found["config.o"].texts == ("adam", "sgd")
    assert found["config.t"].texts == ("False", "True")


def test_what_is_not_set_lies_below_everything():
    numbers = pd.Series([3, None, 5], dtype="Int64")
    words = ["a", None, "b"]
    found = axes(**{"config.n": numbers, "config.w": words})
    for axis in found.values():
        assert np.isfinite(axis.values).all()
    for name in ("config.n", "config.w"):
        axis = found[name]
        assert axis.values[1] < min(axis.values[0], axis.values[2])
        assert axis.texts[0] == "not set"
        assert axis.ticks[0] == axis.values[1]


def test_what_is_off_the_scale_stands_past_its_ends_in_order():
    values = [0.0, 10.0, np.inf, -np.inf, 1e308, np.nan, -1e200]
    axis = axes(**{"config.clip": values})["config.clip"]
    assert np.isfinite(axis.values).all()
    order = np.argsort(axis.values)
    assert [values[place] for place in order[1:]] == [-np.inf, -1e200, 0, 10, 1e308, np.inf]
    assert order[0] == 5  # not set
    texts = dict(zip(axis.ticks, axis.texts, strict=True))
    assert [texts[axis.values[place]] for place in order[:3]] == ["not set", "-inf", "-1e+200"]
    assert [texts[axis.values[place]] for place in order[-2:]] == ["1e+308", "inf"]
    wide = axes(**{"config.clip": [0.001, 1.0, np.inf]})["config.clip"]
    assert wide.values[:2] == pytest.approx([-3, 0])
    assert wide.values[2] == pytest.approx(0.45)
    alone = axes(**{"config.clip": [np.inf, np.nan, np.inf]})["config.clip"]
    assert alone.values[0] == alone.values[2] > alone.values[1]


def test_nothing_is_changed():
    table = pd.DataFrame({"config.lr": [0.001, 1.0], "step": 1, "loss": [1.0, 2], "gain": [1.0, 2]})
    before = table.copy()
    parallel_axes(table, BOX)
    pd.testing.assert_frame_equal(table, before)

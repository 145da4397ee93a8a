from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.reports.shared.packing import pack_numbers, pack_text, short_numbers


def unpack(packed: dict[str, Any]) -> list[Any]:
    if "values" in packed:
        return list(packed["values"])
    pool = packed.get("distinct", packed.get("texts"))
    return [None if code < 0 else pool[code] for code in packed["codes"]]


@given(st.lists(st.floats() | st.sampled_from([0.1, 2.0, float("nan")]), max_size=40))
def test_numbers_come_back_rounded(values: list[float]) -> None:
    packed = pack_numbers(values, 5)
    found = unpack(json.loads(json.dumps(packed, allow_nan=False)))
    assert len(found) == len(values)
    for value, number in zip(values, found, strict=True):
        if not np.isfinite(value):
            assert number is None
        else:
            assert number == pytest.approx(value, rel=5.1e-5, abs=0)
            assert number in (value, float(f"{number:.5g}"))


def formatted(value: float, digits: int) -> int | float | None:
    """The slow twin: by the number's text."""
    if not np.isfinite(value):
        return None
    rounded = float(f"{value:.{digits}g}")
    if abs(rounded) < 1e15 and rounded.is_integer():
        return int(rounded)
    return rounded if np.isfinite(rounded) else value


@st.composite
def near_ties(draw: st.DrawFn) -> float:
    """Numbers in the middle of two short ones, or next to a power of ten, and their neighbours."""
    half = draw(st.integers(0, 10**6)) * 10 + draw(st.sampled_from([0, 5]))
    value = float(f"{half}e{draw(st.integers(-40, 40))}")
    return float(np.nextafter(value, draw(st.sampled_from([-np.inf, value, np.inf]))))


@given(st.lists(st.floats() | near_ties(), max_size=40), st.sampled_from([1, 3, 5, 12, 15, 17]))
def test_numbers_are_those_of_their_text(values: list[float], digits: int) -> None:
    wanted = [formatted(value, digits) for value in values]
    for found in (short_numbers(values, digits), unpack(pack_numbers(values, digits))):
        # as text, so that 2 is not taken for 2.0
        assert json.dumps(found) == json.dumps(wanted)


def test_numbers_that_repeat_are_coded() -> None:
    assert pack_numbers([20, 40, np.nan, 20] * 4, 5) == {
        "distinct": [20, 40],
        "codes": [0, 1, -1, 0] * 4,
    }
    assert pack_numbers([1, 2, 3], 5) == {"values": [1, 2, 3]}


def test_nothing_finite() -> None:
    assert unpack(pack_numbers([np.nan, np.inf], 3)) == [None, None]


@pytest.mark.parametrize("dtype", ["object", "boolean"])
def test_texts_come_back_and_missing_ones_stay_missing(dtype: str) -> None:
    values = pd.Series([True, None, False, True], dtype=dtype)
    assert unpack(pack_text(values)) == ["True", None, "False", "True"]

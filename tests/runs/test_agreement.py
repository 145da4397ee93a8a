import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.runs.agreement import TOLERANCE, contradiction
from tests.runs.test_points import row


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ({"seconds": 1.0, "evaluation_seconds": 2.0}, {"seconds": 3.0, "evaluation_seconds": 4.0}),
        ({"trial_status": "running"}, {"trial_status": "failed", "error": "the worker died"}),
        ({"forget_gap": math.nan}, {"forget_gap": None}),
        ({"cosine": None}, {}),
        ({"aggregator": ""}, {"aggregator": None}),
        ({"forget_gap": 0.5}, {"forget_gap": 0.5 + 1e-7}),
        ({"forget_gap": 0.0}, {"forget_gap": 1e-7}),
        ({"norm_forget": 1e6}, {"norm_forget": 1e6 + 0.5}),
        ({"forget_gap": math.inf}, {"forget_gap": math.inf}),
        ({"forget_gap": 0.5}, {"forget_gap": np.float32(0.5)}),
        ({"config.k": [3, "x"]}, {"config.k": '[3, "x"]'}),
        ({"config.k": 3}, {"config.k": "3"}),
    ],
)
def test_what_says_the_same_of_the_model_agrees(first, again):
    assert contradiction(row(**first), row(**again)) is None
    assert contradiction(row(**again), row(**first)) is None


@pytest.mark.parametrize(
    ("column", "first", "again"),
    [
        ("forget_gap", 0.5, 0.5001),
        ("forget_gap", 0.0, 1e-4),
        ("forget_gap", 0.5, None),
        ("forget_gap", 1e9, math.inf),
        ("forget_gap", -math.inf, math.inf),
        ("status", "ok", "diverged"),
        ("samples", 10_000_000, 10_000_001),
        ("training_seed", 1_000_000_000, 1_000_000_001),
        ("config.lr", 0.1, 0.1 + 1e-9),
        ("config.name", "a", "b"),
        ("config.on", True, "True"),
    ],
)
def test_what_does_not_is_a_contradiction_with_both_values(column, first, again):
    found = contradiction(row(**{column: first}), row(**{column: again}))
    assert found.column == column
    assert str(found) == (
        f"trial 'a', replicate 0, step 1 was reported twice, with {column} {first!r} and {again!r}"
    )


@given(st.floats(-1e3, 1e3), st.floats(-1e-2, 1e-2))
def test_measures_agree_within_the_tolerance_only(value, change):
    other = value + change
    apart = abs(other - value)
    allowed = TOLERANCE * max(1.0, abs(value), abs(other))
    if apart <= allowed / 2 or apart > 2 * allowed:
        found = contradiction(row(value=value), row(value=other))
        assert (found is None) == (apart <= allowed)

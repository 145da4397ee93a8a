from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.fronts import Box, Objective, family_hypervolumes
from pareto_explorer.sweeps.stopping.hypervolume_stopper import GrowingHypervolume

BOX = Box(
    (
        Objective("loss", "min", ideal=0.0, nadir=2.0),
        Objective("accuracy", "max", ideal=1.0, nadir=0.0),
    )
)
values = st.sampled_from([-0.1, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, math.nan])
statuses = st.sampled_from(["ok", "ok", "ok", "diverged"])
rows = st.lists(
    st.tuples(st.integers(0, 2), values, values, statuses), min_size=1, max_size=25
).map(
    lambda drawn: [
        {
            "trial_id": f"a-{number:03d}",
            "family": "a",
            "replicate": replicate,
            "step": 1,
            "status": status,
            "loss": loss,
            "accuracy": accuracy,
        }
        for number, (replicate, loss, accuracy, status) in enumerate(drawn)
    ]
)


@settings(deadline=None)
@given(rows=rows, size=st.integers(1, 7))
def test_it_is_that_of_all_points_together(rows, size):
    growing = GrowingHypervolume(BOX)
    for start in range(0, len(rows), size):
        growing.add(rows[start : start + size])
        so_far = pd.DataFrame(rows[: start + size])
        assert growing.mean == pytest.approx(family_hypervolumes(so_far, BOX)["a"].mean)


def test_a_row_without_measures_counts_for_its_replicate_only():
    growing = GrowingHypervolume(BOX)
    assert growing.mean == 0
    growing.add([{"replicate": 0, "status": "ok", "loss": 0.0, "accuracy": 1.0}])
    assert growing.mean == 1
    growing.add([{"replicate": 1, "status": "failed"}])
    assert growing.mean == 0.5


def test_only_fronts_are_kept():
    growing = GrowingHypervolume(BOX)
    for number in range(300):
        growing.add([{"replicate": 0, "status": "ok", "loss": 2 - number / 300, "accuracy": 0.5}])
    assert len(growing._fronts[0]) == 1

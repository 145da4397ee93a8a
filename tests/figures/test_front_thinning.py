from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.figures.front_info import thin


@given(
    st.integers(0, 60), st.integers(0, 40), st.integers(2, 3), st.integers(0, 2**32 - 1),
    st.integers(1, 4),
)  # fmt: skip
def test_what_is_to_be_kept_is_and_the_limit_is_met(
    n: int, limit: int, m: int, seed: int, families: int
) -> None:
    rng = np.random.default_rng(seed)
    units, keep = rng.normal(size=(n, m)), rng.random(n) < 0.2
    groups = rng.integers(0, families, size=n)
    marks = thin(units, keep, groups, limit)
    assert marks[keep].all()
    assert (marks & ~keep).sum() == min(limit, int((~keep).sum()))


def test_of_points_on_top_of_one_another_one_of_each_family_stays() -> None:
    units = np.repeat([[0.1, 0.1], [0.9, 0.9]], 50, axis=0)
    groups = np.tile([0, 1], 50)
    marks = thin(units, np.zeros(100, bool), groups, 4)
    chosen = {(x, g) for x, g in zip(units[marks, 0], groups[marks], strict=True)}
    assert chosen == {(0.1, 0), (0.1, 1), (0.9, 0), (0.9, 1)}


def test_lonely_points_stay_before_crowded_ones() -> None:
    rng = np.random.default_rng(0)
    crowd, lonely = rng.normal(0.5, 1e-6, size=(500, 2)), rng.random((20, 2))
    units = np.vstack([crowd, lonely])
    marks = thin(units, np.zeros(520, bool), np.zeros(520, np.int64), 60)
    assert marks[500:].all()


def test_inputs_are_left_alone() -> None:
    units, keep = np.zeros((9, 2)), np.zeros(9, bool)
    for array in (units, keep):
        array.setflags(write=False)
    assert thin(units, keep, np.zeros(9, np.int64), 2).sum() == 2


@pytest.mark.parametrize("limit", [9, 100])
def test_few_points_all_stay(limit: int) -> None:
    assert thin(np.zeros((9, 2)), np.zeros(9, bool), np.zeros(9, np.int64), limit).all()

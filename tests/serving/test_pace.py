"""A pace is arithmetic: no clock is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.serving.pace import Pace


def test_the_first_time_is_at_once_and_the_next_after_the_cost_is_a_small_share():
    pace = Pace(share=0.05, least=1.0)
    assert pace.due(0.0)
    pace.spent(2.0, now=2.0)  # 2 of 40 seconds
    assert not pace.due(39.9)
    assert pace.left(30.0) == pytest.approx(10.0)
    assert pace.due(40.0)


def test_what_costs_nothing_waits_the_least():
    pace = Pace(share=0.05, least=1.0)
    pace.spent(0.0, now=10.0)
    assert pace.left(10.0) == 1.0


def test_what_is_hurried_is_due():
    pace = Pace(share=0.05, least=1.0)
    pace.spent(100.0, now=0.0)
    pace.hurry()
    assert pace.due(0.0)


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=50), st.floats(0.001, 0.5), st.floats(0, 10)
)
def test_the_share_is_kept_whatever_it_costs(costs, share, least):
    pace, now, spent = Pace(share, least), 0.0, 0.0
    for cost in costs:
        now += pace.left(now)
        assert pace.due(now)
        now += cost  # it computes for so long
        spent += cost
        pace.spent(cost, now)
    now += pace.left(now)
    assert spent <= share * now + 1e-6

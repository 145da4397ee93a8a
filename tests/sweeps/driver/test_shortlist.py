from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.fronts import Box, Objective, front
from pareto_explorer.schema.columns import checkpoints_of
from pareto_explorer.sweeps.driver.shortlist import Shortlist
from tests.sweeps.twins_keeping import BOX, N, row, sweeps, table, wanted

POLICIES = ["front", "final", "all", "none"]


def empty(policy: str, n: int = N, box: Box = BOX) -> Shortlist:
    return Shortlist(box, policy, n, table([], []))


def play(shortlist: Shortlist, events) -> tuple[list, list]:
    rows, ended = [], []
    for event in events:
        if isinstance(event, str):
            shortlist.end(event)
            ended.append(event)
        else:
            for one in event:
                shortlist.learn(one)
                rows.append(one)
    return rows, ended


@pytest.mark.parametrize("policy", POLICIES)
@settings(deadline=None)
@given(events=sweeps(), again=st.lists(st.integers(0, 99), max_size=3))
def test_wants_what_the_definition_says_and_tells_what_it_no_longer_wants(policy, events, again):
    """Also when rows are reported again."""
    shortlist, rows, ended = empty(policy), [], []
    reported = [one for event in events if not isinstance(event, str) for one in event]
    events = [*events, *([reported[index % len(reported)]] for index in again if reported)]
    before: set = set()
    for event in events:
        if isinstance(event, str):
            touched = shortlist.end(event)
            ended.append(event)
        else:
            touched = {point for one in event for point in shortlist.learn(one)}
            rows += event
        after = set(shortlist.wanted())
        assert after == wanted(policy, rows, ended)
        assert {(trial, *place) for trial, _, *place in before - after} <= touched
        assert all(set(shortlist.replicates(point)) <= set(range(N)) for point in touched)
        before = after


@pytest.mark.parametrize("policy", POLICIES)
@settings(deadline=None)
@given(events=sweeps(), cut=st.integers(0, 30))
def test_goes_on_from_a_points_table(policy, events, cut):
    straight = empty(policy)
    rows, ended = play(straight, events[:cut])
    resumed = Shortlist(BOX, policy, N, table(rows, ended))
    # In the table, only trials with a row can have ended.
    straight.end_all()
    resumed.end_all()
    for shortlist in (straight, resumed):
        play(shortlist, events[cut:])
    assert set(resumed.wanted()) == set(straight.wanted())


@settings(deadline=None, max_examples=30)
@given(
    n=st.sampled_from([1, 3, 9, 40]),
    seed=st.integers(0, 10**6),
    directions=st.sampled_from([("min", "min"), ("min", "max"), ("max", "min"), ("max", "max")]),
)
def test_the_front_is_that_of_the_points_table(n, seed, directions):
    """Bit by bit: means that differ only by how they were rounded would dominate each other."""
    bounds = {"min": (0.0, 0.3), "max": (0.3, 0.0)}
    box = Box(
        tuple(
            Objective(metric, direction, *bounds[direction])
            for metric, direction in zip(("forget_gap", "test_accuracy"), directions, strict=True)
        )
    )
    generator = np.random.default_rng(seed)
    shortlist, rows = empty("front", n, box), []
    for trial in range(12):
        # The same numbers in another order: equal means but for rounding.
        base = np.random.default_rng(trial % 4).uniform(size=(n, 2)) / 10
        values = generator.permutation(base)
        for replicate, measures in enumerate(values.tolist()):
            rows.append(row((f"t{trial:02}", replicate, 1), *measures))
            shortlist.learn(rows[-1])
    expected = front(table(rows, []), box)
    found = set(checkpoints_of(expected))
    assert shortlist.front == found
    assert Shortlist(box, "front", n, table(rows, [])).front == found


def test_duplicates_on_the_front_all_stay():
    shortlist = empty("front", 1)
    play(shortlist, [[row(("a", 0, 1), 0.5, 0.5)], [row(("b", 0, 1), 0.5, 0.5)]])
    assert shortlist.front == {("a", 1, 0.0), ("b", 1, 0.0)}


def test_three_objectives():
    objectives = [Objective(name, "min", 0.0, 1.0) for name in ("x", "y", "z")]
    shortlist = empty("front", 1, Box(tuple(objectives)))
    corners = {
        "a": (0.0, 1.0, 1.0),
        "b": (1.0, 0.0, 1.0),
        "c": (1.0, 1.0, 0.0),
        "d": (1.0, 1.0, 1.0),
    }
    for name, values in corners.items():
        shortlist.learn(row((name, 0, 1)) | dict(zip("xyz", values, strict=True)))
    assert shortlist.front == {(name, 1, 0.0) for name in "abc"}


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_an_objective_that_is_not_finite_is_never_on_the_front(value):
    shortlist = empty("front", 1)
    shortlist.learn(row(("a", 0, 1), 0.0, 1.0) | {"forget_gap": value})
    assert not shortlist.front
    assert not list(shortlist.wanted())
    everything = empty("all", 1)
    everything.learn(row(("a", 0, 1), 0.0, 1.0) | {"forget_gap": value})
    assert list(everything.wanted()) == [("a", 0, 1, 0.0)]


def test_a_diverged_replicate_frees_what_the_others_have_beyond_it():
    shortlist = empty("front")
    play(shortlist, [[row(("a", 0, step), 0.5 - step / 10, 0.5)] for step in (1, 2, 3)])
    assert set(shortlist.wanted()) == {("a", 0, step, 0.0) for step in (1, 2, 3)}
    shortlist.learn(row(("a", 1, 1), 0.5, 0.5))
    assert shortlist.learn(row(("a", 1, 2), status="diverged")) >= {("a", 2, 0.0), ("a", 3, 0.0)}
    assert set(shortlist.wanted()) == {("a", 0, 1, 0.0), ("a", 1, 1, 0.0)}

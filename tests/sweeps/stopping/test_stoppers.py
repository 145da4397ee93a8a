from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ray import tune

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective, pooled_hypervolume
from pareto_explorer.sweeps.stopping.hypervolume_stopper import HypervolumeStopper
from tests.sweeps.twins_schedulers import Rehearsed, point_row, points_table

BOX = Box((Objective("forget_gap", "min", 0.0, 1.0), Objective("retain_gap", "min", 0.0, 0.5)))

eighths = st.integers(-1, 9).map(lambda k: k / 8)
measures = st.fixed_dictionaries(
    {
        "forget_gap": eighths,
        "retain_gap": eighths | st.just(math.nan),
        "status": st.sampled_from(["ok", "ok", "diverged"]),
    }
) | st.just({"status": "failed"})


@st.composite
def trials(draw):
    """Rows of some trials: several steps and replicates, diverged and undefined ones among them."""
    found = []
    for index in range(draw(st.integers(0, 6))):
        rows = [
            point_row(f"t{index}", "upgrad", step, replicate, **draw(measures))
            for step in range(draw(st.integers(1, 2)))
            for replicate in draw(st.sets(st.integers(0, 2), min_size=1))
        ]
        found.append(rows)
    return found


def report(stopper: HypervolumeStopper, rows: list[dict], *, done: bool = True) -> bool:
    assert stopper("ray's name", {"rows": rows, "done": done}) is False
    if done:
        stopper.trial_ended(rows[0]["trial_id"])
    return stopper.stop_all()


def one(trial_id: str, forget: float, retain: float, **columns) -> list[dict]:
    return [point_row(trial_id, "upgrad", 1, 0, forget_gap=forget, retain_gap=retain, **columns)]


def recomputed(groups: list[list[dict]]) -> list[float]:
    """The pooled hypervolume after none, one, two, ... of the trials, each time from all rows."""
    tables = [[row for rows in groups[:n] for row in rows] for n in range(len(groups) + 1)]
    return [pooled_hypervolume(points_table(rows), BOX).mean if rows else 0.0 for rows in tables]


@settings(deadline=None)
@given(trials(), st.integers(1, 4), st.sampled_from([0.01, 0.1, 0.3]))
def test_agrees_with_the_hypervolume_computed_anew(groups, configurations, gain):
    stopper = HypervolumeStopper(BOX, gain, configurations)
    volumes = recomputed(groups)
    for n, rows in enumerate(groups, start=1):
        stops = report(stopper, rows)
        assert stopper.history == pytest.approx(volumes[: n + 1], abs=1e-12)
        gained = math.inf if n < configurations else volumes[n] - volumes[n - configurations]
        if abs(gained - gain) > 1e-9:
            assert stops == (gained < gain)


@settings(deadline=None)
@given(trials(), st.randoms(use_true_random=False))
def test_an_earlier_run_counts_as_if_its_trials_had_just_ended(groups, random):
    order = random.sample(groups, len(groups))
    live = HypervolumeStopper(BOX, 0.05, 2)
    for rows in order:
        report(live, rows)
    seeded = HypervolumeStopper(BOX, 0.05, 2)
    table = points_table([row for rows in groups for row in rows])
    seeded.seed(table, ["unknown", *(rows[0]["trial_id"] for rows in order)])
    assert seeded.history == live.history
    assert seeded.stop_all() == live.stop_all()


def test_a_sweep_goes_on_while_it_gains_and_ends_when_it_does_not():
    stopper = HypervolumeStopper(BOX, gain=0.01, configurations=2)
    stops = [
        report(stopper, one(f"t{index}", *values))
        for index, values in enumerate(
            [(0.8, 0.1), (0.8, 0.1), (0.4, 0.1), (0.4, 0.1), (0.4, 0.1), (0.1, 0.1)]
        )
    ]
    assert stops == [False, False, False, False, True, False]
    assert np.allclose(stopper.history, [0, 0.16, 0.16, 0.48, 0.48, 0.48, 0.72])


def test_the_gain_is_a_lower_bound_that_still_counts():
    stopper = HypervolumeStopper(BOX, gain=0.25, configurations=1)
    assert not report(stopper, one("a", 0.5, 0.25))
    assert stopper.history == [0.0, 0.25]
    assert report(HypervolumeStopper(BOX, gain=0.2501, configurations=1), one("a", 0.5, 0.25))


def test_points_of_a_running_trial_wait_for_its_end():
    stopper = HypervolumeStopper(BOX, 0.01, 1)
    report(stopper, one("a", 0.5, 0.25), done=False)
    assert stopper.history == [0.0]
    stopper.trial_ended("a")
    assert stopper.history == [0.0, 0.25]
    stopper.trial_ended("a")
    assert stopper.history == [0.0, 0.25]


def test_a_trial_that_left_no_point_counts_as_one_without_gain():
    stopper = HypervolumeStopper(BOX, 0.01, 1)
    stopper.trial_ended("lost")
    assert stopper.stop_all()


def test_running_trials_of_an_earlier_run_are_left_out():
    stopper = HypervolumeStopper(BOX, 0.01, 1)
    rows = one("a", 0.5, 0.25) + one("b", 0.1, 0.1, trial_status="running")
    stopper.seed(points_table(rows))
    assert stopper.history == [0.0, 0.25]


def test_an_empty_points_table_counts_nothing():
    stopper = HypervolumeStopper(BOX, 0.01, 1)
    stopper.seed(points_table([]))
    assert stopper.history == [0.0]
    assert not stopper.stop_all()


def test_pickling_keeps_what_it_knows():
    stopper = HypervolumeStopper(BOX, 0.01, 2)
    report(stopper, one("a", 0.5, 0.25))
    report(stopper, one("b", 0.4, 0.25), done=False)
    again = pickle.loads(pickle.dumps(stopper))  # noqa: S301
    again.trial_ended("b")
    stopper.trial_ended("b")
    assert again.history == stopper.history
    assert len(again.history) == 3


@pytest.mark.parametrize(
    ("gain", "configurations", "message"),
    [
        (0.0, 20, r"stop\.gain: 0\.0 is not above 0"),
        (math.nan, 20, r"stop\.gain: nan is not finite"),
        (0.001, 0, r"stop\.configurations: 0 is not above 0"),
    ],
)
def test_numbers_out_of_range_are_refused(gain, configurations, message):
    with pytest.raises(InputError, match=message):
        HypervolumeStopper(BOX, gain, configurations)


class Ends(tune.Callback):
    """Tells a stopper of the ends of trials, as a sweep does."""

    def __init__(self, stopper: HypervolumeStopper) -> None:
        self.stopper = stopper

    def on_trial_complete(self, trial, **_) -> None:
        self.stopper.trial_ended(trial.config["trial_id"])


@pytest.mark.ray
def test_in_a_sweep(cluster, tmp_path):
    values = [(0.8, 0.1), (0.4, 0.1), (0.6, 0.1), (0.4, 0.1), (0.1, 0.1), (0.0, 0.0)]
    configs = [
        {"trial_id": f"t{index}", "family": "upgrad", "knobs": {"values": pair, "steps": 2}}
        for index, pair in enumerate(values)
    ]
    stopper = HypervolumeStopper(BOX, gain=0.01, configurations=2)
    results = tune.Tuner(
        tune.with_resources(Rehearsed, {"cpu": 1}),  # one trial after another
        param_space=tune.grid_search(configs),
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(tmp_path),
            stop=stopper,
            callbacks=[Ends(stopper)],
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            verbose=0,
        ),
    ).fit()
    ended = {r.config["trial_id"] for r in results if r.metrics and r.metrics.get("step") == 2}
    assert ended == {"t0", "t1", "t2", "t3"}

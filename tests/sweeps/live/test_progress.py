from __future__ import annotations

import io

import pandas as pd
import pytest
from rich.console import Console

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective, family_hypervolumes
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.live import progress as module
from pareto_explorer.sweeps.live.progress import LiveProgress, PlainProgress, Progress

BOX = Box((Objective("a", "min", ideal=0, nadir=1), Objective("b", "min", ideal=0, nadir=1)))


def row(family: str, trial: str, a: float, b: float) -> dict:
    return {
        "trial_id": trial,
        "family": family,
        "replicate": 0,
        "step": 3,
        "status": "ok",
        "a": a,
        "b": b,
    }


@pytest.fixture
def plans(space):
    return SweepSpec.from_mapping(space).plan()


def test_hypervolumes_are_those_of_the_table(plans):
    earlier = [row("x", "x-0", 0.5, 0.5)]
    new = [row("x", "x-1", 0.2, 0.9), row("y", "y-0", 0.9, 0.1), row("x", "x-2", 0.6, 0.6)]
    progress = Progress()
    progress.expect(plans, {"x-0": "finished"})
    progress.begin(pd.DataFrame(earlier), BOX)
    progress.refresh(1)
    assert progress.hypervolumes == {"x": 0.25}
    for one in new:
        progress.rows([one])
        progress.refresh(1)
    table = family_hypervolumes(pd.DataFrame(earlier + new), BOX)
    assert progress.hypervolumes == pytest.approx({name: f.mean for name, f in table.items()})


def test_the_panel_is_drawn_at_most_a_tenth_of_the_time(plans, monkeypatch):
    now = 100.0
    monkeypatch.setattr(module, "perf_counter", lambda: now)
    progress = LiveProgress(Console(file=io.StringIO(), force_terminal=True))
    drawn = []

    def draw(*arguments: object, **options: object) -> None:
        nonlocal now
        now += 0.02
        drawn.append(now)

    monkeypatch.setattr(progress._live, "update", draw)
    progress.expect(plans, {})
    progress.begin(pd.DataFrame([row("x", "x-0", 0.5, 0.5)]), BOX)
    progress.refresh(1)
    progress.refresh(2)
    assert len(drawn) == 1
    assert progress.running == 2
    now += 0.19
    progress.refresh(2)
    assert len(drawn) == 1
    now += 0.02
    progress.refresh(2)
    assert len(drawn) == 2


def test_the_time_that_is_left_is_in_the_line_once_a_trial_has_ended(plans, monkeypatch):
    now = 100.0
    monkeypatch.setattr(module, "perf_counter", lambda: now)
    file = io.StringIO()
    progress = PlainProgress(Console(file=file, width=200))
    progress.expect(plans, {}, len(plans))
    progress.begin(pd.DataFrame(), BOX)
    progress.schedule(1, 1, pd.DataFrame())
    assert file.getvalue() == "trials: 0 of 4 trials done, 1 at a time\n"
    now = 150.0  # until a worker is there
    progress.starts("a", plans[0].trial_id)
    progress.refresh(1)
    now = 160.0
    progress.leaves("a")
    progress.ended(plans[0], "finished")
    progress.starts("b", plans[1].trial_id)
    progress.refresh(1)
    told = file.getvalue().splitlines()[1:]
    assert told[0] == "0/4 trials, 1 running, 0 failed · 0:50 elapsed"
    assert told[1] == "1/4 trials, 1 running, 0 failed · 1:00 elapsed, about 0:30 left"


def test_a_log_hears_of_a_sweep_in_which_nothing_ends(plans, monkeypatch):
    """Ten seconds apart at first, and after that by a fifth of the time that has passed."""
    now = 100.0
    monkeypatch.setattr(module, "perf_counter", lambda: now)
    file = io.StringIO()
    progress = PlainProgress(Console(file=file, width=200))
    progress.expect(plans, {}, len(plans))
    progress.begin(pd.DataFrame(), BOX)
    progress.schedule(1, 1, pd.DataFrame())
    for _ in range(3600):
        progress.refresh(1)
        now += 1
    clocks = [line.rpartition("· ")[2] for line in file.getvalue().splitlines()[1:]]
    assert clocks[:4] == [f"0:{second:02} elapsed" for second in (0, 10, 20, 30)]
    assert len(clocks) < 30


def test_the_last_line_stays_when_the_panel_goes(plans):
    file = io.StringIO()
    with LiveProgress(Console(file=file, force_terminal=True, width=200)) as progress:
        progress.expect(plans, {}, len(plans))
        progress.begin(pd.DataFrame([row("x", "x-0", 0.5, 0.5)]), BOX)
        progress.ended(plans[0], "finished")
    last = file.getvalue().splitlines()[-1]
    assert last.endswith(
        "1/4 trials, 0 running, 0 failed · 0:00 elapsed · best hypervolume 0.250 (x)"
    )


def test_what_earlier_trials_of_a_family_took_is_known_at_once(plans, monkeypatch):
    monkeypatch.setattr(module, "perf_counter", lambda: 100.0)
    family = plans[0].family.name
    points = pd.DataFrame(
        [
            row(family, f"trial-{number}", 0.5, 0.5)
            | {"replicate": replicate, "step": step, "seconds": seconds, "trial_status": status}
            | {"evaluation_seconds": 1.0}
            for number, status, seconds in ((0, "finished", 6), (1, "failed", 0))
            for replicate in (0, 1)
            for step in (3, 6)
        ]
    )
    progress = Progress()
    progress.expect(plans, {plans[0].trial_id: "finished"}, len(plans))
    progress.begin(points, BOX)
    progress.schedule(3, 2, points)  # each replicate has a slot of its own
    assert progress.headline().endswith("about 0:14 left")  # six pieces of 7 s in three slots


@pytest.mark.parametrize("display", [PlainProgress, LiveProgress, lambda _: Progress()])
def test_what_fails_before_the_first_trial_is_what_is_told(display):
    file = io.StringIO()

    def fail():
        with display(Console(file=file)) as progress:
            progress.expect([], {}, 7)
            progress.stage("landmarks: 0 from the cache, 1 to train")
            raise InputError("recipe.lr: training diverged.")

    with pytest.raises(InputError, match="recipe"):
        fail()
    assert "trials" not in file.getvalue()

"""The time that is left, on made-up courses and on recorded ones."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean

import pytest

from pareto_explorer.sweeps.live.remaining import NEWEST, Remaining

COURSES = Path(__file__).parent / "courses"
"""Written by ``record.py`` on two cores that other work was using, too: the shipped ``digits``, and
six families of one replicate whose trials take from half a second to seven."""


def following(kinds: str, **how: int) -> Remaining:
    """Trials that are named by their number, each of a kind that is named by a letter."""
    remaining = Remaining(**how)
    for number, kind in enumerate(kinds):
        remaining.expect(str(number), kind)
    return remaining


def run(remaining: Remaining, trial: str, start: float, end: float) -> None:
    remaining.start(trial, trial, start)
    remaining.end(trial, end)


def test_nothing_is_said_before_anything_is_known():
    remaining = following("aa")
    assert remaining.seconds(0.0) is None
    remaining.start("0", "0", 5.0)
    assert remaining.seconds(9.0) is None


def test_the_start_of_a_worker_is_not_divided_among_the_trials():
    remaining = following("aaa")
    run(remaining, "0", 100.0, 110.0)
    assert remaining.seconds(110.0) == 20.0


def test_each_kind_takes_its_own_time_and_an_unknown_one_the_mean_of_the_others():
    remaining = following("abcabc")
    run(remaining, "0", 0.0, 2.0)
    run(remaining, "1", 2.0, 12.0)
    assert remaining.seconds(12.0) == 2 + 10 + 2 * 6
    run(remaining, "2", 12.0, 13.0)
    assert remaining.seconds(13.0) == 2 + 10 + 1


def test_what_runs_counts_by_what_is_left_of_it():
    remaining = following("aaa")
    run(remaining, "0", 0.0, 10.0)
    remaining.start("1", "1", 10.0)
    assert remaining.seconds(16.0) == 4 + 10
    assert remaining.seconds(99.0) == 10  # longer than any: it may end at any time


def test_trials_share_the_slots_and_the_last_one_has_them_to_itself():
    remaining = following("aaaa", slots=2)
    run(remaining, "0", 0.0, 10.0)
    assert remaining.seconds(10.0) == 20.0  # three in two slots
    remaining.start("1", "1", 10.0)
    remaining.start("2", "2", 14.0)
    assert remaining.seconds(15.0) == 15.0  # 5 and 9 are left, then ten more where it ends first


def test_the_time_between_two_trials_counts():
    remaining = following("aaa")
    run(remaining, "0", 0.0, 10.0)
    run(remaining, "1", 13.0, 23.0)
    assert remaining.seconds(23.0) == 10 + 3


def test_a_trial_that_runs_is_projected_by_its_steps_where_none_of_its_kind_has_ended():
    remaining = following("ab", slots=2)
    remaining.start("0", "0", 0.0)
    remaining.reach("0", 1 / 3, 8.0)
    assert remaining.seconds(8.0) == 24.0  # for the other kind, too
    remaining.reach("never heard of", 1 / 3, 8.0)


def test_what_nobody_expected_is_not_followed():
    remaining = following("a")
    remaining.start("x", "stranger", 0.0)
    remaining.reach("x", 0.5, 1.0)
    remaining.end("x", 2.0)
    assert remaining.seconds(2.0) is None
    run(remaining, "0", 2.0, 5.0)
    run(remaining, "0", 5.0, 9.0)  # once more than it was expected
    assert remaining.seconds(9.0) == 0.0


def test_an_earlier_run_of_the_sweep_is_remembered_until_something_is_measured():
    remaining = following("ab")
    remaining.remember({"a": 5.0, "b": 7.0, "gone": 1.0})
    assert remaining.seconds(0.0) == 12.0
    run(remaining, "0", 0.0, 3.0)
    assert remaining.seconds(3.0) == 7.0


def test_replicates_with_a_slot_each_are_pieces_of_a_trial():
    remaining = following("aa", slots=2, parts=3)
    remaining.start("0-0", "0", 0.0)
    remaining.end("0-0", 4.0)
    assert remaining.seconds(4.0) == 12.0  # five in two slots


def test_what_has_lost_its_worker_runs_again():
    remaining = following("aa")
    run(remaining, "0", 0.0, 10.0)
    remaining.start("1", "1", 10.0)
    remaining.lose("1")
    assert remaining.seconds(18.0) == 10.0
    remaining.start("1", "1", 20.0)
    remaining.end("1", 30.0)
    remaining.end("1", 31.0)
    assert remaining.seconds(30.0) == 0.0


def test_what_ended_early_makes_the_others_of_its_kind_shorter():
    remaining = following("aaa")
    remaining.start("0", "0", 0.0)
    remaining.reach("0", 1 / 3, 8.0)
    remaining.end("0", 8.0)
    assert remaining.seconds(8.0) == 16.0


def test_a_busy_machine_is_forgotten():
    remaining = following("a" * (NEWEST + 2))
    run(remaining, "0", 0.0, 1000.0)
    for number in range(1, NEWEST + 1):
        run(remaining, str(number), 999.0 + number, 1000.0 + number)
    assert remaining.seconds(1000.0 + NEWEST) == 1.0


def test_trials_that_no_search_has_drawn_yet_take_what_trials_took():
    remaining = following("aab")
    run(remaining, "0", 0.0, 1.0)
    run(remaining, "1", 1.0, 2.0)
    run(remaining, "2", 2.0, 6.0)
    assert remaining.seconds(6.0, undrawn=5) == 5 * 2.0


@pytest.mark.parametrize("name", ["digits", "unequal"])
def test_from_a_quarter_of_the_trials_on_it_is_within_thirty_per_cent(name):
    course = json.loads((COURSES / f"{name}.json").read_text())
    remaining = Remaining(course["slots"], course["parts"])
    for trial, kind in course["plan"].items():
        remaining.expect(trial, kind)
    since, took, wrong = {}, [], []
    last = max(seconds for seconds, *_ in course["events"])
    for now, what, piece, more in course["events"]:
        if what == "start":
            remaining.start(piece, more, now)
            since[piece] = now
        elif what == "reach":
            remaining.reach(piece, more, now)
        else:
            remaining.end(piece, now)
            took.append(now - since[piece])
        if 4 * len(took) >= len(course["plan"]):
            left, told = last - now, remaining.seconds(now)
            if abs(told - left) > max(0.3 * left, 0.3 * fmean(took)):  # of the last trial's time
                wrong.append((now, left, told))
    assert len(took) == len(course["plan"])
    assert not wrong


def test_a_piece_that_goes_on_from_a_checkpoint_tells_nothing_of_a_whole_one():
    remaining = following("aaa")
    run(remaining, "0", 0.0, 100.0)
    remaining.start("1", "1", 100.0)
    remaining.lose("1")
    remaining.start("1", "1", 200.0)
    remaining.reach("1", 0.9, 210.0)
    remaining.end("1", 220.0)
    assert remaining.seconds(220.0) == 100.0

"""What an audit is going to do, and what a budget leaves of it."""

from __future__ import annotations

import numpy as np
import pytest

from pareto_explorer.audits.compute import Point
from pareto_explorer.audits.plan import AuditPlan, Costs, plan_audit, seconds_of, seeds_for
from pareto_explorer.audits.records import NONE
from pareto_explorer.errors import InputError
from tests.audits.shadows import STEP, TRIAL, shadows

CHOSEN = Point(TRIAL, STEP)
GAME = "indistinguishability"


def plan(**given: object) -> AuditPlan:
    known = {
        "models": 16,
        "games": [GAME],
        "measured": {},
        "cached": lambda landmark: landmark.seed < 3,
        "costs": Costs(3.0, {CHOSEN: 0.5}),
    }
    return plan_audit([CHOSEN], [0, 1, 2], **(known | given))


def test_seeds_go_on_after_those_of_the_sweep():
    assert seeds_for([0, 1, 2], 6) == (0, 1, 2, 3, 4, 5)
    assert seeds_for([7, 3], 4) == (7, 3, 8, 9)
    assert seeds_for([0, 1, 2], 2) == (0, 1)
    assert seeds_for([2**32 - 1, 0], 3) == (2**32 - 1, 0, 2**32 + 1)  # 2**32 draws as 0 does


def test_what_is_cached_is_not_trained_and_what_is_measured_not_done_again():
    stages = plan().stages
    assert [len(stage.seeds) for stage in stages] == [4, 4, 8]
    assert [(s.there, s.to_train, s.to_unlearn) for s in stages] == [
        (6, 2, 4),
        (0, 8, 4),
        (0, 16, 8),
    ]
    assert stages[0].seconds == 2 * 3 + 4 * 0.5
    again = plan(measured=shadows(range(8)))
    assert [(s.there, s.to_train, s.to_unlearn) for s in again.stages[:2]] == [(12, 0, 0)] * 2
    assert again.seconds == 16 * 3 + 8 * 0.5


def test_a_budget_is_filled_in_the_order_of_value():
    found = plan(budget=40.0)
    assert [stage.fits for stage in found.stages] == [True, True, False]
    assert found.seeds(GAME) == tuple(range(8))
    assert found.seconds <= 40
    assert found.notes == (
        "the budget has no room for indistinguishability with 8 further seeds (52 s)",
    )


def test_later_seeds_do_not_slip_in_where_earlier_ones_had_no_room():
    costs = Costs(3.0, {CHOSEN: 0.5})
    found = plan(budget=9.0, costs=costs, cached=lambda landmark: not 4 <= landmark.seed < 8)
    assert [stage.fits for stage in found.stages] == [True, False, False]


def test_below_four_seeds_the_plan_says_what_is_left():
    found = plan(models=3)
    assert found.seeds(GAME) == (0, 1, 2)
    assert found.notes[0].startswith("3 seeds: no attacker")
    assert plan(models=4).notes == ()
    few = plan(models=3, games=["leakage", "recovery"])
    assert [stage.game for stage in few.stages] == [GAME]


def test_what_was_trained_further_is_not_again_and_what_was_only_asked_is_unlearned_again():
    costs, measured = Costs(3.0, {CHOSEN: 0.5}, relearn=1.0), shadows(range(4))
    given = {"models": 4, "games": [GAME, "recovery"], "costs": costs, "measured": measured}
    _, recovery = plan(**given).stages
    assert (recovery.there, recovery.to_unlearn, recovery.seconds) == (0, 4, 12 * 1.0 + 4 * 0.5)
    for said in measured.values():
        said["relearn"] = np.zeros(2)
    _, recovery = plan(**given).stages
    assert (recovery.there, recovery.to_unlearn, recovery.seconds) == (12, 0, 0.0)


def test_doing_nothing_is_audited_beside_the_choice():
    assert plan().points == (CHOSEN, Point(NONE, 0))


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1.5h", 5400), (" .5m ", 30)]
)
def test_durations(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "0", "0m", "-5m", "5 minutes", "1e3", "nan"])
def test_what_is_no_duration(text):
    with pytest.raises(InputError, match=r"`budget`: .* is no duration"):
        seconds_of(text)

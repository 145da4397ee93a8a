from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ray.tune.search import Searcher

from pareto_explorer.sweeps.search.compare import Ended, SamplesPerFamily, SecondsPerFamily
from pareto_explorer.sweeps.spec.families import expand_families, plan_trials

FAMILIES = expand_families(
    [
        {"method": "gradient_ascent", "lr": {"loguniform": [0.001, 0.1]}},
        {"method": "fine_tune", "lr": {"loguniform": [0.001, 0.1]}},
        {"method": "none"},
    ]
)
COST = {"gradient_ascent": 1.0, "fine_tune": 4.0, "none": 0.0}


def budget(seconds=12.0, drawn=(), ended=None, keep=None):
    keep = keep if keep is not None else [].append
    return SecondsPerFamily(FAMILIES, seconds, 0, list(drawn), ended or {}, keep)


def run(searcher, slots=1):
    """Runs trials in the order in which they were started, ``slots`` at a time."""
    running, order, number = [], [], 0
    while True:
        while len(running) < slots:
            config = searcher.suggest(f"ray{number}")
            if config is None or config == Searcher.FINISHED:
                break
            running.append((f"ray{number}", config))
            order.append(config)
            number += 1
        if not running:
            assert config == Searcher.FINISHED
            return order
        name, config = running.pop(0)
        cost = COST[config["family"]]
        result = {"spent_seconds": cost, "spent_samples": cost, "trial_status": "finished"}
        searcher.on_trial_complete(name, result)


@pytest.mark.parametrize("slots", [1, 2, 5])
def test_every_family_spends_its_seconds_and_no_more_than_what_runs_beyond(slots):
    order = run(budget(), slots)
    count = {name: sum(c["family"] == name for c in order) for name in COST}
    assert count["none"] == 1
    for name in ("gradient_ascent", "fine_tune"):
        assert 12 <= count[name] * COST[name] <= 12 + slots * COST[name]
    if slots == 1:
        assert count == {"gradient_ascent": 12, "fine_tune": 3, "none": 1}


def test_the_configurations_are_those_of_compare_mode():
    planned = {p.trial_id: dict(p.knobs) for p in plan_trials(FAMILIES, 12, 0)}
    for config in run(budget()):
        assert planned[config["trial_id"]] == config["knobs"]


def test_the_family_that_has_spent_least_is_next():
    order = [c["family"] for c in run(budget())]
    spent = dict.fromkeys(COST, 0.0)
    for position, family in enumerate(order):
        able = [
            f for f in COST if spent[f] < 12 and not (f == "none" and "none" in order[:position])
        ]
        assert spent[family] == min(spent[f] for f in able)
        spent[family] += COST[family]


def test_an_interrupted_sweep_continues_without_drawing_again():
    drawn = []
    first = budget(keep=drawn.append)
    for number in range(4):
        first.suggest(f"ray{number}")
    ended = {plan.trial_id: Ended("finished", COST[plan.family.name]) for plan in drawn[:2]}
    before = list(drawn)
    second = budget(drawn=before, ended=ended, keep=drawn.append)
    order = run(second)
    assert [c["trial_id"] for c in order[:2]] == [p.trial_id for p in before[2:]]
    names = [plan.trial_id for plan in drawn]
    assert len(names) == len(set(names))
    assert len(names) == 12 + 3 + 1


@pytest.mark.parametrize(
    ("result", "error"), [(None, True), ({"trial_status": "failed", "spent_seconds": 0.0}, False)]
)
def test_families_that_always_fail_come_to_an_end(result, error):
    searcher = budget(seconds=3)
    number = 0
    while searcher.suggest(f"ray{number}") != Searcher.FINISHED:
        searcher.on_trial_complete(f"ray{number}", result, error=error)
        number += 1
    assert number == 3


GOOD, BAD = Ended("finished", 4.0), Ended("failed", 1.0)


@pytest.mark.parametrize("spent", [[GOOD, BAD], [BAD, GOOD]])
@pytest.mark.parametrize(("seconds", "left"), [(8.0, 0), (8.1, 1)])
def test_a_failed_trial_counts_as_a_usual_one_also_after_a_restart(spent, seconds, left):
    drawn = plan_trials([FAMILIES[1]], 2, 0)
    ended = {plan.trial_id: value for plan, value in zip(drawn, spent, strict=True)}
    order = run(budget(seconds, drawn, ended))
    assert sum(config["family"] == "fine_tune" for config in order) == left


def samples(budget, drawn=(), ended=None, keep=None):
    keep = keep if keep is not None else [].append
    return SamplesPerFamily(FAMILIES, budget, 0, list(drawn), ended or {}, keep)


@pytest.mark.parametrize("slots", [1, 2, 5, 50])
@pytest.mark.parametrize(("budget", "expected"), [(12, (12, 3)), (11, (11, 2)), (3, (3, 1))])
def test_as_many_trials_run_as_fit_the_samples_but_one_at_least(slots, budget, expected):
    order = run(samples(budget), slots)
    count = {name: sum(c["family"] == name for c in order) for name in COST}
    assert (count["gradient_ascent"], count["fine_tune"], count["none"]) == (*expected, 1)


def end(searcher, name, spent, status="finished"):
    searcher.on_trial_complete(name, {"spent_samples": spent, "trial_status": status})


def test_one_trial_of_a_family_at_a_time_runs_until_one_is_finished():
    searcher = samples(12)
    first = [searcher.suggest(f"ray{number}") for number in range(4)]
    assert [config and config["family"] for config in first] == [*COST, None]
    end(searcher, "ray1", 1, "diverged")
    assert searcher.suggest("again")["family"] == "fine_tune"
    assert searcher.suggest("none") is None
    end(searcher, "again", 4)
    assert searcher.suggest("more")["family"] == "fine_tune"  # two have ended, and three fit
    assert searcher.suggest("last") is None


def test_a_family_whose_trials_do_not_fit_any_more_does_not_hold_up_the_others():
    searcher = samples(11)
    running = {name: searcher.suggest(name) for name in COST}
    assert [running[name]["family"] for name in COST] == list(COST)
    for name, spent in (("fine_tune", 9), ("none", 0), ("gradient_ascent", 1)):
        end(searcher, name, spent)
    assert [searcher.suggest(f"{n}")["family"] for n in range(3)] == ["gradient_ascent"] * 3


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 16),
    st.integers(1, 40),
    st.lists(st.sampled_from(["finished", "finished", "diverged", "stopped: rung"]), min_size=50),
    st.randoms(use_true_random=False),
)
def test_the_number_of_trials_depends_neither_on_the_slots_nor_on_who_ends_first(
    slots, budget, fates, order
):
    """Where finished trials take equally much; others take less."""
    cost = 4

    def number(slots, order) -> int:
        family = FAMILIES[1]
        searcher = SamplesPerFamily([family], budget, 0, [], {}, [].append)
        running, started = [], 0
        while True:
            while len(running) < slots and isinstance(
                found := searcher.suggest(f"{started}"), dict
            ):
                running.append((f"{started}", fates[int(found["trial_id"][-3:]) % 50]))
                started += 1
            if not running:
                assert found == Searcher.FINISHED
                return started
            name, fate = running.pop(order.randrange(len(running)))
            end(searcher, name, cost if fate == "finished" else 1, fate)

    alone = number(1, order)
    assert number(slots, order) == alone
    if fates[0] == "finished":
        assert alone == max(1, budget // cost)


def test_where_trials_count_no_samples_one_is_enough():
    searcher = SamplesPerFamily([FAMILIES[0]], 10, 0, [], {}, [].append)
    assert searcher.suggest("first")
    end(searcher, "first", 0)
    assert searcher.suggest("second") == Searcher.FINISHED


@pytest.mark.parametrize(("spent", "left"), [([GOOD, BAD], 1), ([BAD, BAD], 0)])
def test_samples_of_earlier_runs_count_and_failed_trials_as_usual_ones(spent, left):
    drawn = plan_trials([FAMILIES[1]], 2, 0)
    ended = {plan.trial_id: value for plan, value in zip(drawn, spent, strict=True)}
    order = run(samples(12, drawn, ended))
    assert sum(config["family"] == "fine_tune" for config in order) == left

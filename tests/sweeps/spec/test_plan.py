from __future__ import annotations

import json
from collections import Counter

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps import SweepSpec, check
from pareto_explorer.sweeps.driver.execute import execute
from pareto_explorer.sweeps.spec import plan as planning
from pareto_explorer.sweeps.spec import spec as specification
from pareto_explorer.sweeps.spec.families import plan_of
from pareto_explorer.sweeps.spec.parts import SecondsBudget
from pareto_explorer.sweeps.spec.plan import DrawnWhileRunning, left_to_do, total

EXPLORE = {"mode": "explore", "configurations": 6}
SECONDS = {"budget_per_family": {"seconds": 10}}


def spec_of(search: dict) -> SweepSpec:
    families = [{"method": "fine_tune", "lr": {"choice": [0.001, 0.01]}}, {"method": "none"}]
    return SweepSpec.from_mapping(
        {"task": {"name": "digits"}, "families": families, "search": search}
    )


def test_what_is_left_to_do():
    planned = spec_of({"configurations": 2}).plan()
    everything = {plan.trial_id: "finished" for plan in planned}
    assert left_to_do(planned, {})
    assert not left_to_do(planned, everything)
    assert left_to_do(spec_of(SECONDS).plan(), everything)
    searched = dict.fromkeys("abcdef", "failed")
    assert not left_to_do(spec_of(EXPLORE).plan(), searched)
    searched.pop("a")
    assert left_to_do(spec_of(EXPLORE).plan(), searched)


def test_a_grid_ends_with_its_last_combination():
    grid = spec_of(EXPLORE | {"sampler": "grid"}).plan()
    assert total(grid) == 3
    assert not left_to_do(grid, dict.fromkeys("abc", "finished"))
    assert total(spec_of(EXPLORE | {"sampler": "grid", "configurations": 2}).plan()) == 2
    assert total(spec_of(EXPLORE).plan()) == 6
    planned = spec_of({}).plan()
    assert total(planned) == len(planned) == 5  # four of one family, and one without a knob
    assert total(spec_of(SECONDS).plan()) is None


def test_trials_that_are_drawn_while_a_sweep_runs_are_no_empty_plan():
    assert spec_of(EXPLORE).plan() == DrawnWhileRunning(trials=6)
    assert spec_of(SECONDS).plan() == DrawnWhileRunning(per_family=SecondsBudget(seconds=10))
    assert not isinstance(spec_of({}).plan(), DrawnWhileRunning)


@pytest.fixture
def computed(monkeypatch) -> Counter[str]:
    """How often families and trials were computed."""
    calls: Counter[str] = Counter()

    def count(module, name):
        function = getattr(module, name)

        def counted(*arguments):
            calls[name] += 1
            return function(*arguments)

        monkeypatch.setattr(module, name, counted)

    count(specification, "expand_families")
    count(planning, "plan_trials")
    return calls


def test_families_and_plan_are_computed_once(computed, tmp_path):
    once = {"expand_families": 1, "plan_trials": 1}
    spec = spec_of({})
    assert computed == once
    assert check(spec, cache_dir=tmp_path / "cache").ok
    with pytest.raises(InputError, match="no Ray cluster"):  # all is prepared before
        execute(spec, tmp_path / "run", address="127.0.0.1:1")
    assert computed == once


def test_a_copy_has_families_and_a_plan_of_its_own():
    spec = spec_of({})
    copied = spec.model_copy(update={"families": [{"method": "none"}]})
    assert [family.name for family in copied.family_list()] == ["none"]
    assert {trial.family.name for trial in copied.plan()} == {"none"}
    assert len(spec.family_list()) == 2
    assert spec.model_copy() == spec


def test_a_worker_gets_the_configuration_that_was_planned():
    spec = SweepSpec.load("digits")
    families = {family.name: family for family in spec.family_list()}
    for plan in spec.plan():
        sent = json.loads(json.dumps(plan.to_config()))
        assert plan_of(sent, families) == plan
        assert plan.config.items() >= sent["knobs"].items()

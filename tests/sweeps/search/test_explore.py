"""The search of explore mode, driven as Ray drives it but without Ray's loop."""

from __future__ import annotations

import math

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from ray.tune.search import Searcher
from scipy.stats import kstest, norm

from pareto_explorer.fronts import Box, Objective
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.search.explore import STUDY, ParetoSearch, starting_points
from pareto_explorer.sweeps.search.optuna_space import draw, knobs_to_params
from pareto_explorer.sweeps.spec.families import TrialPlan, expand_families
from pareto_explorer.sweeps.spec.parts import ExploreSearch
from pareto_explorer.sweeps.spec.plan import DrawnWhileRunning

BOX = Box((Objective("forget_gap", "min", 0, 1), Objective("test_accuracy", "max", 1, 0)))
DESCENT = {"method": "jacobian_descent", "forget_loss": "kl_uniform"}
FAMILIES = expand_families(
    [
        DESCENT | {"aggregator": "upgrad", "lr": {"loguniform": [0.001, 0.1]}},
        DESCENT
        | {
            "aggregator": "cup",
            "intensity": {"uniform": [0, 1]},
            "lr": {"loguniform": [0.001, 0.01]},
            "optimizer": {"choice": ["sgd", "adamw"]},
        },
        {"method": "fine_tune", "lr": 0.01},
    ]
)
CHOICES = expand_families(
    [
        DESCENT | {"aggregator": "cup", "intensity": {"grid_search": [0.2, 0.4, 0.6]}},
        {"method": "fine_tune", "lr": {"choice": [0.01, 0.1]}, "momentum": {"choice": [0, 0.9]}},
    ]
)


class Sweep:
    """A sweep that remembers what was drawn and how it ended, across restarts."""

    def __init__(self, folder, families=FAMILIES, **search):
        self.storage, self.families = folder / "optuna.journal", families
        self.search = ExploreSearch(mode="explore", **search)
        self.drawn: list[TrialPlan] = []
        self.ended: dict = {}
        self.start()

    def start(self, starts=()):
        self.searcher = ParetoSearch(
            self.families, BOX, self.search, self.storage, list(self.drawn), dict(self.ended),
            starts, self.drawn.append,
        )  # fmt: skip
        self.asked = 0

    def ask(self):
        name = f"ray{self.asked}"
        self.asked += 1
        return name, self.searcher.suggest(name)

    def finish(self, name, config, status="finished", **measures):
        means = {"trial_status": status, "forget_gap": 0.5, "test_accuracy": 0.5} | measures
        self.ended[config["trial_id"]] = (status, means)
        self.searcher.on_trial_complete(name, means)

    def run(self, values=lambda _: {}):
        while (pair := self.ask())[1] != Searcher.FINISHED:
            self.finish(*pair, **values(pair[1]))

    @property
    def study(self):
        return optuna.load_study(
            study_name=STUDY, storage=JournalStorage(JournalFileBackend(str(self.storage)))
        )


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "nsga3", "gp", "qmc", "random"])
def test_every_sampler_draws_valid_configurations_and_learns_their_values(tmp_path, sampler):
    sweep = Sweep(tmp_path, sampler=sampler, configurations=14, constraints=["forget_gap <= 0.4"])
    sweep.run(lambda config: {"forget_gap": config["knobs"]["lr"]})
    assert [t.state for t in sweep.study.trials] == [TrialState.COMPLETE] * 14
    assert sweep.study.directions == [
        optuna.study.StudyDirection.MINIMIZE,
        optuna.study.StudyDirection.MAXIMIZE,
    ]
    by_name = {family.name: family for family in FAMILIES}
    for plan, trial in zip(sweep.drawn, sweep.study.trials, strict=True):
        assert trial.user_attrs["trial_id"] == plan.trial_id
        assert trial.values == [plan.knobs["lr"], 0.5]
        bound = {"forget_gap <= 0.4": pytest.approx(plan.knobs["lr"] - 0.4)}
        assert trial.constraints == bound
        assert plan.knobs.keys() == by_name[plan.family.name].knobs.keys()
        assert trial.params == knobs_to_params(plan.family, plan.knobs)
    assert len({plan.trial_id for plan in sweep.drawn}) == 14


def test_the_same_seed_draws_the_same_and_another_one_does_not(tmp_path):
    drawn = []
    for folder, seed in (("a", 3), ("b", 3), ("c", 4)):
        (tmp_path / folder).mkdir()
        sweep = Sweep(tmp_path / folder, configurations=12, seed=seed)
        sweep.run(lambda config: {"forget_gap": config["knobs"]["lr"]})
        drawn.append(sweep.drawn)
    assert drawn[0] == drawn[1] != drawn[2]


def test_qmc_balances_the_families_and_the_knobs_of_all_of_them(tmp_path, caplog):
    sweep = Sweep(tmp_path, FAMILIES[:2], sampler="qmc", configurations=32)
    sweep.run()
    names = [plan.family.name for plan in sweep.drawn]
    assert [names.count(family.name) for family in FAMILIES[:2]] == [16, 16]
    for family in FAMILIES[:2]:
        low, high = family.domains["lr"].arguments
        own = [p.knobs["lr"] for p in sweep.drawn if p.family.name == family.name]
        thirds = [int(4 * math.log(lr / low, high / low)) for lr in own]
        assert all(2 <= thirds.count(part) <= 6 for part in range(4))
    assert len({p.knobs["lr"] for p in sweep.drawn}) == 32
    assert not caplog.records  # of knobs that Optuna would draw independently


def test_an_extended_qmc_search_repeats_nothing(tmp_path):
    sweep = Sweep(tmp_path, sampler="qmc", configurations=8)
    sweep.run()
    sweep.storage.unlink()
    sweep.search = ExploreSearch(mode="explore", sampler="qmc", configurations=16)
    sweep.start()
    sweep.run()
    drawn = [p.knobs["lr"] for p in sweep.drawn if p.family.name != "fine_tune"]
    assert len(sweep.drawn) == 16
    assert len(set(drawn)) == len(drawn)


def test_optuna_hears_of_failed_diverged_stopped_and_infinite_trials_as_what_they_are(tmp_path):
    sweep = Sweep(tmp_path, configurations=6)
    for status, measures in [
        ("failed", {}),
        ("diverged", {}),
        ("stopped: quota infeasible", {}),
        ("finished", {"forget_gap": math.nan}),
        ("finished", {"test_accuracy": math.inf}),
    ]:
        sweep.finish(*sweep.ask(), status=status, **measures)
    name, _ = sweep.ask()
    sweep.searcher.on_trial_complete(name, None, error=True)
    states = [trial.state for trial in sweep.study.trials]
    fail, pruned = TrialState.FAIL, TrialState.PRUNED
    assert states == [fail, fail, pruned, fail, fail, fail]
    assert all(trial.values is None for trial in sweep.study.trials)


def test_a_trial_that_the_scheduler_ended_is_pruned(tmp_path):
    sweep = Sweep(tmp_path, configurations=1)
    name, _ = sweep.ask()
    sweep.searcher.on_trial_complete(name, {"forget_gap": 0.1, "test_accuracy": 0.9})
    assert sweep.study.trials[0].state == TrialState.PRUNED


def test_a_diverged_trial_that_the_scheduler_ended_has_failed(tmp_path):
    sweep = Sweep(tmp_path, configurations=1)
    name, _ = sweep.ask()
    sweep.searcher.on_trial_complete(name, {"rows": [{"status": "ok"}, {"status": "diverged"}]})
    assert sweep.study.trials[0].state == TrialState.FAIL


def test_a_killed_search_continues_with_what_was_interrupted(tmp_path):
    sweep = Sweep(tmp_path, configurations=6, sampler="random")
    first, second = sweep.ask(), sweep.ask()
    sweep.finish(*first)
    third = sweep.ask()
    sweep.ended[third[1]["trial_id"]] = ("finished", {"forget_gap": 0.3, "test_accuracy": 0.2})
    # killed: the second trial was running, the third had ended but the study was not told
    sweep.start()
    assert sweep.ask()[1] == second[1]
    trials = {t.user_attrs["trial_id"]: t for t in sweep.study.trials}
    assert trials[third[1]["trial_id"]].values == [0.3, 0.2]
    assert trials[second[1]["trial_id"]].state == TrialState.RUNNING
    sweep.finish("ray0", second[1])
    sweep.run()
    assert len(sweep.drawn) == len({p.trial_id for p in sweep.drawn}) == 6
    assert len({p.knobs["lr"] for p in sweep.drawn if p.family.name != "fine_tune"}) == len(
        [p for p in sweep.drawn if p.family.name != "fine_tune"]
    )
    assert [t.state for t in sweep.study.trials] == [TrialState.COMPLETE] * 6


def test_a_trial_that_was_asked_for_but_never_recorded_is_given_up(tmp_path):
    sweep = Sweep(tmp_path, configurations=2)
    sweep.ask()
    sweep.drawn.clear()
    sweep.start()
    assert sweep.study.trials[0].state == TrialState.FAIL
    sweep.run()
    assert len(sweep.drawn) == 2


def test_a_lost_study_is_rebuilt_from_the_table(tmp_path):
    sweep = Sweep(tmp_path, configurations=5)
    sweep.finish(*sweep.ask(), forget_gap=0.1)
    sweep.finish(*sweep.ask(), status="diverged")
    running = sweep.ask()[1]
    params = [trial.params for trial in sweep.study.trials]
    sweep.storage.unlink()
    sweep.start()
    assert [trial.params for trial in sweep.study.trials] == params
    states = [TrialState.COMPLETE, TrialState.FAIL, TrialState.RUNNING]
    assert [trial.state for trial in sweep.study.trials] == states
    assert sweep.ask()[1] == running


def test_a_larger_number_of_configurations_extends_the_search(tmp_path):
    sweep = Sweep(tmp_path, configurations=3)
    sweep.run()
    before = list(sweep.drawn)
    sweep.search = ExploreSearch(mode="explore", configurations=5)
    sweep.start()
    sweep.run()
    assert sweep.drawn[:3] == before
    assert len(sweep.drawn) == 5


def test_grid_goes_through_every_combination_once(tmp_path):
    sweep = Sweep(tmp_path, CHOICES, sampler="grid", configurations=50)
    sweep.run()
    found = [(p.family.name, tuple(sorted(p.knobs.items()))) for p in sweep.drawn]
    assert len(found) == len(set(found)) == 3 + 4


@pytest.mark.parametrize("lost", [False, True])
def test_an_extended_grid_goes_on_with_the_combinations_that_are_left(tmp_path, lost):
    sweep = Sweep(tmp_path, CHOICES, sampler="grid", configurations=4)
    sweep.finish(*sweep.ask())
    sweep.ask()
    sweep.start()  # killed: one trial was running
    sweep.run()
    assert len(sweep.drawn) == 4
    if lost:
        sweep.storage.unlink()
    sweep.search = ExploreSearch(mode="explore", sampler="grid", configurations=50)
    sweep.start()
    sweep.run()
    found = [(p.family.name, tuple(sorted(p.knobs.items()))) for p in sweep.drawn]
    assert len(found) == len(set(found)) == 3 + 4
    assert [t.state for t in sweep.study.trials] == [TrialState.COMPLETE] * 7


def test_starting_points_are_not_tried_again_where_the_study_was_lost(tmp_path):
    starts, _ = starting_points(FAMILIES, [], defaults=True)
    sweep = Sweep(tmp_path, configurations=6)
    sweep.storage.unlink()
    sweep.start(starts)
    for _ in range(3):
        sweep.finish(*sweep.ask())
    sweep.storage.unlink()
    sweep.start(starts)
    sweep.run()
    assert [p.knobs["lr"] for p in sweep.drawn].count(FAMILIES[0].defaults["lr"]) == 1
    assert len(sweep.study.trials) == 6


def test_starting_points_come_first_and_only_what_fits_is_taken(tmp_path):
    front = [("cup/kl_uniform", {"intensity": 0.25, "lr": 0.5}), ("mgda/kl_uniform", {"lr": 0.01})]
    starts, strangers = starting_points(FAMILIES, front, defaults=True)
    assert strangers == ["mgda/kl_uniform"]
    sweep = Sweep(tmp_path, configurations=4)
    sweep.storage.unlink()
    sweep.start(starts)
    sweep.run()
    assert [p.family.name for p in sweep.drawn[:4]] == [
        "cup/kl_uniform",
        "upgrad/kl_uniform",
        "cup/kl_uniform",
        "fine_tune",
    ]
    assert sweep.drawn[0].knobs["intensity"] == 0.25
    assert 0.001 <= sweep.drawn[0].knobs["lr"] <= 0.01  # 0.5 lies outside and is drawn instead
    assert sweep.drawn[1].knobs["lr"] == FAMILIES[0].defaults["lr"]
    assert sweep.drawn[2].knobs["optimizer"] == FAMILIES[1].defaults["optimizer"]


def test_presets_bring_their_own_defaults():
    family = expand_families([{"preset": "cup", "lr": "sweep", "intensity": {"uniform": [0, 1]}}])[
        0
    ]
    assert family.defaults["lr"] == 0.001


@pytest.mark.parametrize(
    ("domain", "check"),
    [
        ({"uniform": [0.2, 0.6]}, lambda v: (v >= 0.2).all() and (v <= 0.6).all()),
        ({"loguniform": [0.001, 0.1]}, lambda v: 0.2 < (v < 0.01).mean() < 0.8),
        ({"quniform": [0.25, 1.0, 0.25]}, lambda v: set(v) == {0.25, 0.5, 0.75, 1.0}),
        ({"choice": [0.1, 0.3]}, lambda v: set(v) == {0.1, 0.3}),
        ({"normal": [0.5, 0.01]}, lambda v: kstest(v, norm(0.5, 0.01).cdf).pvalue > 1e-3),
    ],
)
def test_domains_keep_their_meaning(domain, check):
    families = {f.name: f for f in expand_families([{"method": "fine_tune", "lr": domain}])}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    knobs = [draw(study.ask(), families)[1]["lr"] for _ in range(200)]
    assert check(np.array(knobs))
    family = families["fine_tune"]
    for value in knobs[:20]:
        study.enqueue_trial(knobs_to_params(family, {"lr": value}))
        assert draw(study.ask(), families)[1]["lr"] == pytest.approx(value)


def test_whole_numbers_leave_out_the_upper_end():
    entry = {"method": "scrub", "rounds": {"randint": [2, 5]}}
    families = {f.name: f for f in expand_families([entry])}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    assert {draw(study.ask(), families)[1]["rounds"] for _ in range(100)} == {2, 3, 4}


def test_trials_in_explore_mode_are_drawn_while_it_runs():
    spec = SweepSpec.from_mapping(
        {
            "task": {"name": "digits"},
            "families": [{"method": "fine_tune", "lr": "sweep"}],
            "search": {"mode": "explore", "sampler": "nsga2", "constraints": ["retain_gap<=.02"]},
        }
    )
    assert spec.plan() == DrawnWhileRunning(trials=spec.search.configurations)
    assert spec.search.bounds[0].violation(0.03) == pytest.approx(0.01)

from __future__ import annotations

import math
from types import SimpleNamespace

import pandas as pd
import pytest
from ray.tune.search import Searcher

from pareto_explorer import load_run
from pareto_explorer.errors import InputError
from pareto_explorer.fronts import retrain_gap_box
from pareto_explorer.runs import RunDirectory
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.search import trial_source
from pareto_explorer.sweeps.search.compare import (
    PlannedTrials,
    SamplesPerFamily,
    SecondsPerFamily,
)
from pareto_explorer.sweeps.search.explore import ParetoSearch
from pareto_explorer.sweeps.search.trial_source import (
    Sweep,
    concurrency_of,
    searcher_for,
    starts_of,
)
from tests.synthetic import write_synthetic_run

EXPLORE = {"mode": "explore", "configurations": 6}
SECONDS = {"budget_per_family": {"seconds": 10}}
SAMPLES = {"budget_per_family": {"samples": 10}}
BOX = retrain_gap_box([0.9])


def spec_of(search: dict, **parts) -> SweepSpec:
    families = [{"method": "fine_tune", "lr": {"choice": [0.001, 0.01]}}, {"method": "none"}]
    return SweepSpec.from_mapping(
        {"task": {"name": "digits"}, "families": families, "search": search} | parts
    )


def sweep_of(spec, folder, plans=(), ended=None, points=None) -> Sweep:
    empty = pd.DataFrame(columns=["trial_id", "replicate", "step", "seconds", "samples"])
    return Sweep(
        spec,
        RunDirectory(folder),
        plans,
        ended or {},
        empty if points is None else points,
        [],
    )


def points_of(*rows: tuple) -> pd.DataFrame:
    columns = ["trial_id", "replicate", "step", "seconds", "forget_gap", "retain_gap", "status"]
    return pd.DataFrame(rows, columns=columns)


def handed_out(searcher: Searcher) -> list[dict]:
    configs = []
    while (config := searcher.suggest(str(len(configs)))) not in (Searcher.FINISHED, None):
        configs.append(config)
    return configs


@pytest.mark.parametrize(
    ("search", "kind"),
    [
        ({}, PlannedTrials),
        (SECONDS, SecondsPerFamily),
        (SAMPLES, SamplesPerFamily),
        (EXPLORE, ParetoSearch),
    ],
)
def test_every_way_of_searching_has_its_searcher(tmp_path, search, kind):
    assert type(searcher_for(sweep_of(spec_of(search), tmp_path), BOX, print)) is kind


def test_of_a_plan_only_what_has_not_ended_is_handed_out_in_order(tmp_path):
    spec = spec_of({"configurations": 2})
    plans = spec.plan()
    ended = {plans[1].trial_id: "finished"}
    found = handed_out(searcher_for(sweep_of(spec, tmp_path, plans, ended), BOX, print))
    left = [plan for plan in plans if plan.trial_id not in ended]
    assert found == [plan.to_config() for plan in left]


def test_spread_replicates_are_handed_out_one_by_one(tmp_path):
    spec = spec_of({"configurations": 1}, resources={"replicate_parallelism": "replicate"})
    plans = spec.plan()
    found = handed_out(searcher_for(sweep_of(spec, tmp_path, plans), BOX, print))
    assert [(c["trial_id"], c["replicate"]) for c in found] == [
        (plan.trial_id, replicate) for plan in plans for replicate in (0, 1, 2)
    ]


@pytest.mark.parametrize(("last", "drawn"), [("finished", 1), ("failed", 0)])
def test_a_family_has_spent_what_the_last_rows_of_its_replicates_say(tmp_path, last, drawn):
    spec = spec_of(SECONDS)
    plans = [p for p in spec_of({"configurations": 2}).plan() if p.family.name == "fine_tune"]
    points = points_of(
        (plans[0].trial_id, 0, 3, 1.0, 0, 0, "ok"),
        (plans[0].trial_id, 0, 6, 2.0, 0, 0, "ok"),
        (plans[0].trial_id, 1, 6, 4.0, 0, 0, "ok"),
        (plans[1].trial_id, 0, 3, 3.0, 0, 0, "ok"),
        (plans[1].trial_id, 0, 0, math.nan, math.nan, math.nan, "failed"),
    )
    ended = {plans[0].trial_id: "finished", plans[1].trial_id: last}
    searcher = searcher_for(sweep_of(spec, tmp_path, plans, ended, points), BOX, lambda _: None)
    # 6 and 3 seconds of 10 are spent; where the second trial failed, it counts as another 6
    found = [config["family"] for config in handed_out(searcher)]
    assert (found.count("fine_tune") > 0) == drawn


@pytest.mark.parametrize(("spent", "drawn"), [(4, 1), (6, 0)])
def test_a_family_has_spent_the_samples_of_one_replicate(tmp_path, spent, drawn):
    spec = spec_of(SAMPLES)
    plans = [p for p in spec_of({"configurations": 1}).plan() if p.family.name == "fine_tune"]
    rows = [(plans[0].trial_id, 0, 3, 1.0), (plans[0].trial_id, 0, 6, 2.0)]
    rows.append((plans[0].trial_id, 1, 6, 4.0))
    points = pd.DataFrame(rows, columns=["trial_id", "replicate", "step", "seconds"])
    points["samples"] = points["step"] * spent // 6
    ended = {plans[0].trial_id: "finished"}
    searcher = searcher_for(sweep_of(spec, tmp_path, plans, ended, points), BOX, lambda _: None)
    found = [config["family"] for config in handed_out(searcher)]
    assert found.count("fine_tune") == drawn


def test_a_search_is_told_the_means_of_the_last_points(tmp_path):
    spec = spec_of(EXPLORE | {"sampler": "random", "start_from_defaults": False})
    drawn = []
    first = searcher_for(sweep_of(spec, tmp_path), BOX, drawn.append)
    for name in ("a", "b", "c"):
        first.suggest(name)
    names = [plan.trial_id for plan in drawn]
    points = points_of(
        (names[0], 0, 3, 1.0, 0.9, 0.9, "ok"),
        (names[0], 0, 6, 1.0, 0.2, 0.3, "ok"),
        (names[0], 1, 6, 1.0, 0.4, 0.1, "ok"),
        (names[1], 0, 3, 1.0, 0.1, 0.1, "ok"),
    )
    ended = {names[0]: "finished", names[1]: "stopped: rung at step 3"}
    again = searcher_for(sweep_of(spec, tmp_path, drawn, ended, points), BOX, drawn.append)
    trials = {t.user_attrs["trial_id"]: t for t in again.study.trials}
    assert trials[names[0]].values == pytest.approx([0.3, 0.2])
    assert [trials[name].state.name for name in names] == ["COMPLETE", "PRUNED", "RUNNING"]
    assert again.suggest("d")["trial_id"] == names[2]


def test_a_search_runs_as_many_trials_as_fit_unless_told_otherwise():
    assert concurrency_of(spec_of(EXPLORE), 3) == 3
    assert concurrency_of(spec_of(EXPLORE), 0) == 1
    assert concurrency_of(spec_of(EXPLORE | {"concurrency": 2}), 3) == 2
    assert concurrency_of(spec_of(SECONDS), 3) == 3
    assert concurrency_of(spec_of(SAMPLES), 3) == 3
    assert concurrency_of(spec_of({}), 3) is None


class Told(Progress):
    def __init__(self):
        super().__init__()
        self.stages = []

    def stage(self, text):
        self.stages.append(text)


@pytest.fixture
def earlier(tmp_path):
    return write_synthetic_run(tmp_path / "earlier").path


def starts(families, warm_start, **search):
    spec = spec_of(EXPLORE | {"warm_start": str(warm_start)} | search, families=families)
    told = Told()
    found = starts_of(spec, told)
    return [(family.name, knobs) for family, knobs in found], told.stages


def test_a_warm_start_brings_every_configuration_of_the_front_once(earlier):
    front = load_run(earlier).front()
    name = front["family"].iloc[0]
    [own] = [{"name": name, "method": "fine_tune", "lr": {"loguniform": [1e-6, 1]}}]
    found, stages = starts([own], earlier)
    of_family = front[front["family"] == name]
    values = list(dict.fromkeys(of_family["config.lr"]))
    assert [knobs["lr"] for _, knobs in found[:-1]] == values
    assert found[-1][0] == name  # the defaults come last
    all_of_them = len(front[["family", "config.lr"]].drop_duplicates())
    others = sorted(set(front["family"]) - {name})
    left = f"; not in this sweep: {', '.join(others)}" if others else ""
    assert stages == [
        f"warm start: {len(values)} of {all_of_them} configurations of its front{left}"
    ]
    without, _ = starts([own], earlier, start_from_defaults=False)
    assert without == found[:-1]


def test_a_warm_start_from_levels_of_one_run_starts_it_once(earlier, monkeypatch):
    """The value of a knob that moves is no part of the configuration."""
    front = load_run(earlier).front()
    name = front["family"].iloc[0]
    one = front.iloc[:1]
    levels = pd.concat([one] * 3, ignore_index=True)[["family", "step"]]
    levels = levels.assign(
        **{"config.path": "weight", "path_value": [0.9, 0.5, 0.1], "config.weight": [0.9, 0.5, 0.1]}
    )
    run = SimpleNamespace(front=lambda: levels)
    monkeypatch.setattr(trial_source, "load_run", lambda _: run)
    own = {"name": name, "method": "fine_tune", "lr": {"loguniform": [1e-6, 1]}}
    found, _ = starts([own], earlier, start_from_defaults=False)
    assert found == [(name, {"path": "weight"})]


def test_a_warm_start_without_a_family_in_common_is_refused(earlier):
    with pytest.raises(InputError, match=r"search\.warm_start: no family on the front of .*alike"):
        starts([{"method": "none", "name": "stranger"}], earlier)


def test_a_warm_start_from_nowhere_is_refused(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        starts([{"method": "none"}], tmp_path / "nowhere")


def test_compare_mode_starts_nowhere():
    assert starts_of(spec_of({}), Told()) == []

"""Every way of searching, stopping and keeping models, in small sweeps on Ray."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import optuna
import pandas as pd
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from typer.testing import CliRunner

from pareto_explorer import load_run, run_sweep
from pareto_explorer.cli.app import app
from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory, read_plans
from pareto_explorer.runs.kept_models import find_model, read_kept_models
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.again.reproduce import reproduce
from pareto_explorer.sweeps.search.explore import STUDY
from pareto_explorer.sweeps.spec.families import plan_trials

pytestmark = pytest.mark.ray

LR = {"loguniform": [0.001, 0.1]}
DESCENT = {"method": "jacobian_descent", "aggregator": "upgrad", "forget_loss": "kl_uniform"}
FINE_TUNE = {"method": "fine_tune", "lr": LR}
DIVERGING = {"name": "diverging", "method": "gradient_ascent", "lr": 1e9}
RUINOUS = {"method": "gradient_ascent", "lr": 1.0, "momentum": {"uniform": [0.0, 0.001]}}
ACCURACIES = [
    {"metric": metric, "direction": "max", "ideal": 1, "nadir": 0}
    for metric in ("retain_accuracy", "test_accuracy")
]
TWO_AT_ONCE = {"cpu": 0.5}


def kills_its_process(batch, *, log=""):
    with Path(log).open("a") as file:
        file.write(".")
    os.kill(os.getpid(), signal.SIGKILL)
    return batch.logits.mean()


def spec_of(space: dict, **parts) -> SweepSpec:
    return SweepSpec.from_mapping(space | parts)


def explore(**search) -> dict:
    return {"mode": "explore", **search}


def study_of(out: Path) -> optuna.Study:
    storage = JournalStorage(JournalFileBackend(str(out / "optuna.journal")))
    return optuna.load_study(study_name=STUDY, storage=storage)


def trials_of(out: Path) -> dict[str, optuna.trial.FrozenTrial]:
    trials = study_of(out).trials
    found = {trial.user_attrs["trial_id"]: trial for trial in trials}
    assert len(found) == len(trials)
    return found


def statuses(run) -> dict[str, str]:
    return run.points.groupby("trial_id")["trial_status"].first().to_dict()


def knobs(points: pd.DataFrame) -> list[tuple]:
    columns = sorted(c for c in points if c.startswith("config."))
    first = points.groupby("trial_id").first()[["family", *columns]].fillna("")
    return list(first.itertuples(index=False, name=None))


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """The very same rows, times included: nothing was run again."""
    pd.testing.assert_frame_equal(found.reset_index(drop=True), expected.reset_index(drop=True))


def assert_nothing_left(spec, out, cache_dir, run) -> None:
    journal = (out / "points.jsonl").read_bytes()
    again = run_sweep(spec, out, cache_dir=cache_dir)
    assert_same(again.points, run.points)
    assert (out / "points.jsonl").read_bytes() == journal


@pytest.fixture(scope="module")
def base() -> dict:
    return {
        "task": {"name": "digits"},
        "replicates": {"training_seeds": [0, 1]},
        "budget": {"steps": 6, "batch_size": 32, "evaluate_every": 3},
        "families": [DESCENT | {"lr": LR}, FINE_TUNE],
        "checkpoints": {"keep": "none"},
    }


@pytest.fixture(scope="module")
def explored(cluster, cache_dir, base, tmp_path_factory):
    """A finished search in which one family diverges and one fails."""
    broken = DESCENT | {"forget_loss": "tests.sweeps.broken:raises_at_second_call", "lr": 0.01}
    spec = spec_of(
        base,
        families=[*base["families"], DIVERGING, broken],
        search=explore(configurations=6, constraints=["retain_gap <= 0.02", "test_accuracy>=0.9"]),
        objectives=[
            {"metric": "forget_gap", "direction": "min", "ideal": 0, "nadir": 1},
            {"metric": "test_accuracy", "direction": "max", "ideal": 1, "nadir": 0},
        ],
    )
    out = tmp_path_factory.mktemp("explored") / "run"
    return spec, out, run_sweep(spec, out, cache_dir=cache_dir)


def test_a_search_leaves_every_point_once(explored):
    _, out, run = explored
    plans = read_plans(RunDirectory(out))
    assert [int(plan["trial_id"][-4:]) for plan in plans] == list(range(6))
    assert {plan["trial_id"] for plan in plans} == set(run.points["trial_id"])
    assert not run.points.duplicated(["trial_id", "replicate", "step"]).any()
    for trial_id, status in statuses(run).items():
        rows = run.points[run.points["trial_id"] == trial_id]
        if status == "finished":
            assert sorted(zip(rows["replicate"], rows["step"], strict=True)) == [
                (0, 3), (0, 6), (1, 3), (1, 6),
            ]  # fmt: skip
            assert set(rows["status"]) == {"ok"}
        else:
            assert status in set(rows["status"])
    assert set(statuses(run).values()) == {"finished", "diverged", "failed"}


def test_the_defaults_are_tried_first(explored):
    spec, out, _ = explored
    families = spec.family_list()
    plans = read_plans(RunDirectory(out))
    assert [plan["family"] for plan in plans[:4]] == [family.name for family in families]
    for plan, family in zip(plans, families, strict=False):
        assert plan["knobs"] == {**family.knobs, **family.defaults}


def test_optuna_knows_how_each_trial_ended(explored):
    _, out, run = explored
    trials = trials_of(out)
    assert [d.name for d in study_of(out).directions] == ["MINIMIZE", "MAXIMIZE"]
    assert trials.keys() == set(run.points["trial_id"])
    for trial_id, status in statuses(run).items():
        trial, rows = trials[trial_id], run.points[run.points["trial_id"] == trial_id]
        assert trial.params["family"] == rows["family"].iloc[0]
        drawn = {name: value for name, value in trial.params.items() if name != "family"}
        for name, value in drawn.items():
            assert set(rows[f"config.{name.rpartition('.')[2]}"]) == {value}
        if status == "finished":
            last = rows[rows["step"] == 6].mean(numeric_only=True)
            assert trial.state == TrialState.COMPLETE
            assert trial.values == pytest.approx([last["forget_gap"], last["test_accuracy"]])
            assert trial.constraints == {
                "retain_gap <= 0.02": pytest.approx(last["retain_gap"] - 0.02),
                "test_accuracy >= 0.9": pytest.approx(0.9 - last["test_accuracy"]),
            }
        else:
            assert trial.state == TrialState.FAIL
            assert trial.values is None


def test_a_point_of_a_search_can_be_reproduced(explored, cache_dir):
    spec, out, run = explored
    row = run.points[(run.points["trial_status"] == "finished") & (run.points["step"] == 6)].iloc[
        -1
    ]
    point = (row["trial_id"], int(row["replicate"]), 6)
    again = reproduce(out, *point, cache_dir=cache_dir, spec=spec)
    assert again.values.loc["test_accuracy", "recorded"] == row["test_accuracy"]
    assert again.largest_difference == 0


def test_a_finished_search_is_not_run_again_and_a_larger_one_goes_on(explored, cache_dir):
    spec, out, run = explored
    assert_nothing_left(spec, out, cache_dir, run)
    assert len(trials_of(out)) == 6
    more = spec.to_mapping()
    more["search"]["configurations"] = 8
    longer = run_sweep(SweepSpec.from_mapping(more), out, cache_dir=cache_dir)
    kept = longer.points[longer.points["trial_id"].isin(run.points["trial_id"])]
    assert_same(kept[run.points.columns], run.points)
    assert longer.points["trial_id"].nunique() == 8
    trials = trials_of(out)
    assert trials.keys() == set(longer.points["trial_id"])
    assert all(trial.state.is_finished() for trial in trials.values())


@pytest.mark.slow
def test_a_grid_is_extended_to_its_last_combination(cluster, cache_dir, base, tmp_path):
    base = base | {
        "families": [
            DESCENT | {"lr": {"grid_search": [0.001, 0.01]}},
            {"method": "fine_tune", "lr": {"choice": [0.002, 0.02]}},
        ],
        "replicates": {"training_seeds": [0]},
    }
    out = tmp_path / "run"
    for configurations, expected in ((3, 3), (50, 4)):
        search = explore(sampler="grid", configurations=configurations)
        run = run_sweep(spec_of(base, search=search), out, cache_dir=cache_dir)
        assert len(set(knobs(run.points))) == run.points["trial_id"].nunique() == expected
    assert sorted(run.points["config.lr"].unique()) == [0.001, 0.002, 0.01, 0.02]
    assert len(trials_of(out)) == 4
    assert_nothing_left(spec_of(base, search=search), out, cache_dir, run)


@pytest.mark.slow
def test_a_genetic_search_counts_its_trials_too(cluster, cache_dir, base, tmp_path):
    search = explore(sampler="nsga2", configurations=6, start_from_defaults=False)
    spec = spec_of(base, search=search, replicates={"training_seeds": [0]})
    run = run_sweep(spec, tmp_path / "run", cache_dir=cache_dir)
    assert set(statuses(run).values()) == {"finished"}
    assert [t.state for t in study_of(tmp_path / "run").trials] == [TrialState.COMPLETE] * 6
    assert len(set(knobs(run.points))) == 6


@pytest.mark.slow
def test_a_warm_start_tries_an_earlier_front_first(explored, cache_dir, base, tmp_path):
    earlier = tmp_path / "earlier"
    shutil.copytree(explored[1], earlier)
    front = load_run(earlier).front()
    fits = front[front["family"].isin(["upgrad/kl_uniform", "fine_tune"])]
    expected = {(row["family"], row["config.lr"]) for row in fits.to_dict("records")}
    assert expected
    search = explore(
        configurations=len(expected), warm_start=str(earlier), start_from_defaults=False
    )
    spec = spec_of(base, search=search)
    warm = run_sweep(spec, tmp_path / "run", cache_dir=cache_dir)
    found = warm.points[["family", "config.lr"]].drop_duplicates()
    assert set(found.itertuples(index=False, name=None)) == expected
    shutil.rmtree(earlier)  # it was needed for the start only
    assert_nothing_left(spec, tmp_path / "run", cache_dir, warm)


def test_a_warm_start_that_has_nothing_in_common_is_refused(explored, cache_dir, base, tmp_path):
    space = base | {"families": [{"method": "gradient_ascent", "lr": LR}]}
    spec = spec_of(space, search=explore(warm_start=str(explored[1])))
    front = set(load_run(explored[1]).front()["family"])
    with pytest.raises(InputError, match=r"search\.warm_start: no family on the front of") as told:
        run_sweep(spec, tmp_path / "run", cache_dir=cache_dir)
    assert all(name in str(told.value) for name in front)
    assert not (tmp_path / "run" / "points.jsonl").exists()


@pytest.mark.slow
def test_a_budget_of_seconds_is_spent_and_can_be_raised(cluster, cache_dir, base, tmp_path):
    out = tmp_path / "run"

    def within(seconds: float) -> tuple[SweepSpec, pd.Series]:
        spec = spec_of(base, search={"budget_per_family": {"seconds": seconds}})
        run = run_sweep(spec, out, cache_dir=cache_dir)
        last = run.points[run.points["step"] == 6]
        return spec, run, last.groupby(["family", "trial_id"])["seconds"].sum()

    _, first, spent = within(1e-6)
    assert spent.groupby("family").size().to_dict() == {"fine_tune": 1, "upgrad/kl_uniform": 1}
    seconds = 1.01 * spent.max()
    spec, run, spent = within(seconds)
    for _, of_family in spent.groupby("family"):
        assert of_family.sum() >= seconds > of_family.sort_index().iloc[:-1].sum()
    planned = {p.trial_id: dict(p.knobs) for p in plan_trials(spec.family_list(), 50, 0)}
    for plan in read_plans(RunDirectory(out)):
        assert planned[plan["trial_id"]] == plan["knobs"]
    kept = run.points[run.points["trial_id"].isin(first.points["trial_id"])]
    assert_same(kept, first.points)
    assert_nothing_left(spec, out, cache_dir, run)


@pytest.mark.slow
def test_equal_samples_for_runs_of_their_own_length_and_more_of_them(
    cluster, cache_dir, base, tmp_path
):
    out = tmp_path / "run"
    descent = DESCENT | {"forget_loss": "bounded_cross_entropy"}
    path = descent | {"path": {"knob": "preference", "levels": 3}, "lr": LR}
    short = descent | {"name": "short", "budget": {"steps": 2}, "lr": LR}

    def within(samples: int) -> tuple[SweepSpec, pd.DataFrame, pd.Series]:
        search = {"budget_per_family": {"samples": samples}}
        spec = spec_of(base, families=[path, short], search=search)
        run = run_sweep(spec, out, cache_dir=cache_dir)
        spent = run.points.groupby(["family", "trial_id"])["samples"].max()
        return spec, run, spent

    _, first, spent = within(1)  # one of each, however little there is
    assert spent.groupby("family").size().tolist() == [1, 1]
    whole, part = spent.max(), spent.min()
    assert whole == 3 * part
    assert set(first.points.loc[first.points["family"] == "short", "step"]) == {2}
    spec, run, spent = within(int(2 * whole - 1))
    assert spent.groupby("family").size().to_dict() == {
        "short": 5,
        "upgrad/bounded_cross_entropy/path": 1,
    }
    assert (spent.groupby("family").sum() < 2 * whole).all()
    kept = run.points[run.points["trial_id"].isin(first.points["trial_id"])]
    assert_same(kept, first.points)
    again = reproduce(out, "short-004", 0, 2, cache_dir=cache_dir)
    assert again.largest_difference == 0.0
    assert_nothing_left(spec, out, cache_dir, run)


@pytest.mark.slow
def test_early_stopping_ends_what_is_dominated_and_keeps_its_points(
    cluster, cache_dir, base, tmp_path
):
    space = base | {
        "families": [FINE_TUNE, RUINOUS],
        "objectives": ACCURACIES,
        "early_stopping": {"grace": 3, "by_family": False},
    }
    out = tmp_path / "run"
    spec = spec_of(space, search={"configurations": 1})
    run = run_sweep(spec, out, cache_dir=cache_dir)
    assert statuses(run) == {
        "fine_tune-000": "finished",
        "gradient_ascent-000": "stopped: rung at step 3: dominated, rank 2 of 2",
    }
    stopped = run.points[run.points["family"] == "gradient_ascent"]
    assert list(zip(stopped["replicate"], stopped["step"], strict=True)) == [(0, 3), (1, 3)]
    assert set(stopped["status"]) == {"ok"}
    assert_nothing_left(spec, out, cache_dir, run)
    more = run_sweep(spec_of(space, search={"configurations": 2}), out, cache_dir=cache_dir)
    verdict = statuses(more)["gradient_ascent-001"]  # its rung holds the trials of the first run
    assert verdict.startswith("stopped: rung at step 3: dominated, rank ")
    assert verdict.endswith(" of 4")
    assert_same(more.points[more.points["trial_id"].isin(run.points["trial_id"])], run.points)


def test_a_search_hears_of_an_early_stop_as_pruned_and_of_divergence_as_failed(
    cluster, cache_dir, base, tmp_path
):
    spec = spec_of(
        base,
        families=[FINE_TUNE, RUINOUS, DIVERGING],
        objectives=ACCURACIES,
        early_stopping={"grace": 3, "by_family": False},
        search=explore(configurations=3, concurrency=1),
    )
    run = run_sweep(spec, tmp_path / "run", cache_dir=cache_dir)
    ends = statuses(run)
    assert ends == {
        "fine_tune-0000": "finished",
        "gradient_ascent-0001": "stopped: rung at step 3: dominated, rank 2 of 2",
        "diverging-0002": "diverged",
    }
    assert {name: trial.state for name, trial in trials_of(tmp_path / "run").items()} == {
        "fine_tune-0000": TrialState.COMPLETE,
        "gradient_ascent-0001": TrialState.PRUNED,
        "diverging-0002": TrialState.FAIL,
    }


@pytest.mark.slow
@pytest.mark.parametrize("parallelism", ["trial", "replicate"])
def test_a_sweep_that_gains_nothing_ends_early_and_stays_ended(
    cluster, cache_dir, base, tmp_path, parallelism
):
    space = base | {"search": {"configurations": 6}}
    space["resources"] = {**TWO_AT_ONCE, "replicate_parallelism": parallelism}
    out = tmp_path / "run"
    spec = spec_of(space, stop={"gain": 10, "configurations": 2})
    run = run_sweep(spec, out, cache_dir=cache_dir)
    ends = list(statuses(run).values())
    assert 2 <= ends.count("finished") <= 3  # two can end at once
    assert set(ends) <= {"finished", "stopped: the hypervolume has stopped growing"}
    assert_nothing_left(spec, out, cache_dir, run)
    if parallelism == "replicate":
        return
    whole = run_sweep(spec_of(space), out, cache_dir=cache_dir)
    assert whole.points["trial_id"].nunique() == 12
    assert_same(whole.points[whole.points["trial_id"].isin(run.points["trial_id"])], run.points)


@pytest.mark.slow
def test_replicates_on_workers_of_their_own_give_the_same_points(
    cluster, cache_dir, base, tmp_path
):
    space = base | {"families": [*base["families"], DIVERGING], "search": {"configurations": 2}}
    tables = []
    for parallelism in ("trial", "replicate"):
        spec = spec_of(space, resources={**TWO_AT_ONCE, "replicate_parallelism": parallelism})
        run = run_sweep(spec, tmp_path / parallelism, cache_dir=cache_dir)
        tables.append(run.points.drop(columns=["seconds", "evaluation_seconds"]))
    assert_same(*tables)
    assert set(tables[0]["trial_status"]) == {"finished", "diverged"}


def dominated(points: pd.DataFrame, box) -> dict[tuple[str, int], bool]:
    """Of every trial and step, whether another one's mean is better: by brute force."""
    means = points.groupby(["trial_id", "step"])[list(box.metrics)].mean()
    values = {key: row.tolist() for key, row in means.iterrows()}
    return {
        key: any(other != mine and all(map(float.__le__, other, mine)) for other in values.values())
        for key, mine in values.items()
    }


@pytest.mark.parametrize(
    "keep", ["front", *(pytest.param(keep, marks=pytest.mark.slow) for keep in ("final", "none"))]
)
def test_exactly_the_models_that_are_worth_it_stay(
    cluster, cache_dir, base, tmp_path, monkeypatch, keep
):
    out = tmp_path / "run"
    spec = spec_of(base, checkpoints={"keep": keep}, search={"configurations": 2})
    run = run_sweep(spec, out, cache_dir=cache_dir)
    beaten = dominated(run.points, run.box)
    front = {key for key, worse in beaten.items() if not worse}
    assert front == set(run.front()[["trial_id", "step"]].itertuples(index=False, name=None))
    assert 0 < len(front) < len(beaten)
    last = {key for key in beaten if key[1] == 6}
    wanted = {"front": front, "final": front | last, "none": set()}[keep]
    points = {(name, replicate, step) for name, step in wanted for replicate in (0, 1)}
    kept = read_kept_models(run.directory)
    assert {(e["trial_id"], e["replicate"], e["step"]) for e in kept.values()} == points
    files = {path.relative_to(out / "models").as_posix() for path in out.rglob("*.safetensors")}
    assert files == kept.keys()
    assert all(find_model(run.directory, *point) is not None for point in points)
    if keep == "none":
        assert not (out / "models").exists()
        return

    def fail(*_, **__):
        raise AssertionError("nothing should run again")

    monkeypatch.setattr("pareto_explorer.sweeps.again.export.reproduce", fail)
    target = tmp_path / "chosen.safetensors"
    done = CliRunner().invoke(app, ["select", str(out), "--export", str(target)])
    assert done.exit_code == 0, done.output
    assert target.read_bytes() in {find_model(run.directory, *p).read_bytes() for p in points}


@pytest.mark.slow
def test_a_lost_trial_is_tried_again_as_often_as_asked(cluster, cache_dir, base, tmp_path):
    log = tmp_path / "calls"
    loss = {"forget_loss": f"{__name__}:kills_its_process", "log": str(log), "lr": 0.01}
    spec = spec_of(base, families=[DESCENT | loss], retries=1, search={"configurations": 1})
    run = run_sweep(spec, tmp_path / "run", cache_dir=cache_dir)
    assert log.stat().st_size == 2
    assert set(run.points["status"]) == set(run.points["trial_status"]) == {"failed"}
    assert run.points["error"].str.len().gt(0).all()

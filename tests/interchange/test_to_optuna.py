import warnings
from dataclasses import replace

import optuna
import pytest

from pareto_explorer.fronts import Box, Objective
from pareto_explorer.interchange import to_optuna


@pytest.fixture(scope="module")
def study(run):
    return to_optuna(run)


def complete(study):
    return [t for t in study.trials if t.state == optuna.trial.TrialState.COMPLETE]


def test_each_replicate_mean_is_a_trial(run, study):
    means = run.means()
    found = {(t.user_attrs["trial_id"], t.user_attrs["step"]): t for t in complete(study)}
    assert len(found) == len(means)
    for row in means.to_dict("records"):
        trial = found[row["trial_id"], row["step"]]
        assert trial.values == [row["forget_gap"], row["retain_gap"]]
        assert trial.params["lr"] == row["config.lr"] if row["family"] != "none" else True
        assert trial.user_attrs["family"] == row["family"]
        assert trial.user_attrs["test_accuracy"] == row["test_accuracy"]
        assert trial.user_attrs["spread"]["retain_gap"] == row["retain_gap.std"]
    assert study.metric_names == ["forget_gap", "retain_gap"]
    assert study.study_name == "synthetic"


def test_the_values_of_each_replicate_travel_along(run, study):
    trial = next(t for t in complete(study) if t.user_attrs["trial_id"] == "fine_tune-1")
    rows = run.points[(run.points["trial_id"] == "fine_tune-1") & (run.points["step"] == 20)]
    assert trial.user_attrs["replicates"]["forget_gap"] == dict(
        zip(["0", "1", "2"], rows["forget_gap"], strict=True)
    )


def test_the_front_is_the_same(run, study):
    front = run.front()
    best = {(t.user_attrs["trial_id"], t.user_attrs["step"]) for t in study.best_trials}
    assert best == set(zip(front["trial_id"], front["step"], strict=True))


def test_knobs_are_conditional_parameters_with_their_scale(study):
    by_family = {t.user_attrs["family"]: t for t in complete(study)}
    cup = by_family["cup/negative_cross_entropy"]
    assert {"lr", "optimizer", "intensity"} <= cup.params.keys()
    assert "intensity" not in by_family["fine_tune"].params
    assert cup.distributions["lr"].log  # the specification draws it so
    assert not cup.distributions["intensity"].log
    assert by_family["none"].params == {"family": "none", "step": 0}
    assert cup.distributions["family"] == by_family["none"].distributions["family"]


def test_a_trial_without_a_mean_has_failed(study):
    failed = [t for t in study.trials if t.state == optuna.trial.TrialState.FAIL]
    assert [t.user_attrs["trial_id"] for t in failed] == ["fine_tune-0"]
    assert failed[0].user_attrs["error"].startswith("RuntimeError")


@pytest.mark.parametrize("first", ["min", "max"])
@pytest.mark.parametrize("second", ["min", "max"])
def test_directions_are_those_of_the_box(run, first, second):
    def objective(metric, direction):
        low, high = 0.0, 1.0
        ends = (low, high) if direction == "min" else (high, low)
        return Objective(metric, direction, *ends)

    box = Box((objective("forget_gap", first), objective("test_accuracy", second)))
    turned = replace(run, box=box)
    found = to_optuna(turned)
    assert [d.name[:3].lower() for d in found.directions] == [first, second]
    front = turned.front()
    best = {(t.user_attrs["trial_id"], t.user_attrs["step"]) for t in found.best_trials}
    assert best == set(zip(front["trial_id"], front["step"], strict=True))


def test_optunas_own_plots_accept_the_study(study):
    import optuna.visualization as plots

    def target(trial):
        return trial.values[0]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what its importances mean
        front = plots.plot_pareto_front(study)
        parallel = plots.plot_parallel_coordinate(study, target=target, target_name="forget gap")
        importances = plots.plot_param_importances(
            study, target=target, target_name="forget gap", params=["family", "step"]
        )
        slices = plots.plot_slice(study, ["lr"], target=target, target_name="forget gap")
    assert sum(len(trace.x) for trace in front.data) == len(complete(study))
    assert len(parallel.data) > 0
    assert set(importances.data[0].y) == {"family", "step"}
    assert len(slices.data[0].x) == len(complete(study)) - 1  # `none` has no lr


def test_optuna_stays_as_talkative_as_it_was(run, capfd):
    optuna.logging.set_verbosity(optuna.logging.INFO)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        to_optuna(run)
    assert optuna.logging.get_verbosity() == optuna.logging.INFO
    assert capfd.readouterr().err == ""

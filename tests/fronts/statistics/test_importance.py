import numpy as np
import pandas as pd
import pytest

from pareto_explorer.fronts.statistics.importance import knob_importance
from tests.fronts.core.test_tables import BOX, row, table


def sweep(n=60, *, seed=0, steps=(1, 2), cost=None, replicates=(0, 1), **more):
    """Trials with a number, a word, a knob that only some have, and one that does nothing."""
    rng = np.random.default_rng(seed)
    rows = []
    for trial in range(n):
        lr, idle = rng.random(2)
        word = ["adam", "sgd"][trial % 2]
        config = {"config.lr": lr, "config.idle": idle, "config.optimizer": word}
        if trial % 3:
            config["config.quota"] = rng.random()
        for step in steps:
            for replicate in replicates:
                value = lr if cost is None else cost[trial]
                gain = 0.25 + 0.5 * (word == "sgd") + 0.01 * rng.random()
                rows.append(row(f"t{trial:03d}", replicate, step, value, gain) | config | more)
    return table(*rows)


def ranked(result, target):
    return result.table[result.table["target"] == target]["knob"].tolist()


def test_finds_what_each_objective_was_made_of():
    found = knob_importance(sweep(), BOX)
    assert found.reason == ""
    assert ranked(found, "cost")[0] == "lr"
    assert ranked(found, "gain")[0] == "optimizer"
    assert {ranked(found, "hypervolume contribution")[i] for i in (0, 1)} == {"lr", "optimizer"}
    assert set(found.table["knob"]) == {"lr", "idle", "optimizer", "quota", "step"}
    assert "step" not in ranked(found, "hypervolume contribution")  # its rows are trials
    importance = found.table.set_index(["target", "knob"])["importance"]
    # permuting what explains all of the variance costs twice the variance
    assert importance["cost", "lr"] == pytest.approx(2.0, abs=0.4)
    assert importance["gain", "optimizer"] == pytest.approx(2.0, abs=0.4)
    for knob in ("idle", "quota", "step"):
        assert abs(importance["cost", knob]) < 0.05
    assert found.r2["cost"] > 0.9
    assert found.r2["gain"] > 0.9
    assert list(found.table) == ["target", "knob", "importance", "std"]
    assert (found.table["std"] >= 0).all()
    assert "60 trials with 120 checkpoints" in found.note
    assert "what its own checkpoints dominate" in found.note


def test_the_same_seed_gives_the_same_table_in_any_order_of_rows():
    points = sweep(30)
    first = knob_importance(points, BOX)
    again = knob_importance(points.sample(frac=1, random_state=1), BOX)
    pd.testing.assert_frame_equal(first.table, again.table)
    other = knob_importance(points, BOX, seed=1)
    assert not first.table["importance"].equals(other.table["importance"])


def test_what_differs_between_trials_by_chance_alone_is_not_explained():
    # a forest that saw other checkpoints of the same trial would know the trial by its knobs
    noise = np.random.default_rng(5).random(40)
    points = sweep(40, steps=range(10), cost=noise)
    found = knob_importance(points, BOX)
    assert found.r2["cost"] < 0.1
    assert "cost" not in set(found.table["target"])


def test_exclusive_contributions_where_many_trials_would_be_missed():
    points = table(
        *(
            row(f"t{i}", 0, 1, i / 30, 1 - (29 - i) / 30) | {"config.lr": float(i)}
            for i in range(30)
        )
    )
    points["gain"] = 1 - (29 - np.arange(30)) / 30
    assert "what all others together lack without it" in knob_importance(points, BOX).note


def test_a_large_sweep_is_subsampled_by_trials():
    points = sweep(400, steps=range(1, 21), replicates=(0,))
    found = knob_importance(points, BOX)
    assert "150 trials with 1,500 checkpoints, drawn from 400 trials with 8,000" in found.note
    assert ranked(found, "cost")[0] == "lr"


def test_a_knob_that_too_few_trials_have_is_left_out_and_named():
    points = sweep(30)  # a third of the trials have no quota
    found = knob_importance(points, BOX)
    assert "quota" in set(found.table["knob"])
    assert "Left out" not in found.note
    fewer = knob_importance(sweep(27), BOX)
    assert set(fewer.table["knob"]) == {"lr", "idle", "optimizer", "step"}
    assert fewer.note.endswith("Left out, since fewer than 20 of these trials have one: quota.")


def test_a_knob_of_one_family_that_does_nothing_does_not_seem_to_matter():
    # the family differs from the others, so that having the knob says all
    rng = np.random.default_rng(0)
    rows = [
        row(f"t{i:03d}", 0, 1, (0.2 if i % 3 else 0.6) + 0.02 * rng.random(), 0.5)
        | {"aggregator": f"a{i % 3}", "config.lr": rng.random()}
        | ({} if i % 3 else {"config.own": rng.random()})
        for i in range(90)
    ]
    importance = knob_importance(table(*rows), BOX).table.set_index(["target", "knob"])
    assert importance["importance"]["cost", "aggregator"] > 0.2
    assert abs(importance["importance"]["cost", "own"]) < 0.05


def test_says_that_no_knob_is_in_enough_trials():
    points = sweep(27).drop(columns=["config.lr", "config.idle", "config.optimizer"])
    found = knob_importance(points, BOX)
    assert found.reason == "No knob that varies is in 20 trials or more."
    assert found.table.empty


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (sweep(19), "19 trials have points in every replicate; at least 20 are needed"),
        (table(), "0 trials have"),
        (
            table(*(row(f"t{i}", 0, 1, i / 30, 0.5) for i in range(30))),
            "All trials have the same configuration",
        ),
    ],
    ids=["few", "none", "alike"],
)
def test_says_why_it_does_not_apply(points, reason):
    found = knob_importance(points, BOX)
    assert found.reason.startswith(reason)
    assert found.table.empty
    assert found.r2 == {}


def test_says_that_the_knobs_explain_nothing():
    rng = np.random.default_rng(3)
    points = table(
        *(row(f"t{i}", 0, 1, *rng.random(2)) | {"config.idle": rng.random()} for i in range(40))
    )
    found = knob_importance(points, BOX)
    assert found.reason.startswith("The knobs explain nothing that holds on other trials")
    assert found.table.empty
    assert set(found.r2) == {"cost", "gain", "hypervolume contribution"}


def test_a_target_that_never_changes_is_not_explained():
    points = sweep(30)
    points["gain"] = 0.5
    found = knob_importance(points, BOX)
    assert found.r2["gain"] == 0.0
    assert "gain" not in set(found.table["target"])


def test_agrees_with_scikit_learn():
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    rng = np.random.default_rng(0)
    knobs = rng.random((200, 3))
    cost = 0.7 * knobs[:, 0] + 0.3 * knobs[:, 1]
    points = table(
        *(
            row(f"t{i}", 0, 1, cost[i], 0.5)
            | {f"config.k{j}": float(knobs[i, j]) for j in range(3)}
            for i in range(200)
        )
    )
    found = knob_importance(points, BOX).table.set_index(["target", "knob"])["importance"]["cost"]
    forest = RandomForestRegressor(100, min_samples_leaf=2, random_state=0).fit(
        knobs[:160], cost[:160]
    )
    theirs = permutation_importance(forest, knobs[160:], cost[160:], n_repeats=20, random_state=0)
    for j in range(3):
        assert found[f"k{j}"] == pytest.approx(theirs.importances_mean[j], rel=0.3, abs=0.05)


def test_what_is_explained_is_what_an_out_of_bag_score_says():
    from sklearn.ensemble import RandomForestRegressor

    rng = np.random.default_rng(2)
    knobs = rng.random((120, 2))
    cost = knobs[:, 0] + rng.normal(0, 0.25, 120)
    points = table(
        *(
            row(f"t{i:03d}", 0, 1, cost[i], 0.5)
            | {"config.a": knobs[i, 0], "config.b": knobs[i, 1]}
            for i in range(120)
        )
    )
    forest = RandomForestRegressor(1000, min_samples_leaf=2, oob_score=True, random_state=0)
    theirs = forest.fit(knobs, cost).oob_score_
    assert 0.2 < theirs < 0.8
    assert knob_importance(points, BOX).r2["cost"] == pytest.approx(theirs, abs=0.03)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_numbers_that_single_precision_cannot_hold_are_told_apart():
    sizes = [-np.inf, -1e308, 0.1, 1e39, 1e308, np.inf, np.nan]
    points = table(
        *(
            row(f"t{i}", 0, 1, cost := (i % 7) / 7, 1 - cost) | {"config.clip": sizes[i % 7]}
            for i in range(42)
        )
    )
    found = knob_importance(points, BOX)
    assert found.r2["cost"] > 0.9
    assert set(found.table["knob"]) == {"clip"}


def test_a_knob_that_moves_during_a_run_explains_its_models_and_no_trial():
    rng = np.random.default_rng(0)
    rows = []
    for i in range(40):
        start, lr = rng.uniform(0.5, 0.9), rng.random()
        for step, weight in ((1, start), (2, 0.3), (3, 0.1)):
            path = {"config.path": "weight", "config.path_from": start, "path_value": weight}
            values = (0.2 + 0.6 * weight, 0.5 + 0.4 * lr)
            rows.append(row(f"t{i:03d}", 0, step, *values) | path | {"config.lr": lr})
    found = knob_importance(table(*rows), BOX)
    assert "weight" in ranked(found, "cost")
    assert "lr" in ranked(found, "hypervolume contribution")
    assert "weight" not in ranked(found, "hypervolume contribution")

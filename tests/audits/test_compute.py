"""The tables of an audit: what is computed from which models, and what is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from pareto_explorer.audits.compute import Point, samples_table, statistics_table
from pareto_explorer.audits.records import COLUMNS, DATA, NONE, SETS, Shadow
from pareto_explorer.audits.statistics import squared_excess_auc, u_lira
from tests.audits.shadows import FORGET, STEP, TRIAL, shadows

CHOSEN, NOTHING = Point(TRIAL, STEP), Point(NONE, 0)


def value_of(table: pd.DataFrame, statistic: str, of: str = "forget", **where: object) -> pd.Series:
    wanted = {"statistic": statistic, "set": of, "seeds": "all", **where}
    found = table[(table[list(wanted)] == pd.Series(wanted)).all(axis=1)]
    assert len(found) == 1
    return found.iloc[0]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return statistics_table(shadows(range(12)), range(4), [CHOSEN, NOTHING])


def test_values_are_those_of_the_statistics(table):
    models = shadows(range(12))
    u, r = (
        np.array([models[shadow(seed)]["forget"] for seed in range(12)], np.float64)
        for shadow in (CHOSEN.shadow, lambda seed: Shadow("retrained", seed))
    )
    attack, excess = u_lira(u, r), squared_excess_auc(u, r)
    accuracy = value_of(table, "attack_accuracy", trial_id=TRIAL)
    assert accuracy["value"] == attack.accuracy
    assert accuracy["low"] < ndtr(0.5) < accuracy["high"]  # the margins are one deviation apart
    assert value_of(table, "attack_auc", trial_id=TRIAL)["value"] == attack.auc
    row = value_of(table, "excess_auc2", trial_id=TRIAL)
    assert (row["value"], row["se"]) == (excess.value, excess.se)
    assert (row["low"], row["high"]) == excess.interval()


def test_only_the_forget_set_tells_where_only_it_has_changed(table):
    for of in ("retain", "test"):
        row = value_of(table, "attack_accuracy", of, trial_id=TRIAL)
        assert row["low"] < 0.5 < row["high"]
    assert value_of(table, "attack_accuracy", trial_id=TRIAL)["low"] > 0.5
    nothing = value_of(table, "attack_accuracy", trial_id=NONE)
    assert nothing["value"] > 0.95
    assert nothing["high"] <= 1.0


def test_own_and_fresh_seeds_stand_apart(table):
    rows = table[(table["statistic"] == "attack_accuracy") & (table["set"] == "forget")]
    counts = rows[rows["trial_id"] == TRIAL].set_index("seeds")["n_models"].to_dict()
    assert counts == {"own": 4, "fresh": 8, "all": 12}
    own = value_of(table, "attack_accuracy", trial_id=TRIAL, seeds="own")
    assert np.isnan(own["se"])  # three seeds are too few to attack with


def test_the_choice_is_judged_by_one_attacker_on_own_and_fresh_seeds(table):
    models = shadows(range(12))
    u, r = (
        np.array([models[shadow(seed)]["forget"] for seed in range(12)], np.float64)
        for shadow in (CHOSEN.shadow, lambda seed: Shadow("retrained", seed))
    )
    per_seed = u_lira(u, r).per_seed
    row = value_of(table, "selection_optimism", trial_id=TRIAL)
    assert row["value"] == pytest.approx(per_seed[4:].mean() - per_seed[:4].mean())
    assert row["low"] < 0 < row["high"]  # these seeds have chosen nothing
    without = statistics_table(models, range(12), [CHOSEN])
    assert "selection_optimism" not in set(without["statistic"])


def test_retrained_models_against_one_another_have_an_interval(table):
    for of in SETS:
        row = value_of(table, "attack_accuracy_retrained", of, trial_id=TRIAL)
        assert row["low"] < 0.5 < row["high"]
        assert row["value"] == value_of(table, "attack_accuracy", of, trial_id=TRIAL)["floor"]
        assert row["n_models"] == 6
    few = statistics_table(shadows(range(7)), range(7), [CHOSEN])
    assert "attack_accuracy_retrained" not in set(few["statistic"])


def test_the_attack_is_broken_down_by_memorisation(table):
    rows = table[table["statistic"] == "attack_accuracy_by_memorisation"]
    rows = rows[rows["trial_id"] == TRIAL]
    assert rows["role"].tolist() == ["low", "mid", "high"]
    accuracy = value_of(table, "attack_accuracy", trial_id=TRIAL)["value"]
    assert rows["value"].mean() == pytest.approx(accuracy)
    assert (rows["low"] < rows["value"]).all()
    four = statistics_table(shadows(range(4)), range(4), [CHOSEN])
    four = four[four["statistic"] == "attack_accuracy_by_memorisation"]
    assert len(four) == 3
    assert four["low"].isna().all()


def test_the_equivalent_auc_has_the_bounds_of_what_it_is_computed_from(table):
    row = value_of(table, "equivalent_auc", trial_id=TRIAL)
    excess = value_of(table, "excess_auc2", trial_id=TRIAL)
    assert (row["low"] - 0.5) ** 2 == pytest.approx(excess["low"])
    assert (row["high"] - 0.5) ** 2 == pytest.approx(excess["high"])


def test_floors_are_those_of_retrained_models(table):
    for of in SETS:
        row = value_of(table, "attack_accuracy", of, trial_id=TRIAL)
        assert (row["floor_n"], abs(row["floor"] - 0.5) < 0.1) == (6, True)
    klom = value_of(table, "klom", trial_id=TRIAL)
    assert klom["n_models"] == klom["floor_n"] == 6
    assert klom["floor"] > 5  # six models a side say nothing
    assert value_of(table, "neurips_f", trial_id=TRIAL)["floor"] > 0
    assert abs(value_of(table, "rmia_auc", trial_id=TRIAL)["floor"] - 0.5) < 0.1


@pytest.mark.parametrize("n", [2, 3])
def test_below_four_seeds_only_what_needs_no_more_is_there(n):
    found = statistics_table(shadows(range(n)), range(n), [CHOSEN])
    assert set(found["audit"]) == {"outputs", "rmia", "population"}


def test_a_model_that_diverged_takes_its_seed_with_it():
    models = shadows(range(6))
    models[CHOSEN.shadow(2)] = {}
    found = statistics_table(models, range(6), [CHOSEN, NOTHING])
    assert value_of(found, "attack_accuracy", trial_id=TRIAL)["n_models"] == 5
    assert value_of(found, "attack_accuracy", trial_id=NONE)["n_models"] == 6


def test_retrained_models_audited_as_unlearned_ones_are_not_noticed():
    """Those of twice as many seeds, so that no two are the same."""
    models = shadows(range(8), shift=0.0)
    found = statistics_table(models, (), [CHOSEN])
    row = value_of(found, "attack_accuracy", seeds="fresh")
    assert row["low"] < 0.5 < row["high"]
    assert abs(value_of(found, "excess_auc2")["value"]) < 0.01


def test_leakage_of_retrained_halves_is_exactly_none():
    models = shadows(range(6))
    draws = np.random.default_rng(1)
    for seed in range(6):
        mask = draws.permutation(FORGET) < FORGET // 2
        both = draws.normal(size=FORGET).astype(np.float32)
        for half in ("first", "second"):
            models[CHOSEN.shadow(seed, half)] = {"forget": both, "mask": mask}
    found = statistics_table(models, range(6), [CHOSEN])
    assert value_of(found, "swap_advantage")["value"] == 0.0
    assert abs(value_of(found, "leak_accuracy")["value"] - 0.5) < 1e-12
    assert abs(value_of(found, "leak_threshold_auc")["value"] - 0.5) < 1e-12


def test_leakage_of_doing_nothing_is_the_attack_before_unlearning():
    models = shadows(range(6))
    draws = np.random.default_rng(1)
    for seed in range(6):
        mask = draws.permutation(FORGET) < FORGET // 2
        for half, known in (("first", mask), ("second", ~mask)):
            for point, gap in ((CHOSEN, 1.0), (NOTHING, 3.0)):
                said = draws.normal(size=FORGET) + gap * known
                models[point.shadow(seed, half)] = {"forget": said, "mask": mask}
    found = statistics_table(models, range(6), [CHOSEN, NOTHING])
    for statistic in ("leak_accuracy", "leak_auc", "leak_threshold_auc", "swap_advantage"):
        after, before = (value_of(found, statistic, trial_id=p.trial_id) for p in (CHOSEN, NOTHING))
        assert after["floor"] < after["value"] < before["value"]
    area = value_of(found, "leak_threshold_auc", trial_id=TRIAL)
    assert area["low"] < ndtr(np.sqrt(0.5)) < area["high"]


def test_relearning_curves_have_a_row_for_each_role_and_step():
    models = shadows(range(3))
    curves = {"original": [1.0, 0.9], "retrained": [0.0, 0.1], "unlearned": [0.0, 0.6]}
    for shadow, arrays in models.items():
        if shadow.role in curves:
            arrays["relearn"] = np.array(curves[shadow.role])
            arrays["probe"] = arrays["relearn"][1:]
    found = statistics_table(models, range(3), [CHOSEN])
    found = found[found["seeds"] == "all"]
    curve = found[found["statistic"] == "relearn_accuracy"].set_index(["role", "at"])["value"]
    expected = {
        (role, at): value
        for role, values in curves.items()
        for at, value in zip((0, 20), values, strict=True)
    }
    assert curve.to_dict() == pytest.approx(expected)
    assert value_of(found, "relearn_gain", "forget_heldback")["value"] == pytest.approx(0.25)
    assert value_of(found, "probe_gain", at=5)["value"] == pytest.approx(0.5 / 0.8)


def test_samples_are_those_of_the_forget_set():
    found = samples_table(shadows(range(5)), [CHOSEN, NOTHING])
    of_chosen = found[found["trial_id"] == TRIAL]
    assert of_chosen["sample"].tolist() == list(range(FORGET))
    assert of_chosen["effect_size"].mean() == pytest.approx(1.0, abs=0.3)
    nothing = found[found["trial_id"] == NONE]
    assert (nothing["theta"] > 0.4).mean() > 0.9
    assert nothing["memorisation"].mean() == pytest.approx(0.5, abs=0.1)
    shares = nothing.groupby("tercile")["memorisation"].mean()
    assert shares["low"] < shares["mid"] < shares["high"]


def test_the_columns_are_those_that_are_read(table):
    assert list(table.columns) == list(COLUMNS)


def test_a_forgotten_class_is_attacked_by_what_is_said_of_the_others(table):
    assert "remaining_accuracy" not in set(table["statistic"])
    models = shadows(range(6))
    data = models[DATA]
    data["forget_labels"] = np.full(FORGET, 2)
    data["retain_labels"] = data["retain_labels"] % 2
    for shadow, said in models.items():
        if shadow.role == "unlearned":
            said["forget_logits"][:, 0] += 2.0
    found = statistics_table(models, range(6), [CHOSEN])
    assert value_of(found, "remaining_accuracy")["low"] > 0.6

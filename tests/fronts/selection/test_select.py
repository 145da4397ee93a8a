import itertools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer import load_run
from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective, replicate_means
from pareto_explorer.fronts.core.validation_twins import validation_box
from pareto_explorer.fronts.selection.select import RULES, select
from tests.fronts import twins, twins_selection
from tests.fronts.core.test_tables import row, table
from tests.synthetic import write_synthetic_run

# normalised (a, b) by trial: a front bent at "knee", and a dominated point
MODELS = {
    "left": (0.0, 0.9),
    "steep": (0.05, 0.55),
    "knee": (0.1, 0.1),
    "flat": (0.6, 0.05),
    "right": (0.9, 0.0),
    "behind": (0.3, 0.3),
}
DIRECTIONS = list(itertools.product(("min", "max"), repeat=2))


def box_of(directions):
    a, b = directions
    return Box(
        (
            Objective("a", a, *((0.0, 1.0) if a == "min" else (1.0, 0.0))),
            Objective("b", b, *((0.0, 1.0) if b == "min" else (1.0, 0.0))),
        )
    )


def in_metric_units(value, direction):
    return value if direction == "min" else 1 - value


def points_of(models, directions=("min", "min"), replicates=3, spread=0.0, **more):
    """Test values are unlike the validation values, so that looking at them would show."""
    rows = []
    for trial, values in models.items():
        for replicate in range(replicates):
            shift = spread * (replicate - (replicates - 1) / 2)
            a, b = (in_metric_units(v + shift, d) for v, d in zip(values, directions, strict=True))
            rows.append(
                row(
                    trial,
                    replicate,
                    1,
                    0.0,
                    0.0,
                    a=0.5,
                    b=len(trial) / 10,
                    validation_a=a,
                    validation_b=b,
                    family=trial[0],
                    **{key: value.get(trial) for key, value in more.items()},
                )
            )
    return table(*rows)


def run_of(models, **keywords):
    return points_of(models, **keywords), box_of(("min", "min"))


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    run = load_run(write_synthetic_run(tmp_path_factory.mktemp("select") / "run").path)
    return run.points, run.box


@pytest.mark.parametrize("directions", DIRECTIONS)
def test_every_rule_by_hand_in_all_directions(directions):
    points, box = points_of(MODELS, directions), box_of(directions)
    side = "maximum" if directions[1] == "min" else "minimum"
    bound = {side: {"b": in_metric_units(0.3, directions[1])}}
    assert select(points, box).trial_id == "knee"
    assert select(points, box, rule="closest").trial_id == "knee"
    assert select(points, box, weights=[0.95, 0.05]).trial_id == "left"
    assert select(points, box, weights=[0.05, 0.95]).trial_id == "right"
    assert select(points, box, **bound).trial_id == "knee"
    assert select(points, box, **bound).rule == "tolerance"
    loose = {side: {"b": in_metric_units(0.56, directions[1])}}
    assert select(points, box, **loose).trial_id == "steep"
    assert select(points, box, rule="closest", families=["f", "l"], **loose).trial_id == "flat"


@pytest.mark.parametrize("directions", DIRECTIONS)
def test_moves_go_to_both_neighbours_in_metric_units(directions):
    found = select(points_of(MODELS, directions), box_of(directions))
    signs = [1 if d == "min" else -1 for d in directions]
    left, right = found.moves
    assert (left.trial_id, right.trial_id) == ("steep", "flat")
    assert left.gains == ("validation_a",)
    assert right.gains == ("validation_b",)
    assert list(left.changes.values()) == pytest.approx([-0.05 * signs[0], 0.45 * signs[1]])
    assert list(right.changes.values()) == pytest.approx([0.5 * signs[0], -0.05 * signs[1]])
    assert list(left.errors.values()) == pytest.approx([0, 0], abs=1e-12)


def test_the_errors_of_a_move_are_paired():
    points, box = run_of(MODELS, spread=0.02)
    assert list(select(points, box).moves[0].errors.values()) == pytest.approx([0, 0], abs=1e-12)
    knee = points["trial_id"] == "knee"
    points.loc[knee & (points["replicate"] == 0), "validation_a"] += 0.03
    errors = select(points, box).moves[0].errors
    assert errors["validation_a"] == pytest.approx(0.01)  # one of three differs by 0.03
    alone = points[points["replicate"] == 0]
    assert np.isnan(select(alone, box).moves[0].errors["validation_a"])


def test_an_end_of_the_front_has_one_neighbour_and_a_lone_model_none():
    points, box = run_of(MODELS)
    end = select(points, box, trial_id="left", step=1)
    assert [move.trial_id for move in end.moves] == ["steep"]
    assert select(points, box, families=["k"]).moves == ()


def test_from_behind_the_front_a_move_may_gain_everything():
    points, box = run_of(MODELS)
    found = select(points, box, trial_id="behind", step=1)
    assert found.rule == "named"
    assert [move.trial_id for move in found.moves] == ["knee"]
    assert found.moves[0].gains == ("validation_a", "validation_b")


def test_a_move_out_of_the_constraints_says_so():
    points, box = run_of(MODELS)
    left, right = select(points, box, maximum={"b": 0.2}).moves
    assert (left.keeps_constraints, right.keeps_constraints) == (False, True)


def test_only_validation_metrics_are_looked_at(synthetic):
    before = {rule: chosen(synthetic, rule) for rule in RULES}
    points, box = synthetic[0].copy(), synthetic[1]
    rng = np.random.default_rng(3)
    for metric in ("forget_gap", "retain_gap", "test_accuracy", "membership_inference"):
        points[metric] = rng.permutation(points[metric])
    assert {rule: chosen((points, box), rule) for rule in RULES} == before
    looked_at = select(points, box).validation.metrics
    assert looked_at == ("validation_forget_gap", "validation_retain_gap")


def test_without_twins_the_choice_says_what_it_looked_at():
    points, box = run_of(MODELS)
    bare = points.drop(columns=["validation_a", "validation_b"])
    bare[["a", "b"]] = points[["validation_a", "validation_b"]]
    found = select(bare, box, minimum={"gain": 0.0}, rule="knee")
    assert found.trial_id == "knee"
    assert found.unseparated == ("a", "b", "gain")
    assert select(points, box, maximum={"b": 1.0, "samples": 99}).unseparated == ()


def chosen(run, rule):
    options = {"weights": {"weights": [1, 2]}, "tolerance": {"maximum": {"retain_gap": 0.02}}}
    found = select(*run, rule=rule, **options.get(rule, {}))
    return found.trial_id, found.step


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_stays_on_the_front_of_what_it_considers(synthetic, rule):
    points, box = synthetic
    trial, step = chosen(synthetic, rule)
    inner = validation_box(points, box)
    means = replicate_means(points, inner)
    row = means[(means["trial_id"] == trial) & (means["step"] == step)].iloc[0]
    if rule == "tolerance":
        kept = means[means["validation_retain_gap"] <= 0.02]
        assert row["validation_forget_gap"] == kept["validation_forget_gap"].min()
    else:
        assert row["on_front"]
        assert not row["beyond_box"]


def test_rows_in_any_order_give_the_same_choice(synthetic):
    points, box = synthetic
    shuffled = points.sample(frac=1, random_state=5)
    for rule in RULES:
        assert chosen((shuffled, box), rule) == chosen(synthetic, rule)
    before = points.copy(deep=True)
    select(points, box, one_standard_error=True)
    pd.testing.assert_frame_equal(points, before)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 12), st.sampled_from((0.3, 0.6, 1.0)))
def test_tolerance_and_closest_agree_with_a_loop(seed, n, limit):
    rng = np.random.default_rng(seed)
    models = {f"t{i}": tuple(rng.integers(0, 6, size=2) / 8) for i in range(n)}
    points, box = run_of(models, replicates=2)
    kept = [v for v in models.values() if v[1] <= limit]
    if kept:
        found = select(points, box, maximum={"b": limit})
        assert models[found.trial_id] == min(kept)
        assert found.n_considered == len(kept)
    front = sorted({v for v, on in zip(models.values(), mask(models), strict=True) if on})
    values = models[select(points, box, rule="closest").trial_id]
    best = front[twins_selection.closest(front)]
    assert max(values) + 1e-4 * sum(values) == pytest.approx(max(best) + 1e-4 * sum(best))
    assert select(points, box, rule="closest").n_front == sum(mask(models))


def mask(models):
    return twins.front_mask(list(models.values()))


def test_of_equal_models_the_cheapest_is_taken():
    models = {"late": (0.1, 0.1), "early": (0.1, 0.1), "plain": (0.1, 0.1), "other": (0.0, 0.9)}
    points, box = run_of(models, **{"config.k": {"late": 1.0, "early": 1.0}})
    points["samples"] = points["trial_id"].map({"late": 30, "early": 20, "plain": 20, "other": 5})
    for options in ({"rule": "closest"}, {"maximum": {"b": 0.5}}):
        assert select(points, box, **options).trial_id == "plain"


def test_models_beyond_the_box_count_only_where_nothing_else_is_there():
    models = {"in": (0.5, 0.9), "out": (0.0, 1.2), "far": (0.0, 2.0)}
    points, box = run_of(models)
    found = select(points, box, weights=[1, 0])
    assert (found.trial_id, found.n_considered) == ("in", 1)
    assert found.picked_from == "one of 3 candidates from 3 families, of which 1 lie inside the box"
    assert select(points, box, maximum={"b": 1.5}).trial_id == "out"
    outside = points[points["trial_id"] != "in"]
    assert select(outside, box).trial_id == "out"
    assert select(outside, box).picked_from == "one of 2 candidates from 2 families"


def test_tolerance_takes_the_objective_that_is_not_bounded():
    points, box = run_of(MODELS)
    assert select(points, box, maximum={"a": 0.7}).trial_id == "flat"
    assert select(points, box, maximum={"a": 0.7, "b": 0.5}).trial_id == "knee"
    assert select(points, box, maximum={"seconds": 99}).trial_id == "left"


def test_three_objectives_have_up_to_three_moves():
    rng = np.random.default_rng(0)
    directions = rng.dirichlet((1, 1, 1), size=40)
    values = 0.9 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    box = Box(tuple(Objective(name, "min", 0.0, 1.0) for name in "abc"))
    points = table(
        *(
            row(f"t{i:02}", r, 1, 0.0, 0.0, a=a, b=b, c=c)
            for i, (a, b, c) in enumerate(values)
            for r in (0, 1)
        )
    )
    for options in ({}, {"rule": "closest"}, {"weights": [1, 1, 1]}, {"maximum": {"c": 0.4}}):
        found = select(points, box, **options)
        assert 1 <= len(found.moves) <= 3
        assert {metric for move in found.moves for metric in move.gains} == {"a", "b", "c"}
        assert found.trial_id not in [move.trial_id for move in found.moves]
    assert select(points, box, rule="closest").chosen[["a", "b", "c"]].max() == pytest.approx(
        values.max(axis=1).min()
    )


def test_one_standard_error_takes_an_earlier_model_that_is_as_good():
    models = {"best": (0.10, 0.10), "early": (0.11, 0.10), "worse": (0.3, 0.3)}
    points, box = run_of(models, spread=0.0)
    points["samples"] = points["trial_id"].map({"best": 30, "early": 20, "worse": 10})
    assert select(points, box, one_standard_error=True).trial_id == "best"
    noisy = (points["trial_id"] == "early") & (points["replicate"] == 0)
    points.loc[noisy, "validation_a"] += 0.03  # in one replicate only: exactly one error
    points.loc[(points["trial_id"] == "early") & ~noisy, "validation_a"] = 0.10
    for rule in ("knee", "closest"):
        assert select(points, box, rule=rule).trial_id == "best"
        found = select(points, box, rule=rule, one_standard_error=True)
        assert found.trial_id == "early"
        assert "best at step 1 (30 samples, 0 knobs)" in found.one_standard_error
    tolerance = select(points, box, maximum={"b": 0.2}, one_standard_error=True)
    assert tolerance.trial_id == "early"


def test_one_standard_error_keeps_the_constraints():
    models = {"best": (0.1, 0.1), "early": (0.1, 0.2)}
    points, box = run_of(models)
    points["samples"] = points["trial_id"].map({"best": 30, "early": 20})
    options = {"maximum": {"b": 0.25}, "one_standard_error": True}
    assert select(points, box, **options).trial_id == "early"
    assert select(points, box, **options | {"maximum": {"b": 0.15}}).trial_id == "best"


def test_knobs_and_dict_are_plain():
    points, box = run_of(
        MODELS,
        **{
            "config.lr": dict.fromkeys(MODELS, 0.5),
            "config.k": {"knee": 3, "left": 1},
            "config.x": {"left": "y"},
        },
    )
    found = select(points, box)
    assert found.knobs == {"lr": 0.5, "k": 3}
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["trial_id"] == "knee"
    assert data["knobs"] == {"lr": 0.5, "k": 3}
    assert data["chosen_on"] == ["validation_a", "validation_b"]
    assert [move["trial_id"] for move in data["moves"]] == ["steep", "flat"]
    one = select(points[points["replicate"] == 0], box).to_dict()
    assert one["moves"][0]["errors"] == {"validation_a": None, "validation_b": None}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "kneee"}, r"`rule`: 'kneee' is not known; did you mean 'knee'"),
        ({"rule": "tolerance"}, "tolerance needs a constraint"),
        ({"rule": "weights"}, "`weights`: nothing given; give 2 numbers"),
        ({"weights": [1, 2, 3]}, "`weights`: 1, 2, 3 given; give 2 numbers"),
        ({"weights": [1, -2]}, "not negative"),
        ({"weights": [0, 0]}, "not all 0"),
        ({"weights": [1, float("nan")]}, "not finite"),
        ({"weights": [1, 2], "rule": "knee"}, "the rule knee has none"),
        ({"families": ["knee"]}, "`families`: 'knee' is not known"),
        ({"trial_id": "knee"}, "give both"),
        ({"step": 1}, "give both"),
        ({"trial_id": "kne", "step": 1}, "`trial_id`: 'kne' is not known; did you mean 'knee'"),
        ({"trial_id": "knee", "step": 2}, "`step`: 2 is not known"),
        ({"trial_id": "knee", "step": 1, "rule": "knee"}, "is not chosen by a rule"),
        ({"trial_id": "knee", "step": 1, "maximum": {"b": 1}}, "is not chosen by a rule"),
        ({"maximum": {"b": -1.0}}, "none of 6 models keeps this; the nearest, right at step 1"),
    ],
)
def test_bad_options_are_one_sentence(options, message):
    points, box = run_of(MODELS)
    with pytest.raises(InputError, match=message):
        select(points, box, **options)


def test_a_run_without_usable_models_has_none_to_choose():
    points, box = run_of(MODELS)
    for empty in (points.iloc[:0], points.assign(status="diverged")):
        with pytest.raises(InputError, match="no model is usable in every replicate"):
            select(empty, box)


def test_a_model_that_went_wrong_in_one_replicate_is_no_candidate():
    points, box = run_of(MODELS)
    points.loc[(points["trial_id"] == "knee") & (points["replicate"] == 1), "status"] = "diverged"
    found = select(points, box, rule="closest")
    assert found.trial_id == "behind"
    assert found.n_candidates == 5


def test_one_replicate_can_be_chosen_from_but_has_no_standard_error():
    points, box = run_of(MODELS, replicates=1)
    assert select(points, box).trial_id == "knee"
    with pytest.raises(InputError, match="one replicate"):
        select(points, box, one_standard_error=True)


def test_among_named_families_the_front_is_theirs():
    points, box = run_of(MODELS)
    found = select(points, box, families=["b", "r"], rule="closest")
    assert (found.trial_id, found.n_front, found.families) == ("behind", 2, ("b", "r"))
    assert [move.trial_id for move in found.moves] == ["right"]
    back = select(points, box, families=["b", "r"], trial_id="right", step=1)
    assert [move.trial_id for move in back.moves] == ["behind"]

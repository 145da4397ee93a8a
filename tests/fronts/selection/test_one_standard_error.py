import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import replicate_means
from pareto_explorer.fronts.selection.one_standard_error import (
    alike,
    by_preference,
    knob_counts,
    replicate_values,
    simplest,
)
from tests.fronts import twins_selection as twins
from tests.fronts.core.test_tables import TWO


def scores(*models):
    """(models, replicates, 1)."""
    return np.array(models, dtype=float)[:, :, None]


def models(samples, knobs):
    rows = [
        {"trial_id": f"t{i}", "step": 1, "samples": s, "config.a": 1.0, "config.b": b}
        for i, (s, b) in enumerate(zip(samples, knobs, strict=True))
    ]
    return pd.DataFrame(rows)


def test_alike_by_hand():
    found = scores([1, 2, 3], [1, 2, 4], [2, 3, 4], [0, 5, 4], [2, 2, 3])
    # differences (0,0,1): exactly one error; (1,1,1): no error; (-1,3,1): 1 within 1.15;
    # (1,0,0): exactly one error
    assert alike(found, 0).tolist() == [True, True, False, True, True]


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 8), st.integers(2, 6), st.integers(1, 3))
def test_alike_agrees_with_the_loop(seed, n, replicates, kinds):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 4, size=(n, replicates, kinds)) / 4
    best = int(rng.integers(n))
    assert alike(values, best).tolist() == twins.alike(values.tolist(), best)
    assert alike(values, best)[best]


def test_with_several_scores_a_model_must_be_alike_in_each():
    values = np.array([[[0.0, 0.0], [0.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])
    assert alike(values, 0).tolist() == [True, False]
    assert alike(values[:, :, :1], 0).tolist() == [True, True]


def test_the_earliest_is_taken_then_the_fewest_knobs():
    same = scores(*[[1, 2, 3]] * 4)
    position, words = simplest(models([30, 20, 20, 20], [1.0, 1.0, None, 1.0]), same, 0)
    assert position == 2
    assert "4 models" in words
    assert "t0 at step 1 (30 samples, 2 knobs)" in words
    assert "t2 at step 1 (20 samples, 1 knob)" in words


def test_the_best_is_kept_where_nothing_is_simpler():
    position, words = simplest(models([20, 20, 30], [None] * 3), scores(*[[1, 2, 3]] * 3), 1)
    assert position == 1
    assert words.startswith("of 3 models")


def test_equally_simple_models_go_by_their_score():
    table = models([30, 20, 20], [None] * 3)
    position, _ = simplest(table, scores([1, 2, 3], [1, 2, 3.5], [1, 2, 3.25]), 0)
    assert position == 2


def test_an_early_model_that_is_worse_is_not_taken():
    position, words = simplest(models([30, 10], [None] * 2), scores([1, 2, 3], [2, 3, 4]), 0)
    assert position == 0
    assert words == "every other model is distinguishable from the best"


def test_one_replicate_has_no_standard_error():
    with pytest.raises(InputError, match="one replicate"):
        simplest(models([1, 2], [None] * 2), scores([1], [2]), 0)


def test_replicate_values_follow_the_order_of_the_means():
    means = replicate_means(TWO).iloc[[2, 0]]
    shuffled = TWO.sample(frac=1, random_state=1)
    values = replicate_values(shuffled, means, ["cost", "gain"])
    assert values.tolist() == [[[0.1, 0.3], [0.1, 0.3]], [[0.2, 0.8], [0.4, 0.6]]]


def test_knobs_are_counted_and_order_equal_costs():
    table = models([20, 10, 10], [None, 1.0, None])
    assert knob_counts(table).tolist() == [1, 2, 1]
    assert by_preference(table).tolist() == [2, 1, 0]


def test_where_samples_were_not_counted_the_step_says_what_is_early():
    means = pd.DataFrame(
        {"trial_id": ["long", "short"], "step": [1000, 10], "samples": 0, "config.a": 1.0}
    )
    assert by_preference(means).tolist() == [1, 0]
    scores = np.array([[[0.1], [0.2], [0.3]], [[0.3], [0.2], [0.1]]])
    assert simplest(means, scores, best=0)[0] == 1

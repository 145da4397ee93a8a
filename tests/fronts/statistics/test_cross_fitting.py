from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.fronts import (
    Box,
    Objective,
    family_hypervolumes,
    hypervolume,
    pooled_hypervolume,
    replicate_means,
)
from pareto_explorer.fronts.statistics.cross_fitting import (
    checkpoints,
    chosen_on_validation,
    cross_fitted,
)
from tests.fronts.core.test_tables import row, table
from tests.fronts.twins import volume
from tests.fronts.twins_statistics import chosen_volume

BOX = Box((Objective("cost", "min", 0.0, 1.0), Objective("gain", "max", 1.0, 0.0)))


def lucky(directions, **validation):
    """In replicate 0 a is lucky, (1/5, 1/5) from the ideal, in replicate 1 it is at (3/5, 3/5)."""
    rows = []
    for trial, distances in {"a": (0.2, 0.6), "b": (0.4, 0.4)}.items():
        for replicate, distance in enumerate(distances):
            values = {
                f"{prefix}{m}": 1 - d if direction == "max" else d
                for prefix, d in {"": distance, **validation}.items()
                for m, direction in zip(("cost", "gain"), directions, strict=True)
                if not isinstance(d, dict)
            }
            values |= {
                f"validation_{m}": 1 - v[trial] if direction == "max" else v[trial]
                for v in validation.values()
                for m, direction in zip(("cost", "gain"), directions, strict=True)
            }
            rows.append(row(trial, replicate, 1, None, None) | values)
    return table(*rows)


def box(directions):
    return Box(
        tuple(
            Objective(m, d, float(d == "max"), float(d == "min"))
            for m, d in zip(("cost", "gain"), directions, strict=True)
        )
    )


# Replicate 0 alone chooses a, which scores (2/5)² in replicate 1; replicate 1 chooses b: (3/5)².
@pytest.mark.parametrize("directions", list(product(["min", "max"], repeat=2)), ids="/".join)
def test_the_winners_curse_by_hand_in_every_direction(directions):
    (found,) = family_hypervolumes(lucky(directions), box(directions)).values()
    assert found.per_replicate == pytest.approx({0: 0.64, 1: 0.36})
    assert found.cross_fitted == pytest.approx({0: 0.36, 1: 0.16})
    assert found.cross_fitted_mean == pytest.approx(0.26)
    assert found.optimism == pytest.approx(0.24)
    assert found.on_validation is None
    assert found.on_validation_mean is None


@pytest.mark.parametrize("directions", list(product(["min", "max"], repeat=2)), ids="/".join)
def test_chosen_on_validation_measured_on_the_objectives(directions):
    points = lucky(directions, chosen={"a": 0.1, "b": 0.3})
    (found,) = family_hypervolumes(points, box(directions)).values()
    assert found.on_validation == pytest.approx({0: 0.64, 1: 0.16})
    assert found.on_validation_mean == pytest.approx(0.4)
    assert found.cross_fitted == pytest.approx({0: 0.36, 1: 0.16})


def test_one_replicate_leaves_none_to_choose_by():
    points = table(row("a", 0, 1, 0.5, 0.5))
    (found,) = family_hypervolumes(points, BOX).values()
    assert (found.cross_fitted, found.cross_fitted_mean, found.optimism) == (None, None, None)


def test_what_the_others_choose_may_fail_in_the_one_left_out():
    points = table(
        row("a", 0, 1, 0.5, 0.5), row("a", 1, 1, None, None, status="diverged"),
        row("b", 0, 1, 0.6, 0.4), row("b", 1, 1, 0.6, np.nan),
        row("c", 0, 1, 0.8, 0.2), row("c", 1, 1, 0.75, 0.25),
    )  # fmt: skip
    (found,) = family_hypervolumes(points, BOX).values()
    assert found.cross_fitted == pytest.approx({0: 0.04, 1: 0.0})
    assert found.of_means.n_points == 1


def test_pooled_choices_compete_across_families():
    points = table(
        row("a", 0, 1, 0.5, 0.5), row("a", 1, 1, 0.5, 0.5),
        row("b", 0, 1, 0.4, 0.6, family="g"), row("b", 1, 1, 0.9, 0.1, family="g"),
    )  # fmt: skip
    assert pooled_hypervolume(points, BOX).cross_fitted == pytest.approx({0: 0.25, 1: 0.01})
    families = family_hypervolumes(points, BOX)
    assert families["g"].cross_fitted == pytest.approx({0: 0.36, 1: 0.01})


grid = st.integers(0, 5).map(lambda k: k / 4)  # exact sums, ties, and points at and beyond the box
rows_of_three = st.lists(
    st.lists(st.tuples(grid, grid, grid, grid) | st.none(), min_size=3, max_size=3), max_size=5
)


@settings(deadline=None, max_examples=150)
@given(rows_of_three, st.randoms(use_true_random=False))
def test_agrees_with_the_definition(trials, random):
    rows = [
        row(str(trial), replicate, 1, *(point[:2] if point else (None, None)))
        | ({"validation_cost": point[2], "validation_gain": point[3]} if point else {})
        for trial, points in enumerate(trials)
        for replicate, point in enumerate(points)
    ]
    random.shuffle(rows)
    found = checkpoints(table(*rows), BOX)

    def measured(points):
        # as minimised values, those inside the box
        return volume([p for p in points if max(p) < 1], (1.0, 1.0))

    def usable(replicate, cost, gain):
        return {
            trial: (points[replicate][cost], 1 - points[replicate][gain])
            for trial, points in enumerate(trials)
            if points[replicate]
        }

    objectives = [usable(r, 0, 1) for r in range(3)]
    twins = [usable(r, 2, 3) for r in range(3)]
    expected = {
        r: chosen_volume([p for s, p in enumerate(objectives) if s != r], objectives[r], measured)
        for r in range(3)
    }
    chosen = {r: chosen_volume(twins, objectives[r], measured) for r in range(3)}
    if not trials:
        assert cross_fitted(found) is chosen_on_validation(found) is None
        return
    assert cross_fitted(found) == pytest.approx(expected, abs=1e-9)
    if any(any(points) for points in trials):
        assert chosen_on_validation(found) == pytest.approx(chosen, abs=1e-9)
        for i, replicate in enumerate(found.replicates):
            best = hypervolume(found.measured(i), BOX).value
            assert cross_fitted(found)[replicate] <= best + 1e-12
            assert chosen_on_validation(found)[replicate] <= best + 1e-12


def noise(n, replicates, seed):
    """Checkpoints that are all equally good, (1/2, 1/2), measured with noise."""
    rng = np.random.default_rng(seed)
    size = n * replicates
    return pd.DataFrame(
        {
            "trial_id": np.repeat([f"t{i}" for i in range(n)], replicates),
            "family": "f",
            "replicate": np.tile(np.arange(replicates), n),
            "step": 1,
            "status": "ok",
            "cost": 0.5 + rng.normal(0, 0.05, size),
            "gain": 0.5 + rng.normal(0, 0.05, size),
        }
    )


def test_optimism_grows_with_the_number_of_trials_and_cross_fitting_does_not():
    few, many = (family_hypervolumes(noise(n, 6, 1), BOX)["f"] for n in (4, 400))
    assert few.optimism < many.optimism - 0.05
    assert many.mean > 0.4  # a true checkpoint scores 0.25
    # several equal checkpoints, of which one front point each is measured: a little above 0.25
    assert many.cross_fitted_mean < 0.32


def test_means_are_those_of_the_table_of_replicate_means():
    points = noise(30, 4, 2)
    points.loc[[5, 17], "status"] = "diverged"
    points.loc[40, "cost"] = np.nan
    points = points.sample(frac=1, random_state=3)
    found = checkpoints(points, BOX).means()
    expected = replicate_means(points.assign(samples=1, seconds=1.0, method="m", aggregator="a",
                                             forget_loss="l"), BOX)  # fmt: skip
    assert found.tolist() == expected[["cost", "gain"]].to_numpy().tolist()
    assert len(found) == 27


def test_a_family_keeps_its_own_checkpoints():
    points = lucky(("min", "max"), chosen={"a": 0.1, "b": 0.3})
    points.loc[points["trial_id"] == "b", "family"] = "g"
    found = checkpoints(points, BOX).of("g")
    assert found.family.tolist() == ["g"]
    assert found.values.shape == found.twins.shape == (1, 2, 2)
    assert found.replicates == (0, 1)


def test_the_points_are_not_changed():
    points = noise(5, 3, 0)
    before = points.copy(deep=True)
    cross_fitted(checkpoints(points, BOX))
    pd.testing.assert_frame_equal(points, before)

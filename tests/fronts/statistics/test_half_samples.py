from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.fronts import Box, Objective, compare_families, family_hypervolumes
from pareto_explorer.fronts.statistics.configurations import Configurations, configurations
from pareto_explorer.fronts.statistics.cross_fitting import checkpoints
from pareto_explorer.fronts.statistics.half_samples import HalfSamples, half_samples, lead_share
from tests.fronts.twins_draws import holds
from tests.fronts.twins_geometry import slow_volume

METRICS = ("x", "y", "z")


def box(m=2):
    return Box(tuple(Objective(metric, "min", 0.0, 1.0) for metric in METRICS[:m]))


def table(families, m=2, name="{family}-{number:03d}", knobs=None):
    """Rows for families as ``{name: {replicate: [points of each configuration]}}``."""
    rows = [
        {
            "trial_id": name.format(family=family, number=number),
            "family": family,
            "replicate": replicate,
            "step": step,
            "status": "ok",
            "config.lr": (knobs or {}).get(family, range(99))[number],
            **dict(zip(METRICS, point, strict=False)),
        }
        for family, drawn in families.items()
        for replicate, of_replicate in drawn.items()
        for number, points in enumerate(of_replicate)
        for step, point in enumerate(points)
    ]
    return pd.DataFrame(rows)


def random_family(rng, n, m=2, replicates=2, low=0.0):
    return {
        replicate: [
            (low + (1.1 - low) * rng.random((rng.integers(1, 4), m))).tolist() for _ in range(n)
        ]
        for replicate in range(replicates)
    }


def share(points, box):
    (found,) = compare_families(family_hypervolumes(points, box))
    return found


tenths = st.integers(0, 11).map(lambda k: k / 10)  # ties, and points beyond the box


@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from([2, 3]))
def test_subsets_agree_with_the_definition(data, m):
    n = data.draw(st.integers(1, 5))
    point = st.tuples(*[tenths] * m)
    drawn = [data.draw(st.lists(point, max_size=3)) for _ in range(n)]
    points = np.array([p for own in drawn for p in own]).reshape(-1, m)
    inside = (points < 1).all(axis=1)
    owners = np.repeat(np.arange(n), [len(own) for own in drawn])
    found = Configurations(
        tuple(map(str, range(n))), (0,), (points[inside],), (owners[inside],), (1.0,) * m
    )
    subsets = [c for size in range(n + 1) for c in combinations(range(n), size)]
    members = np.array([[i in chosen for i in range(n)] for chosen in subsets])
    expected = [slow_volume([p for i in c for p in drawn[i]], (1.0,) * m) for c in subsets]
    assert found.volumes(members) == pytest.approx(np.array([expected]), abs=1e-12)


@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("sizes", [(4, 4), (5, 5), (1, 4), (3, 5), (2, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_the_share_agrees_with_the_definition(m, sizes, seed):
    rng = np.random.default_rng(seed)
    a, b = (random_family(rng, n, m) for n in sizes)
    found = share(table({"a": a, "b": b}, m), box(m))
    by_name = {"a": a, "b": b}
    paired = sizes[0] == sizes[1]  # the learning rates ascend in both
    expected = holds(by_name[found.ahead], by_name[found.behind], (1.0,) * m, paired=paired)
    assert found.draw_share == pytest.approx(expected)


def test_only_the_common_replicates_count():
    rng = np.random.default_rng(7)
    a, b = random_family(rng, 4, replicates=3), random_family(rng, 4)
    found = share(table({"a": a, "b": b}), box())
    by_name = {"a": a, "b": b}
    expected = holds(by_name[found.ahead], by_name[found.behind], (1.0, 1.0), paired=True)
    assert found.draw_share == pytest.approx(expected)


def test_common_luck_cancels_where_configurations_are_paired():
    # b always falls a little behind a, and what one number reaches differs far more
    levels = [0.9, 0.5, 0.3, 0.1]
    a = {0: [[(x, 0.5)] for x in levels]}
    b = {0: [[(x + 0.01, 0.5)] for x in levels]}
    assert share(table({"a": a, "b": b}), box()).draw_share == 1.0
    # the best of a half is 0.1 in 3 of 6, 0.3 in 2 and 0.5 in 1: a leads in 18 + 6 + 1 pairs,
    # where the learning rates tell that numbers mean nothing
    other = table({"a": a, "b": b}, knobs={"a": [1, 2, 3, 4], "b": [3, 1, 4, 2]})
    assert share(other, box()).draw_share == 25 / 36
    # and where one search numbered all trials
    search = table({"a": a, "b": b})
    search.loc[search["family"] == "b", "trial_id"] = [f"b-{i}" for i in range(7, 11)]
    assert share(search, box()).draw_share == 25 / 36


def test_a_tie_does_not_hold():
    a = {0: [[(0.2, 0.2)], [(0.5, 0.5)]]}
    b = {0: [[(0.3, 0.3)], [(0.5, 0.5)]]}
    assert share(table({"a": a, "b": b}), box()).draw_share == 0.5


def test_without_a_draw_nothing_can_be_reversed():
    found = share(table({"a": {0: [[(0.2, 0.2)]]}, "b": {0: [[(0.3, 0.3)]]}}), box())
    assert found.draw_share is None


def test_a_configuration_that_failed_is_one_of_the_draw():
    a = {0: [[(0.2, 0.2)], [(0.2, 0.2)]]}
    points = table({"a": a, "b": {0: [[(0.3, 0.3)]]}})
    assert share(points, box()).draw_share == 1.0
    points.loc[points["trial_id"] == "a-001", "status"] = "failed"
    assert share(points, box()).draw_share == 0.5


def test_many_configurations_are_halved_at_random():
    rng = np.random.default_rng(0)
    points = table({"a": random_family(rng, 13, replicates=1)})
    drawn = configurations(checkpoints(points, box()))
    trials = points.drop_duplicates("trial_id")
    found, again, other = (half_samples(drawn, trials, seed=seed) for seed in (0, 0, 1))
    assert found.volumes[0].shape == (2000,)
    assert (found.volumes[0] == again.volumes[0]).all()
    assert (found.volumes[0] != other.volumes[0]).any()
    # every half-sample there is has 6 of the 13, and their mean is close to that of all of them
    all_of_them = np.zeros((1716, 13), dtype=bool)
    for row, chosen in enumerate(combinations(range(13), 6)):
        all_of_them[row, list(chosen)] = True
    every = drawn.volumes(all_of_them)[0]
    assert set(np.round(found.volumes[0], 12)) <= set(np.round(every, 12))
    error = every.std() / np.sqrt(2000)
    assert abs(found.volumes[0].mean() - every.mean()) < 4 * error


def test_rows_in_another_order_change_nothing():
    rng = np.random.default_rng(3)
    points = table({"a": random_family(rng, 5), "b": random_family(rng, 5)})
    shuffled = points.sample(frac=1.0, random_state=0, ignore_index=True)
    assert share(points, box()).draw_share == share(shuffled, box()).draw_share


def test_pairing_needs_a_knob_in_common():
    def family(knobs, numbers=(0, 1, 2)):
        return HalfSamples({}, numbers, {name: np.array(x) for name, x in knobs.items()})

    lr = family({"lr": [0.1, 0.3, 0.2]})
    assert lr.paired_with(family({"lr": [1.0, 7.0, 2.0], "weight": [3.0, 2.0, 1.0]}))
    assert lr.paired_with(family({"lr": [1.0, 2.0, 2.0]}))  # rounded
    assert not lr.paired_with(family({"weight": [0.1, 0.3, 0.2]}))
    assert not lr.paired_with(family({"lr": [0.1, 0.3, 0.2]}, (0, 1, 3)))
    both = family({"lr": [0.1, 0.3, 0.2], "weight": [1.0, 2.0, 3.0]})
    assert not both.paired_with(family({"lr": [0.1, 0.3, 0.2], "weight": [2.0, 1.0, 3.0]}))
    assert not family({"lr": [0.1]}, ()).paired_with(family({"lr": [0.1]}, ()))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("{family}-{number:03d}", (0, 1)), ("{number}-{family}", ()), ("{family}7", ()),
     ("20310506070809123456789{number}", (203105060708091234567890, 203105060708091234567891))],
)  # fmt: skip
def test_configurations_are_numbered_by_the_end_of_their_names(name, expected):
    points = table({"a": {0: [[(0.5, 0.5)], [(0.5, 0.5)]]}}, name=name)
    if name == "{family}7":
        points["trial_id"] = ["a7", "aa7"]
    (family,) = family_hypervolumes(points, box()).values()
    assert family.half_samples.numbers == expected


def test_the_worst_of_a_wide_lead_still_leads():
    wide = HalfSamples({0: np.array([0.9, 0.8])}, (), {})
    low = HalfSamples({0: np.array([0.1, 0.2, 0.3])}, (), {})
    assert lead_share(wide, low) == 1.0
    assert lead_share(low, wide) == 0.0


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(tenths, tenths), min_size=2, max_size=6))
def test_the_models_of_one_run_are_one_draw(models):
    """As steps or as the positions of a line, they stay together; those of several runs part."""
    steps = table({"a": {0: [models]}})
    for run in (steps, steps.assign(position=steps["step"] / 2, step=9)):
        halves = family_hypervolumes(run, box())["a"].half_samples
        assert not halves.varied
        assert halves.volumes[0] == pytest.approx([slow_volume(models, (1.0, 1.0))])
    runs = table({"a": {0: [[model] for model in models]}})
    assert family_hypervolumes(runs, box())["a"].half_samples.varied

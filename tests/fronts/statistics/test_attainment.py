from itertools import product
from math import ceil

import moocore
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective
from pareto_explorer.fronts.statistics.attainment import (
    attainment_difference,
    attainment_surfaces,
    family_attainment,
)
from tests.fronts.core.test_tables import row, table
from tests.fronts.twins_geometry import attained_by, surface

FLAT = Box((Objective("cost", "min", 0.0, 8.0), Objective("gain", "min", 0.0, 8.0)))
whole = st.integers(-1, 9).map(float)  # ties, duplicates, beyond both ends of the box


def sets_of(m, most=4, elements=whole):
    points = st.integers(0, most).flatmap(lambda n: arrays(np.float64, (n, m), elements=elements))
    return st.lists(points, min_size=1, max_size=4)


def points_of(sets, family="f", columns=("cost", "gain")):
    """One checkpoint per point; an empty set keeps its replicate with a diverged row."""
    rows = []
    for replicate, values in enumerate(sets):
        rows.append(row("none", replicate, 0, None, None, family=family, status="diverged"))
        rows += [
            row(f"{family}{i}", replicate, 1, 0.0, 0.0, family=family)
            | dict(zip(columns, point, strict=True))
            for i, point in enumerate(np.asarray(values).tolist())
        ]
    return rows


@settings(deadline=None)
@given(st.sampled_from([2, 3]).flatmap(lambda m: sets_of(m, most=3 if m == 3 else 5)))
def test_surfaces_agree_with_counting_at_every_place(sets):
    m = sets[0].shape[1]
    found = attainment_surfaces(sets, range(1, len(sets) + 1))
    for k, values in found.items():
        expected = surface([values.tolist() for values in sets], k, m)
        assert [tuple(point) for point in values.tolist()] == expected  # sorted, no duplicates


@settings(deadline=None)
@given(sets_of(2), st.randoms(use_true_random=False))
def test_rows_and_replicates_in_any_order_give_the_same_surfaces(sets, random):
    rows = points_of(sets)
    before = family_attainment(table(*rows), FLAT)["f"]
    random.shuffle(rows)
    after = family_attainment(table(*rows), FLAT)["f"]
    assert after.n == before.n
    for k, values in before.surfaces.items():
        assert after.surfaces[k].tolist() == values.tolist()


def test_sets_that_are_not_contiguous_are_not_confused():
    # moocore takes rows that follow each other for one set: without sorting, shuffled rows give
    # another surface and no error
    rng = np.random.default_rng(0)
    values, labels = rng.random((60, 2)) * 8, np.tile(np.arange(5), 12)
    rows = [
        row(f"t{i}", int(label), 1, *point)
        for i, (label, point) in enumerate(zip(labels, values.tolist(), strict=True))
    ]
    sets = [values[labels == label] for label in range(5)]
    found = family_attainment(table(*rows), FLAT)["f"].surfaces
    for k, expected in attainment_surfaces(sets, [1, 3, 5]).items():
        assert found[k].tolist() == expected.tolist()
        assert [tuple(p) for p in expected.tolist()] == surface([s.tolist() for s in sets], k, 2)


# Normalised to eighths: replicate 0 has (1, 4) and (3, 2), replicate 1 has (2, 3). At least one
# attains (1, 4), (2, 3), (3, 2); both attain (2, 4) and (3, 3).
@pytest.mark.parametrize(("first", "second"), list(product(["min", "max"], repeat=2)), ids="/".join)
def test_by_hand_in_every_direction(first, second):
    ends = {"min": (0.0, 8.0), "max": (8.0, 0.0)}
    box = Box((Objective("cost", first, *ends[first]), Objective("gain", second, *ends[second])))

    def place(*eighths):
        directions = zip(eighths, (first, second), strict=True)
        return [float(v if d == "min" else 8 - v) for v, d in directions]

    points = table(*points_of([[place(1, 4), place(3, 2)], [place(2, 3)]]))
    found = family_attainment(points, box)["f"]
    assert found.n == 2
    assert found.median_k == 1
    assert {k: values.tolist() for k, values in found.surfaces.items()} == {
        1: [place(1, 4), place(2, 3), place(3, 2)],
        2: [place(2, 4), place(3, 3)],
    }
    other = points_of([[place(2, 2)], []], family="g")
    lead = attainment_difference(
        table(*points_of([[place(1, 4), place(3, 2)], [place(2, 3)]]), *other), box, "f", "g"
    )
    assert lead.n == 2
    assert lead.exact
    for x, y in product(range(8), repeat=2):
        middle = place(x + 0.5, y + 0.5)
        sets = [[(1, 4), (3, 2)], [(2, 3)]]
        expected = (attained_by(sets, (x, y)) - attained_by([[(2, 2)]], (x, y))) / 2
        assert lead_at(lead, middle) == expected, (x, y)


def lead_at(difference, place):
    """The difference at a place inside some rectangle; at most one holds it."""
    (x, y), r = place, difference.rectangles
    holds = (r[:, 0] < x) & (x < r[:, 1]) & (r[:, 2] < y) & (y < r[:, 3])
    assert holds.sum() <= 1
    return float(difference.differences[holds].sum())


@settings(deadline=None)
@given(sets_of(2), sets_of(2))
def test_the_difference_agrees_with_counting_in_every_cell(first, second):
    n = max(len(first), len(second))
    first, second = (s + [np.empty((0, 2))] * (n - len(s)) for s in (first, second))
    points = table(*points_of(first), *points_of(second, family="g"))
    found = attainment_difference(points, FLAT, "f", "g")
    assert (found.differences != 0).all()
    assert (found.rectangles[:, [0, 2]] < found.rectangles[:, [1, 3]]).all()
    assert ((found.rectangles >= 0) & (found.rectangles <= 8)).all()  # no farther than the box
    for x, y in product(range(8), repeat=2):
        counts = [attained_by([values.tolist() for values in s], (x, y)) for s in (first, second)]
        assert lead_at(found, (x + 0.5, y + 0.5)) == pytest.approx((counts[0] - counts[1]) / n)
    mirrored = attainment_difference(points, FLAT, "g", "f")
    assert mirrored.rectangles.tolist() == found.rectangles.tolist()
    assert mirrored.differences.tolist() == (-found.differences).tolist()


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_difference_agrees_with_moocore(seed):
    rng = np.random.default_rng(seed)
    first, second = (rng.random((3, 4, 2)) * 8 for _ in range(2))
    points = table(*points_of(first), *points_of(second, family="g"))
    found = attainment_difference(points, FLAT, "f", "g")
    labels = np.repeat(np.arange(3), 4)[:, np.newaxis]
    corners = moocore.eafdiff(
        *(np.hstack([values.reshape(-1, 2), labels]) for values in (first, second)),
        rectangles=True,
    )
    for place in rng.random((50, 2)) * 8:
        left, bottom, right, top, colour = corners.T
        holds = (left < place[0]) & (place[0] < right) & (bottom < place[1]) & (place[1] < top)
        assert {round(lead_at(found, place) * 3)} == (set(colour[holds].tolist()) or {0.0})


def test_neighbours_with_equal_differences_are_one_rectangle():
    # g has one step in the middle of what f alone attains elsewhere
    points = table(*points_of([[[2, 2]]]), *points_of([[[2, 6], [6, 2]]], family="g"))
    found = attainment_difference(points, FLAT, "f", "g")
    assert found.rectangles.tolist() == [[2.0, 6.0, 2.0, 6.0]]
    assert found.differences.tolist() == [1.0]


def test_many_corners_are_rounded_to_the_resolution():
    rng = np.random.default_rng(1)
    x = np.sort(rng.random(200)) * 8
    points = table(*points_of([np.column_stack([x, x[::-1]])]), *points_of([[[4, 4]]], family="g"))
    exact = attainment_difference(points, FLAT, "f", "g")
    rounded = attainment_difference(points, FLAT, "f", "g", resolution=40)
    assert exact.exact
    assert not rounded.exact
    assert len(rounded.rectangles) < len(exact.rectangles)

    def signed_area(difference):
        left, right, bottom, top = difference.rectangles.T
        return ((right - left) * (top - bottom) * difference.differences).sum()

    assert signed_area(rounded) == pytest.approx(signed_area(exact), rel=0.05)


def test_a_replicate_without_a_usable_point_attains_nothing_but_counts():
    points = table(*points_of([[[1, 1]], [], [[2, 2]]]))
    found = family_attainment(points, FLAT)["f"]
    assert found.n == 3
    assert found.surfaces[1].tolist() == [[1.0, 1.0]]
    assert found.surfaces[2].tolist() == [[2.0, 2.0]]
    assert found.surfaces[3].shape == (0, 2)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_best_median_and_worst_unless_asked_for_others(n):
    points = table(*points_of([[[i, i]] for i in range(n)]))
    assert list(family_attainment(points, FLAT)["f"].surfaces) == sorted({1, ceil(n / 2), n})
    assert list(family_attainment(points, FLAT, ks=[n])["f"].surfaces) == [n]


def test_what_does_not_fit_is_refused():
    points = table(*points_of([[[1, 1]]]), *points_of([[[1, 1]]], family="g"))
    with pytest.raises(InputError, match="ks: 2 is not from 1 to 1"):
        family_attainment(points, FLAT, ks=[2])
    with pytest.raises(InputError, match="family: 'h' is not known"):
        attainment_difference(points, FLAT, "f", "h")
    three = Box((*FLAT.objectives, Objective("third", "min", 0.0, 1.0)))
    with pytest.raises(InputError, match="needs two"):
        attainment_difference(points, three, "f", "g")


def test_three_objectives_by_hand():
    box = Box((*FLAT.objectives, Objective("third", "max", 8.0, 0.0)))
    rows = [
        row("a", 0, 1, 1.0, 2.0, third=5.0),
        row("a", 1, 1, 2.0, 1.0, third=6.0),
    ]
    found = family_attainment(table(*rows), box)["f"].surfaces
    assert found[1].tolist() == [[1.0, 2.0, 5.0], [2.0, 1.0, 6.0]]
    assert found[2].tolist() == [[2.0, 2.0, 5.0]]


@pytest.mark.filterwarnings("error")
def test_replicates_that_a_family_was_not_run_in_are_missing():
    points = table(
        *(row("a", replicate, 1, 2.0, 2.0) for replicate in range(4)),
        row("b", 0, 1, 1.0, 1.0, family="g"),
    ).assign(**{name: lambda t, i=i: t[["cost", "gain"][i]] for i, name in enumerate(FLAT.metrics)})
    found = family_attainment(points, FLAT)
    assert {k: len(surface) for k, surface in found["g"].surfaces.items()} == {1: 1, 2: 1, 4: 1}
    difference = attainment_difference(points, FLAT, "f", "g")
    assert difference.n == 1
    assert set(difference.differences.tolist()) == {-1.0}
    apart = points[(points["family"] == "f") == (points["replicate"] > 0)]
    assert attainment_difference(apart, FLAT, "f", "g").n == 0


def test_a_table_without_rows():
    assert family_attainment(table(), FLAT) == {}


def test_moocore_documented_example():
    data = moocore.get_dataset("input1.dat")
    sets = [data[data[:, -1] == label, :-1] for label in np.unique(data[:, -1])]
    found = attainment_surfaces(sets, [1, 5, 10])
    best = [(0.17470556, 8.89066343), (0.20816431, 4.62275469), (0.22997367, 1.11772205)]
    assert found[1][:3].tolist() == [pytest.approx(point, abs=1e-8) for point in best]
    assert len(found[5]) == 15
    assert found[10][-1].tolist() == pytest.approx([7.92511295, 3.92669598], abs=1e-8)

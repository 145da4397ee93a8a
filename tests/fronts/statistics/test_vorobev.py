import moocore
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.fronts import Box, Objective
from pareto_explorer.fronts.statistics.attainment import attainment_surfaces
from pareto_explorer.fronts.statistics.vorobev import vorobev, vorobev_of_sets
from tests.fronts.core.test_tables import table
from tests.fronts.statistics.test_attainment import points_of, sets_of
from tests.fronts.twins_geometry import cells_apart, surface, vorobev_level


def grid_box(m, size=6):
    return Box(tuple(Objective(f"o{i}", "min", 0.0, float(size)) for i in range(m)))


cells = st.integers(0, 7).map(float)
small_sets = st.sampled_from([2, 3]).flatmap(
    lambda m: sets_of(m, most=5 if m == 2 else 3, elements=cells)
)


@settings(deadline=None)
@given(small_sets)
def test_agrees_with_the_definition_on_a_grid(sets):
    m, size, n = sets[0].shape[1], 6, len(sets)
    box = grid_box(m)
    lists = [values.tolist() for values in sets]
    k = vorobev_level(lists, [float(size)] * m)
    found = vorobev_of_sets(sets, box)
    assert found.threshold == k / n
    inside = [place for place in surface(lists, k, m) if max(place) < size]
    assert found.expectation.tolist() == [pytest.approx(place) for place in inside]
    apart = sum(cells_apart(points, inside, size, m) for points in lists) / n
    assert found.deviation == pytest.approx(apart / size**m, abs=1e-9)


@settings(deadline=None)
@given(small_sets, st.randoms(use_true_random=False))
def test_the_order_of_replicates_does_not_matter(sets, random):
    box = grid_box(sets[0].shape[1])
    before = vorobev_of_sets(sets, box)
    random.shuffle(sets)
    after = vorobev_of_sets(sets, box)
    assert after.threshold == before.threshold
    assert after.expectation.tolist() == before.expectation.tolist()
    assert after.deviation == pytest.approx(before.deviation, abs=1e-12)


def test_replicates_that_agree_have_no_spread():
    values = np.array([[1.0, 4.0], [3.0, 2.0], [5.0, 5.0]])
    found = vorobev_of_sets([values] * 3, grid_box(2))
    assert found.threshold == 1.0
    assert found.expectation.tolist() == pytest.approx(np.array([[1.0, 4.0], [3.0, 2.0]]))
    assert found.deviation == pytest.approx(0.0, abs=1e-12)


# Volumes in a box of 8 × 8, gain maximised: replicate 0 reaches (cost 2, gain 4), which is 6 · 4,
# replicate 1 (4, 6), which is 4 · 6; both attain (4, 4), 16, one of them 24 + 24 - 16 = 32. The
# mean, 24, lies between, so half of the replicates is the threshold; each is 32 - 24 = 8 away.
BOX = Box((Objective("cost", "min", 0.0, 8.0), Objective("gain", "max", 8.0, 0.0)))


def test_by_hand():
    points = table(*points_of([[[2, 4]], [[4, 6]]]))
    found = vorobev(points, BOX)
    assert found.threshold == 0.5
    assert found.expectation.tolist() == [[2.0, 4.0], [4.0, 6.0]]
    assert found.deviation == pytest.approx(8 / 64)


def test_a_replicate_without_points_counts():
    points = table(*points_of([[[2, 4]], [], []]))
    found = vorobev(points, BOX)
    assert found.threshold == pytest.approx(1 / 3)  # the mean is 8, the surface of 2 is empty
    assert found.deviation == pytest.approx((0 + 24 + 24) / 3 / 64)
    alone = points[points["replicate"] == 0]
    assert vorobev(alone, BOX).deviation == 0.0
    assert vorobev(alone, BOX, replicates=[0, 1, 2]).deviation == pytest.approx(found.deviation)


@pytest.mark.parametrize("values", [[], [[8, 4]], [[9, 9]]], ids=["none", "on it", "beyond"])
def test_nothing_inside_the_box(values):
    found = vorobev(table(*points_of([values, []])), BOX)
    assert found.expectation.shape == (0, 2)
    assert found.deviation == 0.0


@pytest.mark.filterwarnings("error")
def test_a_table_without_rows():
    assert vorobev(table(), BOX).expectation.shape == (0, 2)


def test_moocore_documented_example():
    # its bisection ends at 44.14 %, on the surface of 45 of 100 sets, which has less than the mean
    # volume; the definition asks for the last surface that has at least the mean, that of 44
    data = moocore.get_dataset("CPFs.txt.xz")
    sets = [data[data[:, -1] == label, :-1] for label in np.unique(data[:, -1])]
    box = Box((Objective("a", "min", 0.0, 2.0), Objective("b", "min", 0.0, 200.0)))
    found = vorobev_of_sets(sets, box)
    assert found.threshold == 0.44
    mean = 8943.333191728081
    surfaces = attainment_surfaces(sets, [44, 45])
    at, after = (moocore.hypervolume(surfaces[k], ref=[2, 200]) for k in (44, 45))
    assert after < mean < at
    assert len(surfaces[45]) == 213
    inside = surfaces[44][(surfaces[44] < [2, 200]).all(axis=1)]
    assert found.expectation == pytest.approx(inside)
    theirs = moocore.vorob_dev(data[:, :-1], data[:, -1], ref=(2, 200), ve=surfaces[44])
    assert found.deviation == pytest.approx(theirs / 400)
    theirs = moocore.vorob_dev(data[:, :-1], data[:, -1], ref=(2, 200), ve=surfaces[45])
    assert theirs == pytest.approx(3017.12989402326)

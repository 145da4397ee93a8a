import dataclasses
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective, hypervolume
from tests.fronts.twins import front_mask, sweep_volume, volume


def unit_box(m, reference=()):
    return Box(tuple(Objective(f"o{i}", "min", 0.0, 1.0) for i in range(m)), reference)


eighths = st.integers(-1, 10).map(lambda k: k / 8)  # ties, duplicates, beyond and better than ideal
fine = st.floats(-0.1, 1.3)


def points(m, elements, most=7):
    return st.integers(0, most).flatmap(lambda n: arrays(np.float64, (n, m), elements=elements))


some_points = st.sampled_from([2, 3]).flatmap(lambda m: points(m, eighths) | points(m, fine))


@settings(deadline=None)
@given(some_points)
def test_agrees_with_inclusion_and_exclusion(values):
    m = values.shape[1]
    result = hypervolume(values, unit_box(m))
    assert result.value == pytest.approx(volume(values.tolist(), [1.0] * m), abs=1e-9)
    inside = [point for point in values.tolist() if max(point) < 1]
    assert result.n_front == sum(front_mask(inside))
    assert result.n_points == len(values)
    assert result.n_beyond == sum(any(x >= 1 for x in point) for point in values.tolist())


@settings(deadline=None)
@given(points(2, fine, most=40))
def test_agrees_with_a_sweep_over_many_points(values):
    box = unit_box(2, (1.1, 1.2))
    expected = sweep_volume(values.tolist(), box.reference)
    assert hypervolume(values, box).value == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 6)] * 3), max_size=12))
def test_agrees_with_counting_cells_of_a_grid(cells):
    size = 5
    counted = sum(
        any(all(p <= c for p, c in zip(point, cell, strict=True)) for point in cells)
        for cell in product(range(size), repeat=3)
    )
    box = Box(tuple(Objective(f"o{i}", "min", 0.0, float(size)) for i in range(3)))
    assert hypervolume(cells, box).value * size**3 == pytest.approx(counted)


@settings(deadline=None)
@given(some_points, st.data())
def test_adding_a_point_never_lowers_it(values, data):
    m = values.shape[1]
    extra = data.draw(points(m, fine, most=1))
    more = hypervolume(np.concatenate([values, extra]), unit_box(m)).value
    assert more >= hypervolume(values, unit_box(m)).value - 1e-12


@settings(deadline=None)
@given(some_points)
def test_dominated_points_and_duplicates_add_nothing(values):
    m = values.shape[1]
    repeated = np.concatenate([values, values, values + 0.125])
    expected = hypervolume(values, unit_box(m)).value
    assert hypervolume(repeated, unit_box(m)).value == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(some_points, st.randoms(use_true_random=False))
def test_does_not_depend_on_the_order_of_rows(values, random):
    order = random.sample(range(len(values)), len(values))
    before, after = (hypervolume(v, unit_box(values.shape[1])) for v in (values, values[order]))
    assert after.value == pytest.approx(before.value, abs=1e-12)
    assert dataclasses.replace(after, value=before.value) == before


@settings(deadline=None)
@given(some_points, st.data())
def test_units_do_not_matter(values, data):
    m = values.shape[1]
    scale = np.array([data.draw(st.sampled_from([0.5, 2.0, 16.0, -0.25, -4.0])) for _ in range(m)])
    shift = np.array([data.draw(st.integers(-4, 4)) for _ in range(m)])
    objectives = tuple(
        Objective(f"o{i}", "min" if s > 0 else "max", float(b), float(s + b))
        for i, (s, b) in enumerate(zip(scale, shift, strict=True))
    )
    result = hypervolume(values * scale + shift, Box(objectives))
    assert result.value == pytest.approx(hypervolume(values, unit_box(m)).value, abs=1e-9)


@settings(deadline=None)
@given(points(2, fine), st.floats(0.5, 4.0))
def test_widening_an_axis_about_the_reference_point_scales_it(values, factor):
    # the volume below the reference point is proportional to the length of each axis
    stretched = 1 + (values - 1) * [factor, 1.0]
    expected = factor * hypervolume(values, unit_box(2)).value
    assert hypervolume(stretched, unit_box(2)).value == pytest.approx(expected, abs=1e-9)


# Two points in each case, worked out by hand: in normalised units (1/4, 1/2) and (3/4, 1/4),
# so 3/4 · 1/2 + 1/4 · 1/4 = 7/16.
@pytest.mark.parametrize(("first", "second"), list(product(["min", "max"], repeat=2)), ids="/".join)
def test_two_objectives_in_every_direction(first, second):
    axes = {
        ("a", "min"): (Objective("a", "min", 0.0, 4.0), [1.0, 3.0]),
        ("a", "max"): (Objective("a", "max", 4.0, 0.0), [3.0, 1.0]),
        ("b", "min"): (Objective("b", "min", -10.0, 10.0), [0.0, -5.0]),
        ("b", "max"): (Objective("b", "max", 10.0, -10.0), [0.0, 5.0]),
    }
    (one, xs), (two, ys) = axes["a", first], axes["b", second]
    result = hypervolume(np.column_stack([xs, ys]), Box((one, two)))
    assert result.value == pytest.approx(7 / 16)
    assert (result.n_points, result.n_front, result.n_beyond) == (2, 2, 0)


# (1/2, 1/2, 1/2) and (1/4, 3/4, 3/4): 1/8 + 3/4 · 1/4 · 1/4 − 1/2 · 1/4 · 1/4 = 9/64.
@pytest.mark.parametrize("directions", list(product(["min", "max"], repeat=3)), ids="/".join)
def test_three_objectives_in_every_direction(directions):
    values = np.array([[0.5, 0.5, 0.5], [0.25, 0.75, 0.75]])
    objectives = []
    for axis, direction in enumerate(directions):
        if direction == "max":
            values[:, axis] = 1 - values[:, axis]
        ideal = float(direction == "max")
        objectives.append(Objective(f"o{axis}", direction, ideal, 1 - ideal))
    assert hypervolume(values, Box(tuple(objectives))).value == pytest.approx(9 / 64)


def test_points_at_and_beyond_the_reference_point_are_counted_and_add_nothing():
    values = [[0.5, 0.5], [1.0, 0.0], [0.0, 1.0], [2.0, -3.0], [1.0, 1.0], [0.25, 0.9999]]
    result = hypervolume(values, unit_box(2))
    assert result.value == pytest.approx(0.25 + 0.25 * 0.0001)
    assert result.n_beyond == 4
    assert result.n_points == 6
    assert result.n_front == 2


@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("values", [[], [[1.0, 1.0, 1.0]], [[5.0, 0.0, 0.0]]])
def test_nothing_inside_the_box_is_0(m, values):
    result = hypervolume(np.array(values).reshape(-1, 3)[:, :m], unit_box(m))
    assert result.value == 0.0
    assert result.n_beyond == result.n_points == len(values)


@pytest.mark.parametrize("m", [2, 3])
def test_one_point(m):
    result = hypervolume([[0.25] * m], unit_box(m))
    assert result.value == pytest.approx(0.75**m)
    assert (result.n_points, result.n_front, result.n_beyond) == (1, 1, 0)


def test_the_ideal_scores_the_volume_of_the_box_and_better_points_more():
    assert hypervolume([[0.0, 0.0]], unit_box(2, (1.1, 1.5))).value == pytest.approx(1.65)
    assert hypervolume([[-1.0, 0.0]], unit_box(2)).value == pytest.approx(2.0)


def test_the_textbook_front():
    # (0, 10), (5, 5), (10, 0) against (11, 11): 11 + 6 · 5 + 5 = 46, in a box of 10 by 10
    objectives = (Objective("f", "min", 0.0, 10.0), Objective("g", "min", 0.0, 10.0))
    result = hypervolume([[0, 10], [5, 5], [10, 0]], Box(objectives, (1.1, 1.1)))
    assert result.value == pytest.approx(0.46)
    assert result.box.reference == (1.1, 1.1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad):
    with pytest.raises(InputError, match="o0 of row 1 is"):
        hypervolume([[0.0, 0.5], [bad, 0.5]], unit_box(2))


def test_the_input_is_not_changed():
    values = np.array([[0.5, 0.25], [0.25, 0.5], [3.0, 3.0]])
    values.flags.writeable = False
    before = values.copy()
    hypervolume(values, unit_box(2))
    assert (values == before).all()

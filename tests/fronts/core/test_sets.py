import numpy as np
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective
from pareto_explorer.fronts.core.checked import volume
from pareto_explorer.fronts.core.sets import family_sets, metric_units, normalised_front, signs
from tests.fronts.core.test_tables import BOX, row, table


def test_usable_rows_by_family_and_replicate_in_their_order():
    points = table(
        row("b", 1, 1, 0.7, 0.5, family="g"),
        row("a", 0, 2, 0.2, 0.8),
        row("b", 0, 1, np.nan, 0.5, family="g"),
        row("a", 0, 1, 0.1, 0.9),
        row("c", 3, 1, None, None, family="h", status="failed"),
    )
    found = family_sets(points, BOX)
    assert {
        family: {replicate: values.tolist() for replicate, values in sets.items()}
        for family, sets in found.items()
    } == {
        "f": {0: [[0.2, 0.8], [0.1, 0.9]], 1: [], 3: []},
        "g": {0: [], 1: [[0.7, 0.5]], 3: []},
        "h": {0: [], 1: [], 3: []},
    }
    assert all(values.shape[1] == 2 for sets in found.values() for values in sets.values())
    assert family_sets(table(), BOX) == {}


def test_the_order_of_many_rows_is_kept():
    rows = [row(f"t{i}", i % 2, 1, float(i), 0.5, family="fg"[i % 3 % 2]) for i in range(300)]
    for sets in family_sets(table(*rows), BOX).values():
        for values in sets.values():
            assert len(values) >= 50
            assert (np.diff(values[:, 0]) > 0).all()


def test_an_objective_that_was_not_measured_is_named():
    with pytest.raises(InputError, match="objective: 'gain' is not known"):
        family_sets(table(row("a", 0, 1, 0.5, 0.5)).drop(columns="gain"), BOX)


def test_units_there_and_back():
    box = Box((Objective("a", "min", 1.0, 5.0), Objective("b", "max", 3.0, -1.0)), (1.5, 1.0))
    values = np.array([[2.0, 1.0], [0.0, 4.0], [7.0, 0.0], [3.0, 0.0]])
    assert metric_units(box.normalise(values), box).tolist() == values.tolist()
    assert signs(box).tolist() == [1.0, -1.0]
    # beyond the box, or dominated inside it
    assert metric_units(normalised_front(values, box), box).tolist() == [[0.0, 4.0]]
    assert metric_units(normalised_front(np.add(values[2:], [0, 4]), box), box).tolist() == [
        [3.0, 4.0]
    ]
    assert normalised_front(np.array([[0.0, -1.0], [7.0, 5.0]]), box).shape == (0, 2)
    assert volume(box.normalise(values[:1]), (1.0, 1.0)) == 0.375
    assert volume(np.empty((0, 2)), (1.0, 1.0)) == 0.0

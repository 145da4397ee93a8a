import numpy as np
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.fronts.core.values import finite_matrix


def test_an_empty_list_is_a_matrix_without_rows():
    assert finite_matrix([]).shape == (0, 0)
    assert finite_matrix([], ["a", "b", "c"]).shape == (0, 3)
    assert finite_matrix(np.empty((0, 2)), ["a", "b"]).shape == (0, 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_named_with_row_and_column(bad):
    values = [[0.0, 1.0], [0.5, bad], [bad, bad]]
    with pytest.raises(InputError, match=r"retain_gap of row 1 is .*leave out the 2 rows"):
        finite_matrix(values, ["forget_gap", "retain_gap"])
    with pytest.raises(InputError, match="column 1 of row 1"):
        finite_matrix(values)


@pytest.mark.parametrize("values", [[1.0, 2.0], [[1.0]], [[1.0, 2.0, 3.0]], 3.0, [[]]])
def test_another_shape_is_refused(values):
    with pytest.raises(InputError, match=r"shape .* \(n, 2\) needed"):
        finite_matrix(values, ["a", "b"])

import pytest

from pareto_explorer.unlearning.core.knobs import whole_above_zero, whole_number


@pytest.mark.parametrize("value", [1, 2, 10**6])
def test_whole_numbers_above_zero_are_good(value):
    assert whole_number(value) is None
    assert whole_above_zero(value) is None


def test_zero_is_a_whole_number_but_not_above_zero():
    assert whole_number(0) is None
    assert whole_above_zero(0) == "a whole number above 0"


@pytest.mark.parametrize("value", [-1, 1.0, 0.5, True, "1", None, float("nan"), [1]])
def test_everything_else_is_not(value):
    assert whole_number(value) == "a whole number of at least 0"
    assert whole_above_zero(value) == "a whole number above 0"

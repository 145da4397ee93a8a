import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.fronts.statistics.resampling import Interval, interval, intervals
from tests.fronts.twins_statistics import bca

numbers = st.integers(-1000, 1000).map(lambda k: k / 1000)
pytestmark = pytest.mark.filterwarnings("error")


def test_one_value_is_all_that_is_known():
    found = interval([0.25])
    assert found == Interval(0.25, 0.25, "single", 0.95, 1)
    assert found.words() == "one replicate"


@given(st.lists(numbers, min_size=2, max_size=4))
def test_few_values_give_their_range(values):
    found = interval(values)
    assert tuple(found) == (min(values), max(values))
    assert (found.kind, found.n) == ("range", len(values))
    assert found.words() == f"range over {len(values)} replicates"


def test_from_five_values_on_it_is_a_bootstrap_interval():
    assert interval([0.1, 0.2, 0.3, 0.4]).kind == "range"
    found = interval([0.1, 0.2, 0.3, 0.4, 0.5])
    assert (found.kind, found.n) == ("bootstrap", 5)
    assert 0.1 < found.low < 0.3 < found.high < 0.5
    assert found.words() == "95 % bootstrap interval"
    assert interval([0.1, 0.2, 0.3, 0.4, 0.5], level=0.9).words() == "90 % bootstrap interval"


@settings(deadline=None, max_examples=15)
@given(st.lists(numbers, min_size=5, max_size=9), st.sampled_from([0.8, 0.95]), st.integers(0, 9))
def test_agrees_with_the_definition_on_the_same_resamples(values, level, seed):
    assume(max(values) - min(values) > 0.01)
    draws = np.random.default_rng(seed).integers(0, len(values), (2000, len(values)))
    expected = bca(values, draws.tolist(), level)
    assert tuple(interval(values, level=level, seed=seed)) == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.lists(numbers, min_size=5, max_size=12), numbers, st.floats(0.1, 10))
def test_properties(values, shift, scale):
    low, high = found = interval(values)
    assert min(values) <= low <= high <= max(values)
    assert interval(values) == found
    assume(max(values) - min(values) > 0.01)
    moved = interval([scale * x + shift for x in values])
    assert tuple(moved) == pytest.approx((scale * low + shift, scale * high + shift), abs=2e-2)
    narrow = interval(values, level=0.5)
    assert low - 1e-12 <= narrow.low <= narrow.high <= high + 1e-12


def test_an_outlier_bends_the_interval_towards_itself():
    values = [0.5, 0.5, 0.5, 0.5, 0.5, 0.9]
    low, high = interval(values)
    mean = sum(values) / 6
    assert high - mean > 2 * (mean - low)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.7, 1e9])
def test_values_that_are_all_equal_give_that_value(value):
    assert tuple(interval([value] * 7)) == (value, value)
    rounding = [value, np.nextafter(value, np.inf)] * 3
    low, high = interval(rounding)
    assert min(rounding) <= low <= high <= max(rounding)


def test_many_rows_give_what_each_gives_alone():
    rows = np.random.default_rng(1).normal(size=(700, 8))  # more than one batch of resamples
    rows[3] = 0.25
    together = intervals(rows)
    assert [together[i] for i in (0, 3, 699)] == [interval(rows[i]) for i in (0, 3, 699)]
    assert intervals(np.empty((0, 8))) == intervals([]) == []


def test_how_often_it_holds_the_true_mean_is_as_documented():
    rng = np.random.default_rng(0)
    for n, share in ((5, 0.84), (10, 0.90), (20, 0.93)):
        # rows share their resamples, so some seeds are needed
        found = [i for seed in range(30) for i in intervals(rng.normal(size=(100, n)), seed=seed)]
        assert np.mean([low <= 0 <= high for low, high in found]) == pytest.approx(share, abs=0.02)


def test_it_unpacks_like_a_pair():
    found = interval([0.25, 0.75])
    low, high = found
    assert (low, high) == (found[0], found[1]) == (found.low, found.high) == (0.25, 0.75)
    assert len(found) == 2
    assert Interval(0.0, 1.0, "range").words() == "range over the replicates"


@pytest.mark.parametrize("bad", [[], [0.1, np.nan], [[0.1, 0.2]], [np.inf] * 5])
def test_what_is_no_row_of_numbers_is_refused(bad):
    with pytest.raises(InputError, match="values"):
        interval(bad)


@pytest.mark.parametrize("level", [0, 1, 95, np.nan])
def test_a_level_is_between_0_and_1(level):
    with pytest.raises(InputError, match="level"):
        interval([0.1, 0.2], level=level)


def test_the_values_are_not_changed():
    rows = np.array([[0.1, 0.5, 0.2, 0.4, 0.3], [1.0] * 5])
    rows.flags.writeable = False
    before = rows.copy()
    intervals(rows)
    assert (rows == before).all()

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.fronts import family_hypervolumes
from pareto_explorer.fronts.statistics.expected import expected_hypervolume
from tests.fronts.statistics.test_half_samples import box, random_family, table
from tests.fronts.twins_draws import expected_exactly, quantile, volume_of

COLUMNS = ["family", "replicate", "configurations", "mean", "low", "high"]


@pytest.mark.parametrize(("n", "m"), [(1, 2), (2, 2), (6, 2), (5, 3)])
def test_every_subset_counts_where_there_are_few(n, m):
    drawn = random_family(np.random.default_rng(n), n, m)
    found = expected_hypervolume(table({"f": drawn}, m), box(m))
    assert list(found) == COLUMNS
    assert found["configurations"].tolist() == [*range(1, n + 1)] * 2
    for row in found.itertuples():
        volumes = [
            volume_of(drawn, row.replicate, chosen, (1.0,) * m)
            for chosen in combinations(range(n), row.configurations)
        ]
        assert row.mean == pytest.approx(np.mean(volumes))
        assert (row.low, row.high) == pytest.approx(
            (quantile(volumes, 0.1), quantile(volumes, 0.9))
        )


tenths = st.integers(0, 11).map(lambda k: k / 10)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.tuples(tenths, tenths), min_size=1, max_size=3), min_size=1, max_size=7)
)
def test_the_mean_has_a_closed_form(drawn):
    found = expected_hypervolume(table({"f": {0: drawn}}), box())
    expected = [expected_exactly(drawn, k, (1.0, 1.0), 10) for k in found["configurations"]]
    assert found["mean"].tolist() == pytest.approx(expected, abs=1e-12)


def test_many_configurations_are_drawn_at_random():
    drawn = (np.random.default_rng(0).integers(0, 12, (40, 1, 2)) / 10).tolist()
    points = table({"f": {0: drawn}})
    found = expected_hypervolume(points, box())
    sizes = found["configurations"].tolist()
    assert (sizes[0], sizes[-1]) == (1, 40)
    assert len(sizes) <= 20
    assert found["mean"].is_monotonic_increasing
    assert (found["low"] <= found["mean"]).all()
    assert (found["mean"] <= found["high"]).all()
    exact = np.array([expected_exactly(drawn, k, (1.0, 1.0), 10) for k in sizes])
    assert found["mean"].to_numpy() == pytest.approx(exact, abs=0.03)
    assert not found["mean"].equals(expected_hypervolume(points, box(), seed=1)["mean"])
    assert found.equals(expected_hypervolume(points, box()))


def test_all_configurations_reach_the_hypervolume():
    rng = np.random.default_rng(5)
    points = table({"a": random_family(rng, 3), "b": random_family(rng, 15, replicates=3)})
    points.loc[points["trial_id"] == "a-002", "status"] = "failed"
    volumes = family_hypervolumes(points, box())
    last = expected_hypervolume(points, box()).groupby(["family", "replicate"]).last()
    assert last["configurations"].tolist() == [3, 3, 15, 15, 15]
    for (family, replicate), row in last.iterrows():
        expected = volumes[family].per_replicate[replicate]
        assert row[["mean", "low", "high"]].tolist() == pytest.approx([expected] * 3)


def test_a_table_without_rows():
    assert list(expected_hypervolume(table({"f": {0: [[(0.1, 0.1)]]}}).iloc[:0], box())) == COLUMNS
